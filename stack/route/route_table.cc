// Tables, routes and rules coming and going. What Linux refuses is refused here, before anything has changed.
#include "stack/route/route_table.hh"

#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr uint32_t kIpv6UserMetric = 1024;

bool is_error_type(RouteType type) { return type >= RouteType::Blackhole && type <= RouteType::Throw; }

// The nearest a route of this type may reach (Linux's fib_props).
AddressScope widest_scope(RouteType type) {
  if (type == RouteType::Local) return AddressScope::Host;
  if (type == RouteType::Broadcast || type == RouteType::Anycast) return AddressScope::Link;
  return AddressScope::Universe;
}

Prefix masked(const Prefix& prefix) {
  if (prefix.address.is_v4()) return {prefix.address.v4().network(prefix.length), prefix.length};
  return {prefix.address.v6().network(prefix.length), prefix.length};
}

// Which routes Linux takes for the same: IPv6's rt6_duplicate_nexthop() looks at the next hop alone.
bool leads_the_same_way(const RouteEntry& a, const RouteEntry& b) {
  const bool has_same_hop =
      a.output_interface == b.output_interface && a.has_gateway == b.has_gateway && (!a.has_gateway || a.gateway == b.gateway);
  if (!has_same_hop || !a.destination.address.is_v4()) return has_same_hop;
  return a.type == b.type && a.scope == b.scope && a.origin == b.origin && a.preferred_source == b.preferred_source &&
         a.mtu == b.mtu && a.hop_limit == b.hop_limit && a.metrics == b.metrics;
}

RouteArrival arrival_among_equals(RouteConflict conflict) {
  if (conflict == RouteConflict::Replace) return RouteArrival::InPlaceOfOne;
  return conflict == RouteConflict::Append ? RouteArrival::Behind : RouteArrival::Before;
}

// Of the equals an IPv6 route through a router takes a router's place, if there is one, and a route of the link another's.
bool is_better_to_replace(const RouteEntry& candidate, const RouteEntry& chosen, const RouteEntry& by) {
  return !by.destination.address.is_v4() && chosen.has_gateway != by.has_gateway && candidate.has_gateway == by.has_gateway;
}

}  // namespace

RouteTable::RouteTable(Stack& stack)
    : stack_(stack), mutex_(stack.hal(), LockRank::Routes), expiry_timer_(&RouteTable::expired) {}

RouteTable::~RouteTable() {
  stack_.timers().cancel(expiry_timer_);
  while (Table* table = tables_.take_front()) dispose(stack_.hal(), table);
  while (RuleNode* rule = rules_.take_front()) dispose(stack_.hal(), rule);
}

Result<> RouteTable::initialise() {
  MutexLock lock(mutex_);
  for (IpFamily family : {IpFamily::V4, IpFamily::V6}) {
    // In the order in which Linux empties them.
    const uint32_t first = family == IpFamily::V4 ? kTableLocal : kTableMain;
    for (uint32_t id : {first, first == kTableMain ? kTableLocal : kTableMain}) {
      Table* table = construct<Table>(stack_.hal(), stack_.hal(), family, id);
      if (table == nullptr) return Errno::ENOMEM;
      tables_.push_back(*table);
    }
    constexpr uint8_t kByKernel = 2;  // RTPROT_KERNEL
    const RoutingRule rules[] = {{.family = family, .origin = kByKernel, .priority = 0, .table = kTableLocal},
                                 {.family = family, .origin = kByKernel, .priority = 32766, .table = kTableMain},
                                 {.family = family, .origin = kByKernel, .priority = 32767, .table = kTableDefault}};
    for (const RoutingRule& rule : rules) {
      if (family == IpFamily::V6 && rule.table == kTableDefault) continue;
      RuleNode* node = construct<RuleNode>(stack_.hal(), rule);
      if (node == nullptr) return Errno::ENOMEM;
      rules_.push_back(*node);
    }
  }
  return ok();
}

