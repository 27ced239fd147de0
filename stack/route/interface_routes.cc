// The routes that addresses bring with them, as Linux's fib_add_ifaddr and addrconf do: to ourselves, to the subnet, and to its
// broadcast addresses.
//
// A route is known by table, prefix, type and interface; several addresses may stand for the same one, and the first gives it its
// preferred source.
#include "stack/route/route_table.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr uint32_t kIpv6AddressMetric = 256;

struct RouteList {
  RouteEntry routes[4];
  size_t count = 0;

  RouteEntry& add(const Prefix& destination, RouteType type, AddressScope scope, uint32_t interface) {
    RouteEntry& route = routes[count++];
    route.destination = destination;
    route.type = type;
    route.scope = scope;
    route.origin = RouteOrigin::Kernel;
    route.output_interface = interface;
    route.table = type == RouteType::Unicast ? kTableMain : kTableLocal;
    return route;
  }
};

void list_v4_routes(const Interface& interface, const InterfaceAddress& address, Ipv4Address primary, RouteList& out) {
  const uint32_t index = interface.index();
  const Ipv4Address own = address.address.v4();
  const Ipv4Address prefix = address.peer.v4().network(address.prefix_length);
  out.add({own, 32}, RouteType::Local, AddressScope::Host, index);
  if (interface.is_up()) {
    const Ipv4Address broadcast = address.broadcast;
    const Ipv4Address last = prefix.network_broadcast(address.prefix_length);
    const bool has_prefix = !prefix.is_unspecified() && !address.is_secondary() && (prefix != own || address.prefix_length < 32);
    if (!broadcast.is_unspecified() && !broadcast.is_broadcast()) {
      out.add({broadcast, 32}, RouteType::Broadcast, AddressScope::Link, index);
    }
    if (has_prefix && (address.flags & kAddressNoPrefixRoute) == 0) {
      const bool is_local = interface.is_loopback();
      out.add({prefix, address.prefix_length}, is_local ? RouteType::Local : RouteType::Unicast,
              is_local ? AddressScope::Host : AddressScope::Link, index)
          .metric = address.metric;
    }
    if (has_prefix && address.prefix_length < 31 && last != broadcast) {
      out.add({last, 32}, RouteType::Broadcast, AddressScope::Link, index);
    }
  }
  for (size_t i = 0; i < out.count; ++i) out.routes[i].preferred_source = primary;
}

void list_v6_subnet(const Interface& interface, const InterfaceAddress& address, RouteList& out) {
  const uint32_t index = interface.index();
  // A router's advertisement says by itself whether its prefix is on the link, and ::1 of lo is no subnet.
  const bool has_none = address.origin == AddressOrigin::RouterAdvertisement || address.origin == AddressOrigin::KernelLoopback;
  if (!interface.is_up() || has_none || (address.flags & kAddressNoPrefixRoute) != 0) return;
  const Prefix prefix{address.address.v6().network(address.prefix_length), address.prefix_length};
  RouteEntry& route = out.add(prefix, RouteType::Unicast, AddressScope::Link, index);
  route.metric = address.metric != 0 ? address.metric : kIpv6AddressMetric;
  const bool has_peer = !address.peer.is_unspecified() && !(address.peer == address.address);
  if (has_peer) out.add({address.peer, 128}, RouteType::Unicast, AddressScope::Link, index).metric = route.metric;
  if ((address.flags & kAddressPermanent) == 0 && !interface.is_loopback()) route.expires = address.valid_until;
}

void list_v6_routes(const Interface& interface, const InterfaceAddress& address, RouteList& out) {
  list_v6_subnet(interface, address, out);
  if (address.is_usable()) out.add({address.address, 128}, RouteType::Local, AddressScope::Host, interface.index());
}

// What `address` stands for on this interface now.
RouteList list_routes(const Interface& interface, const InterfaceAddress& address) {
  RouteList out;
  if (!address.address.is_v4()) {
    list_v6_routes(interface, address, out);
    return out;
  }
  // A secondary address is reached from, and its subnet spoken to with, the primary one.
  Ipv4Address primary = address.address.v4();
  if (address.is_secondary()) {
    interface.stack().interfaces().any_address(interface, [&](const InterfaceAddress& other) {
      const bool is_it = other.address.is_v4() && !other.is_secondary() && other.prefix_length == address.prefix_length &&
                         other.covers(address.peer);
      if (is_it) primary = other.address.v4();
      return is_it;
    });
  }
  list_v4_routes(interface, address, primary, out);
  return out;
}

bool is_same_route(const RouteEntry& a, const RouteEntry& b) {
  return a.table == b.table && a.destination == b.destination && a.type == b.type && a.output_interface == b.output_interface &&
         a.origin == b.origin && a.has_gateway == b.has_gateway && (!a.has_gateway || a.gateway == b.gateway);
}

}  // namespace

RouteNode* RouteTable::find_own(const RouteEntry& route) const {
  const Table* table = find_table(route.destination.address.family(), route.table);
  const RouteTrie::Node* place = table == nullptr ? nullptr : table->trie.find(route.destination);
  for (RouteNode* node = place == nullptr ? nullptr : place->routes().front(); node != nullptr;
       node = place->routes().next(*node)) {
    if (is_same_route(node->value, route)) return node;
  }
  return nullptr;
}

