// The socket's own memberships decide, or IP_MULTICAST_ALL where it has none.
#include "stack/datagram/group_filter.hh"

#include "stack/stack.hh"

namespace lxnet {

bool accepts_group(const Socket& socket, const IpInfo& info) {
  if (!info.is_multicast) return true;
  const bool is_v4 = info.destination.is_v4();
  const bool otherwise = is_v4 ? socket.ip_options->multicast_all_v4 : socket.ip_options->multicast_all_v6;
  return socket.stack().memberships().is_wanted(socket.groups, info.destination, info.source, info.interface_index, otherwise);
}

}  // namespace lxnet
