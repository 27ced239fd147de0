// The messages of neighbour discovery we send.
#pragma once

#include "stack/interface.hh"

namespace lxnet {

// Asks who has `target`: its solicited-node group, or only whoever has it by what we knew. `wanted_source` is that of the packet
// that waits.
void ndp_solicit(Entry& entry, Interface& interface, const Ipv6Address& target, const MacAddress* known,
                 const IpAddress& wanted_source);

}  // namespace lxnet
