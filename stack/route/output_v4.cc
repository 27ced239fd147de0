// Which way an IPv4 packet of ours goes: the tables' answer, and Linux's rules about sources, devices and special destinations
// around it (ip_route_output_key_hash_rcu, __mkroute_output).
#include "stack/route/route_table.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

// A lookup on its way to a Route.
struct Output {
  Ipv4Address source, destination;
  Ref<Interface> device;  // asked for, then found
  uint32_t asked_interface = 0;
  RouteKind kind = RouteKind::Unicast;
  IpAddress next_hop;
  uint32_t mtu = 0;
  bool is_mtu_locked = false;
  bool is_decided = false;  // the tables need not be asked
};

Ipv4Address source_or_none(Result<Ipv4Address> selected) { return selected.is_ok() ? selected.take() : Ipv4Address(); }

// A source that was asked for must be ours, and no group's.
Result<> check_source(Stack& stack, const FlowKey& key, Output& out) {
  const Ipv4Address source = out.source;
  if (source.is_multicast() || source.is_broadcast()) return Errno::EINVAL;
  const bool is_for_many = out.destination.is_multicast() || out.destination.is_broadcast();
  if (out.asked_interface != 0 || !is_for_many) {
    if (key.may_use_foreign_source || stack.interfaces().is_local_address(source)) return ok();
    // An address of an interface that is down is still ours.
    if (stack.interfaces().find_by_address(source)) return ok();
    return Errno::ENETUNREACH;
  }
  // Multicast and the limited broadcast leave by the interface that has the source.
  Ref<Interface> owner = stack.interfaces().find_by_address(source);
  if (!owner && stack.interfaces().is_local_address(source))
    owner = stack.interfaces().find(stack.interfaces().loopback().index());
  if (!owner) return Errno::ENETUNREACH;
  out.device = owner;
  out.is_decided = true;
  return ok();
}

// An interface that was asked for: it must be able to send, and decides alone for what never leaves the link.
Result<> check_device(RouteTable& routes, Stack& stack, const FlowKey& key, Output& out) {
  constexpr uint8_t kIgmp = 2;
  out.device = stack.interfaces().find(out.asked_interface);
  if (!out.device) return Errno::ENODEV;
  if (!out.device->is_up()) return Errno::ENETUNREACH;
  const Interface& device = *out.device;
  if (out.destination.is_local_multicast() || out.destination.is_broadcast() || key.protocol == kIgmp) {
    if (out.source.is_unspecified()) out.source = source_or_none(routes.select_source(device, Ipv4Address(), AddressScope::Link));
    out.is_decided = true;
    return ok();
  }
  if (!out.source.is_unspecified()) return ok();
  const AddressScope scope = key.on_link_only ? AddressScope::Link : AddressScope::Universe;
  if (out.destination.is_multicast()) out.source = source_or_none(routes.select_source(device, Ipv4Address(), scope));
  if (out.destination.is_unspecified()) {
    out.source = source_or_none(routes.select_source(device, Ipv4Address(), AddressScope::Host));
  }
  return ok();
}

// What the tables found.
Result<> apply(RouteTable& routes, Stack& stack, const FibResult& found, Output& out) {
  out.mtu = found.mtu;
  out.is_mtu_locked = found.is_mtu_locked;
  if (found.type == RouteType::Local) {
    if (out.source.is_unspecified()) {
      out.source = found.preferred_source.is_unspecified() ? out.destination : found.preferred_source.v4();
    }
    out.device = Ref<Interface>::share(stack.interfaces().loopback());
    out.kind = RouteKind::Local;
    return ok();
  }
  out.device = found.output;
  if (found.has_gateway) out.next_hop = found.gateway;
  if (found.type == RouteType::Broadcast) out.kind = RouteKind::Broadcast;
  if (out.source.is_unspecified()) {
    out.source =
        found.preferred_source.is_unspecified()
            ? source_or_none(routes.select_source(
                  *found.output, found.has_gateway && found.gateway.is_v4() ? found.gateway.v4() : Ipv4Address(), found.scope))
            : found.preferred_source.v4();
  }
  return ok();
}

// Linux's last checks, and how the packet is to be treated.
Result<Route> finish(Stack& stack, Output& out, uint32_t generation) {
  const InterfaceSettings& all = stack.interfaces().settings_of_all();
  const bool routes_localnet = setting_or(all.v4.route_localnet, out.device->settings().v4.route_localnet);
  if (out.source.is_loopback() && !out.device->is_loopback() && !routes_localnet) return Errno::EINVAL;
  const Ipv4Address destination = out.destination;
  if (destination.is_broadcast()) {
    out.kind = RouteKind::Broadcast;
  } else if (destination.is_multicast()) {
    out.kind = RouteKind::Multicast;
  }
  const bool is_for_many = out.kind == RouteKind::Broadcast || out.kind == RouteKind::Multicast;
  if (is_for_many || out.next_hop.is_unspecified()) out.next_hop = destination;
  const uint32_t link_mtu = out.device->mtu();
  return Route{.output = out.device,
               .source = out.source,
               .destination = destination,
               .next_hop = out.next_hop,
               .kind = out.kind,
               .deliver_locally = is_for_many,
               .mtu = out.mtu != 0 && out.mtu < link_mtu ? out.mtu : link_mtu,
               .is_mtu_locked = out.is_mtu_locked,
               .generation = generation};
}

}  // namespace

Result<Route> RouteTable::output_v4(Entry&, const FlowKey& key) {
  const uint32_t now_generation = generation();
  Output out;
  out.source = key.source.is_v4() ? key.source.v4() : Ipv4Address();
  out.destination = key.destination.v4();
  out.asked_interface = key.output_interface;
  if (!out.source.is_unspecified()) TRY(check_source(stack_, key, out));
  if (out.asked_interface != 0) TRY(check_device(*this, stack_, key, out));
  if (out.destination.is_unspecified() && !out.is_decided) {
    // "To nobody" is to ourselves.
    if (out.source.is_unspecified()) out.source = Ipv4Address::loopback();
    const bool is_ours = stack_.interfaces().is_local_address(out.source);
    if (!is_ours && !key.may_use_foreign_source) return Errno::ENETUNREACH;  // lo is down and bare
    out.destination = out.source;
    out.device = Ref<Interface>::share(stack_.interfaces().loopback());
    out.kind = RouteKind::Local;
    out.is_decided = true;
  }
  if (!out.is_decided) {
    Result<FibResult> found = find({.destination = out.destination,
                                    .source = out.source,
                                    .input_interface = stack_.interfaces().loopback().index(),
                                    .output_interface = out.asked_interface,
                                    .mark = key.mark,
                                    .uid = key.uid,
                                    .source_port = key.source_port,
                                    .destination_port = key.destination_port,
                                    .protocol = key.protocol,
                                    .tos = static_cast<uint8_t>(key.tos & 0xfc),
                                    .scope = key.on_link_only ? AddressScope::Link : AddressScope::Universe});
    if (found.is_ok()) {
      TRY(apply(*this, stack_, found.take(), out));
    } else if (out.device) {
      // The program knows better than the tables: on this link, then.
      if (out.source.is_unspecified()) out.source = source_or_none(select_source(*out.device, Ipv4Address(), AddressScope::Link));
    } else {
      return found.error();
    }
  }
  return finish(stack_, out, now_generation);
}

}  // namespace lxnet
