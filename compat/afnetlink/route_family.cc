#include "compat/afnetlink/route_family.hh"

#include "compat/afnetlink/route_messages.hh"
#include "compat/syscalls/sockaddr.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

using Handler = Result<> (*)(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer);

struct Row {
  uint16_t type;
  Handler handle;
  Handler dump = nullptr;
  bool is_of_ip = false;  // served for AF_INET and AF_INET6 only, but for dumps
};

constexpr Row kRows[] = {
    {.type = kNewLink, .handle = &new_link},
    {.type = kDeleteLink, .handle = &delete_link},
    {.type = kGetLink, .handle = &get_link, .dump = &dump_links},
    {.type = kSetLink, .handle = &set_link},
    {.type = kNewAddress, .handle = &new_address, .is_of_ip = true},
    {.type = kDeleteAddress, .handle = &delete_address, .is_of_ip = true},
    {.type = kGetAddress, .handle = &get_interface_address, .dump = &dump_addresses, .is_of_ip = true},
    {.type = kNewRoute, .handle = &new_route, .is_of_ip = true},
    {.type = kDeleteRoute, .handle = &delete_route, .is_of_ip = true},
    {.type = kGetRoute, .handle = &get_route, .dump = &dump_routes, .is_of_ip = true},
    {.type = kNewNeighbour, .handle = &new_neighbour},
    {.type = kDeleteNeighbour, .handle = &delete_neighbour},
    {.type = kGetNeighbour, .handle = &get_neighbour, .dump = &dump_neighbours},
    {.type = kNewRule, .handle = &new_rule},
    {.type = kDeleteRule, .handle = &delete_rule},
    {.type = kGetRule, .handle = nullptr, .dump = &dump_rules},
};

const Row* find_row(uint16_t type) {
  for (const Row& row : kRows) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

}  // namespace

// Every fourth type.
bool is_route_question(uint16_t type) { return type % 4 == 2; }

// RTNL_FLAG_DUMP_SPLIT_NLM_DONE, and dumps of all families (rtnl_dump_all()).
bool ends_route_dump_alone(const NetlinkRequest& request) {
  const uint16_t type = request.header.type;
  if (type == kGetLink || type == kGetAddress) return family_of(request) != kFamilyInet6;
  return type == kGetRoute;
}

// rtnetlink_rcv_msg().
Result<> handle_route(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output) {
  const uint16_t type = request.header.type;
  if (type > kLastRouteMessage) return Errno::EOPNOTSUPP;
  if (request.payload.empty()) return ok();  // not even a family: passed over
  if (!request.is_question && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  const Row* row = find_row(type);
  if (row == nullptr) return Errno::EOPNOTSUPP;
  NetlinkWriter writer(context.hal(), output, request);
  if (request.is_dump()) {
    // What goes wrong is said at the end.
    auto written = row->dump(context, request, writer);
    return writer.finish_dump(written.is_ok() ? Errno{} : written.error());
  }
  if (row->handle == nullptr) return Errno::EOPNOTSUPP;
  if (row->is_of_ip && !ip_family_of(family_of(request)).is_ok()) return Errno::EOPNOTSUPP;
  TRY(row->handle(context, request, writer));
  return writer.flush();
}

Result<IpFamily> ip_family_of(uint8_t family) {
  if (family == kFamilyInet) return IpFamily::V4;
  if (family == kFamilyInet6) return IpFamily::V6;
  return Errno::EAFNOSUPPORT;
}

uint8_t number_of(IpFamily family) { return static_cast<uint8_t>(family == IpFamily::V4 ? kFamilyInet : kFamilyInet6); }

Result<std::optional<IpAddress>> read_address(const NetlinkAttributes& attributes, uint16_t type, IpFamily family) {
  if (family == IpFamily::V4) {
    Ipv4Address address;
    if (!TRY(attributes.read(type, address))) return std::optional<IpAddress>();
    return std::optional<IpAddress>(IpAddress(address));
  }
  Ipv6Address address;
  if (!TRY(attributes.read(type, address))) return std::optional<IpAddress>();
  return std::optional<IpAddress>(IpAddress(address));
}

Result<> put_address(NetlinkWriter& writer, uint16_t type, const IpAddress& address) {
  return address.is_v4() ? writer.attribute(type, address.v4()) : writer.attribute(type, address.v6());
}

}  // namespace lxnet