RouteTable::Table* RouteTable::find_table(IpFamily family, uint32_t id) const {
  for (Table& table : tables_) {
    if (table.id == id && table.family == family) return &table;
  }
  return nullptr;
}

Result<> RouteTable::check(const RouteEntry& route, RouteNode& node) const {
  const bool is_v4 = route.destination.address.is_v4();
  if (route.destination.length > (is_v4 ? 32 : 128)) return Errno::EINVAL;
  if (route.destination != masked(route.destination)) return Errno::EINVAL;
  if (route.type == RouteType::Unspecified || route.type > RouteType::Throw) return Errno::EINVAL;
  if (is_v4 && (route.scope < widest_scope(route.type) || route.scope > AddressScope::Host)) return Errno::EINVAL;
  if (is_error_type(route.type)) {
    if (is_v4 && (route.has_gateway || route.output_interface != 0)) return Errno::EINVAL;
    if (!is_v4) refuse_on_loopback(node);
    return ok();
  }
  if (route.has_gateway) {
    if (route.scope == AddressScope::Host) return Errno::EINVAL;
    TRY(check_gateway(route, node));
  } else {
    node.output = stack_.interfaces().find(route.output_interface);
    if (!node.output) return Errno::ENODEV;
    // What Linux makes a refusal of does not end.
    if (is_refusal_on_loopback(route, *node.output)) node.value.expires = Instant::never();
    const bool is_local = is_v4 && route.scope == AddressScope::Host;
    if (!is_local && !node.output->is_up()) return Errno::ENETDOWN;
    node.next_hop_scope = is_local ? AddressScope::Nowhere : AddressScope::Host;
  }
  if (!route.preferred_source.is_unspecified()) {
    const bool is_itself = route.type == RouteType::Local && route.preferred_source == route.destination.address;
    if (!is_itself && !stack_.interfaces().is_local_address(route.preferred_source)) return Errno::EINVAL;
  }
  return ok();
}

// fib6_is_reject(): lo answers for them, whatever was asked for.
void RouteTable::refuse_on_loopback(RouteNode& node) const {
  node.output = Ref<Interface>::share(stack_.interfaces().loopback());
  node.value.has_gateway = false;
  node.value.gateway = {};
  node.value.is_on_link = false;
  node.value.expires = Instant::never();
}

// A gateway must be a neighbour: reached without another gateway, unless the route says it is on the link anyway.
Result<> RouteTable::check_gateway(const RouteEntry& route, RouteNode& node) const {
  const IpAddress& gateway = route.gateway;
  if (gateway.is_unspecified() || gateway.is_multicast()) return Errno::EINVAL;
  const bool is_v6_link_local = !gateway.is_v4() && gateway.is_link_local();
  if (route.output_interface != 0) node.output = stack_.interfaces().find(route.output_interface);
  if (route.output_interface != 0 && !node.output) return Errno::ENODEV;
  if (!gateway.is_v4() && node.output && node.output->is_loopback()) return Errno::EINVAL;
  if (route.is_on_link || is_v6_link_local) {
    if (!node.output) return is_v6_link_local ? Errno::EINVAL : Errno::ENODEV;
    if (gateway.is_v4() && address_type(gateway) != RouteType::Unicast) return Errno::EINVAL;
    if (!node.output->is_up()) return Errno::ENETDOWN;
    node.next_hop_scope = AddressScope::Link;
    return ok();
  }
  // One step nearer than the route itself, and never past the link.
  if (gateway.is_v4() && route.scope >= AddressScope::Link) return Errno::EINVAL;
  Result<FibResult> found = find({.destination = gateway,
                                  .input_interface = stack_.interfaces().loopback().index(),
                                  .output_interface = route.output_interface,
                                  .scope = gateway.is_v4() ? AddressScope::Link : AddressScope::Universe,
                                  .ignores_link_state = true});
  if (!found.is_ok()) return gateway.is_v4() ? Errno::ENETUNREACH : Errno::EHOSTUNREACH;
  FibResult way = found.take();
  if (gateway.is_v4()) {
    if (way.type != RouteType::Unicast && way.type != RouteType::Local) return Errno::EINVAL;
  } else {
    if (way.type == RouteType::Local) return Errno::EINVAL;
    if (way.type != RouteType::Unicast || way.has_gateway) return Errno::EHOSTUNREACH;
  }
  if (!gateway.is_v4() && way.output->is_loopback()) return Errno::EINVAL;
  if (!way.output->is_up()) return Errno::ENETDOWN;
  node.output = way.output;
  node.next_hop_scope = way.scope;
  return ok();
}

