// Which of our IPv4 addresses speaks to a destination, when nobody said: Linux's inet_select_addr.
#include "stack/route/route_table.hh"
#include "stack/stack.hh"

namespace lxnet {

// On the way out: the first primary address whose subnet holds the destination, else the first that reaches far enough; without
// any, the first on another interface that is not of the link's scope. An unspecified destination matches the first.
Result<Ipv4Address> RouteTable::select_source(const Interface& output, Ipv4Address destination, AddressScope scope) const {
  const InterfaceRegistry& interfaces = stack_.interfaces();
  Ipv4Address first;
  bool has_first = false;
  const bool is_covered = interfaces.any_address(output, [&](const InterfaceAddress& address) {
    if (!address.address.is_v4() || address.is_secondary() || address.scope > scope) return false;
    const bool covers = destination.is_unspecified() || address.covers(destination);
    if (covers || !has_first) first = address.address.v4();
    has_first = true;
    return covers;
  });
  if (is_covered || has_first) return first;
  const bool is_elsewhere = interfaces.any_address([&](const Interface& interface, const InterfaceAddress& address) {
    static_cast<void>(interface);
    if (!address.address.is_v4() || address.is_secondary()) return false;
    if (address.scope == AddressScope::Link || address.scope > scope) return false;
    first = address.address.v4();
    return true;
  });
  if (is_elsewhere) return first;
  return Errno::EADDRNOTAVAIL;
}

}  // namespace lxnet
