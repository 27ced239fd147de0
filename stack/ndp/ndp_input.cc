// Neighbour discovery's messages as they come in (RFC 4861, sections 6.1, 7.1, 8.1; Linux's ndisc.c).
#include "stack/ndp/ndp_input.hh"

#include "stack/ip/ip_info.hh"
#include "stack/ndp/ndp_interface.hh"
#include "stack/ndp/ndp_output.hh"
#include "stack/route/redirect.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr uint8_t kHopLimit = 255;

struct Context {
  Entry& entry;
  Interface& interface;
  const IpInfo& info;
  ByteSpan message;
};

// Whether we have the address and may answer for it.
bool is_ours(const Context& at, const Ipv6Address& address) {
  Result<InterfaceAddress> found = at.entry.stack().interfaces().find_address(at.interface, address);
  return found.is_ok() && found.take().is_usable();
}

bool is_anycast(const Context& at, const Ipv6Address& address) {
  return at.entry.stack().routes().address_type(address, at.interface.index()) == RouteType::Anycast;
}

bool receive_solicitation(const Context& at) {
  Result<NeighborSolicitation> parsed = NeighborSolicitation::parse(at.message);
  if (!parsed.is_ok()) return false;
  const NeighborSolicitation message = parsed.take();
  const Ipv6Address source = at.info.source.v6(), destination = at.info.destination.v6();
  const std::optional<MacAddress>& link_address = message.options.source_link_address;
  if (message.target.is_multicast()) return false;
  const bool is_probe = source.is_unspecified();
  if (is_probe && (!destination.is_solicited_node() || link_address)) return false;
  const NdpNonce* nonce = message.options.nonce ? &*message.options.nonce : nullptr;
  // Two who detect at once both lose; a plain question for an address that is not ours yet has no answer.
  if (is_probe && at.interface.ndp()->duplicate_found(at.entry, message.target, nonce)) return true;
  const bool is_shared = is_anycast(at, message.target);
  if (!is_shared && !is_ours(at, message.target)) return true;
  if (is_probe) {
    ndp_advertise(at.entry, at.interface, Ipv6Address::all_nodes(), message.target, NdpAnswer::Unsolicited, true, true);
    return true;
  }
  // RFC 4861, 7.2.7: whoever answers for an anycast address does not take it from another.
  const bool was_multicast = destination.is_multicast();
  NeighbourTable& neighbours = at.entry.stack().neighbours();
  const NeighbourUpdate update{.state = NeighbourState::Stale,
                               .mac = link_address.value_or(MacAddress()),
                               .has_mac = link_address.has_value(),
                               .overrides = true,
                               .weakly_overrides = true};
  if (link_address) {
    static_cast<void>(neighbours.learn(at.entry, at.interface, source, update));
  }
  ndp_advertise(at.entry, at.interface, source, message.target, NdpAnswer::Solicited, was_multicast && !is_shared, was_multicast);
  return true;
}

bool receive_advertisement(const Context& at) {
  Result<NeighborAdvertisement> parsed = NeighborAdvertisement::parse(at.message);
  if (!parsed.is_ok()) return false;
  const NeighborAdvertisement message = parsed.take();
  if (message.target.is_multicast() || (at.info.is_multicast && message.is_solicited)) return false;
  if (!message.is_solicited && at.interface.settings().v6.drop_unsolicited_na != 0) return true;
  if (at.interface.ndp()->duplicate_found(at.entry, message.target, nullptr)) return true;
  if (at.entry.stack().interfaces().is_local_address(message.target, at.interface.index())) return true;
  NeighbourTable& neighbours = at.entry.stack().neighbours();
  Result<NeighbourInfo> found = neighbours.find(at.interface, message.target);
  // Who is not being spoken to is not remembered, and who has failed must be asked anew.
  if (!found.is_ok()) return true;
  const NeighbourInfo old = found.take();
  if (old.state == NeighbourState::Failed) return true;
  const std::optional<MacAddress>& link_address = message.options.target_link_address;
  neighbours.update(at.entry, at.interface, message.target,
                    {.state = message.is_solicited ? NeighbourState::Reachable : NeighbourState::Stale,
                     .mac = link_address.value_or(MacAddress()),
                     .has_mac = link_address.has_value(),
                     .overrides = message.overrides,
                     .weakly_overrides = true,
                     .says_router = true,
                     .is_router = message.is_router});
  // RFC 4861, 7.2.5: a router that became a host is no default router any more.
  if (old.is_router && !message.is_router) at.entry.stack().routes().forget_router(at.entry, at.interface, message.target);
  return true;
}

