// Source routes of IPv4 (RFC 791, section 3.1; RFC 1812, section 5.2.4.1), as far as accept_source_route allows them.
#include "stack/icmp/icmp_state.hh"
#include "stack/ip/input_internal.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"

namespace lxnet {
namespace {

void tell_of_problem(Entry& entry, const Packet& packet, uint8_t position) {
  icmp4_send_error(entry, packet, static_cast<uint8_t>(Icmp4Type::ParameterProblem), 0, uint32_t{position} << 24);
}

Result<> readdress(Packet& packet, Ipv4Address destination) {
  const size_t header_size = sizeof(Ipv4Header) + ip_info(packet).options_size;
  if (!packet.make_writable(header_size).is_ok()) return Errno::EINVAL;
  packet.mark_network_header();
  auto& header = *reinterpret_cast<Ipv4Header*>(packet.mutable_linear().data());
  header.destination = destination;
  header.update_header_checksum();
  ip_info(packet).destination = destination;
  return ok();
}

}  // namespace

Result<> ip4_follow_source_route(Entry& entry, Packet& packet, const Ipv4Options& options, Interface& input, Route& route) {
  const Ipv4Settings& all = entry.stack().interfaces().settings_of_all().v4;
  if (!setting_and(all.accept_source_route, input.settings().v4.accept_source_route)) return Errno::EINVAL;
  if (packet.is_link_broadcast || packet.is_link_multicast) return Errno::EINVAL;
  if (route.kind == RouteKind::Unicast) {
    if (!options.is_strict_route()) return ok();
    tell_of_problem(entry, packet, offsetof(Ipv4Header, destination));
    return Errno::EINVAL;
  }
  if (route.kind != RouteKind::Local) return Errno::EINVAL;
  for (uint8_t passed = 0; route.kind == RouteKind::Local; ++passed) {
    auto named = options.next_hop(passed);
    if (!named.is_ok()) {
      tell_of_problem(entry, packet, static_cast<uint8_t>(options.source_route_position() + 2));
      return Errno::EINVAL;
    }
    const std::optional<Ipv4Address> next = named.take();
    if (!next) return ok();
    const IpInfo& info = ip_info(packet);
    const FlowKey key{
        .source = info.source, .destination = *next, .mark = packet.mark, .protocol = info.protocol, .tos = info.tos};
    auto looked_up = entry.stack().routes().lookup_input(entry, key, input);
    if (!looked_up.is_ok()) return Errno::EINVAL;
    route = looked_up.take();
    if (route.kind == RouteKind::Local) TRY(readdress(packet, *next));
  }
  return route.kind == RouteKind::Unicast ? ok() : Result<>(Errno::EINVAL);
}

}  // namespace lxnet
