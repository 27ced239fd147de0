// NeighbourTable: link-layer addresses of neighbours, learnt by ARP and NDP, with unreachability detection (RFC 4861, 7.3).
#pragma once

#include "stack/interface.hh"

namespace lxnet {

class NeighbourTable {
 public:
  explicit NeighbourTable(Stack& stack) : stack_(stack) {}

  // Upper layers saw forward progress (a TCP ACK, MSG_CONFIRM).
  void confirm(Entry& entry, Interface& interface, const IpAddress& neighbour);

 private:
  [[maybe_unused]] Stack& stack_;
};

}  // namespace lxnet
