// Sending: a transport's packet gets its IP header and leaves.
#pragma once

#include "base/result.hh"
#include "stack/entry.hh"
#include "stack/route/route.hh"

namespace lxnet {

// IP_MTU_DISCOVER's values.
enum class PathMtuMode : uint8_t { Dont = 0, Want = 1, Do = 2, Probe = 3, Interface = 4, Omit = 5 };

struct IpSendOptions {
  uint8_t protocol = 0;
  uint8_t ttl = 0;  // hop limit; 0 lets the stack choose (tunable; 1 for multicast)
  uint8_t tos = 0;  // traffic class
  PathMtuMode path_mtu = PathMtuMode::Want;
  bool may_fragment_locally = true;
  uint32_t flow_label = 0;
  ByteSpan options;  // IPv4 options, validated and padded; IPv6: extension headers, chained, next-header fields to be filled
  uint8_t options_first_header = 0;  // IPv6: the protocol number of the first extension header in `options`
  IpAddress final_destination;       // with a source route; unspecified otherwise
  bool multicast_loop = true;
};

// The packet's front is its transport header. Chooses DF and the identification, fragments when it must and may. EMSGSIZE when
// the packet is larger than the path allows and may not be cut. Takes the packet in every case.
Result<> ip_send(Entry& entry, Ref<Packet> packet, const Route& route, const IpSendOptions& options);

// IP_HDRINCL: the packet begins with an IPv4 header of the user's; Linux fills in what it leaves zero.
Result<> ip_send_with_header(Entry& entry, Ref<Packet> packet, const Route& route);

}  // namespace lxnet
