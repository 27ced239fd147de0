// Which redirects are believed (Linux's __ip_do_redirect, rt6_do_redirect) and when one is sent (__mkroute_input,
// ip_rt_send_redirect, ndisc_send_redirect).
//
// A believed redirect becomes a host route of origin Redirect in the main table; Linux keeps it as an exception beside the route.
#include "stack/route/redirect.hh"

#include "stack/ndp/ndp_output.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

// Whether the way to the destination is through this gateway on this interface now: only who is our first hop may redirect.
bool is_first_hop(Entry& entry, const IpAddress& destination, const IpAddress& gateway, const Interface& interface) {
  Result<FibResult> found =
      entry.stack().routes().find({.destination = destination, .input_interface = entry.stack().interfaces().loopback().index()});
  if (!found.is_ok()) return false;
  const FibResult way = found.take();
  return way.type == RouteType::Unicast && way.has_gateway && way.gateway == gateway && way.output.get() == &interface;
}

// Reached on this interface without a router.
bool is_on_link(Entry& entry, const IpAddress& address, const Interface& interface) {
  Result<FibResult> found =
      entry.stack().routes().find({.destination = address, .input_interface = entry.stack().interfaces().loopback().index()});
  if (!found.is_ok()) return false;
  const FibResult way = found.take();
  return way.type == RouteType::Unicast && !way.has_gateway && way.output.get() == &interface;
}

bool accepts_redirects4(Entry& entry, const Interface& interface) {
  const Ipv4Settings& all = entry.stack().interfaces().settings_of_all().v4;
  const Ipv4Settings& own = interface.settings().v4;
  const bool forwards = entry.stack().tunables().values().ip_forward != 0 || own.forwarding != 0;
  return forwards ? setting_and(all.accept_redirects, own.accept_redirects)
                  : setting_or(all.accept_redirects, own.accept_redirects);
}

bool share_subnet(Entry& entry, const Interface& interface, const IpAddress& a, const IpAddress& b) {
  return entry.stack().interfaces().any_address(interface,
                                                [&](const InterfaceAddress& own) { return own.covers(a) && own.covers(b); });
}

}  // namespace

void receive_redirect4(Entry& entry, const RedirectNotice& notice) {
  const Ref<Interface> interface = entry.stack().interfaces().find(notice.interface_index);
  if (!interface || !accepts_redirects4(entry, *interface)) return;
  const Ipv4Address gateway = notice.new_gateway.v4();
  if (notice.new_gateway == notice.old_gateway || gateway.is_multicast() || gateway.is_reserved() || gateway.is_unspecified()) {
    return;
  }
  const Ipv4Settings& all = entry.stack().interfaces().settings_of_all().v4;
  if (!setting_or(all.shared_media, interface->settings().v4.shared_media)) {
    if (!share_subnet(entry, *interface, notice.new_gateway, notice.old_gateway)) return;
  } else if (entry.stack().routes().address_type(gateway) != RouteType::Unicast) {
    return;
  }
  if (!is_on_link(entry, gateway, *interface)) return;
  if (!is_first_hop(entry, notice.destination, notice.old_gateway, *interface)) return;
  static_cast<void>(entry.stack().routes().learn_redirect(entry, *interface, notice.destination, notice.new_gateway));
}

void receive_redirect6(Entry& entry, Interface& interface, const Ipv6Address& router, const NdpRedirect& redirect) {
  const Ipv6Settings& own = interface.settings().v6;
  if (own.accept_redirects == 0 || own.forwarding != 0) return;
  if (!is_first_hop(entry, redirect.destination, router, interface)) return;
  const bool is_router = redirect.target != redirect.destination;
  if (redirect.options.target_link_address) {
    const NeighbourUpdate update{.state = NeighbourState::Stale,
                                 .mac = *redirect.options.target_link_address,
                                 .has_mac = true,
                                 .overrides = true,
                                 .weakly_overrides = true,
                                 .says_router = is_router,
                                 .is_router = is_router};
    static_cast<void>(entry.stack().neighbours().learn(entry, interface, redirect.target, update));
  }
  static_cast<void>(entry.stack().routes().learn_redirect(entry, interface, redirect.destination, redirect.target));
}

bool is_redirect_due(Entry& entry, const Packet& packet, const Route& route, const Interface& input) {
  if (route.output.get() != &input || route.kind != RouteKind::Unicast || packet.is_link_broadcast || packet.is_link_multicast) {
    return false;
  }
  if (!is_on_link(entry, route.source, input)) return false;
  if (route.source.is_v4()) {
    const Ipv4Settings& all = entry.stack().interfaces().settings_of_all().v4;
    const Ipv4Settings& own = input.settings().v4;
    const bool is_shared = setting_or(all.shared_media, own.shared_media);
    if (!setting_or(all.send_redirects, own.send_redirects)) return false;
    if (!is_shared && !share_subnet(entry, input, route.source, route.next_hop)) return false;
  }
  return entry.stack().routes().may_redirect(route.source, entry.now());
}

void send_redirect6(Entry& entry, const Packet& packet, const Route& route, Interface& input) {
  constexpr size_t kMinMtu = 1280, kHeaders = 40 + 40 + 8 + 8;  // IPv6, redirect, link address, redirected header
  if (!is_redirect_due(entry, packet, route, input)) return;
  const Ipv6Address target = route.next_hop.v6(), destination = route.destination.v6();
  if (target != destination && !target.is_link_local()) return;
  Result<Ipv6Address> source = entry.stack().routes().select_source(&input, Ipv6Address::all_nodes());
  if (!source.is_ok()) return;
  NdpRedirect message{.target = target, .destination = destination, .options = {}};
  Result<NeighbourInfo> neighbour = entry.stack().neighbours().find(input, target);
  if (neighbour.is_ok()) {
    const NeighbourInfo known = neighbour.take();
    if (has_link_address(known.state)) message.options.target_link_address = known.mac;
  }
  uint8_t cited[kMinMtu - kHeaders];
  const size_t size = packet.read(0, cited);
  message.options.redirected_packet = ByteSpan(cited, size / 8 * 8);
  Result<Ref<Packet>> created = Packet::create_linear(entry.stack().pool(), message.encoded_size());
  if (!created.is_ok()) return;
  Ref<Packet> composed = created.take();
  message.emit(composed->append(message.encoded_size()));
  ndp_send(entry, input, source.take(), route.source.v6(), std::move(composed));
}

}  // namespace lxnet
