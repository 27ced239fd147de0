// TcpInfo: TCP_INFO as Linux 6.18 lays it out. Program ABI: host byte order, explicit padding, new fields only at the end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lxnet {

struct TcpInfo {
  uint8_t state, ca_state, retransmits, probes, backoff, options;
  uint8_t window_scales;                // snd_wscale in the low four bits, rcv_wscale above
  uint8_t flags;                        // delivery_rate_app_limited:1, fastopen_client_fail:2
  uint32_t rto, ato, snd_mss, rcv_mss;  // microseconds, bytes
  uint32_t unacked, sacked, lost, retrans, fackets;
  uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;  // milliseconds ago
  uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
  uint32_t rcv_rtt, rcv_space;
  uint32_t total_retrans;
  uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
  uint32_t segs_out, segs_in;
  uint32_t notsent_bytes, min_rtt, data_segs_in, data_segs_out;
  uint64_t delivery_rate;
  uint64_t busy_time, rwnd_limited, sndbuf_limited;  // microseconds
  uint32_t delivered, delivered_ce;
  uint64_t bytes_sent, bytes_retrans;
  uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd;
  uint32_t rcv_wnd, rehash;
  uint16_t total_rto, total_rto_recoveries;
  uint32_t total_rto_time;
  uint32_t accurate_ecn[8];  // RFC 9768 is not spoken: zeros
};
static_assert(offsetof(TcpInfo, rto) == 8 && offsetof(TcpInfo, pacing_rate) == 104 && offsetof(TcpInfo, delivery_rate) == 160);
static_assert(offsetof(TcpInfo, bytes_sent) == 200 && offsetof(TcpInfo, snd_wnd) == 228 && sizeof(TcpInfo) == 280);

// tcpi_options.
enum TcpInfoOptions : uint8_t {
  kInfoTimestamps = 1,
  kInfoSack = 2,
  kInfoWindowScale = 4,
  kInfoEcn = 8,
  kInfoEcnSeen = 16,
  kInfoSynData = 32,
  kInfoFastOpenChild = 128,
};

}  // namespace lxnet
