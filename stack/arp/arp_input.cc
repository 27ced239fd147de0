// What we answer and what we learn (Linux's arp_process).
#include "stack/arp/arp_internal.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

bool has_address(Interface& interface, Ipv4Address address, AddressScope farthest_hidden) {
  return interface.stack().interfaces().any_address(
      interface, [&](const InterfaceAddress& own) { return own.address == IpAddress(address) && own.scope < farthest_hidden; });
}

// arp_ignore: which requests for our addresses go without an answer.
bool is_ignored(Interface& interface, const ArpMessage& message) {
  InterfaceRegistry& interfaces = interface.stack().interfaces();
  const int32_t mode = setting_max(interfaces.settings_of_all().v4.arp_ignore, interface.settings().v4.arp_ignore);
  switch (mode) {
    case 0:
      return false;
    case 1:  // only for addresses of the interface that was asked
      return !has_address(interface, message.target_address, AddressScope::Nowhere);
    case 2:  // and only by who is in the same subnet
      return !interfaces.any_address(interface, [&](const InterfaceAddress& own) {
        return own.address == IpAddress(message.target_address) &&
               (message.sender_address.is_unspecified() || own.covers(message.sender_address));
      });
    case 3:  // not for addresses of host scope
      return !interfaces.any_address([&](const Interface&, const InterfaceAddress& own) {
        return own.address == IpAddress(message.target_address) && own.scope < AddressScope::Host;
      });
    case 8:
      return true;
    default:
      return false;
  }
}

// arp_filter: only if we would answer the sender through this interface.
bool is_filtered(Entry& entry, Interface& interface, const ArpMessage& message) {
  InterfaceRegistry& interfaces = entry.stack().interfaces();
  if (!setting_or(interfaces.settings_of_all().v4.arp_filter, interface.settings().v4.arp_filter)) return false;
  Result<Route> back =
      entry.stack().routes().lookup(entry, {.source = message.target_address, .destination = message.sender_address});
  return !back.is_ok() || back.take().output.get() != &interface;
}

void reply(Entry& entry, Interface& interface, const ArpMessage& message) {
  arp_send(entry, interface,
           {.operation = ArpOperation::Reply,
            .sender_mac = interface.mac(),
            .sender_address = message.target_address,
            .target_mac = message.sender_mac,
            .target_address = message.sender_address},
           message.sender_mac);
}

// Whether the request is for us and was dealt with.
bool answer(Entry& entry, Interface& interface, const ArpMessage& message) {
  RouteTable& routes = entry.stack().routes();
  if (message.sender_address.is_unspecified()) {  // a probe: somebody wants the address (RFC 5227)
    if (routes.address_type(message.target_address) == RouteType::Local && !is_ignored(interface, message)) {
      reply(entry, interface, message);
    }
    return true;
  }
  Result<Route> route =
      routes.lookup_input(entry, {.source = message.sender_address, .destination = message.target_address}, interface);
  if (!route.is_ok() || route.take().kind != RouteKind::Local) return false;
  if (is_ignored(interface, message) || is_filtered(entry, interface, message)) return true;
  const Result<> learnt = entry.stack().neighbours().learn(
      entry, interface, message.sender_address,
      {.state = NeighbourState::Stale, .mac = message.sender_mac, .has_mac = true, .overrides = true});
  if (learnt.is_ok()) reply(entry, interface, message);
  return true;
}

bool is_gratuitous(Stack& stack, const ArpMessage& message) {
  if (!message.is_gratuitous()) return false;
  if (message.operation == ArpOperation::Reply && message.target_mac != message.sender_mac) return false;
  return stack.routes().address_type(message.sender_address) == RouteType::Unicast;
}

// arp_accept: 1 anybody may make himself known, 2 who is in one of our subnets.
bool accepts_strangers(Interface& interface, Ipv4Address sender) {
  InterfaceRegistry& interfaces = interface.stack().interfaces();
  const int32_t mode = setting_max(interfaces.settings_of_all().v4.arp_accept, interface.settings().v4.arp_accept);
  if (mode == 1) return true;
  return mode == 2 && interfaces.any_address(interface, [&](const InterfaceAddress& own) { return own.covers(sender); });
}

// What a message says of its sender updates what we know of him; a stranger is not remembered for it.
void learn(Entry& entry, Interface& interface, const ArpMessage& message, bool was_to_us) {
  NeighbourTable& neighbours = entry.stack().neighbours();
  const bool gratuitous = is_gratuitous(entry.stack(), message);
  bool is_known = false;
  const Duration locktime = Duration::millis(interface.settings().arp.locktime_millis);
  // Of several answers in a row the first counts: the quickest of those who answer for an address.
  const bool is_settling = neighbours.was_updated_within(entry, interface, message.sender_address, locktime, is_known);
  const bool is_solicited = message.operation == ArpOperation::Reply && was_to_us;
  const NeighbourUpdate update{.state = is_solicited ? NeighbourState::Reachable : NeighbourState::Stale,
                               .mac = message.sender_mac,
                               .has_mac = true,
                               .overrides = !is_settling || gratuitous};
  if (is_known) {
    neighbours.update(entry, interface, message.sender_address, update);
    return;
  }
  if (!accepts_strangers(interface, message.sender_address)) return;
  const bool is_reply_of_unicast = message.operation == ArpOperation::Reply &&
                                   entry.stack().routes().address_type(message.sender_address) == RouteType::Unicast;
  if (gratuitous || is_reply_of_unicast) {
    static_cast<void>(neighbours.learn(entry, interface, message.sender_address, update));
  }
}

}  // namespace

void arp_receive(Entry& entry, Ref<Packet> packet, Interface& interface) {
  if (!interface.needs_resolution()) return drop(entry, std::move(packet), DropReason::ArpHeader);
  Result<> linear = packet->pull_up(ArpMessage::encoded_size());
  if (!linear.is_ok()) return drop(entry, std::move(packet), DropReason::ArpHeader);
  Result<ArpMessage> parsed = ArpMessage::parse(packet->linear());
  if (!parsed.is_ok()) return drop(entry, std::move(packet), DropReason::ArpHeader);
  const ArpMessage message = parsed.take();
  const bool was_to_us = !packet->is_link_broadcast && !packet->is_link_multicast;
  InterfaceRegistry& interfaces = entry.stack().interfaces();
  const InterfaceSettings& all = interfaces.settings_of_all();
  const bool routes_localnet = setting_or(all.v4.route_localnet, interface.settings().v4.route_localnet);
  const bool is_question = message.operation == ArpOperation::Request;
  const bool is_sane = (is_question || message.operation == ArpOperation::Reply) && !message.target_address.is_multicast() &&
                       (!message.target_address.is_loopback() || routes_localnet) && message.sender_mac.is_valid_unicast();
  const bool is_unwanted =
      message.is_gratuitous() && setting_or(all.v4.drop_gratuitous_arp, interface.settings().v4.drop_gratuitous_arp);
  if (!is_sane || is_unwanted) return drop(entry, std::move(packet), DropReason::ArpHeader);
  if (is_question && answer(entry, interface, message)) return;
  if (message.sender_address.is_unspecified()) return;
  learn(entry, interface, message, was_to_us);
}

}  // namespace lxnet
