#include "stack/nft/expression_payload.hh"

#include "base/checksum.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet {
namespace {

// The Internet checksum after some of what it covers has changed (RFC 1624). Zero would say that there is none.
uint16_t replaced(uint16_t field, ByteSpan from, ByteSpan to) {
  InternetChecksum old_sum, new_sum;
  old_sum.add(from);
  new_sum.add(to);
  InternetChecksum sum(static_cast<uint16_t>(~field));
  sum.add_u16(static_cast<uint16_t>(~old_sum.sum()));
  sum.add_u16(new_sum.sum());
  const uint16_t result = sum.finish();
  return result == 0 ? uint16_t{0xffff} : result;
}
// Of a sum that is not complemented: what a checksum that is still to be completed begins with.
uint16_t moved(uint16_t field, ByteSpan from, ByteSpan to) {
  InternetChecksum old_sum, new_sum;
  old_sum.add(from);
  new_sum.add(to);
  InternetChecksum sum(field);
  sum.add_u16(static_cast<uint16_t>(~old_sum.sum()));
  sum.add_u16(new_sum.sum());
  return sum.sum();
}

// From where an offset counts; below zero in front of the IP header. False: there is no such header.
bool find_base(const NftPacket& packet, NftBase base, int64_t& at) {
  const Packet& bytes = packet.packet();
  switch (base) {
    case NftBase::Link: {
      const uint8_t* link = bytes.link_header();
      if (link == nullptr || packet.seen.input == nullptr) return false;
      at = link - bytes.linear().data();
      return at < 0 && static_cast<size_t>(-at) <= bytes.headroom();
    }
    case NftBase::Network:
      at = 0;
      return true;
    case NftBase::Transport:
      at = packet.transport_offset;
      return packet.has_whole_transport();
    case NftBase::Inner:
      break;
  }
  if (!packet.has_whole_transport()) return false;
  at = packet.transport_offset;
  switch (IpProtocol{packet.protocol}) {
    case IpProtocol::Udp:
      at += 8;
      return true;
    case IpProtocol::Tcp: {
      uint8_t offset = 0;
      if (!packet.read(packet.transport_offset + 12, &offset, 1)) return false;
      at += (offset >> 4) * 4;
      return true;
    }
    case IpProtocol::Gre: {
      uint8_t flags[2];
      if (!packet.read(packet.transport_offset, flags, sizeof flags) || (flags[1] & 7) != 0 || (flags[0] & 0x40) != 0)
        return false;
      at += 4 + ((flags[0] & 0x80) != 0 ? 4 : 0) + ((flags[0] & 0x20) != 0 ? 4 : 0) + ((flags[0] & 0x10) != 0 ? 4 : 0);
      return true;
    }
    case IpProtocol::Ipv4:
      return true;
    default:
      return false;
  }
}

bool read_at(const NftPacket& packet, int64_t at, uint8_t* to, size_t size) {
  if (at >= 0) return packet.read(static_cast<size_t>(at), to, size);
  const size_t before = static_cast<size_t>(-at);
  const size_t part = before < size ? before : size;
  memcpy(to, packet.packet().linear().data() + at, part);
  return part == size || packet.read(0, to + part, size - part);
}

}  // namespace

void evaluate_payload(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftPayload>(self);
  registers.pad(own.to, own.size);
  int64_t at = 0;
  if (!find_base(packet, own.base, at) || !read_at(packet, at + own.offset, registers.bytes(own.to), own.size)) {
    registers.break_rule();
  }
}

namespace {

// Where the transport's checksum stands. False: it has none, or it covers no addresses.
bool find_transport_checksum(const NftPacket& packet, size_t& at) {
  if (packet.fragment_offset != 0) return false;
  at = packet.transport_offset;
  switch (IpProtocol{packet.protocol}) {
    case IpProtocol::Tcp:
      at += 16;
      return true;
    case IpProtocol::Udp: {
      uint16_t checksum = 0;
      at += 6;
      return packet.read(at, &checksum, sizeof checksum) && checksum != 0;
    }
    case IpProtocol::UdpLite:
      at += 6;
      return true;
    case IpProtocol::Icmpv6:
      at += 2;
      return true;
    default:
      return false;
  }
}

bool update_field(const NftPacket& packet, size_t at, ByteSpan from, ByteSpan to,
                  uint16_t (*change)(uint16_t, ByteSpan, ByteSpan)) {
  uint8_t* bytes = packet.writable(at + 2);
  if (bytes == nullptr) return false;
  Be16 field;
  memcpy(&field, bytes + at, sizeof field);
  field.set(change(field.get(), from, to));
  memcpy(bytes + at, &field, sizeof field);
  return true;
}

// What covers the bytes that are about to change.
bool update_checksums(const NftPacket& packet, const NftPayloadSet& own, int64_t base, ByteSpan from, ByteSpan to) {
  const bool is_partial = packet.packet().checksum == ChecksumState::Partial;
  if ((own.base == NftBase::Transport || own.base == NftBase::Inner) && is_partial) return true;
  if (own.checksum == NftChecksum::Internet) {
    const int64_t field = base + own.checksum_offset;
    if (field < 0 || !update_field(packet, static_cast<size_t>(field), from, to, &replaced)) return false;
  }
  size_t field = 0;
  if (!own.has_pseudo_header || !find_transport_checksum(packet, field)) return true;
  return update_field(packet, field, from, to, is_partial ? &moved : &replaced);
}

}  // namespace

void evaluate_payload_set(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftPayloadSet>(self);
  int64_t base = 0;
  // What stands before the IP header is the device's.
  if (!find_base(packet, own.base, base) || base < 0) return registers.break_rule();
  const int64_t at = base + own.offset;
  const size_t end = static_cast<size_t>(at) + own.size;
  uint8_t old[kNftDataSize];
  const ByteSpan value(registers.bytes(own.from), own.size);
  if (end > packet.packet().size() || !packet.read(static_cast<size_t>(at), old, own.size)) return registers.break_rule();
  if ((own.checksum == NftChecksum::Internet || own.has_pseudo_header) &&
      !update_checksums(packet, own, base, ByteSpan(old, own.size), value)) {
    return registers.break_rule();
  }
  uint8_t* bytes = packet.writable(end);
  if (bytes == nullptr) return registers.break_rule();
  memcpy(bytes + at, value.data(), value.size());
  if (own.base == NftBase::Network) packet.header_changed();
}

}  // namespace lxnet
