// RouteTable: rules and tables; lookup() answers a FlowKey with a Route.
#pragma once

#include "stack/route/route.hh"

namespace lxnet {

class RouteTable {
 public:
  explicit RouteTable(Stack& stack) : stack_(stack) {}

  // For sending. ENETUNREACH, EHOSTUNREACH, EACCES (prohibit), EINVAL (blackhole, or a source that is not ours).
  Result<Route> lookup(Entry& entry, const FlowKey& key);
  // For a packet that came in on `input`. Local, Broadcast, Multicast: it is for us (of a group, if somebody joined it: the caller
  // asks the memberships). Unicast: through `output` to `next_hop`, if we forward. EINVAL: a martian, whose source cannot be;
  // EHOSTUNREACH, ENETUNREACH, EACCES: no way on, and ICMP says so.
  Result<Route> lookup_input(Entry& entry, const FlowKey& key, Interface& input);
  // Grows with every change of routes, addresses or link state.
  uint32_t generation() const { return __atomic_load_n(&generation_, __ATOMIC_ACQUIRE); }
  void bump_generation() { __atomic_fetch_add(&generation_, 1u, __ATOMIC_RELEASE); }

 private:
  [[maybe_unused]] Stack& stack_;
  uint32_t generation_ = 1;
};

}  // namespace lxnet
