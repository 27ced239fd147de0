// RouteTable: rules and tables of routes; lookup() answers a FlowKey with a Route, as Linux's fib does.
//
// Changes are made under the Configuration lock (InterfaceRegistry::configuration()), one at a time; the tables themselves are
// guarded by a lock of rank Routes, which a lookup takes once.
// Not implemented: several next hops in one route, next-hop objects, routes by source prefix (IPv6 subtrees), encapsulation.
#pragma once

#include <optional>

#include "hal/mutex.hh"
#include "stack/interface_registry.hh"
#include "stack/route/route.hh"
#include "stack/route/route_trie.hh"

namespace lxnet {

// What the tables say of a destination, before Linux's rules about addresses and interfaces are applied.
struct FibQuery {
  IpAddress destination = {};
  IpAddress source = {};
  uint32_t input_interface = 0;  // that of `lo` for what we send ourselves
  uint32_t output_interface = 0;
  uint32_t mark = 0;
  uint32_t uid = 0;
  uint16_t source_port = 0, destination_port = 0;
  uint8_t protocol = 0;
  uint8_t tos = 0;
  AddressScope scope = AddressScope::Universe;  // routes that reach farther do not count
  bool ignores_link_state = false;              // also routes that ignore_routes_with_linkdown takes out
};

struct FibResult {
  RouteType type = RouteType::Unspecified;
  AddressScope scope = AddressScope::Universe;
  AddressScope next_hop_scope = AddressScope::Nowhere;
  RouteOrigin origin = RouteOrigin::Unspecified;
  uint8_t prefix_length = 0;
  uint8_t hop_limit = 0;
  bool has_gateway = false;
  bool is_mtu_locked = false;
  uint32_t table = 0;
  uint32_t metric = 0;
  uint32_t mtu = 0;
  IpAddress gateway = {};
  IpAddress preferred_source = {};
  Ref<Interface> output = {};
};

// RTNH_F_LINKDOWN: the route leads elsewhere, through an interface without carrier.
bool is_link_down(const RouteEntry& route, const Interface& output);
// Whether such a route is passed over (ignore_routes_with_linkdown).
bool ignores_link_down(IpFamily family, const Interface& output);
// IPv6: a route to elsewhere through lo refuses every packet, though it is one (Linux's fib6_is_reject()).
bool is_refusal_on_loopback(const RouteEntry& route, const Interface& output);

// The MTU of a link for IPv6: its own, or less if a router said so.
uint32_t link_mtu6(const Interface& interface);

class RouteTable {
 public:
  explicit RouteTable(Stack& stack);
  ~RouteTable();
  // Linux's rules of a fresh namespace. ENOMEM.
  Result<> initialise();

  // ---- asking: any lock below rank Interfaces

  // For sending. ENETUNREACH, EHOSTUNREACH, EACCES (prohibit), EINVAL (blackhole, or a source no
  // host can have), ENODEV (an
  // output interface that does not exist), EADDRNOTAVAIL (IPv6: no address to send from).
  Result<Route> lookup(Entry& entry, const FlowKey& key);
  // For a packet that came in on `input`. Local, Broadcast, Multicast: it is for us (of a group, if somebody joined it: the
  // caller asks the memberships). Unicast: through `output` to `next_hop`, if we forward. EINVAL: a martian, whose source cannot
  // be; EXDEV: a source that would not be answered this way (rp_filter); EHOSTUNREACH, ENETUNREACH, EACCES: no way on, and ICMP
  // says so, for IPv4 if we forward; EPERM: there is a way (IPv6) and we do not forward.
  Result<Route> lookup_input(Entry& entry, const FlowKey& key, Interface& input);
  // Grows with every change of routes, addresses or link state.
  uint32_t generation() const { return __atomic_load_n(&generation_, __ATOMIC_ACQUIRE); }
  // What an address is to us, by the local table (Linux's inet_addr_type): Local, Broadcast, Multicast, Anycast or Unicast.
  // bind() and ARP ask. With an interface, as if there were no other.
  RouteType address_type(const IpAddress& address, uint32_t interface_index = 0) const;
  // The source address for a destination that no socket chose one for: IPv4 by scopes, IPv6 by RFC 6724. EADDRNOTAVAIL.
  Result<Ipv4Address> select_source(const Interface& output, Ipv4Address destination, AddressScope scope) const;
  // Without an output interface (null) as if any were as good as another.
  Result<Ipv6Address> select_source(const Interface* output, const Ipv6Address& destination, uint8_t preferences = 0) const;
  // What the route of a flow says to its transport. As long as no route says anything this is one load.
  RouteMetrics metrics_of(const FlowKey& key) const { return has_metrics() ? find_metrics(key) : RouteMetrics(); }
  bool has_metrics() const { return __atomic_load_n(&has_metrics_, __ATOMIC_RELAXED); }
  // The tables alone. ENETUNREACH without any match; what a route of an error type says.
  Result<FibResult> find(const FibQuery& query) const;

