// What may stand between an IPv6 header and the payload (RFC 8200 section 4, RFC 2711, 5095, 6946).
//
// Rules kept: what is dropped in silence and what is answered with a parameter problem, and where its pointer points, is Linux's
// (net/ipv6/exthdrs.c): at most eight options that are not padding, at most seven bytes of padding in a row, and those zero,
// unknown options by their two action bits, jumbograms refused because no packet of this stack is so large, source routes refused
// because none is enabled. Offsets and pointers count from the first byte of the IPv6 header.
//
// A receiver takes hop-by-hop options from directly behind the fixed header only, and the other headers in the order in which
// they stand, processing each before it looks at the next. Not implemented: mobility, segment routing, IPsec, IOAM; CALIPSO
// labels are refused as by a Linux that has no label domain configured.
#pragma once

#include <optional>

#include "stack/wire/icmp6.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv6.hh"

namespace lxnet {

// Those that may follow one another (Linux's ipv6_ext_hdr(), but for "no next header").
constexpr bool is_ipv6_extension(IpProtocol protocol) {
  return protocol == IpProtocol::HopByHop || protocol == IpProtocol::Routing || protocol == IpProtocol::Fragment ||
         protocol == IpProtocol::Authentication || protocol == IpProtocol::DestinationOptions;
}

// How every extension header but the fragment header begins.
struct Ipv6ExtensionHeader {
  uint8_t next_header;
  uint8_t length;  // in units of eight bytes, not counting the first (of four bytes, not counting two, for Authentication)

  size_t size() const { return (size_t{length} + 1) * 8; }
};

struct Ipv6RoutingHeader {
  Ipv6ExtensionHeader common;
  uint8_t type;
  uint8_t segments_left;
};
static_assert(sizeof(Ipv6RoutingHeader) == 4 && alignof(Ipv6RoutingHeader) == 1 && offsetof(Ipv6RoutingHeader, type) == 2);

struct Ipv6FragmentHeader {
  static constexpr uint16_t kMoreFragments = 1;
  static constexpr uint16_t kOffsetMask = 0xfff8;

  uint8_t next_header;
  uint8_t reserved;
  Be16 offset_and_flags;  // the offset in bytes with its low three bits in other use: two reserved, then 'more fragments'
  Be32 identification;

  // EINVAL: shorter than 8 bytes.
  static Result<const Ipv6FragmentHeader*> parse(ByteSpan bytes) { return view_header<Ipv6FragmentHeader>(bytes); }
  uint16_t fragment_offset() const { return offset_and_flags.get() & kOffsetMask; }
  bool more_fragments() const { return (offset_and_flags.get() & kMoreFragments) != 0; }
  // RFC 6946: a fragment that is the whole packet; it is never put on a reassembly queue.
  bool is_atomic() const { return (offset_and_flags.get() & (kOffsetMask | kMoreFragments)) == 0; }
};
static_assert(sizeof(Ipv6FragmentHeader) == 8 && alignof(Ipv6FragmentHeader) == 1);
static_assert(offsetof(Ipv6FragmentHeader, offset_and_flags) == 2 && offsetof(Ipv6FragmentHeader, identification) == 4);

struct Ipv6Fragment {
  IpProtocol next_header = IpProtocol::NoNextHeader;
  uint16_t offset = 0;  // in bytes, a multiple of 8
  bool more_fragments = false;
  uint32_t identification = 0;

  static Ipv6Fragment from(const Ipv6FragmentHeader& header) {
    return {.next_header = IpProtocol{header.next_header},
            .offset = header.fragment_offset(),
            .more_fragments = header.more_fragments(),
            .identification = header.identification.get()};
  }
  static constexpr size_t encoded_size() { return sizeof(Ipv6FragmentHeader); }
  void emit(MutableByteSpan to) const {
    ASSERT(offset % 8 == 0);
    Ipv6FragmentHeader& header = place_header<Ipv6FragmentHeader>(to);
    header.next_header = static_cast<uint8_t>(next_header);
    header.offset_and_flags.set(static_cast<uint16_t>(offset | (more_fragments ? Ipv6FragmentHeader::kMoreFragments : 0)));
    header.identification.set(identification);
  }
  bool operator==(const Ipv6Fragment&) const = default;
};

enum class Ipv6OptionType : uint8_t {
  Pad1 = 0x00,
  PadN = 0x01,
  RouterAlert = 0x05,
  Calipso = 0x07,
  JumboPayload = 0xc2,
};

// RFC 2711: what a router is to look at. Mld is what every MLD message carries.
enum class RouterAlert : uint16_t { Mld = 0, Rsvp = 1, ActiveNetworks = 2 };

// What the rules say of a packet after one of its headers.
struct Ipv6Verdict {
  enum class Action : uint8_t {
    Continue,
    Drop,              // in silence
    ParameterProblem,  // drop, and say so to the sender
  };
  Action action = Action::Continue;
  Icmp6ParameterProblem code = Icmp6ParameterProblem::HeaderField;
  uint32_t pointer = 0;

  bool operator==(const Ipv6Verdict&) const = default;
};

// sysctl net.ipv6.max_{hbh,dst}_opts_{number,length}. A negative count forbids unknown options altogether.
struct Ipv6OptionLimits {
  int32_t max_count = 8;
  uint32_t max_size = 0x7fff'ffff;
};

struct Ipv6OptionsReport {
  Ipv6Verdict verdict = {};
  std::optional<uint16_t> router_alert = {};
};

// The options of the header at `offset`; `packet` begins with the IPv6 header.
Ipv6OptionsReport check_hop_by_hop_options(ByteSpan packet, size_t offset, Ipv6OptionLimits limits = {});
Ipv6OptionsReport check_destination_options(ByteSpan packet, size_t offset, Ipv6OptionLimits limits = {});
// A routing header is passed over when no segment is left, and refused otherwise. Drop is also the answer to a segment routing or
// RPL header, which Linux ignores unless it is enabled on the interface.
Ipv6Verdict check_routing_header(ByteSpan packet, size_t offset);

// Where the payload begins, with no judgement on what is passed over: for errors that quote a packet, for filters, and for a
// first fragment, which must hold all headers (RFC 8200, 4.5).
struct Ipv6UpperLayer {
  IpProtocol protocol = IpProtocol::NoNextHeader;
  size_t offset = 0;
  size_t next_header_offset = 0;              // of the field that named the protocol
  std::optional<Ipv6Fragment> fragment = {};  // the last fragment header passed
};
// EINVAL: the headers do not end inside the packet. What lies behind a fragment header that is not the first fragment's is not
// headers: the walk ends there, with the fragment header's own next header and offset.
Result<Ipv6UpperLayer> find_upper_layer(ByteSpan packet);

// The eight bytes MLD sends behind the IPv6 header: router alert, padded.
inline constexpr size_t kRouterAlertHeaderSize = 8;
void emit_router_alert_header(MutableByteSpan to, IpProtocol next_header, RouterAlert value = RouterAlert::Mld);

}  // namespace lxnet
