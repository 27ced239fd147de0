// InterfaceSettings: what /proc/sys/net/ipv4/conf, ipv6/conf, ipv4/neigh and ipv6/neigh hold for one interface.
//
// Plain words, read relaxed on the packet path. An interface starts with the values of `default`; where Linux combines it with
// `all` the functions at the end do. Defaults are those of a Linux 6.x network namespace.
#pragma once

#include <cstdint>

namespace lxnet {

struct Ipv4Settings {
  int32_t forwarding = 0;
  int32_t rp_filter = 0;  // 0 off, 1 strict, 2 loose (RFC 3704)
  int32_t accept_local = 0;
  int32_t route_localnet = 0;
  int32_t arp_ignore = 0;
  int32_t arp_announce = 0;
  int32_t arp_filter = 0;
  int32_t arp_accept = 0;
  int32_t arp_notify = 0;
  int32_t arp_evict_nocarrier = 1;
  int32_t drop_gratuitous_arp = 0;
  int32_t proxy_arp = 0;
  int32_t accept_redirects = 1;
  int32_t secure_redirects = 1;
  int32_t shared_media = 1;
  int32_t send_redirects = 1;
  int32_t accept_source_route = 1;
  int32_t promote_secondaries = 0;
  int32_t ignore_routes_with_linkdown = 0;
  int32_t tag = 0;  // a number for its administrator, which nothing reads, on Linux neither
};

struct Ipv6Settings {
  int32_t disable_ipv6 = 0;
  int32_t forwarding = 0;
  int32_t hop_limit = 64;
  int32_t mtu = 1280;  // set when the interface comes up, lowered by a router advertisement
  int32_t accept_ra = 1;
  int32_t accept_ra_defrtr = 1;
  int32_t accept_ra_pinfo = 1;
  int32_t accept_ra_mtu = 1;
  int32_t accept_ra_min_hop_limit = 1;
  int32_t accept_ra_rtr_pref = 1;
  int32_t accept_ra_from_local = 0;
  int32_t ra_defrtr_metric = 1024;
  int32_t accept_redirects = 1;
  int32_t autoconf = 1;
  int32_t dad_transmits = 1;
  int32_t accept_dad = 1;
  int32_t optimistic_dad = 0;
  int32_t router_solicitations = -1;  // without end
  int32_t router_solicitation_interval = 4;
  int32_t router_solicitation_max_interval = 3600;
  int32_t router_solicitation_delay = 1;
  int32_t addr_gen_mode = 0;  // 0 EUI-64, 1 none, 2 stable privacy (RFC 7217), 3 the same with a secret drawn by itself
  int32_t keep_addr_on_down = 0;
  int32_t ndisc_notify = 0;
  int32_t drop_unsolicited_na = 0;
  int32_t ignore_routes_with_linkdown = 0;
};

struct NeighbourSettings {
  int32_t app_solicit = 0;
  int32_t unicast_solicit = 3;
  int32_t multicast_solicit = 3;
  int32_t multicast_resolicit = 0;
  int32_t retrans_millis = 1000;
  int32_t base_reachable_millis = 30000;
  int32_t delay_probe_seconds = 5;
  int32_t stale_seconds = 60;
  int32_t locktime_millis = 1000;  // ipv4: a reply that contradicts a younger one is ignored; ipv6 has none
  int32_t queue_bytes = 212992;    // unres_qlen_bytes
};

struct InterfaceSettings {
  Ipv4Settings v4;
  Ipv6Settings v6;
  NeighbourSettings arp;
  NeighbourSettings ndp{.locktime_millis = 0};
};

// Linux's IN_DEV_ANDCONF, ORCONF and MAXCONF of `all` and the interface's own.
constexpr bool setting_and(int32_t all, int32_t own) { return all != 0 && own != 0; }
constexpr bool setting_or(int32_t all, int32_t own) { return all != 0 || own != 0; }
constexpr int32_t setting_max(int32_t all, int32_t own) { return all > own ? all : own; }

}  // namespace lxnet
