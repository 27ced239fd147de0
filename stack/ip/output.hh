// Sending: a transport's packet gets its IP header and leaves.
#pragma once

#include "base/result.hh"
#include "stack/entry.hh"
#include "stack/route/route.hh"

namespace lxnet {

class Ipv4Options;  // stack/wire/ipv4_options.hh

// IP_MTU_DISCOVER's values.
enum class PathMtuMode : uint8_t { Dont = 0, Want = 1, Do = 2, Probe = 3, Interface = 4, Omit = 5 };

struct IpSendOptions {
  uint8_t protocol = 0;
  uint8_t ttl = 0;  // hop limit; 0 lets the stack choose (tunable; 1 for multicast)
  uint8_t tos = 0;  // traffic class
  PathMtuMode path_mtu = PathMtuMode::Want;
  bool may_fragment_locally = true;  // false: TCP, IPV6_DONTFRAG
  bool auto_flow_label = true;       // IPv6, where flow_label is 0: one made from the flow
  bool has_identification = false;
  uint16_t identification = 0;  // IPv4, of a connected socket: its own counter, which it moves on by the packets sent
  uint32_t flow_label = 0;
  // IPv4; what they ask to be recorded is filled into the packet's copy.
  const Ipv4Options* v4_options = nullptr;
  // IPv6: extension headers, chained; the last one's next-header field is filled in.
  ByteSpan options = {};
  uint8_t options_first_header = 0;  // IPv6: the protocol number of the first extension header in `options`
  IpAddress final_destination = {};  // with a source route, whose first hop route.destination is
  uint32_t largest_packet = 0;       // IPv6 (IPV6_MTU): of the pieces of one that is cut; 0: as the path says
  bool multicast_loop = true;
  bool stays_on_host = false;  // IP_MULTICAST_TTL 0, IPV6_MULTICAST_HOPS 0: a ttl of 0 is meant
};

// The packet's front is its transport header. Chooses DF and the identification, fragments when it must and may. EMSGSIZE when
// the packet is larger than the path allows and may not be cut. Takes the packet in every case.
//
// A Partial packet comes with checksum_offset set and the pseudo-header's sum in the field; checksum_start is set here. A packet
// with `segmentation` is passed on whole and cut where the device cannot do it; segment_size has been chosen to fit.
Result<> ip4_send(Entry& entry, Ref<Packet> packet, const Route& route, const IpSendOptions& options);
Result<> ip6_send(Entry& entry, Ref<Packet> packet, const Route& route, const IpSendOptions& options);
inline Result<> ip_send(Entry& entry, Ref<Packet> packet, const Route& route, const IpSendOptions& options) {
  if (route.destination.is_v4()) return ip4_send(entry, std::move(packet), route, options);
  return ip6_send(entry, std::move(packet), route, options);
}

// The largest IP packet that ip_send() lets through without cutting: of the path as far as known, or of the link where the mode
// says not to ask the path. What a local EMSGSIZE error reports in ee_info.
uint32_t ip_send_mtu(const Route& route, PathMtuMode mode);

// IP_HDRINCL: the packet begins with an IPv4 header of the user's; Linux fills in what it leaves zero. Or with an IPv6 header,
// which is sent as it is.
Result<> ip_send_with_header(Entry& entry, Ref<Packet> packet, const Route& route);

}  // namespace lxnet
