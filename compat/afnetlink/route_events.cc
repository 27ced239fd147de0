// What changed, told to the groups of NETLINK_ROUTE: the messages that a dump would give, one at a time.
#include "compat/afnetlink/netlink_domain.hh"
#include "compat/afnetlink/route_family.hh"
#include "compat/afnetlink/route_messages.hh"
#include "netdev/virtual_device.hh"
#include "stack/neighbour/neighbour_table.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

// Without memory the members miss it, as Linux's do.
template <typename Write>
void tell(NetlinkDomain& domain, const Hal& hal, uint32_t group, const NetlinkDomain::Requester& requester, Write&& write) {
  if (!domain.has_members(kNetlinkRoute, group)) return;
  GroupOutput output(domain, group);
  NetlinkRequest cause;
  cause.header.sequence = requester.sequence;
  cause.header.port = requester.port;
  NetlinkWriter writer(hal, output, cause);
  if (write(writer).is_ok()) (void)writer.flush();
}

constexpr uint32_t kEveryFlag = ~0u;

// What Linux's fib_table_insert() and fib6_add() say of how a route came.
uint16_t flags_of(RouteArrival arrival) {
  switch (arrival) {
    case RouteArrival::Alone:
      return kNetlinkCreate | kNetlinkExclusive;
    case RouteArrival::Before:
      return kNetlinkCreate;
    case RouteArrival::Behind:
      return kNetlinkCreate | kNetlinkAppend;
    case RouteArrival::InPlaceOfOne:
      return kNetlinkReplace;
  }
  return 0;
}

bool is_end_of_pair(const Interface& interface) {
  VirtualDevice* made = interface.device().as_virtual();
  return made != nullptr && made->peer() != nullptr;
}

}  // namespace

Result<> GroupOutput::queue(ByteSpan datagram) {
  domain_.multicast(kNetlinkRoute, group_, datagram);
  return ok();
}

void NetlinkDomain::network_changed(NetworkObserver& observer, Entry& entry, const NetworkEvent& event) {
  NetlinkDomain& domain = static_cast<Observer&>(observer).domain;
  const Hal& hal = domain.stack_.hal();
  const NetlinkDomain::Requester requester = domain.requester_of(entry);
  const auto link = [&](uint16_t type, uint32_t change) {
    // That an end of a pair comes or goes is told of for nobody's request.
    const bool is_new_end = change == kEveryFlag && is_end_of_pair(*event.interface);
    tell(domain, hal, kGroupLink, is_new_end ? NetlinkDomain::Requester() : requester,
         [&](NetlinkWriter& writer) { return write_link(writer, *event.interface, type, 0, change); });
  };
  const auto address = [&](uint16_t type) {
    const uint32_t group = event.address->address.is_v4() ? kGroupIpv4Address : kGroupIpv6Address;
    // inet6_ifa_notify() names nobody.
    tell(domain, hal, group, group == kGroupIpv4Address ? requester : NetlinkDomain::Requester(),
         [&](NetlinkWriter& writer) { return write_address(writer, entry.now(), *event.interface, *event.address, type, 0); });
  };
  const auto route = [&](uint16_t type, uint16_t flags) {
    const uint32_t group = event.route->destination.address.is_v4() ? kGroupIpv4Route : kGroupIpv6Route;
    tell(domain, hal, group, event.cause == RouteCause::Request ? requester : NetlinkDomain::Requester(),
         [&](NetlinkWriter& writer) { return write_route(writer, entry, *event.route, type, flags); });
  };
  switch (event.kind) {
    case NetworkEvent::Kind::InterfaceAdded:
      return link(kNewLink, kEveryFlag);
    case NetworkEvent::Kind::InterfaceUp:
    case NetworkEvent::Kind::InterfaceDown:
      return link(kNewLink, kInterfaceUp);
    case NetworkEvent::Kind::InterfaceChanged:
    case NetworkEvent::Kind::CarrierChanged:
      return link(kNewLink, 0);
    case NetworkEvent::Kind::InterfaceRemoved:
      return link(kDeleteLink, kEveryFlag);
    case NetworkEvent::Kind::AddressAdded:
    case NetworkEvent::Kind::AddressChanged:
      return address(kNewAddress);
    case NetworkEvent::Kind::AddressRemoved:
      return address(kDeleteAddress);
    case NetworkEvent::Kind::RouteAdded:
      return route(kNewRoute, flags_of(event.arrival));
    case NetworkEvent::Kind::RouteRemoved:
      return route(kDeleteRoute, 0);
  }
}

void NetlinkDomain::neighbour_changed(void* self, Entry& entry, const NeighbourInfo& info) {
  NetlinkDomain& domain = *static_cast<NetlinkDomain*>(self);
  tell(domain, domain.stack_.hal(), kGroupNeighbour, {},
       [&](NetlinkWriter& writer) { return write_neighbour(writer, entry.now(), info, kNewNeighbour, 0); });
}

}  // namespace lxnet
