// What becomes of a packet that came in: for us, on its way elsewhere, or from a source that cannot be (Linux's
// ip_route_input_slow, fib_validate_source and ip6_route_input; RFC 1122 3.2.1.3, RFC 3704).
#include "stack/route/route_table.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

Route route_to_us(Interface& input, const FlowKey& key, RouteKind kind, uint32_t generation) {
  return Route{.output = Ref<Interface>::share(input),
               .source = key.source,
               .destination = key.destination,
               .next_hop = key.destination,
               .kind = kind,
               .deliver_locally = true,
               .mtu = input.mtu(),
               .generation = generation};
}

FibQuery forward_query(const FlowKey& key, const Interface& input) {
  return {.destination = key.destination,
          .source = key.source,
          .input_interface = input.index(),
          .mark = key.mark,
          .source_port = key.source_port,
          .destination_port = key.destination_port,
          .protocol = key.protocol,
          .tos = static_cast<uint8_t>(key.destination.is_v4() ? key.tos & 0xfc : key.tos)};
}

}  // namespace

Result<Route> RouteTable::lookup_input(Entry& entry, const FlowKey& key, Interface& input) {
  return key.destination.is_v4() ? input_v4(entry, key, input) : input_v6(entry, key, input);
}

// EINVAL: our own address, or nobody's. EXDEV: an answer would not go back the way the packet came.
Result<> RouteTable::validate_source(const FlowKey& key, Interface& input) const {
  const Ipv4Settings& own = input.settings().v4;
  const int32_t filter = setting_max(stack_.interfaces().settings_of_all().v4.rp_filter, own.rp_filter);
  const bool accepts_local = setting_and(stack_.interfaces().settings_of_all().v4.accept_local, own.accept_local);
  if (filter == 0) {
    if (accepts_local || !stack_.interfaces().find_by_address(key.source)) return ok();
    return Errno::EINVAL;
  }
  const FibQuery back{.destination = key.source,
                      .source = key.destination,
                      .input_interface = stack_.interfaces().loopback().index(),
                      .mark = key.mark,
                      .tos = static_cast<uint8_t>(key.tos & 0xfc)};
  Result<FibResult> found = find(back);
  if (!found.is_ok()) return Errno::EXDEV;
  const FibResult way = found.take();
  if (way.type == RouteType::Local && accepts_local) return ok();
  if (way.type != RouteType::Unicast) return Errno::EINVAL;
  if (way.output.get() == &input || filter == 2) return ok();
  return Errno::EXDEV;
}

Result<Route> RouteTable::input_v4(Entry&, const FlowKey& key, Interface& input) {
  const uint32_t now_generation = generation();
  const Ipv4Address source = key.source.v4();
  const Ipv4Address destination = key.destination.v4();
  if (source.is_multicast() || source.is_broadcast()) return Errno::EINVAL;
  const bool is_for_many = destination.is_multicast() || destination.is_broadcast();
  const bool is_from_nobody = source.is_unspecified();  // who has no address yet (DHCP) may ask everybody
  if (destination.is_broadcast() || (is_from_nobody && destination.is_unspecified())) {
    if (!is_from_nobody && !input.is_loopback()) TRY(validate_source(key, input));
    return route_to_us(input, key, RouteKind::Broadcast, now_generation);
  }
  constexpr uint8_t kIgmp = 2;
  const bool is_excused = is_from_nobody && (destination.is_local_multicast() || (is_for_many && key.protocol == kIgmp));
  if (is_from_nobody && !is_excused) return Errno::EINVAL;
  const InterfaceSettings& all = stack_.interfaces().settings_of_all();
  const bool is_localnet_fine = input.is_loopback() || setting_or(all.v4.route_localnet, input.settings().v4.route_localnet);
  if ((source.is_loopback() || destination.is_loopback()) && !is_localnet_fine) return Errno::EINVAL;
  if (destination.is_multicast()) {
    if (!is_from_nobody && !input.is_loopback()) TRY(validate_source(key, input));
    return route_to_us(input, key, RouteKind::Multicast, now_generation);
  }
  if (destination.is_unspecified()) return Errno::EINVAL;

  Result<FibResult> found = find(forward_query(key, input));
  const bool forwards = stack_.tunables().values().ip_forward != 0 || input.settings().v4.forwarding != 0;
  if (!found.is_ok()) return forwards ? found.error() : Errno::EHOSTUNREACH;
  const FibResult way = found.take();
  if (way.type == RouteType::Local || way.type == RouteType::Broadcast) {
    // What went out through lo has been checked on its way out.
    if (!input.is_loopback()) TRY(validate_source(key, input));
    const RouteKind kind = way.type == RouteType::Local ? RouteKind::Local : RouteKind::Broadcast;
    return route_to_us(input, key, kind, now_generation);
  }
  if (!forwards) return Errno::EHOSTUNREACH;
  if (way.type != RouteType::Unicast) return Errno::EINVAL;
  TRY(validate_source(key, input));
  const uint32_t link_mtu = way.output->mtu();
  return Route{.output = way.output,
               .source = key.source,
               .destination = key.destination,
               .next_hop = way.has_gateway ? way.gateway : key.destination,
               .mtu = way.mtu != 0 && way.mtu < link_mtu ? way.mtu : link_mtu,
               .generation = now_generation};
}

Result<Route> RouteTable::input_v6(Entry&, const FlowKey& key, Interface& input) {
  const uint32_t now_generation = generation();
  if (key.source.is_multicast()) return Errno::EINVAL;
  if ((key.source.is_loopback() || key.destination.is_loopback()) && !input.is_loopback()) return Errno::EINVAL;
  if (key.destination.is_unspecified()) return Errno::EINVAL;
  if (key.destination.is_multicast()) return route_to_us(input, key, RouteKind::Multicast, now_generation);
  FibQuery query = forward_query(key, input);
  // A link-local address means something on its own link only. What comes back through lo has been checked on its way out.
  if (key.destination.is_link_local() && !input.is_loopback()) query.output_interface = input.index();
  Result<FibResult> found = find(query);
  const bool forwards = stack_.tunables().values().ipv6_forwarding != 0 || input.settings().v6.forwarding != 0;
  if (!found.is_ok()) return found.error();
  const FibResult way = found.take();
  if (way.type == RouteType::Local || way.type == RouteType::Anycast) {
    return route_to_us(input, key, RouteKind::Local, now_generation);
  }
  if (way.output->is_loopback()) return Errno::ENETUNREACH;
  if (!forwards) return Errno::EPERM;
  if (way.type != RouteType::Unicast || key.source.is_unspecified()) return Errno::EINVAL;
  const uint32_t link_mtu = link_mtu6(*way.output);
  return Route{.output = way.output,
               .source = key.source,
               .destination = key.destination,
               .next_hop = way.has_gateway ? way.gateway : key.destination,
               .mtu = way.mtu != 0 && way.mtu < link_mtu ? way.mtu : link_mtu,
               .generation = now_generation};
}

}  // namespace lxnet
