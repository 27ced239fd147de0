// exthdr: IPv6's extension headers, options of IPv4 and TCP, chunks of SCTP.
#include "base/checksum.hh"
#include "stack/nft/expression_payload.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet {
namespace {

constexpr uint8_t kPresent = 1;  // NFT_EXTHDR_F_PRESENT

// What is asked is whether it is there, or some bytes of it.
void give(const NftHeaderOption& own, NftRegisters& registers, const NftPacket& packet, bool is_there, size_t at) {
  if ((own.flags & kPresent) != 0) return registers.set8(own.to, is_there ? 1 : 0);
  registers.pad(own.to, own.size);
  if (!is_there || !packet.read(at + own.offset, registers.bytes(own.to), own.size)) registers.break_rule();
}

}  // namespace

void evaluate_ipv6_header(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftHeaderOption>(self);
  if (packet.seen.family != IpFamily::V6) return registers.break_rule();
  uint32_t at = 0;
  uint16_t fragment = 0;
  const bool is_there = find_ipv6_header(packet.packet(), own.type, at, fragment) >= 0;
  give(own, registers, packet, is_there, at);
}

// Loose and strict source routes, record route, router alert: what Linux reads of options.
void evaluate_ipv4_option(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  constexpr uint8_t kEnd = 0, kNoOperation = 1;
  const auto& own = nft_cast<NftHeaderOption>(self);
  if (packet.seen.family != IpFamily::V4) return registers.break_rule();
  uint8_t options[40];
  const size_t size = packet.transport_offset - 20;
  if (packet.transport_offset < 20 || size > sizeof options || !packet.read(20, options, size)) {
    return give(own, registers, packet, false, 0);
  }
  for (size_t at = 0; at < size && options[at] != kEnd;) {
    if (options[at] == own.type) return give(own, registers, packet, true, 20 + at);
    const size_t step = options[at] == kNoOperation ? 1 : at + 1 < size ? options[at + 1] : 0;
    if (step == 0 || (options[at] != kNoOperation && step < 2)) break;
    at += step;
  }
  give(own, registers, packet, false, 0);
}

namespace {

constexpr uint8_t kMaximumSegment = 2;

struct TcpOptions {
  uint8_t header[60];
  size_t size = 0;
};

bool read_tcp(const NftPacket& packet, TcpOptions& tcp) {
  if (IpProtocol{packet.protocol} != IpProtocol::Tcp || !packet.has_whole_transport()) return false;
  if (!packet.read(packet.transport_offset, tcp.header, 20)) return false;
  tcp.size = static_cast<size_t>(tcp.header[12] >> 4) * 4;
  return tcp.size >= 20 && packet.read(packet.transport_offset, tcp.header, tcp.size);
}

size_t step_at(const uint8_t* options, size_t at) { return options[at] <= 1 || options[at + 1] == 0 ? 1 : options[at + 1]; }

// Where the option stands in the header. False: it is not there.
bool find_tcp_option(const TcpOptions& tcp, uint8_t type, size_t& at, size_t& size) {
  for (at = 20; at + 1 < tcp.size; at += size) {
    size = step_at(tcp.header, at);
    if (tcp.header[at] == type) return true;
  }
  return false;
}

// In the packet and in its checksum, which a sum that is still to be completed does not cover yet.
void write_tcp(const NftPacket& packet, uint8_t* header, size_t at, ByteSpan value) {
  uint8_t old[40];
  memcpy(old, header + at, value.size());
  memcpy(header + at, value.data(), value.size());
  if (packet.packet().checksum == ChecksumState::Partial) return;
  InternetChecksum before, after;
  const uint8_t zero = 0;
  if (at % 2 != 0) before.add(ByteSpan(&zero, 1)), after.add(ByteSpan(&zero, 1));
  before.add(ByteSpan(old, value.size()));
  after.add(value);
  Be16 field;
  memcpy(&field, header + 16, sizeof field);
  InternetChecksum sum(static_cast<uint16_t>(~field.get()));
  sum.add_u16(static_cast<uint16_t>(~before.sum()));
  sum.add_u16(after.sum());
  field.set(sum.finish());
  memcpy(header + 16, &field, sizeof field);
}

}  // namespace

void evaluate_tcp_option(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftHeaderOption>(self);
  TcpOptions tcp;
  size_t at = 0, size = 0;
  const bool is_there = read_tcp(packet, tcp) && find_tcp_option(tcp, own.type, at, size) && at + size <= tcp.size &&
                        size_t{own.size} + own.offset <= size;
  give(own, registers, packet, is_there, packet.transport_offset + at);
}

void evaluate_tcp_option_set(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftHeaderOption>(self);
  TcpOptions tcp;
  size_t at = 0, size = 0;
  if (!read_tcp(packet, tcp)) return registers.break_rule();
  uint8_t* bytes = packet.writable(packet.transport_offset + tcp.size);
  if (bytes == nullptr) return registers.break_rule();
  if (!find_tcp_option(tcp, own.type, at, size)) return;
  if (at + size > tcp.size || size_t{own.size} + own.offset > size) return registers.break_rule();
  at += own.offset;
  uint8_t* header = bytes + packet.transport_offset;
  // The largest segment is never raised.
  if (own.type == kMaximumSegment && own.size == 2 && memcmp(header + at, registers.bytes(own.from), 2) <= 0) return;
  write_tcp(packet, header, at, ByteSpan(registers.bytes(own.from), own.size));
}

void evaluate_tcp_option_strip(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftHeaderOption>(self);
  TcpOptions tcp;
  size_t at = 0, size = 0;
  if (!read_tcp(packet, tcp)) return registers.break_rule();
  uint8_t* bytes = packet.writable(packet.transport_offset + tcp.size);
  const bool is_there = find_tcp_option(tcp, own.type, at, size);
  if (bytes == nullptr || (is_there && at + size > tcp.size)) {
    registers.verdict.code = kNftDrop;
    return;
  }
  if (!is_there) return;
  uint8_t nothing[40];
  memset(nothing, 1, sizeof nothing);
  write_tcp(packet, bytes + packet.transport_offset, at, ByteSpan(nothing, size));
}

void evaluate_sctp_chunk(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftHeaderOption>(self);
  size_t at = packet.transport_offset + 12;
  if (IpProtocol{packet.protocol} == IpProtocol::Sctp) {
    for (uint8_t head[4]; at < packet.packet().size() && packet.read(at, head, sizeof head);) {
      const size_t size = static_cast<size_t>(head[2]) << 8 | head[3];
      if (size == 0) break;
      if (head[0] == own.type) {
        const bool is_whole =
            (own.flags & kPresent) != 0 || (size_t{own.offset} + own.size <= size && at + size <= packet.packet().size());
        return give(own, registers, packet, is_whole, at);
      }
      at += (size + 3) & ~size_t{3};
    }
  }
  give(own, registers, packet, false, 0);
}

}  // namespace lxnet
