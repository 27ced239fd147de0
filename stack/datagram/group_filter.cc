// Memberships of single sockets are not kept yet, so none has joined anything and IP_MULTICAST_ALL alone decides.
#include "stack/datagram/group_filter.hh"

namespace lxnet {

bool accepts_group(const Socket& socket, const IpInfo& info) {
  if (!info.is_multicast) return true;
  return info.destination.is_v4() ? socket.ip_options.multicast_all_v4 : socket.ip_options.multicast_all_v6;
}

}  // namespace lxnet
