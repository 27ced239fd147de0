// Stack: one network namespace. It owns everything below it; there are no globals, so a process may hold a hundred.
//
// This header only gathers the parts; what each part is stands in its own header.
#pragma once

#include "hal/hal.hh"
#include "hal/lxnet.h"
#include "hal/memory.hh"
#include "hal/timer.hh"
#include "netdev/loopback/loopback.hh"
#include "netdev/packet_pool.hh"
#include "stack/conntrack/tracker_slot.hh"
#include "stack/drop_reason.hh"
#include "stack/entry.hh"
#include "stack/filter/packet_filter.hh"
#include "stack/icmp/icmp_state.hh"
#include "stack/igmp/memberships.hh"
#include "stack/interface_registry.hh"
#include "stack/ip/ip_state.hh"
#include "stack/mib.hh"
#include "stack/neighbour/neighbour_table.hh"
#include "stack/port_hooks.hh"
#include "stack/route/route_table.hh"
#include "stack/socket_set.hh"
#include "stack/stamp_demand.hh"
#include "stack/tcp/tcp_shared.hh"
#include "stack/tunables.hh"

namespace lxnet {

class Stack {
 public:
  static Result<Stack*> create(const lxnet_hal& table, const lxnet_config& config, const char** message);
  static void destroy(Stack* stack);

  const Hal& hal() const { return hal_; }
  PacketPool& pool() { return pool_; }
  Timers& timers() { return timers_; }
  DropCounters& drops() { return drops_; }
  MibCounters& mib() { return mib_; }
  Tunables& tunables() { return tunables_; }
  InterfaceRegistry& interfaces() { return interfaces_; }
  NeighbourTable& neighbours() { return neighbours_; }
  RouteTable& routes() { return routes_; }
  PacketHooks& hooks() { return hooks_; }
  TrackerSlot& connections() { return connections_; }
  PacketFilter& filter() { return filter_; }
  IpState& ip() { return ip_; }
  IcmpState& icmp() { return icmp_; }
  Memberships& memberships() { return memberships_; }
  SocketSet& sockets() { return sockets_; }
  TcpShared& tcp() { return tcp_; }
  PortHooks& ports() { return ports_; }
  StampDemand& stamps() { return stamps_; }
  // SO_NETNS_COOKIE: no other stack's.
  uint64_t cookie() const { return cookie_; }

  // What the layer above keeps with the stack (the compat layer its families and calls); the stack only carries it.
  void* upper_layer = nullptr;

 private:
  Stack(const Hal& hal, const lxnet_config& config);
  ~Stack() = default;
  Result<> initialise(const lxnet_config& config);
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  // In order of construction: a part may use those above it.
  const Hal hal_;
  PacketPool pool_;
  Timers timers_;
  DropCounters drops_;
  MibCounters mib_;
  Tunables tunables_;
  Loopback loopback_;
  InterfaceRegistry interfaces_;
  NeighbourTable neighbours_;
  RouteTable routes_;
  PacketHooks hooks_;
  TrackerSlot connections_;
  PacketFilter filter_;
  IpState ip_;
  IcmpState icmp_;
  Memberships memberships_;
  SocketSet sockets_;
  TcpShared tcp_;
  PortHooks ports_;
  StampDemand stamps_;
  const uint64_t cookie_;
};

}  // namespace lxnet
