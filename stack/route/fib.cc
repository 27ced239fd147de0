// Rules, tables, longest prefixes: what the tables say of a query (Linux's fib_lookup, fib_table_lookup and fib6_table_lookup).
#include "stack/route/route_table.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

bool is_in_range(uint16_t port, uint16_t low, uint16_t high) { return (low == 0 && high == 0) || (port >= low && port <= high); }

Errno error_of(RouteType type) {
  if (type == RouteType::Prohibit) return Errno::EACCES;
  if (type == RouteType::Unreachable) return Errno::EHOSTUNREACH;
  return Errno::EINVAL;  // blackhole: Linux drops what it forwards so, and says EINVAL to who sends
}

}  // namespace

bool is_link_down(const RouteEntry& route, const Interface& output) {
  if (!output.is_up() || output.is_running()) return false;
  if (route.destination.address.is_v4()) return route.scope != AddressScope::Host;
  return route.type != RouteType::Local && route.type != RouteType::Anycast;
}

bool ignores_link_down(IpFamily family, const Interface& output) {
  const InterfaceSettings& own = output.settings();
  if (family == IpFamily::V6) return own.v6.ignore_routes_with_linkdown != 0;
  const InterfaceSettings& all = output.stack().interfaces().settings_of_all();
  return setting_or(all.v4.ignore_routes_with_linkdown, own.v4.ignore_routes_with_linkdown);
}

bool is_refusal_on_loopback(const RouteEntry& route, const Interface& output) {
  const IpAddress& destination = route.destination.address;
  if (destination.is_v4() || !output.is_loopback() || destination.is_loopback()) return false;
  return route.type != RouteType::Local && route.type != RouteType::Anycast;
}

bool RouteTable::matches(const RoutingRule& rule, const FibQuery& query) {
  if (rule.family != query.destination.family()) return false;
  const bool agrees = (rule.source.length == 0 || rule.source.covers(query.source)) &&
                      (rule.destination.length == 0 || rule.destination.covers(query.destination)) &&
                      (rule.input_interface == 0 || rule.input_interface == query.input_interface) &&
                      (rule.output_interface == 0 || rule.output_interface == query.output_interface) &&
                      ((rule.mark ^ query.mark) & rule.mark_mask) == 0 && (rule.tos == 0 || rule.tos == query.tos) &&
                      (rule.protocol == 0 || rule.protocol == query.protocol) &&
                      (!rule.has_uid_range || (query.uid >= rule.uid_low && query.uid <= rule.uid_high)) &&
                      is_in_range(query.source_port, rule.source_port_low, rule.source_port_high) &&
                      is_in_range(query.destination_port, rule.destination_port_low, rule.destination_port_high);
  return agrees != rule.is_inverted;
}

bool RouteTable::is_acceptable(const RouteNode& node, const FibQuery& query) const {
  const RouteEntry& route = node.value;
  if (route.destination.address.is_v4()) {
    if (route.tos != 0 && route.tos != query.tos) return false;
    if (route.scope < query.scope) return false;
  }
  if (node.has_ended) return false;
  if (!node.output) return true;  // blackhole and its like
  if (query.output_interface != 0 && query.output_interface != node.output->index()) return false;
  if (query.ignores_link_state || !is_link_down(route, *node.output)) return true;
  return !ignores_link_down(route.destination.address.family(), *node.output);
}

// Of IPv6 routes that are equally good the one whose router answers, then the one whose router is preferred (RFC 4191).
const RouteNode* RouteTable::prefer_router(const RouteNode& first, const RouteTrie::Node& place, const FibQuery& query) const {
  const RouteNode* best = &first;
  bool best_fails = neighbour_fails(first);
  for (const RouteNode* node = place.routes().next(first); node != nullptr && node->value.metric == first.value.metric;
       node = place.routes().next(*node)) {
    if (!is_acceptable(*node, query)) continue;
    const bool fails = neighbour_fails(*node);
    if (fails == best_fails ? node->value.preference <= best->value.preference : fails) continue;
    best = node;
    best_fails = fails;
  }
  return best;
}

