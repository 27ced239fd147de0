// TcpStatistics: what TCP_INFO counts (RFC 4898's names, as Linux has them).
#pragma once

#include "base/time.hh"

namespace lxnet {

struct TcpStatistics {
  uint64_t bytes_acked = 0, bytes_received = 0, bytes_sent = 0, bytes_retransmitted = 0;
  uint32_t segments_in = 0, segments_out = 0, data_segments_in = 0, data_segments_out = 0;
  uint32_t total_retransmits = 0;
  uint32_t delivered_ce = 0;
  uint32_t out_of_order_packets = 0;
  uint16_t total_rto = 0, total_rto_recoveries = 0;
  uint32_t total_rto_millis = 0;
  uint32_t timeout_rehashes = 0;
  Instant rto_started;
  // What timeouts began is over.
  void end_timeouts(Instant now) {
    if (rto_started == Instant()) return;
    total_rto_millis += static_cast<uint32_t>((now - rto_started).in_millis());
    rto_started = Instant();
  }
  // How long the connection was doing what (tcpi_busy_time, rwnd_limited, sndbuf_limited).
  enum class Limit : uint8_t { None, Busy, Window, Buffer };
  Limit limit = Limit::None;
  bool rate_app_limited = true;  // see below
  Instant limit_since;
  Duration busy, window_limited, buffer_limited;

  // The most telling of what holds at once counts, which is the last of the list (Linux's chronographs).
  void start(Limit kind, Instant now) {
    if (kind > limit) account(kind, now);
  }
  enum class Queues : uint8_t { Empty, Filled };
  void stop(Limit kind, Queues queues, Instant now) {
    if (queues == Queues::Empty) {
      account(Limit::None, now);
    } else if (kind == limit) {
      account(Limit::Busy, now);
    }
  }

  void account(Limit next, Instant now) {
    if (next == limit) return;
    const Duration spent = now - limit_since;
    if (limit != Limit::None) busy = busy + spent;
    if (limit == Limit::Window) window_limited = window_limited + spent;
    if (limit == Limit::Buffer) buffer_limited = buffer_limited + spent;
    limit = next;
    limit_since = now;
  }

  // The delivery rate of the best recent sample.
  uint32_t rate_delivered = 0, rate_interval_micros = 0;
};

}  // namespace lxnet
