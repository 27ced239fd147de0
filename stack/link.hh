// Framing that others than Interface need.
#pragma once

#include "stack/interface.hh"
#include "stack/wire/ethernet.hh"

namespace lxnet {

// The Ethernet address that stands for a multicast group.
inline MacAddress multicast_mac_of(const IpAddress& group) {
  return group.is_v4() ? group.v4().multicast_mac() : group.v6().multicast_mac();
}

}  // namespace lxnet
