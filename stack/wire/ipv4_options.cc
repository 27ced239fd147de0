#include "stack/wire/ipv4_options.hh"

#include <algorithm>

#include "stack/wire/ipv4_options_compiler.hh"

namespace lxnet {
namespace {

constexpr size_t kLength = 1, kPointer = 2, kFirstEntry = 3;
constexpr uint8_t kAddressSize = 4, kTimeSize = 4;

void put_u32(uint8_t* at, uint32_t value) {
  const Be32 wire(value);
  memcpy(at, &wire, sizeof(wire));
}

Ipv4Address address_at(const uint8_t* at) { return Ipv4Address(at[0], at[1], at[2], at[3]); }

// The slot of `size` bytes that ends `behind` bytes before the pointer, which counts from 1.
uint8_t* slot_before_pointer(uint8_t* option, uint8_t behind) { return option + option[kPointer] - 1 - behind; }

}  // namespace

Result<Ipv4Options> Ipv4Options::from_packet(ByteSpan options, uint8_t& bad_position) {
  ASSERT(options.size() <= kMaxSize && options.size() % 4 == 0);
  Ipv4Options compiled;
  compiled.size_ = static_cast<uint8_t>(copy_bytes(compiled.data_, options));
  Ipv4OptionsCompiler compiler(compiled, Ipv4OptionsCompiler::Origin::Packet);
  if (!compiler.run().is_ok()) {
    bad_position = compiler.bad_position();
    return Errno::EINVAL;
  }
  return compiled;
}

Result<Ipv4Options> Ipv4Options::from_recorded(ByteSpan options) {
  ASSERT(options.size() <= kMaxSize && options.size() % 4 == 0);
  Ipv4Options compiled;
  compiled.size_ = static_cast<uint8_t>(copy_bytes(compiled.data_, options));
  Ipv4OptionsCompiler compiler(compiled, Ipv4OptionsCompiler::Origin::Recorded);
  TRY(compiler.run());
  return compiled;
}

Result<Ipv4Options> Ipv4Options::from_user(ByteSpan options, Ipv4OptionsPrivilege privilege) {
  if (options.size() > kMaxSize) return Errno::EINVAL;
  Ipv4Options compiled;
  compiled.size_ = static_cast<uint8_t>(copy_bytes(compiled.data_, options));
  compiled.pad();
  using Origin = Ipv4OptionsCompiler::Origin;
  Ipv4OptionsCompiler compiler(compiled, privilege == Ipv4OptionsPrivilege::Ordinary ? Origin::User : Origin::PrivilegedUser);
  TRY(compiler.run());
  return compiled;
}

std::optional<Ipv4Address> Ipv4Options::prespecified_address() const {
  if (!is_prespecified_ || !stamps_time_) return std::nullopt;
  const uint8_t* option = at(timestamp_);
  return address_at(option + option[kPointer] - 1 - kTimeSize - kAddressSize);
}

void Ipv4Options::skip_timestamp() {
  ASSERT(is_prespecified_ && stamps_time_);
  uint8_t* option = at(timestamp_);
  option[kPointer] = static_cast<uint8_t>(option[kPointer] - kAddressSize - kTimeSize);
  stamps_time_ = false;
}

void Ipv4Options::record(Ipv4Address own, uint32_t milliseconds_since_midnight) {
  record_departure(own);
  if (stamps_address_) put_u32(slot_before_pointer(at(timestamp_), kAddressSize + kTimeSize), own.value());
  if (stamps_time_) put_u32(slot_before_pointer(at(timestamp_), kTimeSize), milliseconds_since_midnight);
}

void Ipv4Options::record_departure(Ipv4Address own) {
  if (records_address_) put_u32(slot_before_pointer(at(record_route_), kAddressSize), own.value());
}

void Ipv4Options::finish_source_route(Ipv4Address destination) {
  if (!has_source_route()) return;
  uint8_t* option = at(source_route_);
  if (option[kLength] >= kFirstEntry + kAddressSize) put_u32(option + option[kLength] - kAddressSize, destination.value());
}

Result<std::optional<Ipv4Address>> Ipv4Options::next_hop(uint8_t skipped) const {
  if (!has_source_route()) return std::optional<Ipv4Address>();
  const uint8_t* option = at(source_route_);
  const size_t pointer = option[kPointer] + size_t{skipped} * kAddressSize;
  if (pointer > option[kLength]) return std::optional<Ipv4Address>();
  if (pointer + kAddressSize - 1 > option[kLength]) return Errno::EINVAL;
  return std::optional<Ipv4Address>(address_at(option + pointer - 1));
}

void Ipv4Options::advance_source_route(Ipv4Address hop, Ipv4Address own) {
  if (!has_source_route()) return;
  uint8_t* option = at(source_route_);
  for (size_t pointer = option[kPointer]; pointer + kAddressSize - 1 <= option[kLength]; pointer += kAddressSize) {
    if (address_at(option + pointer - 1) != hop) continue;
    put_u32(option + pointer - 1, own.value());
    option[kPointer] = static_cast<uint8_t>(pointer + kAddressSize);
    return;
  }
}

void Ipv4Options::keep_for_fragments() {
  uint8_t* option = data_;
  for (uint8_t* const end = data_ + size_; option < end;) {
    const Ipv4OptionKind kind{option[0]};
    if (kind == Ipv4OptionKind::EndOfList) break;
    const size_t length = kind == Ipv4OptionKind::NoOperation ? 1 : option[kLength];
    if (!is_copied_on_fragmentation(kind)) memset(option, static_cast<int>(Ipv4OptionKind::NoOperation), length);
    option += length;
  }
  record_route_ = timestamp_ = 0;
  records_address_ = stamps_address_ = stamps_time_ = is_prespecified_ = false;
}

Ipv4Options Ipv4Options::as_set_by_user() const {
  Ipv4Options original = *this;
  if (has_source_route()) {
    uint8_t* option = original.at(source_route_);
    memmove(option + 7, option + 3, option[kLength] - 7u);
    put_u32(option + 3, first_hop_.value());
  }
  if (records_address_) {
    uint8_t* option = original.at(record_route_);
    put_u32(slot_before_pointer(option, kAddressSize), 0);
    option[kPointer] = static_cast<uint8_t>(option[kPointer] - kAddressSize);
  }
  if (stamps_time_) {
    uint8_t* option = original.at(timestamp_);
    put_u32(slot_before_pointer(option, kTimeSize), 0);
    option[kPointer] = static_cast<uint8_t>(option[kPointer] - kTimeSize);
    if (stamps_address_) put_u32(slot_before_pointer(option, kAddressSize), 0);
    if (stamps_address_ || is_prespecified_) option[kPointer] = static_cast<uint8_t>(option[kPointer] - kAddressSize);
  }
  return original;
}

Result<Ipv4Options> Ipv4Options::make_reply(Ipv4Address source) const {
  Ipv4Options reply;
  if (has_record_route()) TRY(reply.reply_with_record_route(*this));
  if (has_timestamp()) TRY(reply.reply_with_timestamp(*this));
  if (has_source_route()) reply.reply_with_source_route(*this, source);
  reply.pad();
  return reply;
}

uint8_t* Ipv4Options::append(ByteSpan option) {
  uint8_t* place = data_ + size_;
  size_ = static_cast<uint8_t>(size_ + copy_bytes(MutableByteSpan(data_).subspan(size_), option));
  return place;
}

void Ipv4Options::pad() {
  while (size_ % 4 != 0) data_[size_++] = static_cast<uint8_t>(Ipv4OptionKind::EndOfList);
}

Result<> Ipv4Options::reply_with_record_route(const Ipv4Options& received) {
  const uint8_t* from = received.at(received.record_route_);
  record_route_ = static_cast<uint8_t>(sizeof(Ipv4Header) + size_);
  uint8_t* option = append(ByteSpan(from, from[kLength]));
  if (!received.records_address_ || option[kPointer] > option[kLength]) return ok();
  if (option[kPointer] + kAddressSize - 1 > option[kLength]) return Errno::EINVAL;
  option[kPointer] = static_cast<uint8_t>(option[kPointer] + kAddressSize);
  records_address_ = true;
  return ok();
}

Result<> Ipv4Options::reply_with_timestamp(const Ipv4Options& received) {
  const uint8_t* from = received.at(received.timestamp_);
  timestamp_ = static_cast<uint8_t>(sizeof(Ipv4Header) + size_);
  uint8_t* option = append(ByteSpan(from, from[kLength]));
  if (!received.stamps_time_ || option[kPointer] > option[kLength]) return ok();
  const uint8_t entry_size = received.stamps_address_ || received.is_prespecified_ ? kAddressSize + kTimeSize : kTimeSize;
  if (option[kPointer] + entry_size - 1 > option[kLength]) {
    // A prespecified list may end with less than an entry; then there is nothing more to stamp.
    if (received.is_prespecified_ && option[kPointer] + kTimeSize - 1 <= option[kLength]) return ok();
    return Errno::EINVAL;
  }
  option[kPointer] = static_cast<uint8_t>(option[kPointer] + entry_size);
  stamps_time_ = true;
  stamps_address_ = received.stamps_address_;
  is_prespecified_ = received.is_prespecified_;
  return ok();
}

void Ipv4Options::reply_with_source_route(const Ipv4Options& received, Ipv4Address source) {
  const uint8_t* from = received.at(received.source_route_);
  // The hops that were passed stand before the pointer; the last of them is the first on the way back.
  size_t hops = 0;
  const size_t used_end = std::min<size_t>(from[kPointer] - 1u, from[kLength]);
  if (used_end > kFirstEntry) hops = (used_end - kFirstEntry) / kAddressSize;
  if (hops == 0) return;
  const auto passed = [&](size_t index) { return address_at(from + used_end - (hops - index) * kAddressSize); };
  first_hop_ = passed(hops - 1);
  // RFC 1812 4.3.2.6: a route that began with the sender itself is mended. One slot stays for the final destination.
  const size_t slots = passed(0) == source ? hops - 1 : hops;
  if (slots == 0) return;
  source_route_ = static_cast<uint8_t>(sizeof(Ipv4Header) + size_);
  is_strict_route_ = received.is_strict_route_;
  uint8_t* option = append(ByteSpan(from, kFirstEntry + slots * kAddressSize));
  option[kLength] = static_cast<uint8_t>(kFirstEntry + slots * kAddressSize);
  option[kPointer] = kFirstEntry + 1;
  memset(option + kFirstEntry, 0, slots * kAddressSize);
  for (size_t i = 0; i + 1 < slots; ++i) put_u32(option + kFirstEntry + i * kAddressSize, passed(hops - 2 - i).value());
}

}  // namespace lxnet