  // ---- changing: no lock

  // EINVAL: not a route Linux takes; ENODEV, ENETDOWN: its interface; ENETUNREACH, EHOSTUNREACH (IPv6): a gateway nobody knows
  // the way to; EEXIST; ENOENT: none whose place it could take; ENOMEM.
  Result<> add(Entry& entry, const RouteEntry& route, RouteConflict conflict = RouteConflict::Refuse,
               RouteCreation creation = RouteCreation::Allowed);
  // Removes the first that agrees in what is given: an unspecified type, origin, metric, gateway or interface and the scope
  // Nowhere match any. ESRCH.
  Result<> remove(Entry& entry, const RouteEntry& route);
  // EEXIST (identical), EINVAL, ENOMEM.
  Result<> add_rule(Entry& entry, const RoutingRule& rule);
  // The first that equals it, or with priority 0 and all else alike. ENOENT.
  Result<> remove_rule(Entry& entry, const RoutingRule& rule);
  // visit(const RouteEntry&) for every route of every table, under the Routes lock.
  template <typename Visitor>
  void for_each_route(IpFamily family, Visitor&& visit) const {
    MutexLock lock(mutex_);
    for (const Table& table : tables_) {
      if (table.family == family) table.trie.for_each([&](const RouteNode& node) { visit(node.value); });
    }
  }
  template <typename Visitor>
  void for_each_rule(IpFamily family, Visitor&& visit) const {
    MutexLock lock(mutex_);
    for (const RuleNode& node : rules_) {
      if (node.rule.family == family) visit(node.rule);
    }
  }

  // ---- following the interfaces: the registry calls, under the Configuration lock

  // The local, broadcast and connected routes of an address. ENOMEM: none was added.
  Result<> add_address_routes(Entry& entry, Interface& interface, const InterfaceAddress& address);
  // Those of them that no other address of the interface stands for. The address is already out of the interface's list.
  void remove_address_routes(Entry& entry, Interface& interface, const InterfaceAddress& address);
  // IPv6: ff00::/8, which every link but lo has. ENOMEM.
  Result<> add_multicast_route(Entry& entry, Interface& interface);
  // After another address became the primary one of its subnet.
  void refresh_address_routes(Entry& entry, Interface& interface);
  // Routes through it go, but for IPv4's local ones.
  void interface_down(Entry& entry, Interface& interface);
  void interface_removed(Entry& entry, Interface& interface);

  // ---- what routers say
  // Under the Configuration lock: adds the route, or gives the one that is there another lifetime.
  Result<> learn_locked(Entry& entry, const RouteEntry& route);
  void remove_learnt_locked(Entry& entry, const RouteEntry& route);
  // no lock. A redirect that was found good. Bounded; forgotten after five minutes.
  Result<> learn_redirect(Entry& entry, Interface& interface, const IpAddress& destination, const IpAddress& gateway);
  // Linux's pace: nine redirects to a host that does not listen, each after twice the time of the one before, then silence.
  bool may_redirect(const IpAddress& host, Instant now);
  // no lock. It is a router no longer.
  void forget_router(Entry& entry, Interface& interface, const IpAddress& router);

  void bump_generation() { __atomic_fetch_add(&generation_, 1u, __ATOMIC_RELEASE); }

 private:
  struct Table {
    Table(const Hal& hal, IpFamily of, uint32_t number) : family(of), id(number), trie(hal) {}
    IpFamily family;
    uint32_t id;
    RouteTrie trie;
    ListLink link;
  };
  struct RuleNode {
    explicit RuleNode(const RoutingRule& as) : rule(as) {}
    RoutingRule rule;
    ListLink link;
  };

