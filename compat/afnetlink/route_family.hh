// NETLINK_ROUTE: what ip, getifaddrs() and if_nameindex() ask. Interfaces, addresses, routes, neighbours and rules are listed and
// changed, and changes are told to the groups of them.
//
// Links are made of the kinds in link_kinds.cc. Not served, and refused as by a kernel without them: other kinds (EOPNOTSUPP),
// masters of links, namespaces by their numbers, multipath routes and next-hop objects, queueing disciplines, rules'
// notifications.
#pragma once

#include <optional>

#include "compat/afnetlink/netlink_message.hh"
#include "stack/interface_registry.hh"
#include "stack/route/route_entry.hh"

namespace lxnet {

class NetlinkDomain;
struct NeighbourInfo;

bool is_route_question(uint16_t type);
bool ends_route_dump_alone(const NetlinkRequest& request);
Result<> handle_route(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output);

// One kind of request, its privilege checked. Single requests answer with what they asked for; dumps without NLMSG_DONE.
Result<> get_link(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> dump_links(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> new_link(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> set_link(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> delete_link(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> get_interface_address(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> dump_addresses(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> new_address(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> delete_address(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> get_route(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> dump_routes(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> new_route(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> delete_route(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> get_neighbour(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> dump_neighbours(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> new_neighbour(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> delete_neighbour(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> dump_rules(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> new_rule(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);
Result<> delete_rule(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);

// One message about one thing, for answers and for the groups alike.
// `change`: the flags that an event is about.
Result<> write_link(NetlinkWriter& writer, const Interface& interface, uint16_t type, uint16_t flags, uint32_t change = 0);
Result<> write_address(NetlinkWriter& writer, Instant now, const Interface& interface, const InterfaceAddress& address,
                       uint16_t type, uint16_t flags);
Result<> write_route(NetlinkWriter& writer, Entry& entry, const RouteEntry& route, uint16_t type, uint16_t flags);
Result<> write_neighbour(NetlinkWriter& writer, Instant now, const NeighbourInfo& info, uint16_t type, uint16_t flags);

// ---- the tools of these files

// Where a message to a group's members goes.
class GroupOutput final : public NetlinkOutput {
 public:
  GroupOutput(NetlinkDomain& domain, uint32_t group) : domain_(domain), group_(group) {}
  Result<> queue(ByteSpan datagram) override;

 private:
  NetlinkDomain& domain_;
  uint32_t group_;
};

// The struct that a request begins with. EINVAL: it is shorter.
template <typename T>
Result<T> read_message(const NetlinkRequest& request) {
  T message{};
  if (request.payload.size() < sizeof(T)) return Errno::EINVAL;
  copy_bytes(mutable_bytes_of(message), request.payload);
  return message;
}
template <typename T>
NetlinkAttributes attributes_behind(const NetlinkRequest& request) {
  const size_t size = netlink_align(sizeof(T));
  return NetlinkAttributes(request.payload.size() > size ? request.payload.subspan(size) : ByteSpan());
}
// A dump may be asked for with no more than a family.
inline uint8_t family_of(const NetlinkRequest& request) { return request.payload.empty() ? uint8_t{0} : request.payload[0]; }
inline uint16_t part_flags(const NetlinkRequest& request) { return request.is_dump() ? uint16_t{kNetlinkMulti} : uint16_t{0}; }

// Copies of all that for_each(visit) visits, `count` of them: writing them takes memory, which a table's lock may not wait for.
template <typename T, typename ForEach>
Result<HeapArray<T>> collect(const Hal& hal, size_t& count, ForEach&& for_each) {
  for (;;) {
    size_t room = 0;
    for_each([&](const T&) { ++room; });
    auto copies = TRY(HeapArray<T>::create(hal, room));
    count = 0;
    bool fits = true;
    for_each([&](const T& one) {
      fits = fits && count < room;
      if (fits) copies[count++] = one;
    });
    if (fits) return copies;
  }
}

// The address in an attribute; without one nothing. ERANGE: shorter than the family's.
Result<std::optional<IpAddress>> read_address(const NetlinkAttributes& attributes, uint16_t type, IpFamily family);
Result<> put_address(NetlinkWriter& writer, uint16_t type, const IpAddress& address);
// AF_INET or AF_INET6. EAFNOSUPPORT.
Result<IpFamily> ip_family_of(uint8_t family);
uint8_t number_of(IpFamily family);

}  // namespace lxnet
