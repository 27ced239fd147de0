// Membership queries.
#include "stack/igmp/memberships.hh"

namespace lxnet {

// All-hosts and all-nodes are joined everywhere (RFC 1112, RFC 4291).
bool Memberships::accepts(const Interface&, const IpAddress& group, const IpAddress&) const {
  if (group.is_v4()) return group.v4() == Ipv4Address::all_hosts();
  return group.v6() == Ipv6Address::all_nodes() || group.v6() == Ipv6Address::interface_local_all_nodes() ||
         group.v6().is_solicited_node();
}

}  // namespace lxnet
