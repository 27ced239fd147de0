// NetworkEvent: what changed in the configuration of a stack, for those who must follow it: multicast memberships, netlink.
//
// An observer is called under the Configuration lock and no other, after the change; what it is told of lives until it returns.
#pragma once

#include "base/list.hh"
#include "stack/interface_address.hh"

namespace lxnet {

class Entry;
class Interface;
struct RouteEntry;  // stack/route/route_entry.hh

// Where a new route stands among those with its destination, tos and metric.
enum class RouteArrival : uint8_t { Alone, Before, Behind, InPlaceOfOne };
// Who changed a route: somebody who asked for that, or what happened to an address or a link.
enum class RouteCause : uint8_t { Request, Consequence };

struct NetworkEvent {
  enum class Kind : uint8_t {
    InterfaceAdded,
    InterfaceRemoved,  // still complete, already down, no longer to be found
    InterfaceChanged,  // name, MTU, hardware address or a flag but up and running
    InterfaceUp,
    InterfaceDown,  // IFF_UP is already gone
    CarrierChanged,
    AddressAdded,
    AddressRemoved,
    AddressChanged,  // flags or lifetimes
    RouteAdded,
    RouteRemoved,
  };

  Kind kind;
  Interface* interface = nullptr;
  const InterfaceAddress* address = nullptr;
  const RouteEntry* route = nullptr;
  RouteArrival arrival = RouteArrival::Alone;
  RouteCause cause = RouteCause::Request;
};

class NetworkObserver {
 public:
  using Callback = void (*)(NetworkObserver& observer, Entry& entry, const NetworkEvent& event);

  explicit NetworkObserver(Callback callback) : callback_(callback) {}

 private:
  friend class InterfaceRegistry;

  ListLink link_;
  Callback callback_;
};

}  // namespace lxnet
