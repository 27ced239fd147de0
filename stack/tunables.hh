// Tunables: net.* as /proc/sys shows them, one row each in tunables.cc; the stack reads the fields.
#pragma once

#include "base/bytes.hh"
#include "base/result.hh"
#include "stack/conntrack/connection_settings.hh"

namespace lxnet {

// Defaults are those of a Linux 6.x network namespace. Plain words, read relaxed on the packet path.
struct TunableValues {
  // net.ipv4.*
  int32_t ip_forward = 0;
  int32_t ip_default_ttl = 64;
  int32_t ip_no_pmtu_disc = 0;
  int32_t ip_local_port_low = 32768, ip_local_port_high = 60999;
  int32_t ip_unprivileged_port_start = 1024;
  int32_t ip_nonlocal_bind = 0;
  int32_t icmp_ratelimit = 1000, icmp_ratemask = 6168;
  int32_t icmp_msgs_per_sec = 1000, icmp_msgs_burst = 50;
  int32_t icmp_echo_ignore_all = 0, icmp_echo_ignore_broadcasts = 1;
  int32_t ping_group_low = 1, ping_group_high = 0;
  int32_t icmp_ignore_bogus_error_responses = 1;
  int32_t ipfrag_high_thresh = 4194304, ipfrag_low_thresh = 3145728, ipfrag_seconds = 30, ipfrag_max_dist = 64;
  int32_t route_min_pmtu = 552, route_mtu_expires_seconds = 600;
  int32_t mld_max_msf = 64;
  int32_t igmp_qrv = 2, igmp_link_local_mcast_reports = 1;
  int32_t igmp_max_memberships = 20, igmp_max_msf = 10;
  int32_t tcp_rmem[3] = {4096, 131072, 33554432}, tcp_wmem[3] = {4096, 16384, 4194304};
  int32_t tcp_mem[3] = {24576, 32768, 49152};  // pages; Stack sets what its memory allows
  int32_t tcp_comp_sack_nr = 44, tcp_comp_sack_delay_nanos = 1'000'000, tcp_comp_sack_slack_nanos = 100'000;
  int32_t tcp_moderate_rcvbuf = 1, tcp_rcvbuf_low_rtt_micros = 1000, tcp_app_win = 31;
  int32_t tcp_min_tso_segs = 2, tcp_tso_rtt_log = 9, tcp_tso_win_divisor = 3;
  int32_t tcp_pacing_ss_ratio = 200, tcp_pacing_ca_ratio = 120;
  int32_t tcp_rto_max_millis = 120'000, tcp_rto_min_micros = 200'000, tcp_tw_reuse_delay_millis = 1000;
  int32_t tcp_timestamps = 1, tcp_sack = 1, tcp_window_scaling = 1, tcp_dsack = 1;
  int32_t tcp_ecn = 2, tcp_ecn_fallback = 1;
  int32_t tcp_syn_retries = 6, tcp_synack_retries = 5, tcp_syn_linear_timeouts = 4;
  int32_t tcp_retries1 = 3, tcp_retries2 = 15, tcp_orphan_retries = 0;
  int32_t tcp_keepalive_time = 7200, tcp_keepalive_intvl = 75, tcp_keepalive_probes = 9;
  int32_t tcp_fin_timeout = 60, tcp_max_tw_buckets = 131072, tcp_tw_reuse = 2, tcp_rfc1337 = 0;
  int32_t tcp_max_orphans = 131072, tcp_max_syn_backlog = 2048, tcp_abort_on_overflow = 0, tcp_syncookies = 1;
  int32_t tcp_reordering = 3, tcp_max_reordering = 300, tcp_early_retrans = 3, tcp_recovery = 1, tcp_frto = 2;
  int32_t tcp_slow_start_after_idle = 1, tcp_retrans_collapse = 1, tcp_thin_linear_timeouts = 0, tcp_min_rtt_wlen = 300;
  int32_t tcp_min_snd_mss = 48, tcp_base_mss = 1024, tcp_mtu_probing = 0, tcp_mtu_probe_floor = 48;
  int32_t tcp_fastopen_blackhole_seconds = 0;
  int32_t tcp_fastopen = 1, tcp_challenge_ack_limit = INT32_MAX, tcp_invalid_ratelimit = 500;
  uint32_t tcp_notsent_lowat = UINT32_MAX;
  int32_t tcp_shrink_window = 0, tcp_workaround_signed_windows = 0, tcp_reflect_tos = 0, tcp_pingpong_thresh = 1, tcp_stdurg = 0;
  int32_t tcp_probe_threshold = 8, tcp_probe_interval = 600;
  int32_t tcp_fwmark_accept = 0, tcp_backlog_ack_defer = 1, tcp_migrate_req = 0;
  int32_t tcp_no_metrics_save = 0, tcp_no_ssthresh_metrics_save = 1;
  // net.core.*
  int32_t rmem_default = 212992, rmem_max = 4194304, wmem_default = 212992, wmem_max = 4194304;
  int32_t optmem_max = 131072;
  int32_t somaxconn = 4096;
  int32_t txrehash = 1;
  // net.ipv6.*
  int32_t bindv6only = 0;
  int32_t ipv6_forwarding = 0;
  int32_t route6_collection_seconds = 30;
  int32_t ipv6_hop_limit = 64;
  int32_t ipv6_auto_flowlabels = 1;
  int32_t icmp6_ratelimit = 100;
  int32_t icmp6_echo_ignore_all = 0, icmp6_echo_ignore_multicast = 0;
  // fs.epoll.*: Linux chooses what fits in a 25th of the machine's memory; a host sets what fits in its own.
  int32_t epoll_max_user_watches = 1 << 20;
  // net.ipv6.*, fragments
  int32_t ip6frag_high_thresh = 4194304, ip6frag_low_thresh = 3145728, ip6frag_seconds = 60;
  // net.netfilter.*
  ConnectionSettings connection;
};

class Stack;

class Tunables {
 public:
  explicit Tunables(Stack& stack) : stack_(stack) {}

  TunableValues& values() { return values_; }
  const TunableValues& values() const { return values_; }
  // By Linux name, with dots or slashes; text as /proc/sys takes it. ENOENT; EINVAL: not a number, or out of range; EPERM: read
  // only.
  Result<> set(const char* name, const char* text);
  // As /proc/sys shows it, the newline included. The text's size, which may exceed the room; it is cut then. ENOENT.
  Result<size_t> get(const char* name, std::span<char> out) const;

 private:
  Stack& stack_;
  TunableValues values_;
};

}  // namespace lxnet
