// RouteTable: rules and tables; lookup() answers a FlowKey with a Route.
#pragma once

#include "stack/route/route.hh"

namespace lxnet {

class RouteTable {
 public:
  explicit RouteTable(Stack& stack) : stack_(stack) {}

  // For sending. ENETUNREACH, EHOSTUNREACH, EACCES (prohibit), EINVAL (blackhole, or a source that is not ours).
  Result<Route> lookup(Entry& entry, const FlowKey& key);
  // Grows with every change of routes, addresses or link state.
  uint32_t generation() const { return __atomic_load_n(&generation_, __ATOMIC_ACQUIRE); }

 private:
  [[maybe_unused]] Stack& stack_;
  uint32_t generation_ = 1;
};

}  // namespace lxnet
