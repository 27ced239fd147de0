// What changed, told to the groups of NETLINK_ROUTE: the messages that a dump would give, one at a time.
#include "compat/afnetlink/netlink_domain.hh"
#include "compat/afnetlink/route_family.hh"
#include "compat/afnetlink/route_messages.hh"
#include "stack/neighbour/neighbour_table.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

class GroupOutput final : public NetlinkOutput {
 public:
  GroupOutput(NetlinkDomain& domain, uint32_t group) : domain_(domain), group_(group) {}
  Result<> queue(ByteSpan datagram) override {
    domain_.multicast(kNetlinkRoute, group_, datagram);
    return ok();
  }

 private:
  NetlinkDomain& domain_;
  uint32_t group_;
};

// Without memory the members miss it, as Linux's do.
template <typename Write>
void tell(NetlinkDomain& domain, const Hal& hal, uint32_t group, Write&& write) {
  if (!domain.has_members(kNetlinkRoute, group)) return;
  GroupOutput output(domain, group);
  const NetlinkRequest nobodys;
  NetlinkWriter writer(hal, output, nobodys);
  if (write(writer).is_ok()) (void)writer.flush();
}

}  // namespace

void NetlinkDomain::network_changed(NetworkObserver& observer, Entry& entry, const NetworkEvent& event) {
  NetlinkDomain& domain = static_cast<Observer&>(observer).domain;
  const Hal& hal = domain.stack_.hal();
  const auto link = [&](uint16_t type) {
    tell(domain, hal, kGroupLink, [&](NetlinkWriter& writer) { return write_link(writer, *event.interface, type, 0); });
  };
  const auto address = [&](uint16_t type) {
    const uint32_t group = event.address->address.is_v4() ? kGroupIpv4Address : kGroupIpv6Address;
    tell(domain, hal, group,
         [&](NetlinkWriter& writer) { return write_address(writer, entry.now(), *event.interface, *event.address, type, 0); });
  };
  const auto route = [&](uint16_t type) {
    const uint32_t group = event.route->destination.address.is_v4() ? kGroupIpv4Route : kGroupIpv6Route;
    tell(domain, hal, group, [&](NetlinkWriter& writer) { return write_route(writer, entry.now(), *event.route, type, 0); });
  };
  switch (event.kind) {
    case NetworkEvent::Kind::InterfaceAdded:
    case NetworkEvent::Kind::InterfaceChanged:
    case NetworkEvent::Kind::InterfaceUp:
    case NetworkEvent::Kind::InterfaceDown:
    case NetworkEvent::Kind::CarrierChanged:
      return link(kNewLink);
    case NetworkEvent::Kind::InterfaceRemoved:
      return link(kDeleteLink);
    case NetworkEvent::Kind::AddressAdded:
    case NetworkEvent::Kind::AddressChanged:
      return address(kNewAddress);
    case NetworkEvent::Kind::AddressRemoved:
      return address(kDeleteAddress);
    case NetworkEvent::Kind::RouteAdded:
      return route(kNewRoute);
    case NetworkEvent::Kind::RouteRemoved:
      return route(kDeleteRoute);
  }
}

void NetlinkDomain::neighbour_changed(void* self, Entry& entry, const NeighbourInfo& info) {
  NetlinkDomain& domain = *static_cast<NetlinkDomain*>(self);
  tell(domain, domain.stack_.hal(), kGroupNeighbour,
       [&](NetlinkWriter& writer) { return write_neighbour(writer, entry.now(), info, kNewNeighbour, 0); });
}

}  // namespace lxnet