Result<> RouteTable::add(Entry& entry, const RouteEntry& asked, RouteConflict conflict, RouteCreation creation) {
  MutexLock configuration(stack_.interfaces().configuration());
  RouteEntry route = asked;
  if (route.table == 0) route.table = kTableMain;
  if (!route.destination.address.is_v4() && route.destination.length <= 128) {
    route.destination = masked(route.destination);
    if (route.metric == 0) route.metric = kIpv6UserMetric;
  }
  RouteNode checked(route, nullptr);
  TRY(check(route, checked));
  if (checked.output) checked.value.output_interface = checked.output->index();
  RouteNode* node = construct<RouteNode>(stack_.hal(), checked.value, checked.output);
  if (node == nullptr) return Errno::ENOMEM;
  node->next_hop_scope = checked.next_hop_scope;
  return insert_node(entry, node, {.conflict = conflict, .creation = creation, .cause = RouteCause::Request});
}

// Takes the node, also when it fails.
Result<> RouteTable::insert_node(Entry& entry, RouteNode* node, const Insertion& how) {
  const RouteEntry route = node->value;
  const Ref<Interface> output = node->output;
  const auto refuse = [&](Errno error) {
    dispose(stack_.hal(), node);
    return error;
  };
  RouteArrival arrival = RouteArrival::Alone;
  {
    MutexLock lock(mutex_);
    const IpFamily family = route.destination.address.family();
    Table* table = find_table(family, route.table);
    if (table == nullptr) {
      table = construct<Table>(stack_.hal(), stack_.hal(), family, route.table);
      if (table == nullptr) return refuse(Errno::ENOMEM);
      tables_.push_back(*table);
    }
    RouteNode* equal = nullptr;
    if (const RouteTrie::Node* place = table->trie.find(route.destination)) {
      for (RouteNode& other : place->routes()) {
        if (other.value.tos != route.tos || other.value.metric != route.metric) continue;
        if (how.conflict == RouteConflict::Refuse) return refuse(Errno::EEXIST);
        if (how.conflict != RouteConflict::Replace && leads_the_same_way(other.value, route)) {
          renew_lifetime(entry, other, route.expires);
          return refuse(Errno::EEXIST);
        }
        if (equal == nullptr || is_better_to_replace(other.value, equal->value, route)) equal = &other;
      }
    }
    const bool takes_a_place = how.conflict == RouteConflict::Replace && equal != nullptr;
    if (how.creation == RouteCreation::Forbidden && !takes_a_place) return refuse(Errno::ENOENT);
    if (equal != nullptr) arrival = arrival_among_equals(how.conflict);
    const bool comes_first = takes_a_place || (family == IpFamily::V4 && how.conflict == RouteConflict::Prepend);
    const auto among = comes_first ? RouteTrie::Among::BeforeEquals : RouteTrie::Among::BehindEquals;
    if (!table->trie.insert(*node, among).is_ok()) return refuse(Errno::ENOMEM);
    if (!route.metrics.is_empty()) __atomic_store_n(&has_metrics_, true, __ATOMIC_RELAXED);
    if (takes_a_place) {
      table->trie.take(*equal);
      dispose(stack_.hal(), equal);
    }
    if (!route.expires.is_never()) arm_expiry(entry.now());
  }
  bump_generation();
  notify_route(entry, {.kind = NetworkEvent::Kind::RouteAdded,
                       .interface = output.get(),
                       .route = &route,
                       .arrival = arrival,
                       .cause = how.cause});
  return ok();
}

