// Routes: net/ipv4/fib_frontend.c, fib_semantics.c and net/ipv6/route.c.
#include <algorithm>

#include "compat/afnetlink/route_family.hh"
#include "compat/afnetlink/route_messages.hh"
#include "compat/syscalls/sockaddr.hh"
#include "stack/stack.hh"
#include "stack/tcp/congestion/congestion_control.hh"

namespace lxnet {
namespace {

struct CacheInfo {  // struct rta_cacheinfo; in hundredths of a second
  uint32_t clients = 0, last_use = 0;
  int32_t expires = 0;
  uint32_t error = 0, used = 0, id = 0, stamp = 0, stamp_age = 0;
};
static_assert(sizeof(CacheInfo) == 32);

Result<> put_text(NetlinkWriter& writer, uint16_t type, const char* text) {
  size_t size = 1;  // its end counts
  while (text[size - 1] != 0) ++size;
  return writer.attribute(type, ByteSpan(reinterpret_cast<const uint8_t*>(text), size));
}

uint32_t metric_of(const RouteEntry& route, RouteMetric metric) {
  if (metric == RouteMetric::Mtu) return route.mtu;
  if (metric == RouteMetric::HopLimit) return route.hop_limit;
  return route.metrics.get(metric);
}

// rtnetlink_put_metrics().
Result<> put_metrics(NetlinkWriter& writer, const RouteEntry& route) {
  if (route.mtu == 0 && route.hop_limit == 0 && route.metrics.is_empty()) return ok();
  const size_t place = TRY(writer.begin_nested(kRouteMetrics));
  for (uint16_t number = 1; number <= RouteMetrics::kLast; ++number) {
    if (RouteMetric{static_cast<uint8_t>(number)} == RouteMetric::CongestionControl) {
      if (route.metrics.congestion != nullptr) TRY(put_text(writer, number, route.metrics.congestion->name));
      continue;
    }
    const uint32_t value = metric_of(route, RouteMetric{static_cast<uint8_t>(number)});
    if (value != 0) TRY(writer.attribute(number, value));
  }
  writer.end_nested(place);
  return ok();
}

// An IPv4 route through an IPv6 neighbour says so in RTA_VIA.
Result<> put_gateway(NetlinkWriter& writer, const RouteEntry& route) {
  if (!route.has_gateway) return ok();
  if (route.gateway.is_v4() == route.destination.address.is_v4()) return put_address(writer, kRouteGateway, route.gateway);
  uint8_t via[sizeof(uint16_t) + sizeof(Ipv6Address)];
  const auto family = static_cast<uint16_t>(kFamilyInet6);
  memcpy(via, &family, sizeof family);
  memcpy(via + sizeof family, route.gateway.v6().bytes().data(), sizeof(Ipv6Address));
  return writer.attribute(kRouteVia, ByteSpan(via));
}

// fib_gw_from_via(): a neighbour of either family, and no other gateway beside it.
Result<> read_via(const NetlinkAttributes& attributes, IpFamily version, RouteEntry& route) {
  const auto via = attributes.find(kRouteVia);
  if (!via) return ok();
  uint16_t family = 0;
  if (version == IpFamily::V6 || route.has_gateway || via->size() < sizeof family) return Errno::EINVAL;
  copy_bytes(mutable_bytes_of(family), via->first(sizeof family));
  const ByteSpan address = via->subspan(sizeof family);
  if (family == kFamilyInet && address.size() == sizeof(Ipv4Address)) {
    Ipv4Address gateway;
    copy_bytes(mutable_bytes_of(gateway), address);
    route.gateway = gateway;
  } else if (family == kFamilyInet6 && address.size() == sizeof(Ipv6Address)) {
    Ipv6Address gateway;
    copy_bytes(mutable_bytes_of(gateway), address);
    route.gateway = gateway;
  } else {
    return Errno::EINVAL;
  }
  route.has_gateway = !route.gateway.is_unspecified();
  return ok();
}

// addrconf_timeout_fixup(): for ever, or so many seconds from now. IPv4's routes do not end, and nobody reads it there.
Result<> read_lifetime(const NetlinkAttributes& attributes, Instant now, RouteEntry& route) {
  constexpr uint32_t kForEver = 0xffffffff;
  uint32_t seconds = kForEver;
  if (route.destination.address.is_v4()) return ok();
  TRY(attributes.read(kRouteExpires, seconds));
  if (seconds != kForEver) route.expires = now + Duration::seconds(seconds);
  return ok();
}

// What Linux knows of the next hop's link: without carrier, and whether that takes the route out.
uint32_t link_flags(Stack& stack, const RouteEntry& route) {
  const Ref<Interface> output = route.output_interface == 0 ? Ref<Interface>() : stack.interfaces().find(route.output_interface);
  if (!output || !is_link_down(route, *output)) return 0;
  const bool is_dead = ignores_link_down(route.destination.address.family(), *output);
  return is_dead ? kRouteIsLinkDown | kRouteIsDead : uint32_t{kRouteIsLinkDown};
}

constexpr uint32_t kLargestMtu = 65535 - 15, kFeatureMask = 0x1f;

Result<> read_metric(RouteMetric metric, ByteSpan value, RouteEntry& route) {
  if (metric == RouteMetric::CongestionControl) {
    route.metrics.congestion =
        find_congestion_algorithm(std::span(reinterpret_cast<const char*>(value.data()), std::min<size_t>(value.size(), 15)));
    return route.metrics.congestion != nullptr ? ok() : Result<>(Errno::EINVAL);
  }
  uint32_t number = 0;
  if (value.size() != sizeof number) return Errno::EINVAL;
  copy_bytes(mutable_bytes_of(number), value);
  switch (metric) {
    case RouteMetric::Mtu:
      route.mtu = std::min(number, kLargestMtu);
      return ok();
    case RouteMetric::HopLimit:
      route.hop_limit = static_cast<uint8_t>(std::min(number, 255u));
      return ok();
    case RouteMetric::Features:
      if ((number & ~kFeatureMask) != 0) return Errno::EINVAL;
      break;
    default:
      break;
  }
  route.metrics.set(metric, number);
  return ok();
}

// ip_metrics_convert().
Result<> read_metrics(const NetlinkAttributes& attributes, RouteEntry& route) {
  const auto nested = attributes.find(kRouteMetrics);
  if (!nested) return ok();
  return NetlinkAttributes(*nested).for_each([&](uint16_t number, ByteSpan value) -> Result<> {
    if (number == 0) return ok();
    if (number > RouteMetrics::kLast) return Errno::EINVAL;
    return read_metric(RouteMetric{static_cast<uint8_t>(number)}, value, route);
  });
}

Result<RouteEntry> read_route(const NetlinkRequest& request, Instant now) {
  const auto asked = TRY(read_message<RouteMessage>(request));
  const auto attributes = attributes_behind<RouteMessage>(request);
  auto family = ip_family_of(asked.family);
  if (!family.is_ok()) return Errno::EOPNOTSUPP;
  const IpFamily version = family.take();
  constexpr uint8_t kCongestionBits = 3;
  if (version == IpFamily::V4 ? (asked.tos & kCongestionBits) != 0 : asked.tos != 0) return Errno::EINVAL;
  if (asked.destination_length > (version == IpFamily::V4 ? 32 : 128)) return Errno::EINVAL;
  if (attributes.find(kRouteMultipath)) return Errno::EOPNOTSUPP;
  RouteEntry route;
  route.destination.address = TRY(read_address(attributes, kRouteDestination, version)).value_or(IpAddress::any(version));
  route.destination.length = asked.destination_length;
  route.tos = asked.tos;
  route.type = static_cast<RouteType>(asked.type);
  route.scope = static_cast<AddressScope>(asked.scope);
  route.origin = static_cast<RouteOrigin>(asked.protocol);
  route.table = asked.table;
  TRY(attributes.read(kRouteTable, route.table));
  TRY(attributes.read(kRouteOutput, route.output_interface));
  TRY(attributes.read(kRoutePriority, route.metric));
  if (const auto gateway = TRY(read_address(attributes, kRouteGateway, version)); gateway && !gateway->is_unspecified()) {
    route.gateway = *gateway;
    route.has_gateway = true;
  }
  TRY(read_via(attributes, version, route));
  if (const auto source = TRY(read_address(attributes, kRoutePreferredSource, version))) route.preferred_source = *source;
  route.is_on_link = (asked.flags & kRouteIsOnLink) != 0;
  TRY(read_metrics(attributes, route));
  TRY(read_lifetime(attributes, now, route));
  return route;
}

}  // namespace

Result<> write_route(NetlinkWriter& writer, Entry& entry, const RouteEntry& route, uint16_t type, uint16_t flags) {
  const bool is_v4 = route.destination.address.is_v4();
  const RouteMessage message{.family = number_of(route.destination.address.family()),
                             .destination_length = route.destination.length,
                             .source_length = 0,
                             .tos = route.tos,
                             .table = route.table < 256 ? static_cast<uint8_t>(route.table) : kTableElsewhere,
                             .protocol = static_cast<uint8_t>(route.origin),
                             .scope = static_cast<uint8_t>(is_v4 ? route.scope : AddressScope::Universe),
                             .type = static_cast<uint8_t>(route.type),
                             .flags = (route.is_on_link ? kRouteIsOnLink : 0u) | link_flags(entry.stack(), route)};
  TRY(writer.begin(type, flags, bytes_of(message)));
  TRY(writer.attribute(kRouteTable, route.table));
  if (route.destination.length != 0) TRY(put_address(writer, kRouteDestination, route.destination.address));
  const bool has_source = !route.preferred_source.is_unspecified();
  if (is_v4 && route.metric != 0) TRY(writer.attribute(kRoutePriority, route.metric));
  if (!is_v4 && has_source) TRY(put_address(writer, kRoutePreferredSource, route.preferred_source));
  TRY(put_metrics(writer, route));
  if (!is_v4) TRY(writer.attribute(kRoutePriority, route.metric));
  if (is_v4 && has_source) TRY(put_address(writer, kRoutePreferredSource, route.preferred_source));
  TRY(put_gateway(writer, route));
  if (route.output_interface != 0) TRY(writer.attribute(kRouteOutput, route.output_interface));
  if (!is_v4) {
    CacheInfo cache;
    constexpr int64_t kHundredth = 10'000'000;
    // Of one that is gone Linux does not say it any more.
    if (!route.expires.is_never() && type != kDeleteRoute) {
      const int64_t left = (route.expires - entry.now()).in_nanos() / kHundredth;
      cache.expires = static_cast<int32_t>(std::min<int64_t>(left, INT32_MAX));
    }
    TRY(writer.attribute(kRouteCache, cache));
    // RFC 4191 has two bits for it: 01 high, 00 medium, 11 low.
    TRY(writer.attribute(kRoutePreference, static_cast<uint8_t>(route.preference < 0 ? 3 : route.preference)));
  }
  return writer.end();
}

// IPv4's answer is a route of that one host, which Linux calls cloned.
Result<> write_way4(NetlinkWriter& writer, const FlowKey& key, const RouteMessage& asked, const Route& way,
                    const FibResult& found, const RouteMetrics& metrics) {
  constexpr RouteType kTypes[] = {RouteType::Unicast, RouteType::Local, RouteType::Broadcast, RouteType::Multicast};
  constexpr uint32_t kFlags[] = {0, kRouteIsLocal, kRouteIsBroadcast | kRouteIsLocal, kRouteIsMulticast};
  const auto kind = static_cast<size_t>(way.kind);
  // As long as no rule was added, Linux keeps the routes to ourselves in the main table too.
  const bool is_shown = (asked.flags & kRouteShowsTable) != 0 && found.table != kTableLocal;
  const uint32_t table = is_shown ? found.table : kTableMain;
  const uint32_t local = way.output->is_loopback() ? kRouteIsLocal : 0u;
  const RouteMessage message{.family = asked.family,
                             .destination_length = 32,
                             .source_length = static_cast<uint8_t>(key.source.is_unspecified() ? 0 : 32),
                             .tos = asked.tos,
                             .table = table < 256 ? static_cast<uint8_t>(table) : kTableElsewhere,
                             .protocol = 0,
                             .scope = 0,
                             .type = static_cast<uint8_t>(kTypes[kind]),
                             .flags = kRouteIsCloned | kFlags[kind] | local};
  TRY(writer.begin(kNewRoute, 0, bytes_of(message)));
  TRY(writer.attribute(kRouteTable, table));
  TRY(put_address(writer, kRouteDestination, key.destination));
  if (!key.source.is_unspecified()) TRY(put_address(writer, kRouteSource, key.source));
  TRY(writer.attribute(kRouteOutput, way.output->index()));
  if (!(way.source == key.source)) TRY(put_address(writer, kRoutePreferredSource, way.source));
  RouteEntry entry;
  entry.destination.address = key.destination;
  entry.gateway = way.next_hop;
  entry.has_gateway = way.kind == RouteKind::Unicast && !(way.next_hop == key.destination);
  TRY(put_gateway(writer, entry));
  entry.mtu = found.mtu;
  entry.hop_limit = found.hop_limit;
  entry.metrics = metrics;
  TRY(put_metrics(writer, entry));
  TRY(writer.attribute(kRouteUser, key.uid));
  TRY(writer.attribute(kRouteCache, CacheInfo()));
  return writer.end();
}

// IPv6's is the route itself, for one host.
Result<> write_way6(NetlinkWriter& writer, const FlowKey& key, const RouteMessage& asked, const Route& way,
                    const FibResult& found, const RouteMetrics& metrics) {
  const uint32_t table = found.table;
  const RouteMessage message{.family = asked.family,
                             .destination_length = 128,
                             .source_length = 128,
                             .tos = 0,
                             .table = table < 256 ? static_cast<uint8_t>(table) : kTableElsewhere,
                             .protocol = static_cast<uint8_t>(found.origin),
                             .scope = 0,
                             .type = static_cast<uint8_t>(found.type),
                             .flags = 0};
  TRY(writer.begin(kNewRoute, 0, bytes_of(message)));
  TRY(writer.attribute(kRouteTable, table));
  TRY(put_address(writer, kRouteDestination, key.destination));
  TRY(put_address(writer, kRouteSource, key.source));
  TRY(put_address(writer, kRoutePreferredSource, way.source));
  RouteEntry entry;
  entry.destination.address = key.destination;
  entry.gateway = way.next_hop;
  entry.has_gateway = found.has_gateway;
  entry.mtu = found.mtu;
  entry.hop_limit = found.hop_limit;
  entry.metrics = metrics;
  TRY(put_metrics(writer, entry));
  TRY(writer.attribute(kRoutePriority, found.metric));
  TRY(put_gateway(writer, entry));
  TRY(writer.attribute(kRouteOutput, way.output->index()));
  TRY(writer.attribute(kRouteCache, CacheInfo()));
  TRY(writer.attribute(kRoutePreference, uint8_t{0}));
  return writer.end();
}

// inet_rtm_valid_getroute_req() and inet6_rtm_valid_getroute_req(): a question's header holds nothing but whole addresses.
Result<> check_strictly(const RouteMessage& asked, const NetlinkAttributes& attributes, IpFamily version) {
  constexpr uint32_t kKnownFlags = kRouteIsNotified | kRouteShowsTable | kRouteShowsMatch;
  const uint8_t whole = version == IpFamily::V4 ? 32 : 128;
  if (asked.source_length != 0 && asked.source_length != whole) return Errno::EINVAL;
  if (asked.destination_length != 0 && asked.destination_length != whole) return Errno::EINVAL;
  if (asked.table != 0 || asked.protocol != 0 || asked.scope != 0 || asked.type != 0) return Errno::EINVAL;
  const uint32_t known = version == IpFamily::V4 ? kKnownFlags | kRouteIsCloned : kKnownFlags;
  if ((asked.flags & ~known) != 0) return Errno::EINVAL;
  if (attributes.find(kRouteSource) && asked.source_length == 0) return Errno::EINVAL;
  if (attributes.find(kRouteDestination) && asked.destination_length == 0) return Errno::EINVAL;
  return attributes.for_each([](uint16_t type, ByteSpan) -> Result<> {
    for (const uint16_t known_type : {kRouteDestination, kRouteSource, kRouteInput, kRouteOutput, kRouteMark, kRouteUser,
                                      kRouteIpProtocol, kRouteSourcePort, kRouteDestinationPort}) {
      if (type == known_type) return ok();
    }
    return Errno::EINVAL;
  });
}

// The way that a packet would go.
Result<> get_route(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer) {
  const auto asked = TRY(read_message<RouteMessage>(request));
  const auto attributes = attributes_behind<RouteMessage>(request);
  auto family = ip_family_of(asked.family);
  if (!family.is_ok()) return Errno::EOPNOTSUPP;
  const IpFamily version = family.take();
  if (request.is_strict) TRY(check_strictly(asked, attributes, version));
  FlowKey key;
  key.destination = TRY(read_address(attributes, kRouteDestination, version)).value_or(IpAddress::any(version));
  key.source = TRY(read_address(attributes, kRouteSource, version)).value_or(IpAddress::any(version));
  key.tos = asked.tos;
  TRY(attributes.read(kRouteOutput, key.output_interface));
  TRY(attributes.read(kRouteMark, key.mark));
  TRY(attributes.read(kRouteUser, key.uid));
  uint32_t input = 0;
  if (TRY(attributes.read(kRouteInput, input)) && input != 0) return Errno::EOPNOTSUPP;
  const FlowKey asked_key = key;
  RouteTable& routes = context.stack().routes();
  const Route way = TRY(routes.lookup(context.entry(), key));
  auto found = routes.find({.destination = key.destination,
                            .source = way.source,
                            .input_interface = context.stack().interfaces().loopback().index(),
                            .output_interface = key.output_interface,
                            .mark = key.mark,
                            .uid = key.uid,
                            .tos = key.tos});
  // There are ways without a route: of a group, or out of an interface that was named.
  const FibResult route =
      found.is_ok() ? found.take() : FibResult{.type = RouteType::Unicast, .table = version == IpFamily::V4 ? 0 : kTableMain};
  key.source = way.source;
  const RouteMetrics metrics = routes.metrics_of(key);
  return version == IpFamily::V4 ? write_way4(writer, asked_key, asked, way, route, metrics)
                                 : write_way6(writer, asked_key, asked, way, route, metrics);
}

constexpr uint64_t kNoPlace = ~uint64_t{0};
uint64_t place_of_table(uint32_t table) { return uint64_t{table & 0xff} << 32 | table; }

Result<> dump_routes(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer) {
  const uint8_t family = family_of(request);
  uint32_t table = 0;
  if (request.payload.size() >= sizeof(RouteMessage)) TRY(attributes_behind<RouteMessage>(request).read(kRouteTable, table));
  for (const IpFamily version : {IpFamily::V4, IpFamily::V6}) {
    if (family != number_of(version) && ip_family_of(family).is_ok()) continue;
    size_t count = 0;
    const auto routes = TRY(collect<RouteEntry>(context.hal(), count,
                                                [&](auto&& visit) { context.stack().routes().for_each_route(version, visit); }));
    // Table after table, in the order of Linux's hash of their numbers.
    for (uint64_t place = 0, next = 0; next != kNoPlace; place = next + 1) {
      next = kNoPlace;
      for (size_t i = 0; i < count; ++i) {
        const uint64_t own = place_of_table(routes[i].table);
        if (own >= place && own < next) next = own;
      }
      for (size_t i = 0; i < count; ++i) {
        if (place_of_table(routes[i].table) != next || (table != 0 && routes[i].table != table)) continue;
        TRY(write_route(writer, context.entry(), routes[i], kNewRoute, kNetlinkMulti));
      }
    }
  }
  return ok();
}

RouteConflict conflict_of(uint16_t flags) {
  if ((flags & kNetlinkExclusive) != 0) return RouteConflict::Refuse;
  if ((flags & kNetlinkReplace) != 0) return RouteConflict::Replace;
  return (flags & kNetlinkAppend) != 0 ? RouteConflict::Append : RouteConflict::Prepend;
}

Result<> new_route(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  const auto asked = TRY(read_message<RouteMessage>(request));
  if (asked.family == kFamilyInet6 && (asked.flags & kRouteIsCloned) != 0) return Errno::EINVAL;
  const RouteEntry route = TRY(read_route(request, context.entry().now()));
  const bool names_nothing = route.output_interface != 0 && context.stack().interfaces().find(route.output_interface) == nullptr;
  if (asked.family == kFamilyInet6 && names_nothing) return Errno::ENODEV;
  const uint16_t flags = request.header.flags;
  // For IPv6 Linux forgives who forgets to say that a route is new.
  const bool is_forgiven = asked.family == kFamilyInet6 && (flags & kNetlinkReplace) == 0;
  const bool may_create = (flags & kNetlinkCreate) != 0 || is_forgiven;
  return context.stack().routes().add(context.entry(), route, conflict_of(flags),
                                      may_create ? RouteCreation::Allowed : RouteCreation::Forbidden);
}

// What is not given matches any.
Result<> delete_route(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  RouteEntry route = TRY(read_route(request, context.entry().now()));
  if (route.table == 0) route.table = kTableMain;
  return context.stack().routes().remove(context.entry(), route);
}

}  // namespace lxnet
