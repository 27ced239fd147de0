// ConnectionSettings: net.netfilter.* of a stack, and what it counts for /proc/net/stat/nf_conntrack.
#pragma once

#include <cstdint>

namespace lxnet {

struct ConnectionSettings {
  int32_t max = 65536;
  int32_t checksum = 1;  // packets whose sum is wrong are invalid
  int32_t acct = 0;
  int32_t generic_seconds = 600;
  int32_t icmp_seconds = 30, icmpv6_seconds = 30;
  int32_t udp_seconds = 30, udp_stream_seconds = 120;
  int32_t tcp_loose = 1;  // connections may be met in the middle
  int32_t tcp_be_liberal = 0, tcp_ignore_invalid_rst = 0;
  int32_t tcp_max_retrans = 3;
  // By TrackedTcpState; what None has is never used.
  int32_t tcp_seconds[10] = {0, 120, 60, 432000, 120, 60, 30, 120, 10, 120};
  int32_t tcp_max_retrans_seconds = 300, tcp_unacknowledged_seconds = 300;
};

struct ConnectionStatistics {
  uint32_t found = 0, invalid = 0, insert = 0, insert_failed = 0, drop = 0, early_drop = 0, error = 0, clash_resolve = 0;
};

}  // namespace lxnet
