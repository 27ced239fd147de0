// The rows behind Tunables: what each name under net.*, and fs.epoll.*, is, what it may be, and where it is kept. A new tunable
// is one line here.
//
// Rule kept: a row stands for something the stack obeys. Ranges are those a Linux 6.18 answers EINVAL outside of.
#pragma once

#include <cstddef>

#include "stack/interface_settings.hh"
#include "stack/tunables.hh"

namespace lxnet {

// What is asked beyond each number's range, and what follows a change.
enum class TunableRule : uint8_t {
  None,
  PortRange,    // low <= high, and not below ip_unprivileged_port_start
  GroupRange,   // low <= high, or none at all
  Forwarding4,  // every interface and `default` follow
  Forwarding6,
  HighThreshold,  // not below the number before it in TunableValues
  LowThreshold,   // not above the number after it
  Unsigned,       // the 32 bits of a number that is never negative
  // No numbers of TunableValues.
  FirstText,
  Congestion = FirstText,  // the name of the algorithm of new sockets
  AvailableCongestion,     // all there are; read only
  AllowedCongestion,       // those that anybody may choose
  UpperProtocols,          // what TCP_ULP takes: nothing; read only
  FastOpenKey,             // what server cookies are made with
  Connections,             // how many connections are followed; read only
};

struct TunableRow {
  const char* name;
  uint16_t offset = 0;  // in TunableValues, of the first of `count` int32_t in a row
  uint8_t count = 1;
  int32_t min = INT32_MIN, max = INT32_MAX;
  TunableRule rule = TunableRule::None;
  const char* note = "";
};

#define LXNET_AT(field) static_cast<uint16_t>(offsetof(TunableValues, field))
// What a Linux that counts 250 ticks a second can.
inline constexpr int32_t kMaxSeconds = INT32_MAX / 250;
inline constexpr TunableRow kTunableRows[] = {
    {.name = "fs.epoll.max_user_watches", .offset = LXNET_AT(epoll_max_user_watches), .min = 0},

    {.name = "net.core.optmem_max", .offset = LXNET_AT(optmem_max), .min = 0},
    {.name = "net.core.rmem_default", .offset = LXNET_AT(rmem_default), .min = 2304},
    {.name = "net.core.rmem_max", .offset = LXNET_AT(rmem_max), .min = 2304},
    {.name = "net.core.somaxconn", .offset = LXNET_AT(somaxconn), .min = 0},
    {.name = "net.core.txrehash", .offset = LXNET_AT(txrehash), .min = 0, .max = 1},
    {.name = "net.core.wmem_default", .offset = LXNET_AT(wmem_default), .min = 4608},
    {.name = "net.core.wmem_max", .offset = LXNET_AT(wmem_max), .min = 4608},

    {.name = "net.ipv4.icmp_echo_ignore_all", .offset = LXNET_AT(icmp_echo_ignore_all), .min = 0, .max = 1},
    {.name = "net.ipv4.icmp_echo_ignore_broadcasts", .offset = LXNET_AT(icmp_echo_ignore_broadcasts), .min = 0, .max = 1},
    {.name = "net.ipv4.icmp_msgs_burst", .offset = LXNET_AT(icmp_msgs_burst), .min = 0},
    {.name = "net.ipv4.icmp_msgs_per_sec", .offset = LXNET_AT(icmp_msgs_per_sec), .min = 0},
    {.name = "net.ipv4.icmp_ratelimit", .offset = LXNET_AT(icmp_ratelimit), .min = 0},
    {.name = "net.ipv4.icmp_ratemask", .offset = LXNET_AT(icmp_ratemask)},
    {.name = "net.ipv4.igmp_link_local_mcast_reports", .offset = LXNET_AT(igmp_link_local_mcast_reports), .min = 0, .max = 1},
    {.name = "net.ipv4.igmp_max_memberships", .offset = LXNET_AT(igmp_max_memberships)},
    {.name = "net.ipv4.igmp_max_msf", .offset = LXNET_AT(igmp_max_msf)},
    {.name = "net.ipv4.igmp_qrv", .offset = LXNET_AT(igmp_qrv), .min = 1, .max = 255},
    {.name = "net.ipv4.ip_default_ttl", .offset = LXNET_AT(ip_default_ttl), .min = 1, .max = 255},
    {.name = "net.ipv4.ip_forward", .offset = LXNET_AT(ip_forward), .rule = TunableRule::Forwarding4},
    {.name = "net.ipv4.ip_local_port_range",
     .offset = LXNET_AT(ip_local_port_low),
     .count = 2,
     .min = 1,
     .max = 65535,
     .rule = TunableRule::PortRange},
    {.name = "net.ipv4.ip_no_pmtu_disc",
     .offset = LXNET_AT(ip_no_pmtu_disc),
     .note = "2 ignores what ICMP says; new sockets' mode"},
    {.name = "net.ipv4.ip_nonlocal_bind", .offset = LXNET_AT(ip_nonlocal_bind)},
    {.name = "net.ipv4.ip_unprivileged_port_start", .offset = LXNET_AT(ip_unprivileged_port_start), .min = 0, .max = 65535},
    {.name = "net.ipv4.ipfrag_high_thresh", .offset = LXNET_AT(ipfrag_high_thresh), .rule = TunableRule::HighThreshold},
    {.name = "net.ipv4.ipfrag_low_thresh",
     .offset = LXNET_AT(ipfrag_low_thresh),
     .rule = TunableRule::LowThreshold,
     .note = "bounds ipfrag_high_thresh and nothing else, as on Linux"},
    {.name = "net.ipv4.ipfrag_max_dist", .offset = LXNET_AT(ipfrag_max_dist), .min = 0},
    {.name = "net.ipv4.ipfrag_time", .offset = LXNET_AT(ipfrag_seconds)},
    {.name = "net.ipv4.ping_group_range",
     .offset = LXNET_AT(ping_group_low),
     .count = 2,
     .min = 0,
     .rule = TunableRule::GroupRange},
    {.name = "net.ipv4.route.min_pmtu", .offset = LXNET_AT(route_min_pmtu), .min = 68},
    {.name = "net.ipv4.route.mtu_expires", .offset = LXNET_AT(route_mtu_expires_seconds)},
    {.name = "net.ipv4.tcp_abort_on_overflow", .offset = LXNET_AT(tcp_abort_on_overflow), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_allowed_congestion_control", .count = 0, .rule = TunableRule::AllowedCongestion},
    {.name = "net.ipv4.tcp_app_win", .offset = LXNET_AT(tcp_app_win), .min = 0, .max = 31},
    {.name = "net.ipv4.tcp_available_congestion_control", .count = 0, .rule = TunableRule::AvailableCongestion},
    {.name = "net.ipv4.tcp_available_ulp", .count = 0, .rule = TunableRule::UpperProtocols},
    {.name = "net.ipv4.tcp_backlog_ack_defer", .offset = LXNET_AT(tcp_backlog_ack_defer), .min = 0, .max = 1},
    {.name = "net.ipv4.tcp_base_mss", .offset = LXNET_AT(tcp_base_mss)},
    {.name = "net.ipv4.tcp_challenge_ack_limit", .offset = LXNET_AT(tcp_challenge_ack_limit)},
    {.name = "net.ipv4.tcp_comp_sack_delay_ns", .offset = LXNET_AT(tcp_comp_sack_delay_nanos)},
    {.name = "net.ipv4.tcp_comp_sack_nr", .offset = LXNET_AT(tcp_comp_sack_nr), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_dsack", .offset = LXNET_AT(tcp_dsack), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_congestion_control", .count = 0, .rule = TunableRule::Congestion},
    {.name = "net.ipv4.tcp_early_retrans", .offset = LXNET_AT(tcp_early_retrans), .min = 0, .max = 4},
    {.name = "net.ipv4.tcp_ecn", .offset = LXNET_AT(tcp_ecn), .min = 0, .max = 2},
    {.name = "net.ipv4.tcp_ecn_fallback", .offset = LXNET_AT(tcp_ecn_fallback), .min = 0, .max = 1},
    {.name = "net.ipv4.tcp_fastopen", .offset = LXNET_AT(tcp_fastopen)},
    {.name = "net.ipv4.tcp_fastopen_blackhole_timeout_sec", .offset = LXNET_AT(tcp_fastopen_blackhole_seconds), .min = 0},
    {.name = "net.ipv4.tcp_fastopen_key", .count = 0, .rule = TunableRule::FastOpenKey},
    {.name = "net.ipv4.tcp_fin_timeout", .offset = LXNET_AT(tcp_fin_timeout)},
    {.name = "net.ipv4.tcp_frto", .offset = LXNET_AT(tcp_frto), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_fwmark_accept", .offset = LXNET_AT(tcp_fwmark_accept), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_migrate_req", .offset = LXNET_AT(tcp_migrate_req), .min = 0, .max = 1},
    {.name = "net.ipv4.tcp_invalid_ratelimit", .offset = LXNET_AT(tcp_invalid_ratelimit)},
    {.name = "net.ipv4.tcp_keepalive_intvl", .offset = LXNET_AT(tcp_keepalive_intvl)},
    {.name = "net.ipv4.tcp_keepalive_probes", .offset = LXNET_AT(tcp_keepalive_probes), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_keepalive_time", .offset = LXNET_AT(tcp_keepalive_time)},
    {.name = "net.ipv4.tcp_max_orphans", .offset = LXNET_AT(tcp_max_orphans)},
    {.name = "net.ipv4.tcp_max_reordering", .offset = LXNET_AT(tcp_max_reordering)},
    {.name = "net.ipv4.tcp_max_syn_backlog", .offset = LXNET_AT(tcp_max_syn_backlog)},
    {.name = "net.ipv4.tcp_max_tw_buckets", .offset = LXNET_AT(tcp_max_tw_buckets)},
    {.name = "net.ipv4.tcp_mem", .offset = LXNET_AT(tcp_mem), .count = 3},
    {.name = "net.ipv4.tcp_min_rtt_wlen", .offset = LXNET_AT(tcp_min_rtt_wlen), .min = 0, .max = 86400},
    {.name = "net.ipv4.tcp_min_snd_mss", .offset = LXNET_AT(tcp_min_snd_mss), .min = 48, .max = 65535},
    {.name = "net.ipv4.tcp_min_tso_segs", .offset = LXNET_AT(tcp_min_tso_segs), .min = 1, .max = 255},
    {.name = "net.ipv4.tcp_moderate_rcvbuf", .offset = LXNET_AT(tcp_moderate_rcvbuf), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_mtu_probe_floor", .offset = LXNET_AT(tcp_mtu_probe_floor), .min = 48, .max = 65535},
    {.name = "net.ipv4.tcp_mtu_probing", .offset = LXNET_AT(tcp_mtu_probing), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_no_metrics_save", .offset = LXNET_AT(tcp_no_metrics_save), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_no_ssthresh_metrics_save", .offset = LXNET_AT(tcp_no_ssthresh_metrics_save), .min = 0, .max = 1},
    {.name = "net.ipv4.tcp_notsent_lowat", .offset = LXNET_AT(tcp_notsent_lowat), .rule = TunableRule::Unsigned},
    {.name = "net.ipv4.tcp_orphan_retries", .offset = LXNET_AT(tcp_orphan_retries), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_pacing_ca_ratio", .offset = LXNET_AT(tcp_pacing_ca_ratio), .min = 0, .max = 1000},
    {.name = "net.ipv4.tcp_pacing_ss_ratio", .offset = LXNET_AT(tcp_pacing_ss_ratio), .min = 0, .max = 1000},
    {.name = "net.ipv4.tcp_pingpong_thresh", .offset = LXNET_AT(tcp_pingpong_thresh), .min = 1, .max = 255},
    {.name = "net.ipv4.tcp_probe_interval", .offset = LXNET_AT(tcp_probe_interval), .min = 0},
    {.name = "net.ipv4.tcp_probe_threshold", .offset = LXNET_AT(tcp_probe_threshold)},
    {.name = "net.ipv4.tcp_recovery", .offset = LXNET_AT(tcp_recovery), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_reordering", .offset = LXNET_AT(tcp_reordering)},
    {.name = "net.ipv4.tcp_rcvbuf_low_rtt", .offset = LXNET_AT(tcp_rcvbuf_low_rtt_micros), .min = 0, .max = 1'000'000},
    {.name = "net.ipv4.tcp_reflect_tos", .offset = LXNET_AT(tcp_reflect_tos), .min = 0, .max = 1},
    {.name = "net.ipv4.tcp_retrans_collapse", .offset = LXNET_AT(tcp_retrans_collapse), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_retries1", .offset = LXNET_AT(tcp_retries1), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_retries2", .offset = LXNET_AT(tcp_retries2), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_rfc1337", .offset = LXNET_AT(tcp_rfc1337), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_rmem", .offset = LXNET_AT(tcp_rmem), .count = 3, .min = 1},
    {.name = "net.ipv4.tcp_rto_max_ms", .offset = LXNET_AT(tcp_rto_max_millis), .min = 1000, .max = 120000},
    {.name = "net.ipv4.tcp_rto_min_us", .offset = LXNET_AT(tcp_rto_min_micros), .min = 1},
    {.name = "net.ipv4.tcp_sack", .offset = LXNET_AT(tcp_sack), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_shrink_window", .offset = LXNET_AT(tcp_shrink_window), .min = 0, .max = 1},
    {.name = "net.ipv4.tcp_slow_start_after_idle", .offset = LXNET_AT(tcp_slow_start_after_idle), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_stdurg", .offset = LXNET_AT(tcp_stdurg), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_syn_linear_timeouts", .offset = LXNET_AT(tcp_syn_linear_timeouts), .min = 0, .max = 127},
    {.name = "net.ipv4.tcp_syn_retries", .offset = LXNET_AT(tcp_syn_retries), .min = 1, .max = 127},
    {.name = "net.ipv4.tcp_synack_retries", .offset = LXNET_AT(tcp_synack_retries), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_syncookies", .offset = LXNET_AT(tcp_syncookies), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_thin_linear_timeouts", .offset = LXNET_AT(tcp_thin_linear_timeouts), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_timestamps", .offset = LXNET_AT(tcp_timestamps), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_tso_rtt_log", .offset = LXNET_AT(tcp_tso_rtt_log), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_tso_win_divisor", .offset = LXNET_AT(tcp_tso_win_divisor), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_tw_reuse", .offset = LXNET_AT(tcp_tw_reuse), .min = 0, .max = 2},
    {.name = "net.ipv4.tcp_tw_reuse_delay", .offset = LXNET_AT(tcp_tw_reuse_delay_millis), .min = 1, .max = 60000},
    {.name = "net.ipv4.tcp_window_scaling", .offset = LXNET_AT(tcp_window_scaling), .min = 0, .max = 255},
    {.name = "net.ipv4.tcp_wmem", .offset = LXNET_AT(tcp_wmem), .count = 3, .min = 1},
    {.name = "net.ipv4.tcp_workaround_signed_windows", .offset = LXNET_AT(tcp_workaround_signed_windows), .min = 0, .max = 255},

    {.name = "net.ipv6.auto_flowlabels", .offset = LXNET_AT(ipv6_auto_flowlabels), .min = 0, .max = 3},
    {.name = "net.ipv6.bindv6only", .offset = LXNET_AT(bindv6only), .min = 0, .max = 255},
    {.name = "net.ipv6.conf.all.forwarding", .offset = LXNET_AT(ipv6_forwarding), .rule = TunableRule::Forwarding6},
    {.name = "net.ipv6.icmp.echo_ignore_all", .offset = LXNET_AT(icmp6_echo_ignore_all), .min = 0, .max = 255},
    {.name = "net.ipv6.icmp.echo_ignore_multicast", .offset = LXNET_AT(icmp6_echo_ignore_multicast), .min = 0, .max = 255},
    {.name = "net.ipv6.icmp.ratelimit", .offset = LXNET_AT(icmp6_ratelimit), .min = 0},
    {.name = "net.ipv6.ip6frag_high_thresh", .offset = LXNET_AT(ip6frag_high_thresh), .rule = TunableRule::HighThreshold},
    {.name = "net.ipv6.ip6frag_low_thresh", .offset = LXNET_AT(ip6frag_low_thresh), .rule = TunableRule::LowThreshold},
    {.name = "net.ipv6.ip6frag_time", .offset = LXNET_AT(ip6frag_seconds)},
    {.name = "net.ipv6.mld_max_msf", .offset = LXNET_AT(mld_max_msf)},
    {.name = "net.ipv6.route.gc_interval",
     .offset = LXNET_AT(route6_collection_seconds),
     .min = 0,
     .note = "when routes that have ended are taken out"},
    {.name = "net.ipv4.conf.all.forwarding", .offset = LXNET_AT(ip_forward), .rule = TunableRule::Forwarding4},

    {.name = "net.netfilter.nf_conntrack_acct", .offset = LXNET_AT(connection.acct), .min = 0, .max = 1},
    {.name = "net.netfilter.nf_conntrack_checksum", .offset = LXNET_AT(connection.checksum), .min = 0, .max = 1},
    {.name = "net.netfilter.nf_conntrack_count", .rule = TunableRule::Connections},
    {.name = "net.netfilter.nf_conntrack_generic_timeout", .offset = LXNET_AT(connection.generic_seconds), .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_icmp_timeout", .offset = LXNET_AT(connection.icmp_seconds), .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_icmpv6_timeout", .offset = LXNET_AT(connection.icmpv6_seconds), .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_max", .offset = LXNET_AT(connection.max), .min = 0},
    {.name = "net.netfilter.nf_conntrack_tcp_be_liberal", .offset = LXNET_AT(connection.tcp_be_liberal), .min = 0, .max = 1},
    {.name = "net.netfilter.nf_conntrack_tcp_ignore_invalid_rst",
     .offset = LXNET_AT(connection.tcp_ignore_invalid_rst),
     .min = 0,
     .max = 1},
    {.name = "net.netfilter.nf_conntrack_tcp_loose", .offset = LXNET_AT(connection.tcp_loose), .min = 0, .max = 1},
    {.name = "net.netfilter.nf_conntrack_tcp_max_retrans", .offset = LXNET_AT(connection.tcp_max_retrans), .min = 0, .max = 255},
    {.name = "net.netfilter.nf_conntrack_tcp_timeout_close", .offset = LXNET_AT(connection.tcp_seconds[8]), .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_tcp_timeout_close_wait",
     .offset = LXNET_AT(connection.tcp_seconds[5]),
     .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_tcp_timeout_established",
     .offset = LXNET_AT(connection.tcp_seconds[3]),
     .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_tcp_timeout_fin_wait",
     .offset = LXNET_AT(connection.tcp_seconds[4]),
     .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_tcp_timeout_last_ack",
     .offset = LXNET_AT(connection.tcp_seconds[6]),
     .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_tcp_timeout_max_retrans",
     .offset = LXNET_AT(connection.tcp_max_retrans_seconds),
     .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_tcp_timeout_syn_recv",
     .offset = LXNET_AT(connection.tcp_seconds[2]),
     .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_tcp_timeout_syn_sent",
     .offset = LXNET_AT(connection.tcp_seconds[1]),
     .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_tcp_timeout_time_wait",
     .offset = LXNET_AT(connection.tcp_seconds[7]),
     .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_tcp_timeout_unacknowledged",
     .offset = LXNET_AT(connection.tcp_unacknowledged_seconds),
     .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_udp_timeout", .offset = LXNET_AT(connection.udp_seconds), .max = kMaxSeconds},
    {.name = "net.netfilter.nf_conntrack_udp_timeout_stream",
     .offset = LXNET_AT(connection.udp_stream_seconds),
     .max = kMaxSeconds},
};
#undef LXNET_AT
static_assert(offsetof(TunableValues, ip_local_port_high) == offsetof(TunableValues, ip_local_port_low) + 4);
static_assert(offsetof(TunableValues, ping_group_high) == offsetof(TunableValues, ping_group_low) + 4);
static_assert(offsetof(TunableValues, ipfrag_low_thresh) == offsetof(TunableValues, ipfrag_high_thresh) + 4);
static_assert(offsetof(TunableValues, ip6frag_low_thresh) == offsetof(TunableValues, ip6frag_high_thresh) + 4);

// `folder`.{all,default,IF}.`name`: one number of InterfaceSettings.
struct InterfaceTunableRow {
  const char* folder;
  const char* name;
  uint16_t offset;
  int32_t min = INT32_MIN, max = INT32_MAX;
  // What is written to `all` is combined with an interface's own, or becomes everybody's own.
  enum class All : uint8_t { IsCombined, IsWrittenToEach } all = All::IsCombined;
};

#define LXNET_V4(field) static_cast<uint16_t>(offsetof(InterfaceSettings, v4) + offsetof(Ipv4Settings, field))
#define LXNET_V6(field) static_cast<uint16_t>(offsetof(InterfaceSettings, v6) + offsetof(Ipv6Settings, field))
#define LXNET_ARP(field) static_cast<uint16_t>(offsetof(InterfaceSettings, arp) + offsetof(NeighbourSettings, field))
#define LXNET_NDP(field) static_cast<uint16_t>(offsetof(InterfaceSettings, ndp) + offsetof(NeighbourSettings, field))
inline constexpr InterfaceTunableRow kInterfaceTunableRows[] = {
    {"net.ipv4.conf", "accept_local", LXNET_V4(accept_local)},
    {"net.ipv4.conf", "accept_source_route", LXNET_V4(accept_source_route)},
    {"net.ipv4.conf", "arp_accept", LXNET_V4(arp_accept)},
    {"net.ipv4.conf", "arp_announce", LXNET_V4(arp_announce)},
    {"net.ipv4.conf", "arp_evict_nocarrier", LXNET_V4(arp_evict_nocarrier)},
    {"net.ipv4.conf", "arp_filter", LXNET_V4(arp_filter)},
    {"net.ipv4.conf", "arp_ignore", LXNET_V4(arp_ignore)},
    {"net.ipv4.conf", "arp_notify", LXNET_V4(arp_notify)},
    {"net.ipv4.conf", "drop_gratuitous_arp", LXNET_V4(drop_gratuitous_arp)},
    {"net.ipv4.conf", "forwarding", LXNET_V4(forwarding)},
    {"net.ipv4.conf", "ignore_routes_with_linkdown", LXNET_V4(ignore_routes_with_linkdown)},
    {"net.ipv4.conf", "promote_secondaries", LXNET_V4(promote_secondaries)},
    {"net.ipv4.conf", "route_localnet", LXNET_V4(route_localnet)},
    {"net.ipv4.conf", "rp_filter", LXNET_V4(rp_filter)},
    {"net.ipv4.conf", "tag", LXNET_V4(tag)},
    {"net.ipv6.conf", "forwarding", LXNET_V6(forwarding)},
    {"net.ipv6.conf", "hop_limit", LXNET_V6(hop_limit), 1, 255},
    {.folder = "net.ipv6.conf",
     .name = "ignore_routes_with_linkdown",
     .offset = LXNET_V6(ignore_routes_with_linkdown),
     .all = InterfaceTunableRow::All::IsWrittenToEach},
    {"net.ipv6.conf", "keep_addr_on_down", LXNET_V6(keep_addr_on_down)},
    {"net.ipv4.neigh", "app_solicit", LXNET_ARP(app_solicit), 0},
    {"net.ipv4.neigh", "base_reachable_time_ms", LXNET_ARP(base_reachable_millis), 0},
    {"net.ipv4.neigh", "delay_first_probe_time", LXNET_ARP(delay_probe_seconds), 0},
    {"net.ipv4.neigh", "gc_stale_time", LXNET_ARP(stale_seconds), 0},
    {"net.ipv4.neigh", "mcast_resolicit", LXNET_ARP(multicast_resolicit), 0},
    {"net.ipv4.neigh", "mcast_solicit", LXNET_ARP(multicast_solicit), 0},
    {"net.ipv4.neigh", "retrans_time_ms", LXNET_ARP(retrans_millis), 0},
    {"net.ipv4.neigh", "ucast_solicit", LXNET_ARP(unicast_solicit), 0},
    {"net.ipv4.neigh", "unres_qlen_bytes", LXNET_ARP(queue_bytes), 0},
    {"net.ipv6.neigh", "app_solicit", LXNET_NDP(app_solicit), 0},
    {"net.ipv6.neigh", "base_reachable_time_ms", LXNET_NDP(base_reachable_millis), 0},
    {"net.ipv6.neigh", "delay_first_probe_time", LXNET_NDP(delay_probe_seconds), 0},
    {"net.ipv6.neigh", "gc_stale_time", LXNET_NDP(stale_seconds), 0},
    {"net.ipv6.neigh", "mcast_resolicit", LXNET_NDP(multicast_resolicit), 0},
    {"net.ipv6.neigh", "mcast_solicit", LXNET_NDP(multicast_solicit), 0},
    {"net.ipv6.neigh", "retrans_time_ms", LXNET_NDP(retrans_millis), 0},
    {"net.ipv6.neigh", "ucast_solicit", LXNET_NDP(unicast_solicit), 0},
    {"net.ipv6.neigh", "unres_qlen_bytes", LXNET_NDP(queue_bytes), 0},
};
#undef LXNET_V4
#undef LXNET_V6
#undef LXNET_ARP
#undef LXNET_NDP

}  // namespace lxnet
