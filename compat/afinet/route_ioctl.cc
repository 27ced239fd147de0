// Routes and IPv6 addresses by ioctl: Linux's ip_rt_ioctl(), ipv6_route_ioctl(), addrconf_add_ifaddr().
#include "compat/afinet/route_ioctl.hh"

#include <algorithm>
#include <bit>

#include "compat/afinet/inet_address.hh"

namespace lxnet {
namespace {

constexpr uint16_t kRouteGateway = 0x2, kRouteHost = 0x4, kRouteReject = 0x200;  // RTF_*
constexpr uint16_t kRouteMtu = 0x40, kRouteWindow = 0x80, kRouteRtt = 0x100;
constexpr size_t kNameSize = Interface::kNameSize;

// struct rtentry of a 64-bit caller.
constexpr uint32_t kHeadersOfMtu = 40;

struct UserRoute {
  uint64_t padding1;
  UserInetAddress destination, gateway, mask;
  uint16_t flags;
  int16_t padding2;
  uint32_t padding3;
  uint64_t padding4;
  uint8_t tos, type_class;
  int16_t padding5[3];
  int16_t metric;
  uint16_t padding6[3];
  uint64_t device, mtu, window;
  uint16_t initial_rtt;
  uint16_t padding7[3];
};
static_assert(sizeof(UserRoute) == 120);

struct UserRoute6 {  // struct in6_rtmsg
  Ipv6Address destination, source, gateway;
  uint32_t type;
  uint16_t destination_length, source_length;
  uint32_t metric, padding;
  uint64_t info;
  uint32_t flags;
  int32_t interface_index;
};
static_assert(sizeof(UserRoute6) == 80);

struct UserAddress6 {  // struct in6_ifreq
  Ipv6Address address;
  uint32_t prefix_length;
  int32_t interface_index;
};

Result<> require_admin(const SyscallContext& context) {
  if (!context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  return ok();
}

Result<uint32_t> index_of_name(SyscallContext& context, UserAddress from) {
  char name[kNameSize] = {};
  TRY(copy_in(context.hal(), MutableByteSpan(reinterpret_cast<uint8_t*>(name), kNameSize - 1), from));
  for (char& letter : name) {
    if (letter == ':') letter = 0;
  }
  const Ref<Interface> interface = context.stack().interfaces().find(name);
  if (!interface) return Errno::ENODEV;
  return interface->index();
}

// rtentry_to_fib_config(), in its order.
Result<RouteEntry> decode_route4(SyscallContext& context, const UserRoute& user) {
  if (user.destination.family != kFamilyInet) return Errno::EAFNOSUPPORT;
  RouteEntry route;
  uint8_t length = 32;
  const uint32_t address = user.destination.address.value();
  if ((user.flags & kRouteHost) == 0) {
    const uint32_t mask = user.mask.address.value();
    if (user.mask.family != kFamilyInet && (mask != 0 || user.mask.family != 0)) return Errno::EAFNOSUPPORT;
    const uint32_t inverted = ~mask;
    if ((inverted & (inverted + 1)) != 0 || (address & inverted) != 0) return Errno::EINVAL;
    length = static_cast<uint8_t>(std::popcount(mask));
  }
  route.destination = {IpAddress(user.destination.address), length};
  route.metric = user.metric != 0 ? static_cast<uint32_t>(user.metric - 1) : 0;
  route.tos = user.tos;
  if ((user.flags & kRouteReject) != 0) {
    route.type = RouteType::Unreachable;
    route.scope = AddressScope::Host;
    return route;
  }
  route.scope = AddressScope::Link;
  if (user.device != 0) route.output_interface = TRY(index_of_name(context, UserAddress(user.device)));
  if ((user.flags & kRouteGateway) != 0 && user.gateway.family == kFamilyInet && !user.gateway.address.is_unspecified()) {
    route.gateway = IpAddress(user.gateway.address);
    route.has_gateway = true;
    route.scope = AddressScope::Universe;
  }
  if ((user.flags & kRouteGateway) != 0 && !route.has_gateway) return Errno::EINVAL;
  // What this interface calls an MTU is the segment to announce.
  if ((user.flags & kRouteMtu) != 0) {
    route.metrics.set(RouteMetric::AdvertisedSegment, static_cast<uint32_t>(user.mtu) - kHeadersOfMtu);
  }
  if ((user.flags & kRouteWindow) != 0) route.metrics.set(RouteMetric::Window, static_cast<uint32_t>(user.window));
  if ((user.flags & kRouteRtt) != 0) route.metrics.set(RouteMetric::Rtt, uint32_t{user.initial_rtt} << 3);
  return route;
}

}  // namespace

Result<int64_t> route4_ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  // A 32-bit caller's struct is another; nobody has asked for it.
  if (context.is_32bit()) return Errno::ENOTTY;
  const auto user = TRY(read_user<UserRoute>(context.hal(), argument));
  TRY(require_admin(context));
  RouteEntry route = TRY(decode_route4(context, user));
  RouteTable& routes = context.stack().routes();
  if (command == kAddRoute) {
    TRY(routes.add(context.entry(), route));
  } else {
    route.origin = RouteOrigin::Unspecified;
    route.scope = AddressScope::Nowhere;
    TRY(routes.remove(context.entry(), route));
  }
  return 0;
}

Result<int64_t> route6_ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  if (context.is_32bit()) return Errno::ENOTTY;
  const auto user = TRY(read_user<UserRoute6>(context.hal(), argument));
  TRY(require_admin(context));
  constexpr uint16_t kLongest = 128;
  if (user.destination_length > kLongest || user.source_length > kLongest) return Errno::EINVAL;
  RouteEntry route;
  route.destination = {IpAddress(user.destination), static_cast<uint8_t>(user.destination_length)};
  route.metric = user.metric;
  route.output_interface = static_cast<uint32_t>(user.interface_index);
  if (!user.gateway.is_unspecified()) {
    route.gateway = IpAddress(user.gateway);
    route.has_gateway = true;
  }
  constexpr uint32_t kExpires = 0x400000;  // RTF_EXPIRES: `info` says when, in hundredths of a second
  constexpr int64_t kHundredthMillis = 10, kLongestInfo = INT64_MAX / 1'000'000'000;
  if ((user.flags & kExpires) != 0) {
    const auto info = static_cast<int64_t>(std::min<uint64_t>(user.info, kLongestInfo));
    route.expires = context.entry().now() + Duration::millis(kHundredthMillis * info);
  }
  RouteTable& routes = context.stack().routes();
  if (command == kAddRoute) {
    if (route.output_interface == 0 && !route.has_gateway) return Errno::ENODEV;
    TRY(routes.add(context.entry(), route, RouteConflict::Prepend));
    return 0;
  }
  route.origin = RouteOrigin::Unspecified;
  route.scope = AddressScope::Nowhere;
  auto removed = routes.remove(context.entry(), route);
  // The root of Linux's table holds an entry for what leads nowhere, which is found and is nobody's to remove.
  const bool names_root = route.destination.length == 0 && route.metric == 0 && route.output_interface == 0 && !route.has_gateway;
  if (removed.is_error(Errno::ESRCH) && names_root) return Errno::ENOENT;
  TRY(std::move(removed));
  return 0;
}

Result<int64_t> address6_ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  if (command == kSetDestination6) return Errno::ENODEV;  // of tunnels alone
  TRY(require_admin(context));
  const auto user = TRY(read_user<UserAddress6>(context.hal(), argument));
  constexpr uint32_t kLongest = 128;
  if (command == kDeleteAddress6 && user.prefix_length > kLongest) return Errno::EINVAL;
  InterfaceRegistry& registry = context.stack().interfaces();
  const Ref<Interface> interface = registry.find(static_cast<uint32_t>(user.interface_index));
  if (!interface) return Errno::ENODEV;
  if (user.prefix_length > kLongest) return Errno::EINVAL;
  const auto length = static_cast<uint8_t>(user.prefix_length);
  if (command == kDeleteAddress6) {
    TRY(registry.remove_address(context.entry(), *interface, IpAddress(user.address), length));
    return 0;
  }
  InterfaceAddress address;
  address.address = address.peer = IpAddress(user.address);
  address.prefix_length = length;
  TRY(registry.add_address(context.entry(), *interface, address));
  return 0;
}

}  // namespace lxnet