Result<> RouteTable::add_address_routes(Entry& entry, Interface& interface, const InterfaceAddress& address) {
  const RouteList list = list_routes(interface, address);
  bool is_new[4] = {};
  for (size_t i = 0; i < list.count; ++i) {
    const Result<> added = add_own(entry, interface, list.routes[i]);
    is_new[i] = added.is_ok();
    if (added.is_ok() || added.is_error(Errno::EEXIST)) continue;
    for (size_t j = 0; j < i; ++j) {
      if (is_new[j]) remove_own(entry, list.routes[j]);
    }
    return added.error();
  }
  return ok();
}

// EEXIST when another address has brought it: its lifetime is the last one's.
Result<> RouteTable::add_own(Entry& entry, Interface& interface, const RouteEntry& route) {
  {
    MutexLock lock(mutex_);
    if (RouteNode* known = find_own(route)) {
      set_lifetime(entry, *known, route.expires);
      return Errno::EEXIST;
    }
  }
  RouteNode* node = construct<RouteNode>(stack_.hal(), route, Ref<Interface>::share(interface));
  if (node == nullptr) return Errno::ENOMEM;
  node->next_hop_scope = route.scope == AddressScope::Host ? AddressScope::Nowhere : AddressScope::Host;
  return insert_node(entry, node, {.conflict = RouteConflict::Append});
}

void RouteTable::remove_own(Entry& entry, const RouteEntry& route) {
  RouteEntry removed;
  {
    MutexLock lock(mutex_);
    RouteNode* node = find_own(route);
    if (node == nullptr) return;
    removed = node->value;
    find_table(route.destination.address.family(), route.table)->trie.take(*node);
    dispose(stack_.hal(), node);
  }
  notify_route(entry, {.kind = NetworkEvent::Kind::RouteRemoved, .route = &removed, .cause = RouteCause::Consequence});
}

void RouteTable::remove_address_routes(Entry& entry, Interface& interface, const InterfaceAddress& address) {
  RouteList gone = list_routes(interface, address);
  for (size_t i = 0; i < gone.count; ++i) {
    // IPv6: what came last goes first.
    const RouteEntry& route = gone.routes[address.address.is_v4() ? i : gone.count - 1 - i];
    const std::optional<Instant> until = wanted_until(interface, route);
    if (!until) {
      remove_own(entry, route);
      continue;
    }
    MutexLock lock(mutex_);
    if (RouteNode* node = find_own(route)) set_lifetime(entry, *node, *until);
  }
  bump_generation();
  refresh_address_routes(entry, interface);
  if (!address.address.is_v4()) return;
  const bool has_more =
      stack_.interfaces().any_address(interface, [](const InterfaceAddress& other) { return other.address.is_v4(); });
  // With its last IPv4 address an interface loses every IPv4 route (Linux: fib_disable_ip), and with any address the routes that
  // prefer it as their source, unless it is still ours elsewhere (fib_sync_down_addr).
  const bool is_gone = !stack_.interfaces().is_local_address(address.address);
  remove_routes_if(entry, [&](const RouteNode& node) {
    if (!node.value.destination.address.is_v4()) return false;
    return (!has_more && node.output.get() == &interface) || (is_gone && node.value.preferred_source == address.address);
  });
}

// Until when one of the interface's addresses stands for the route.
std::optional<Instant> RouteTable::wanted_until(Interface& interface, const RouteEntry& route) const {
  std::optional<Instant> until;
  // Listing the routes of an address looks at the others, so the addresses are copied out one at a time.
  for (size_t position = 0;; ++position) {
    InterfaceAddress address;
    if (!stack_.interfaces().copy_address(interface, position, address)) return until;
    const RouteList list = list_routes(interface, address);
    for (size_t i = 0; i < list.count; ++i) {
      if (!is_same_route(list.routes[i], route)) continue;
      if (!until || *until < list.routes[i].expires) until = list.routes[i].expires;
    }
  }
}

// The first address that stands for a route gives it its preferred source.
void RouteTable::refresh_address_routes(Entry&, Interface& interface) {
  size_t count = 0;
  InterfaceAddress address;
  while (stack_.interfaces().copy_address(interface, count, address)) ++count;
  for (size_t position = count; position-- > 0;) {
    if (!stack_.interfaces().copy_address(interface, position, address)) continue;
    const RouteList list = list_routes(interface, address);
    MutexLock lock(mutex_);
    for (size_t i = 0; i < list.count; ++i) {
      RouteNode* node = find_own(list.routes[i]);
      if (node != nullptr) node->value.preferred_source = list.routes[i].preferred_source;
    }
  }
  bump_generation();
}

Result<> RouteTable::add_multicast_route(Entry& entry, Interface& interface) {
  RouteList list;
  list.add({Ipv6Address(0xff00, 0, 0, 0, 0, 0, 0, 0), 8}, RouteType::Multicast, AddressScope::Universe, interface.index())
      .metric = kIpv6AddressMetric;
  const Result<> added = add_own(entry, interface, list.routes[0]);
  return added.is_ok() || added.is_error(Errno::EEXIST) ? ok() : Result<>(added.error());
}

// Linux keeps IPv4's routes to ourselves while the link is down, so the addresses can still be bound to and reached from within.
void RouteTable::interface_down(Entry& entry, Interface& interface) {
  remove_routes_if(entry, [&](const RouteNode& node) {
    if (node.output.get() != &interface) return false;
    return !node.value.destination.address.is_v4() || node.next_hop_scope != AddressScope::Nowhere;
  });
}

void RouteTable::interface_removed(Entry& entry, Interface& interface) {
  remove_routes_if(entry, [&](const RouteNode& node) { return node.output.get() == &interface; });
}

}  // namespace lxnet
