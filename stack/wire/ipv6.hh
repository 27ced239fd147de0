// The IPv6 header (RFC 8200, section 3). What may follow it is in ipv6_extensions.hh.
#pragma once

#include "stack/wire/addresses.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/view.hh"

namespace lxnet {

struct Ipv6Header {
  static constexpr size_t kMaxPayloadSize = 65535;
  static constexpr size_t kMinMtu = 1280;

  Be32 version_class_flow;  // 4 bits, 8 bits, 20 bits
  Be16 payload_length;      // extension headers included
  uint8_t next_header;
  uint8_t hop_limit;
  Ipv6Address source;
  Ipv6Address destination;

  // EINVAL: shorter than 40 bytes, or another version. The payload length may reach beyond the bytes: is_length_valid() checks.
  static Result<const Ipv6Header*> parse(ByteSpan packet) {
    const Ipv6Header* header = TRY(view_header<Ipv6Header>(packet));
    if (header->version_class_flow.get() >> 28 != 6) return Errno::EINVAL;
    return header;
  }

  size_t total_length() const { return sizeof(Ipv6Header) + payload_length.get(); }
  bool is_length_valid(size_t available) const { return total_length() <= available; }
  uint8_t traffic_class() const { return static_cast<uint8_t>(version_class_flow.get() >> 20); }
  uint32_t flow_label() const { return version_class_flow.get() & 0xf'ffff; }
};
static_assert(sizeof(Ipv6Header) == 40 && alignof(Ipv6Header) == 1);
static_assert(offsetof(Ipv6Header, payload_length) == 4 && offsetof(Ipv6Header, next_header) == 6);
static_assert(offsetof(Ipv6Header, source) == 8 && offsetof(Ipv6Header, destination) == 24);

struct Ipv6PacketHeader {
  Ipv6Address source = {};
  Ipv6Address destination = {};
  IpProtocol next_header = IpProtocol::NoNextHeader;
  uint8_t hop_limit = 64;
  uint8_t traffic_class = 0;
  uint32_t flow_label = 0;  // 20 bits
  uint16_t payload_length = 0;

  static Ipv6PacketHeader from(const Ipv6Header& header) {
    return {.source = header.source,
            .destination = header.destination,
            .next_header = IpProtocol{header.next_header},
            .hop_limit = header.hop_limit,
            .traffic_class = header.traffic_class(),
            .flow_label = header.flow_label(),
            .payload_length = header.payload_length.get()};
  }

  static constexpr size_t encoded_size() { return sizeof(Ipv6Header); }
  void emit(MutableByteSpan to) const {
    Ipv6Header& header = place_header<Ipv6Header>(to);
    header.version_class_flow.set(6u << 28 | uint32_t{traffic_class} << 20 | (flow_label & 0xf'ffff));
    header.payload_length.set(payload_length);
    header.next_header = static_cast<uint8_t>(next_header);
    header.hop_limit = hop_limit;
    header.source = source;
    header.destination = destination;
  }

  bool operator==(const Ipv6PacketHeader&) const = default;
};

}  // namespace lxnet
