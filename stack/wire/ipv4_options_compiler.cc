#include "stack/wire/ipv4_options_compiler.hh"

namespace lxnet {
namespace {

// Where things stand in an option. A pointer counts from 1, so that byte option[pointer - 1] is the next free one.
constexpr size_t kLength = 1, kPointer = 2, kFlags = 3;
constexpr uint8_t kAddressSize = 4, kTimeSize = 4;
constexpr uint8_t kFirstRoutePointer = 4, kFirstTimestampPointer = 5;
constexpr uint8_t kFlagMask = 0x0f, kOverflowShift = 4, kMaxOverflow = 15;

Ipv4TimestampFlag timestamp_flag(const uint8_t* option) {
  return Ipv4TimestampFlag{static_cast<uint8_t>(option[kFlags] & kFlagMask)};
}

// 0: a flag nobody knows, whose list is left as it is.
uint8_t timestamp_entry_size(Ipv4TimestampFlag flag) {
  switch (flag) {
    case Ipv4TimestampFlag::TimeOnly:
      return kTimeSize;
    case Ipv4TimestampFlag::AddressAndTime:
    case Ipv4TimestampFlag::Prespecified:
      return kAddressSize + kTimeSize;
  }
  return 0;
}

// Whether the pointer stands behind an entry of the list, and so behind this host's if it was recorded.
bool is_behind_entry(const uint8_t* option, uint8_t first_pointer, uint8_t entry_size) {
  return option[kPointer] >= first_pointer + entry_size && option[kPointer] <= option[kLength] + 1;
}

}  // namespace

uint8_t Ipv4OptionsCompiler::position_of(const uint8_t* byte) const {
  return static_cast<uint8_t>(byte - options_.data_ + static_cast<ptrdiff_t>(sizeof(Ipv4Header)));
}

Result<> Ipv4OptionsCompiler::blame(const uint8_t* byte) {
  bad_position_ = position_of(byte);
  return Errno::EINVAL;
}

Result<> Ipv4OptionsCompiler::run() {
  size_t left = options_.size_;
  for (uint8_t* option = options_.data_; left > 0;) {
    const Ipv4OptionKind kind{option[0]};
    if (kind == Ipv4OptionKind::EndOfList) {
      memset(option, 0, left);  // nothing is forwarded that nobody has checked
      break;
    }
    if (kind == Ipv4OptionKind::NoOperation) {
      ++option;
      --left;
      continue;
    }
    if (left < 2 || option[kLength] < 2 || option[kLength] > left) return blame(option);
    TRY(compile(option));
    left -= option[kLength];
    option += option[kLength];
  }
  return ok();
}

Result<> Ipv4OptionsCompiler::compile(uint8_t* option) {
  switch (Ipv4OptionKind{option[0]}) {
    case Ipv4OptionKind::LooseSourceRoute:
    case Ipv4OptionKind::StrictSourceRoute:
      return source_route(option);
    case Ipv4OptionKind::RecordRoute:
      return record_route(option);
    case Ipv4OptionKind::Timestamp:
      return timestamp(option);
    case Ipv4OptionKind::RouterAlert:
      return router_alert(option);
    case Ipv4OptionKind::CommercialSecurity:
      return commercial_security(option);
    default:
      if (origin_ == Origin::User) return blame(option);
      return ok();
  }
}

Result<> Ipv4OptionsCompiler::source_route(uint8_t* option) {
  const uint8_t length = option[kLength];
  if (length < 3) return blame(option + kLength);
  if (option[kPointer] < kFirstRoutePointer) return blame(option + kPointer);
  if (options_.source_route_ != 0) return blame(option);  // RFC 1812, 5.2.4.1
  if (is_from_user()) {
    if (option[kPointer] != kFirstRoutePointer || length < 7 || (length - 3) % kAddressSize != 0) return blame(option + kLength);
    options_.first_hop_ = Ipv4Address(option[3], option[4], option[5], option[6]);
    memmove(option + 3, option + 7, length - 7u);
  }
  options_.is_strict_route_ = Ipv4OptionKind{option[0]} == Ipv4OptionKind::StrictSourceRoute;
  options_.source_route_ = position_of(option);
  return ok();
}

Result<> Ipv4OptionsCompiler::record_route(uint8_t* option) {
  const uint8_t length = option[kLength];
  if (options_.record_route_ != 0) return blame(option);
  if (length < 3) return blame(option + kLength);
  if (option[kPointer] < kFirstRoutePointer) return blame(option + kPointer);
  if (origin_ == Origin::Recorded) {
    options_.records_address_ = is_behind_entry(option, kFirstRoutePointer, kAddressSize);
  } else if (option[kPointer] <= length) {
    if (option[kPointer] + kAddressSize - 1 > length) return blame(option + kPointer);
    option[kPointer] = static_cast<uint8_t>(option[kPointer] + kAddressSize);
    options_.records_address_ = true;
  }
  options_.record_route_ = position_of(option);
  return ok();
}

Result<> Ipv4OptionsCompiler::timestamp(uint8_t* option) {
  const uint8_t length = option[kLength];
  if (options_.timestamp_ != 0) return blame(option);
  if (length < 4) return blame(option + kLength);
  if (option[kPointer] < kFirstTimestampPointer) return blame(option + kPointer);
  if (origin_ == Origin::Recorded) {
    find_timestamp(option);
  } else if (option[kPointer] <= length) {
    TRY(reserve_timestamp(option));
  } else if (timestamp_flag(option) != Ipv4TimestampFlag::Prespecified) {
    const uint8_t overflow = option[kFlags] >> kOverflowShift;  // hosts that found no room
    if (overflow == kMaxOverflow) return blame(option + kFlags);
    if (!is_from_user()) option[kFlags] = static_cast<uint8_t>((option[kFlags] & kFlagMask) | (overflow + 1) << kOverflowShift);
  }
  options_.timestamp_ = position_of(option);
  return ok();
}

Result<> Ipv4OptionsCompiler::reserve_timestamp(uint8_t* option) {
  const uint8_t length = option[kLength], pointer = option[kPointer];
  if (pointer + kTimeSize - 1 > length) return blame(option + kPointer);
  const Ipv4TimestampFlag flag = timestamp_flag(option);
  const uint8_t entry_size = timestamp_entry_size(flag);
  if (entry_size == 0) {
    if (origin_ == Origin::User) return blame(option + kFlags);
    return ok();
  }
  if (pointer + entry_size - 1 > length) return blame(option + kPointer);
  option[kPointer] = static_cast<uint8_t>(pointer + entry_size);
  options_.stamps_time_ = true;
  options_.stamps_address_ = flag == Ipv4TimestampFlag::AddressAndTime;
  options_.is_prespecified_ = flag == Ipv4TimestampFlag::Prespecified;
  return ok();
}

void Ipv4OptionsCompiler::find_timestamp(const uint8_t* option) {
  const Ipv4TimestampFlag flag = timestamp_flag(option);
  const uint8_t entry_size = timestamp_entry_size(flag);
  if (entry_size == 0 || !is_behind_entry(option, kFirstTimestampPointer, entry_size)) return;
  options_.stamps_time_ = true;
  options_.stamps_address_ = flag == Ipv4TimestampFlag::AddressAndTime;
  options_.is_prespecified_ = flag == Ipv4TimestampFlag::Prespecified;
}

Result<> Ipv4OptionsCompiler::router_alert(uint8_t* option) {
  if (option[kLength] < 4) return blame(option + kLength);
  // Other values are reserved, and the option is then ignored (RFC 2113).
  if (option[2] == 0 && option[3] == 0) options_.router_alert_ = position_of(option);
  return ok();
}

// A label of a domain this host does not know: the domain number is to blame, if there is one.
Result<> Ipv4OptionsCompiler::commercial_security(uint8_t* option) {
  if (origin_ == Origin::User) return blame(option);
  return blame(option + (option[kLength] < 8 ? 1 : 2));
}

}  // namespace lxnet
