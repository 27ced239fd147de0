// Linux's fib_route_seq_show(), ipv6_route_native_seq_show() and arp_format_neigh_entry().
//
// Of an IPv6 route it is not known whether a router's advertisement made it as the kernel's own (RTF_ADDRCONF, RTF_PREFIX_RT):
// those of a prefix are shown as an administrator's. Nor is anything counted for the column of references: it says 1.
#include "hosts/linux/inspect/route_list.hh"

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
// The core's headers remove errno's macros.
#include "stack/hardware_type.hh"
#include "stack/neighbour/neighbour_table.hh"
#include "stack/stack.hh"

namespace lxnet::host {
namespace {

// RTF_* of linux/route.h and ipv6_route.h.
constexpr uint32_t kUp = 1, kGateway = 2, kHost = 4, kReject = 0x200, kDefault = 0x10000, kAddressConfigured = 0x40000,
                   kPrefixRoute = 0x80000, kAnycast = 0x100000, kNoNextHop = 0x200000, kExpires = 0x400000, kRouteInfo = 0x800000,
                   kLocal = 0x80000000;
constexpr unsigned kPreferenceShift = 27;

std::string name_of(Stack& stack, uint32_t index, const char* otherwise) {
  const Ref<Interface> interface = index != 0 ? stack.interfaces().find(index) : Ref<Interface>();
  return interface ? interface->name() : otherwise;
}

std::vector<RouteEntry> routes_of(Stack& stack, IpFamily family) {
  std::vector<RouteEntry> routes;
  stack.routes().for_each_route(family, [&](const RouteEntry& route) { routes.push_back(route); });
  return routes;
}

bool is_refusal(const RouteEntry& route) { return route.type >= RouteType::Blackhole; }

// ---- IPv4: the main table, by address, and of one address the longest prefix first

uint32_t as_read(Ipv4Address address) {
  uint32_t word;
  std::memcpy(&word, &address, sizeof word);
  return word;
}

std::string route4_line(Stack& stack, const RouteEntry& route) {
  const unsigned length = route.destination.length;
  const Ipv4Address mask(length == 0 ? 0 : ~uint32_t{0} << (32 - length));
  const bool shows_gateway = route.has_gateway && route.gateway.is_v4();
  uint32_t flags = kUp | (length == 32 ? kHost : 0) | (route.has_gateway ? kGateway : 0);
  if (route.type == RouteType::Unreachable || route.type == RouteType::Prohibit) flags |= kReject;
  const uint32_t segment = route.metrics.get(RouteMetric::AdvertisedSegment);
  std::string line =
      absl::StrFormat("%s\t%08X\t%08X\t%04X\t%d\t%u\t%d\t%08X\t%d\t%u\t%u", name_of(stack, route.output_interface, "*"),
                      as_read(route.destination.address.v4()), shows_gateway ? as_read(route.gateway.v4()) : 0, flags, 0, 0,
                      route.metric, as_read(mask), segment != 0 ? segment + 40 : 0, route.metrics.get(RouteMetric::Window),
                      route.metrics.get(RouteMetric::Rtt) >> 3);
  line.resize(std::max<size_t>(line.size(), 127), ' ');
  return line + "\n";
}

std::string routes4(Stack& stack) {
  std::vector<RouteEntry> routes = routes_of(stack, IpFamily::V4);
  std::stable_sort(routes.begin(), routes.end(), [](const RouteEntry& a, const RouteEntry& b) {
    const uint32_t first = a.destination.address.v4().value(), second = b.destination.address.v4().value();
    return first != second ? first < second : a.destination.length > b.destination.length;
  });
  std::string out =
      absl::StrFormat("%-127s\n", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
  for (const RouteEntry& route : routes) {
    if (route.table != kTableMain || route.type == RouteType::Broadcast || route.type == RouteType::Multicast) continue;
    out += route4_line(stack, route);
  }
  return out;
}

// ---- IPv6: every table, and in each a prefix after those within it

std::string hex(const Ipv6Address& address) {
  std::string text;
  for (const uint8_t byte : address.bytes()) absl::StrAppendFormat(&text, "%02x", byte);
  return text;
}

uint32_t flags6(Stack& stack, const RouteEntry& route) {
  const uint32_t ends = route.expires.is_never() ? 0 : kExpires;
  const Ref<Interface> output = stack.interfaces().find(route.output_interface);
  if (is_refusal(route) || (output && is_refusal_on_loopback(route, *output))) return kReject | kNoNextHop | ends;
  uint32_t flags = kUp | (route.has_gateway ? kGateway : 0) | ends;
  if (route.type == RouteType::Local) flags |= kLocal | kNoNextHop;
  if (route.type == RouteType::Anycast) flags |= kAnycast | kNoNextHop;
  if (route.origin == RouteOrigin::RouterAdvertisement) {
    flags |= kAddressConfigured | (static_cast<uint32_t>(route.preference) & 3) << kPreferenceShift;
    flags |= !route.has_gateway ? kPrefixRoute : route.destination.length == 0 ? kDefault : kRouteInfo;
  }
  return flags;
}

std::string route6_line(Stack& stack, const RouteEntry& route) {
  const std::string nobody(32, '0');
  const bool shows_gateway = route.has_gateway && !route.gateway.is_v4();
  return absl::StrFormat("%s %02x %s 00 %s %08x %08x %08x %08x %8s\n", hex(route.destination.address.v6()),
                         route.destination.length, nobody, shows_gateway ? hex(route.gateway.v6()) : nobody, route.metric, 1, 0,
                         flags6(stack, route), name_of(stack, route.output_interface, "lo"));
}

bool comes_before6(const RouteEntry& a, const RouteEntry& b) {
  if (a.table != b.table) return a.table < b.table;
  if (a.destination == b.destination) return false;
  if (a.destination.covers(b.destination.address) && a.destination.length < b.destination.length) return false;
  if (b.destination.covers(a.destination.address) && b.destination.length < a.destination.length) return true;
  return std::memcmp(&a.destination.address.v6(), &b.destination.address.v6(), sizeof(Ipv6Address)) < 0;
}

std::string routes6(Stack& stack) {
  std::vector<RouteEntry> routes = routes_of(stack, IpFamily::V6);
  std::stable_sort(routes.begin(), routes.end(), comes_before6);
  std::set<uint32_t> tables = {kTableMain, kTableLocal};
  for (const RouteEntry& route : routes) tables.insert(route.table);
  std::string out;
  for (const uint32_t table : tables) {
    bool has_default = false;
    for (const RouteEntry& route : routes) {
      if (route.table != table) continue;
      has_default |= route.destination.length == 0;
      out += route6_line(stack, route);
    }
    // Where no way leads, Linux has a route that says so.
    RouteEntry none{.destination = {.address = IpAddress::any(IpFamily::V6), .length = 0}, .type = RouteType::Unreachable};
    none.metric = ~uint32_t{0};
    if (!has_default) out += route6_line(stack, none);
  }
  return out;
}

// ---- neighbours

std::string neighbours4(Stack& stack) {
  std::vector<NeighbourInfo> known;
  stack.neighbours().for_each([&](const NeighbourInfo& info) {
    if (info.address.is_v4() && info.state != NeighbourState::NoArp) known.push_back(info);
  });
  std::string out = "IP address       HW type     Flags       HW address            Mask     Device\n";
  for (const NeighbourInfo& info : known) {
    const Ref<Interface> interface = stack.interfaces().find(info.interface_index);
    if (!interface) continue;
    constexpr unsigned kComplete = 2, kPermanent = 4;  // ATF_COM, ATF_PERM
    const unsigned flags = info.state == NeighbourState::Permanent ? kComplete | kPermanent
                           : has_link_address(info.state)          ? kComplete
                                                                   : 0;
    std::string address, mac;
    for (const unsigned shift : {24u, 16u, 8u, 0u}) {
      absl::StrAppend(&address, address.empty() ? "" : ".", info.address.v4().value() >> shift & 0xff);
    }
    for (const uint8_t byte : info.mac.bytes()) absl::StrAppendFormat(&mac, "%s%02x", mac.empty() ? "" : ":", byte);
    absl::StrAppendFormat(&out, "%-16s 0x%-10x0x%-10x%-17s     *        %s\n", address, hardware_type_of(*interface), flags, mac,
                          interface->name());
  }
  return out;
}

}  // namespace

std::optional<std::string> route_list_text(lxnet_stack* stack, std::string_view name) {
  Stack& core = *reinterpret_cast<Stack*>(stack);
  if (name == "route") return routes4(core);
  if (name == "ipv6_route") return routes6(core);
  if (name == "arp") return neighbours4(core);
  return std::nullopt;
}

}  // namespace lxnet::host