bool receive_router_advertisement(const Context& at) {
  Result<RouterAdvertisement> parsed = RouterAdvertisement::parse(at.message);
  if (!parsed.is_ok() || !at.info.source.is_link_local()) return false;
  const RouterAdvertisement message = parsed.take();
  const Ipv6Address router = at.info.source.v6();
  const std::optional<MacAddress>& link_address = message.options.source_link_address;
  if (link_address) {
    const NeighbourUpdate update{.state = NeighbourState::Stale,
                                 .mac = *link_address,
                                 .has_mac = true,
                                 .overrides = true,
                                 .weakly_overrides = true,
                                 .says_router = true,
                                 .is_router = true};
    static_cast<void>(at.entry.stack().neighbours().learn(at.entry, at.interface, router, update));
  }
  at.interface.ndp()->advertised(at.entry, router, message);
  return true;
}

// We are no advertising router; a router learns of the host that asks.
bool receive_router_solicitation(const Context& at) {
  Result<RouterSolicitation> parsed = RouterSolicitation::parse(at.message);
  if (!parsed.is_ok()) return false;
  const std::optional<MacAddress> link_address = parsed.take().options.source_link_address;
  if (at.info.source.is_unspecified()) return !link_address;
  if (link_address && at.interface.settings().v6.forwarding != 0) {
    const NeighbourUpdate update{
        .state = NeighbourState::Stale, .mac = *link_address, .has_mac = true, .overrides = true, .weakly_overrides = true};
    static_cast<void>(at.entry.stack().neighbours().learn(at.entry, at.interface, at.info.source, update));
  }
  return true;
}

bool receive_redirect(const Context& at) {
  Result<NdpRedirect> parsed = NdpRedirect::parse(at.message);
  if (!parsed.is_ok() || !at.info.source.is_link_local()) return false;
  const NdpRedirect message = parsed.take();
  const bool is_on_link = message.target == message.destination;
  if (message.destination.is_multicast() || (!is_on_link && !message.target.is_link_local())) return false;
  receive_redirect6(at.entry, at.interface, at.info.source.v6(), message);
  return true;
}

bool dispatch(const Context& at) {
  switch (Icmp6Type{at.message[0]}) {
    case Icmp6Type::NeighborSolicitation:
      return receive_solicitation(at);
    case Icmp6Type::NeighborAdvertisement:
      return receive_advertisement(at);
    case Icmp6Type::RouterAdvertisement:
      return receive_router_advertisement(at);
    case Icmp6Type::RouterSolicitation:
      return receive_router_solicitation(at);
    case Icmp6Type::Redirect:
      return receive_redirect(at);
    default:
      return false;
  }
}

}  // namespace

void ndp_receive(Entry& entry, Ref<Packet> packet) {
  const IpInfo info = ip_info(*packet);
  const Ref<Interface> interface = entry.stack().interfaces().find(packet->interface_index);
  const bool is_whole = interface && !interface->is_loopback() && info.ttl == kHopLimit && !info.was_fragmented &&
                        packet->pull_up(packet->size()).is_ok() && packet->linear()[1] == 0;
  if (is_whole && dispatch({.entry = entry, .interface = *interface, .info = info, .message = packet->linear()})) return;
  drop(entry, std::move(packet), DropReason::NdpHeader);
}

}  // namespace lxnet
