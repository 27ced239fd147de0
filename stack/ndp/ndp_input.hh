// What ICMPv6 input calls for neighbour discovery's messages: router and neighbour solicitations and advertisements, redirects.
#pragma once

#include "stack/ip/transport.hh"

namespace lxnet {

// Types 133 to 137, checksum verified; front at the ICMPv6 header, IpInfo in control() (ttl is the hop limit, which must be 255).
// Takes the packet.
void ndp_receive(Entry& entry, Ref<Packet> packet);

}  // namespace lxnet
