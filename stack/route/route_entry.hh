// RouteEntry: one route as `ip route` shows it. RoutingRule: one line of `ip rule`. The numbers are Linux's (rtnetlink.h).
#pragma once

#include "stack/interface_address.hh"
#include "stack/route/route_metrics.hh"

namespace lxnet {

// RTN_*.
enum class RouteType : uint8_t {
  Unspecified = 0,
  Unicast = 1,
  Local = 2,
  Broadcast = 3,
  Anycast = 4,
  Multicast = 5,
  Blackhole = 6,
  Unreachable = 7,
  Prohibit = 8,
  Throw = 9,  // look no further in this table, but at the next rule
};

// RT_TABLE_*; any other number is a table of the user's.
inline constexpr uint32_t kTableDefault = 253;
inline constexpr uint32_t kTableMain = 254;
inline constexpr uint32_t kTableLocal = 255;

// RTPROT_*: who made the route; any other number is a routing daemon's.
enum class RouteOrigin : uint8_t { Unspecified = 0, Redirect = 1, Kernel = 2, Boot = 3, Static = 4, RouterAdvertisement = 9 };

struct Prefix {
  IpAddress address = {};
  uint8_t length = 0;  // in the family's own bits: 32 is an IPv4 host

  constexpr bool covers(const IpAddress& other) const {
    if (address.is_v4() != other.is_v4()) return false;
    return address.is_v4() ? other.v4().is_in(address.v4(), length) : other.v6().is_in(address.v6(), length);
  }
  constexpr bool operator==(const Prefix&) const = default;
};

struct RouteEntry {
  Prefix destination = {};
  RouteType type = RouteType::Unicast;
  AddressScope scope = AddressScope::Universe;
  RouteOrigin origin = RouteOrigin::Boot;
  int8_t preference = 0;  // IPv6: of the router (RFC 4191): low -1, medium 0, high 1
  uint8_t tos = 0;        // IPv4; 0: any
  bool has_gateway = false;
  bool is_on_link = false;  // RTNH_F_ONLINK: the gateway need not be covered by a route
  uint32_t table = kTableMain;
  uint32_t metric = 0;  // less is better; IPv6 routes without one get 1024
  uint32_t output_interface = 0;
  IpAddress gateway = {};           // may be IPv6 for an IPv4 destination (RTA_VIA)
  IpAddress preferred_source = {};  // unspecified: chosen by address selection
  uint32_t mtu = 0;                 // RTAX_MTU; 0: the interface's
  uint8_t hop_limit = 0;            // RTAX_HOPLIMIT; 0: the default
  RouteMetrics metrics = {};        // the others
  Instant expires = Instant::never();
};

// What a new route does when one with the same destination, tos and metric is there: NLM_F_EXCL, REPLACE, APPEND and none of
// them. IPv6 has no order among equals: there it always comes behind them.
enum class RouteConflict : uint8_t { Refuse, Replace, Append, Prepend };
// Whether there may be one more then; without NLM_F_CREATE a route can take another's place alone.
enum class RouteCreation : uint8_t { Allowed, Forbidden };

// FR_ACT_*.
enum class RuleAction : uint8_t { Table = 1, Blackhole = 6, Unreachable = 7, Prohibit = 8 };

struct RoutingRule {
  IpFamily family = IpFamily::V4;
  RuleAction action = RuleAction::Table;
  bool is_inverted = false;
  uint8_t tos = 0;
  uint8_t protocol = 0;
  uint8_t origin = 0;  // who made it (RTPROT_*)
  uint32_t priority = 0;
  uint32_t table = 0;
  Prefix source = {}, destination = {};  // length 0: any
  uint32_t input_interface = 0, output_interface = 0;
  uint32_t mark = 0, mark_mask = 0;
  bool has_uid_range = false;
  uint32_t uid_low = 0, uid_high = ~0u;
  uint16_t source_port_low = 0, source_port_high = 0;  // both 0: any
  uint16_t destination_port_low = 0, destination_port_high = 0;
  int16_t suppress_prefix_length = -1;  // a match no longer than this does not count

  bool operator==(const RoutingRule&) const = default;
};

}  // namespace lxnet
