// Neighbour discovery messages (RFC 4861, 4862, 4191, 7527), each a whole ICMPv6 message from its type on.
//
// Rules kept: a message is accepted only with well-formed options (no length of zero, none past the end), of two options of one
// kind the first counts, unknown ones are skipped, as in Linux (ndisc_parse_options). The checks that need the IPv6 header (hop
// limit 255, who sent it to whom) and the checksum are the receiver's. parse() keeps spans into the message; emit() leaves the
// checksum zero. Recognised and skipped: RDNSS, DNSSL, route information. Not implemented: SEND (RFC 3971), link-layer addresses
// other than Ethernet's.
#pragma once

#include <optional>

#include "stack/wire/addresses.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/view.hh"

namespace lxnet {

enum class NdpOptionType : uint8_t {
  SourceLinkLayerAddress = 1,
  TargetLinkLayerAddress = 2,
  PrefixInformation = 3,
  RedirectedHeader = 4,
  Mtu = 5,
  Nonce = 14,
  RouteInformation = 24,
  RecursiveDnsServer = 25,
  DnsSearchList = 31,
};

inline constexpr uint32_t kNdpInfinity = 0xffff'ffff;  // a lifetime that does not end

// RFC 4861, 4.6.2. Lifetimes in seconds.
struct NdpPrefix {
  Ipv6Address prefix = {};
  uint8_t prefix_length = 0;  // any value may arrive
  bool is_on_link = false;
  bool is_autonomous = false;
  uint32_t valid_lifetime = 0;
  uint32_t preferred_lifetime = 0;

  bool operator==(const NdpPrefix&) const = default;
};

// RFC 3971 5.3.2 as RFC 7527 uses it: six bytes fill the option's eight.
struct NdpNonce {
  uint8_t bytes[6] = {};
  bool operator==(const NdpNonce&) const = default;
};

// Gives the prefixes of a message one by one; a prefix option of another length than 32 bytes is skipped.
class NdpPrefixReader {
 public:
  explicit NdpPrefixReader(ByteSpan checked_options) : rest_(checked_options) {}
  std::optional<NdpPrefix> next();

 private:
  ByteSpan rest_;
};

struct NdpOptions {
  std::optional<MacAddress> source_link_address;
  std::optional<MacAddress> target_link_address;
  std::optional<uint32_t> mtu;
  std::optional<NdpNonce> nonce;
  ByteSpan redirected_packet;                   // as much of it as was quoted, zeros behind it included
  std::span<const NdpPrefix> sending_prefixes;  // to be emitted; what arrived is behind prefixes()

  // EINVAL: malformed, or a link-layer address that is not Ethernet's.
  static Result<NdpOptions> parse(ByteSpan options);
  NdpPrefixReader prefixes() const { return NdpPrefixReader(received_); }

  size_t encoded_size() const;
  void emit(MutableByteSpan to) const;

 private:
  ByteSpan received_;
};

struct RouterSolicitation {
  NdpOptions options = {};

  static Result<RouterSolicitation> parse(ByteSpan message);
  size_t encoded_size() const;
  void emit(MutableByteSpan to) const;
};

// RFC 4191, 2.2. The fourth value is reserved and read as Medium.
enum class RouterPreference : uint8_t { Medium = 0, High = 1, Low = 3 };

struct RouterAdvertisement {
  uint8_t hop_limit = 0;  // 0: unspecified, as are the times
  bool is_managed = false;
  bool has_other_configuration = false;
  RouterPreference preference = RouterPreference::Medium;
  uint16_t lifetime = 0;  // seconds; 0: no default router
  uint32_t reachable_milliseconds = 0;
  uint32_t retransmit_milliseconds = 0;
  NdpOptions options = {};

  static Result<RouterAdvertisement> parse(ByteSpan message);
  size_t encoded_size() const;
  void emit(MutableByteSpan to) const;
};

struct NeighborSolicitation {
  Ipv6Address target = {};
  NdpOptions options = {};

  static Result<NeighborSolicitation> parse(ByteSpan message);
  size_t encoded_size() const;
  void emit(MutableByteSpan to) const;
};

struct NeighborAdvertisement {
  Ipv6Address target = {};
  bool is_router = false;
  bool is_solicited = false;
  bool overrides = false;
  NdpOptions options = {};

  static Result<NeighborAdvertisement> parse(ByteSpan message);
  size_t encoded_size() const;
  void emit(MutableByteSpan to) const;
};

struct NdpRedirect {
  Ipv6Address target = {};  // the better first hop; the destination itself when that is a neighbour
  Ipv6Address destination = {};
  NdpOptions options = {};

  static Result<NdpRedirect> parse(ByteSpan message);
  size_t encoded_size() const;
  void emit(MutableByteSpan to) const;
};

}  // namespace lxnet