Result<> RouteTable::remove(Entry& entry, const RouteEntry& asked) {
  MutexLock configuration(stack_.interfaces().configuration());
  RouteEntry route = asked;
  if (route.table == 0) route.table = kTableMain;
  const bool is_v4 = route.destination.address.is_v4();
  if (route.destination.length > (is_v4 ? 32 : 128)) return Errno::EINVAL;
  if (!is_v4) route.destination = masked(route.destination);
  if (route.destination != masked(route.destination)) return Errno::EINVAL;
  RouteEntry removed;
  {
    MutexLock lock(mutex_);
    Table* table = find_table(route.destination.address.family(), route.table);
    const RouteTrie::Node* place = table == nullptr ? nullptr : table->trie.find(route.destination);
    RouteNode* found = nullptr;
    for (RouteNode* node = place == nullptr ? nullptr : place->routes().front(); node != nullptr && found == nullptr;
         node = place->routes().next(*node)) {
      const RouteEntry& other = node->value;
      const bool is_of_origin = route.origin == RouteOrigin::Unspecified || route.origin == other.origin;
      const bool is_in_scope = !is_v4 || route.scope == AddressScope::Nowhere || route.scope == other.scope;
      const bool agrees = is_of_origin && is_in_scope && (route.type == RouteType::Unspecified || route.type == other.type) &&
                          (route.metric == 0 || route.metric == other.metric) && (!is_v4 || route.tos == other.tos) &&
                          (!route.has_gateway || (other.has_gateway && route.gateway == other.gateway)) &&
                          (route.output_interface == 0 || route.output_interface == other.output_interface) &&
                          (route.preferred_source.is_unspecified() || route.preferred_source == other.preferred_source);
      if (agrees) found = node;
    }
    if (found == nullptr) return Errno::ESRCH;
    removed = found->value;
    table->trie.take(*found);
    dispose(stack_.hal(), found);
  }
  bump_generation();
  notify_route(entry, {.kind = NetworkEvent::Kind::RouteRemoved, .route = &removed});
  return ok();
}

void RouteTable::notify_route(Entry& entry, const NetworkEvent& event) { stack_.interfaces().notify(entry, event); }

Result<> RouteTable::add_rule(Entry&, const RoutingRule& rule) {
  MutexLock configuration(stack_.interfaces().configuration());
  if (rule.action == RuleAction::Table && rule.table == 0) return Errno::EINVAL;
  RuleNode* node = construct<RuleNode>(stack_.hal(), rule);
  if (node == nullptr) return Errno::ENOMEM;
  {
    MutexLock lock(mutex_);
    RuleNode* before = nullptr;
    for (RuleNode& other : rules_) {
      if (other.rule == rule) {
        dispose(stack_.hal(), node);
        return Errno::EEXIST;
      }
      if (before == nullptr && other.rule.priority > rule.priority) before = &other;
    }
    if (before != nullptr) {
      rules_.insert_before(*before, *node);
    } else {
      rules_.push_back(*node);
    }
  }
  bump_generation();
  return ok();
}

Result<> RouteTable::remove_rule(Entry&, const RoutingRule& rule) {
  MutexLock configuration(stack_.interfaces().configuration());
  {
    MutexLock lock(mutex_);
    RuleNode* found = nullptr;
    for (RuleNode& other : rules_) {
      RoutingRule wanted = rule;
      if (wanted.priority == 0) wanted.priority = other.rule.priority;
      if (other.rule == wanted && found == nullptr) found = &other;
    }
    if (found == nullptr) return Errno::ENOENT;
    rules_.remove(*found);
    dispose(stack_.hal(), found);
  }
  bump_generation();
  return ok();
}

bool is_broadcast_here(Entry& entry, const IpAddress& address) {
  if (address.v4().is_broadcast()) return true;
  FlowKey key;
  key.source = IpAddress::any(IpFamily::V4);
  key.destination = address;
  auto route = entry.stack().routes().lookup(entry, key);
  return route.is_ok() && route.take().kind == RouteKind::Broadcast;
}

}  // namespace lxnet
