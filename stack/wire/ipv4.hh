// The IPv4 header (RFC 791, RFC 2474, RFC 3168). Options are in ipv4_options.hh.
#pragma once

#include "base/checksum.hh"
#include "stack/wire/addresses.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/view.hh"

namespace lxnet {

struct Ipv4Header {
  static constexpr size_t kMaxSize = 60;
  static constexpr size_t kMaxOptionsSize = 40;
  static constexpr size_t kMaxPacketSize = 65535;
  static constexpr size_t kMinMtu = 68;  // RFC 791: every link carries as much
  static constexpr uint16_t kDontFragment = 0x4000;
  static constexpr uint16_t kMoreFragments = 0x2000;
  static constexpr uint16_t kOffsetMask = 0x1fff;  // in units of eight bytes

  uint8_t version_and_size;  // size in words
  uint8_t type_of_service;   // six bits of DSCP, two of ECN
  Be16 total_length;
  Be16 identification;
  Be16 flags_and_offset;
  uint8_t time_to_live;
  uint8_t protocol;
  Be16 checksum;
  Ipv4Address source;
  Ipv4Address destination;

  // EINVAL: shorter than 20 bytes, another version, or a header size below 20. The total length and the options may reach beyond
  // the bytes: is_length_valid() and options_in() check.
  static Result<const Ipv4Header*> parse(ByteSpan packet) {
    const Ipv4Header* header = TRY(view_header<Ipv4Header>(packet));
    if (header->version_and_size >> 4 != 4 || header->header_size() < sizeof(Ipv4Header)) return Errno::EINVAL;
    return header;
  }
  // The options of a packet whose fixed part parse() has accepted. EINVAL: the packet ends before them.
  static Result<ByteSpan> options_in(ByteSpan packet) {
    const size_t size = TRY(parse(packet))->header_size();
    if (packet.size() < size) return Errno::EINVAL;
    return packet.subspan(sizeof(Ipv4Header), size - sizeof(Ipv4Header));
  }
  // Whether the packet's first header_size() bytes sum to what they should. `packet` holds at least those.
  static bool is_checksum_valid(ByteSpan packet, size_t header_size) {
    InternetChecksum sum;
    sum.add(packet.first(header_size));
    return sum.is_valid();
  }

  size_t header_size() const { return static_cast<size_t>(version_and_size & 0xf) * 4; }
  // The total length covers the header, and `available` bytes hold it.
  bool is_length_valid(size_t available) const { return total_length.get() >= header_size() && total_length.get() <= available; }
  bool dont_fragment() const { return (flags_and_offset.get() & kDontFragment) != 0; }
  bool more_fragments() const { return (flags_and_offset.get() & kMoreFragments) != 0; }
  uint16_t fragment_offset() const { return static_cast<uint16_t>((flags_and_offset.get() & kOffsetMask) * 8); }  // in bytes
  bool is_fragment() const { return (flags_and_offset.get() & (kMoreFragments | kOffsetMask)) != 0; }

  // One hop less, and the checksum with it (RFC 1141). Only while time_to_live is not 0.
  void decrease_time_to_live() {
    const auto word = [this] { return static_cast<uint16_t>(time_to_live << 8 | protocol); };
    const uint16_t before = word();
    --time_to_live;
    checksum.set(update_checksum(checksum.get(), before, word()));
  }
  // After any other change.
  void update_header_checksum() {
    checksum.set(0);
    checksum.set(internet_checksum(ByteSpan(&version_and_size, header_size())));
  }
};
static_assert(sizeof(Ipv4Header) == 20 && alignof(Ipv4Header) == 1);
static_assert(offsetof(Ipv4Header, flags_and_offset) == 6 && offsetof(Ipv4Header, checksum) == 10);
static_assert(offsetof(Ipv4Header, source) == 12 && offsetof(Ipv4Header, destination) == 16);

// The header in host order. The reserved flag bit is not kept; the checksum is computed when it is emitted.
struct Ipv4PacketHeader {
  Ipv4Address source = {};
  Ipv4Address destination = {};
  IpProtocol protocol = IpProtocol::Raw;
  uint8_t time_to_live = 64;
  uint8_t type_of_service = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  uint16_t identification = 0;
  uint16_t fragment_offset = 0;  // in bytes, a multiple of 8
  uint16_t total_length = sizeof(Ipv4Header);
  ByteSpan options = {};  // a multiple of 4 bytes, at most 40; in the packet, or what is to be emitted

  // The whole header, options included, must be in the bytes. EINVAL: as Ipv4Header::parse() and options_in().
  static Result<Ipv4PacketHeader> parse(ByteSpan packet) {
    const Ipv4Header* header = TRY(Ipv4Header::parse(packet));
    const ByteSpan options = TRY(Ipv4Header::options_in(packet));
    return Ipv4PacketHeader{.source = header->source,
                            .destination = header->destination,
                            .protocol = IpProtocol{header->protocol},
                            .time_to_live = header->time_to_live,
                            .type_of_service = header->type_of_service,
                            .dont_fragment = header->dont_fragment(),
                            .more_fragments = header->more_fragments(),
                            .identification = header->identification.get(),
                            .fragment_offset = header->fragment_offset(),
                            .total_length = header->total_length.get(),
                            .options = options};
  }

  size_t encoded_size() const { return sizeof(Ipv4Header) + options.size(); }
  void emit(MutableByteSpan to) const {
    ASSERT(options.size() % 4 == 0 && options.size() <= Ipv4Header::kMaxOptionsSize && fragment_offset % 8 == 0);
    ASSERT(to.size() >= encoded_size());
    Ipv4Header& header = place_header<Ipv4Header>(to);
    const auto flags_and_offset = static_cast<uint16_t>((dont_fragment ? Ipv4Header::kDontFragment : 0) |
                                                        (more_fragments ? Ipv4Header::kMoreFragments : 0) | fragment_offset / 8);
    header.version_and_size = static_cast<uint8_t>(4 << 4 | encoded_size() / 4);
    header.type_of_service = type_of_service;
    header.total_length.set(total_length);
    header.identification.set(identification);
    header.flags_and_offset.set(flags_and_offset);
    header.time_to_live = time_to_live;
    header.protocol = static_cast<uint8_t>(protocol);
    header.source = source;
    header.destination = destination;
    if (options.empty()) [[likely]] {
      // Of the numbers, and not of the bytes: those are just on their way to memory.
      const uint64_t sum = (uint32_t{header.version_and_size} << 8 | type_of_service) + uint64_t{total_length} + identification +
                           flags_and_offset + (uint32_t{time_to_live} << 8 | header.protocol) + source.value() +
                           destination.value();
      header.checksum.set(static_cast<uint16_t>(~internal::fold(sum)));
      return;
    }
    copy_bytes(to.subspan(sizeof(Ipv4Header)), options);
    header.checksum.set(internet_checksum(to.first(encoded_size())));
  }
};

}  // namespace lxnet
