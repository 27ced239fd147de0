// Whether a packet for a group or a broadcast address is for one of the sockets bound where it arrives.
#pragma once

#include "stack/ip/ip_info.hh"
#include "stack/socket.hh"

namespace lxnet {

// Linux's ip_mc_sf_allow and inet6_mc_check: a group the socket joined passes by its source filter; one it did not, by
// IP_MULTICAST_ALL. Broadcasts always pass.
bool accepts_group(const Socket& socket, const IpInfo& info);

}  // namespace lxnet