  // route_table.cc
  RouteMetrics find_metrics(const FlowKey& key) const;
  Table* find_table(IpFamily family, uint32_t id) const REQUIRES(mutex_);
  Result<> check(const RouteEntry& route, RouteNode& node) const;
  Result<> check_gateway(const RouteEntry& route, RouteNode& node) const;
  struct Insertion {
    RouteConflict conflict;
    RouteCreation creation = RouteCreation::Allowed;
    RouteCause cause = RouteCause::Consequence;
  };
  Result<> insert_node(Entry& entry, RouteNode* node, const Insertion& how);
  void refuse_on_loopback(RouteNode& node) const;
  // The callers hold the Configuration lock, which has another name there.
  void notify_route(Entry& entry, const NetworkEvent& event) NO_THREAD_SAFETY_ANALYSIS;
  // interface_routes.cc
  Result<> add_own(Entry& entry, Interface& interface, const RouteEntry& route);
  void remove_own(Entry& entry, const RouteEntry& route);
  std::optional<Instant> wanted_until(Interface& interface, const RouteEntry& route) const;
  // The taken are told of and disposed of without the lock.
  template <typename Condition>
  void remove_routes_if(Entry& entry, Condition&& condition) {
    RouteTrie::RouteList taken;
    {
      MutexLock lock(mutex_);
      for (Table& table : tables_) table.trie.take_if(taken, condition);
    }
    bump_generation();
    while (RouteNode* node = taken.take_front()) {
      notify_route(entry, {.kind = NetworkEvent::Kind::RouteRemoved,
                           .interface = node->output.get(),
                           .route = &node->value,
                           .cause = RouteCause::Consequence});
      dispose(mutex_.hal(), node);
    }
  }
  RouteNode* find_own(const RouteEntry& route) const REQUIRES(mutex_);
  // learnt_routes.cc
  // The route's time begins anew.
  void set_lifetime(Entry& entry, RouteNode& node, Instant expires) REQUIRES(mutex_);
  // But one that does not end is not shortened by somebody else's word.
  void renew_lifetime(Entry& entry, RouteNode& node, Instant expires) REQUIRES(mutex_);
  void arm_expiry(Instant now) REQUIRES(mutex_);
  static void expired(Entry& entry, Timer& timer);
  // fib.cc
  Result<FibResult> find_locked(const FibQuery& query, RouteMetrics* metrics = nullptr) const REQUIRES(mutex_);
  const RouteNode* find_in_table(const Table& table, const FibQuery& query) const REQUIRES(mutex_);
  const RouteNode* prefer_router(const RouteNode& first, const RouteTrie::Node& place, const FibQuery& query) const
      REQUIRES(mutex_);
  bool is_acceptable(const RouteNode& node, const FibQuery& query) const;
  bool neighbour_fails(const RouteNode& node) const;
  static bool matches(const RoutingRule& rule, const FibQuery& query);
  // output_v4.cc, output_v6.cc, input.cc
  Result<Route> output_v4(Entry& entry, const FlowKey& key);
  Result<Route> output_v6(Entry& entry, const FlowKey& key);
  Result<Route> input_v4(Entry& entry, const FlowKey& key, Interface& input);
  Result<Route> input_v6(Entry& entry, const FlowKey& key, Interface& input);
  Result<> validate_source(const FlowKey& key, Interface& input) const;

  Stack& stack_;
  mutable Mutex mutex_;
  List<Table, &Table::link> tables_ GUARDED_BY(mutex_);
  List<RuleNode, &RuleNode::link> rules_ GUARDED_BY(mutex_);  // by rising priority
  // By a hash of the host: who shares a place shares its pace.
  struct RedirectPace {
    IpAddress host = {};
    Instant last = {};
    uint32_t count = 0;
  };
  static constexpr size_t kRedirectPaces = 64;
  RedirectPace redirect_paces_[kRedirectPaces] GUARDED_BY(mutex_);
  Timer expiry_timer_;
  Instant collection_due_ GUARDED_BY(mutex_) = Instant::never();  // of routes that have ended
  bool has_metrics_ = false;                                      // atomic: some route has had some
  uint32_t generation_ = 1;
};

// RTN_BROADCAST: 255.255.255.255, and the broadcast address of a network of ours.
bool is_broadcast_here(Entry& entry, const IpAddress& address);

}  // namespace lxnet
