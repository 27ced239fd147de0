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
  InstantInMillis rto_started;
  // What timeouts began is over.
  void end_timeouts(Instant now) {
    if (rto_started.is_none()) return;
    total_rto_millis += static_cast<uint32_t>(rto_started.age(now).in_millis());
    rto_started = InstantInMillis();
  }
  // How long the connection was doing what (tcpi_busy_time, rwnd_limited, sndbuf_limited).
  enum class Limit : uint8_t { None, Busy, Window, Buffer };
  Limit limit = Limit::None;
  bool rate_app_limited = true;  // see below
  InstantInMillis limit_since;
  uint32_t busy_millis = 0, window_limited_millis = 0, buffer_limited_millis = 0;

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
    const auto spent = static_cast<uint32_t>(limit_since.age(now).in_millis());
    if (limit != Limit::None) busy_millis += spent;
    if (limit == Limit::Window) window_limited_millis += spent;
    if (limit == Limit::Buffer) buffer_limited_millis += spent;
    limit = next;
    limit_since = now;
  }

  // The delivery rate of the best recent sample.
  uint32_t rate_delivered = 0, rate_interval_micros = 0;
};

}  // namespace lxnet
