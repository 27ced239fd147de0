// Which way an IPv6 packet of ours goes (Linux's ip6_route_output and ip6_dst_lookup_tail).
#include "stack/route/route_table.hh"
#include "stack/stack.hh"

namespace lxnet {

uint32_t link_mtu6(const Interface& interface) {
  const uint32_t device = interface.mtu(), advertised = static_cast<uint32_t>(interface.settings().v6.mtu);
  return advertised < device ? advertised : device;
}

Result<Route> RouteTable::lookup(Entry& entry, const FlowKey& key) {
  Result<Route> found = key.destination.is_v4() ? output_v4(entry, key) : output_v6(entry, key);
  if (!found.is_ok()) return found;
  Route route = found.take();
  apply_path_mtu(entry, route);
  return route;
}

Result<Route> RouteTable::output_v6(Entry&, const FlowKey& key) {
  const uint32_t now_generation = generation();
  const bool is_to_nobody = key.destination.is_unspecified();
  const IpAddress destination = is_to_nobody ? IpAddress(Ipv6Address::loopback()) : key.destination;
  if (key.output_interface != 0 && !stack_.interfaces().find(key.output_interface)) return Errno::ENETUNREACH;
  const bool chooses_source = key.source.is_unspecified() || key.source.is_v4();
  Result<FibResult> looked_up = find({.destination = destination,
                                      .source = key.source,
                                      .input_interface = stack_.interfaces().loopback().index(),
                                      .output_interface = key.output_interface,
                                      .mark = key.mark,
                                      .uid = key.uid,
                                      .source_port = key.source_port,
                                      .destination_port = key.destination_port,
                                      .protocol = key.protocol,
                                      .tos = key.tos});
  if (!looked_up.is_ok()) {
    // Linux looks for a source first: who has no address at all hears EADDRNOTAVAIL, be there a route or not.
    if (chooses_source) TRY(select_source(nullptr, destination.v6(), key.source_preferences));
    return looked_up.error();
  }
  const FibResult found = looked_up.take();
  if (key.on_link_only && found.has_gateway) return Errno::ENETUNREACH;
  Route route{.output = found.output,
              .source = key.source,
              .destination = destination,
              .next_hop = found.has_gateway ? found.gateway : destination,
              .mtu = link_mtu6(*found.output),
              .is_mtu_locked = found.is_mtu_locked,
              .generation = now_generation};
  if (found.mtu != 0 && found.mtu < route.mtu) route.mtu = found.mtu;
  if (chooses_source) {
    if (found.preferred_source.is_unspecified()) {
      route.source = TRY(select_source(found.output.get(), destination.v6(), key.source_preferences));
    } else {
      route.source = found.preferred_source;
    }
  }
  if (destination.is_multicast()) {
    route.kind = RouteKind::Multicast;
    route.deliver_locally = true;
  } else if (found.type == RouteType::Local || found.type == RouteType::Anycast) {
    route.kind = RouteKind::Local;
    route.output = Ref<Interface>::share(stack_.interfaces().loopback());
    route.mtu = link_mtu6(*route.output);
  }
  return route;
}

}  // namespace lxnet