bool RouteTable::neighbour_fails(const RouteNode& node) const {
  return node.value.has_gateway && stack_.neighbours().has_failed(*node.output, node.value.gateway);
}

const RouteNode* RouteTable::find_in_table(const Table& table, const FibQuery& query) const {
  for (const RouteTrie::Node* place = table.trie.find_longest(query.destination); place != nullptr; place = place->shorter()) {
    for (const RouteNode& node : place->routes()) {
      if (!is_acceptable(node, query)) continue;
      return query.destination.is_v4() || !node.output ? &node : prefer_router(node, *place, query);
    }
  }
  return nullptr;
}

Result<FibResult> RouteTable::find_locked(const FibQuery& query, RouteMetrics* metrics) const {
  for (const RuleNode& node : rules_) {
    const RoutingRule& rule = node.rule;
    if (!matches(rule, query)) continue;
    if (rule.action == RuleAction::Prohibit) return Errno::EACCES;
    if (rule.action == RuleAction::Unreachable) return Errno::ENETUNREACH;
    if (rule.action == RuleAction::Blackhole) return Errno::EINVAL;
    const Table* table = find_table(rule.family, rule.table);
    const RouteNode* found = table == nullptr ? nullptr : find_in_table(*table, query);
    if (found == nullptr || found->value.type == RouteType::Throw) continue;
    const RouteEntry& route = found->value;
    if (rule.suppress_prefix_length >= route.destination.length) continue;
    if (route.type >= RouteType::Blackhole) return error_of(route.type);
    if (metrics != nullptr) *metrics = route.metrics;
    return FibResult{.type = route.type,
                     .scope = route.scope,
                     .next_hop_scope = found->next_hop_scope,
                     .origin = route.origin,
                     .prefix_length = route.destination.length,
                     .hop_limit = route.hop_limit,
                     .has_gateway = route.has_gateway,
                     .is_mtu_locked = route.metrics.is_locked(RouteMetric::Mtu),
                     .table = route.table,
                     .metric = route.metric,
                     .mtu = route.mtu,
                     .gateway = route.gateway,
                     .preferred_source = route.preferred_source,
                     .output = found->output};
  }
  return Errno::ENETUNREACH;
}

Result<FibResult> RouteTable::find(const FibQuery& query) const {
  MutexLock lock(mutex_);
  return find_locked(query);
}

RouteMetrics RouteTable::find_metrics(const FlowKey& key) const {
  RouteMetrics metrics;
  MutexLock lock(mutex_);
  // Without a route it says nothing.
  static_cast<void>(find_locked({.destination = key.destination,
                                 .source = key.source,
                                 .input_interface = stack_.interfaces().loopback().index(),
                                 .output_interface = key.output_interface,
                                 .mark = key.mark,
                                 .uid = key.uid,
                                 .source_port = key.source_port,
                                 .destination_port = key.destination_port,
                                 .protocol = key.protocol,
                                 .tos = static_cast<uint8_t>(key.tos & 0xfc)},
                                &metrics));
  return metrics;
}

RouteType RouteTable::address_type(const IpAddress& address, uint32_t interface_index) const {
  if (address.is_multicast()) return RouteType::Multicast;
  if (address.is_v4() && (address.v4().is_unspecified() || address.v4().is_broadcast())) return RouteType::Broadcast;
  MutexLock lock(mutex_);
  const Table* table = find_table(address.family(), kTableLocal);
  const RouteTrie::Node* place = table == nullptr ? nullptr : table->trie.find_longest(address);
  for (const RouteNode* node = place == nullptr ? nullptr : place->routes().front(); node != nullptr;
       node = place->routes().next(*node)) {
    if (interface_index == 0 || (node->output && node->output->index() == interface_index)) return node->value.type;
  }
  return RouteType::Unicast;
}

}  // namespace lxnet
