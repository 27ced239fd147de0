// TcpSocketOptions: what IPPROTO_TCP options set, kept where the code that obeys it reads it. Protected by the socket's lock.
#pragma once

#include <algorithm>

#include "base/time.hh"
#include "stack/option_set.hh"

namespace lxnet {

struct TcpSocketOptions {
  bool no_delay = false;     // TCP_NODELAY
  bool cork = false;         // TCP_CORK
  uint16_t max_segment = 0;  // TCP_MAXSEG before connecting; 0: none
  uint8_t keep_count = 0;    // 0: the tunable
  uint8_t syn_count = 0;     // TCP_SYNCNT; 0: the tunable
  uint8_t defer_accept = 0;  // SYN-ACK retransmissions to wait for data
  uint8_t save_syn = 0;      // TCP_SAVE_SYN: 1 headers, 2 link header too
  bool inq = false;          // TCP_INQ
  bool thin_linear_timeouts = false;
  bool fast_open_connect = false;            // TCP_FASTOPEN_CONNECT
  bool fast_open_no_cookie = false;          // TCP_FASTOPEN_NO_COOKIE
  BriefSeconds keep_idle = Duration::max();  // max: the tunable
  BriefSeconds keep_interval = Duration::max();
  int32_t linger2 = 0;  // seconds in FIN_WAIT2; 0: the tunable; negative: none
  uint32_t window_clamp = 0;
  BriefMillis user_timeout;                           // 0: none
  uint32_t not_sent_low_water = 0;                    // TCP_NOTSENT_LOWAT; 0: the tunable
  int32_t transmit_delay_micros = 0;                  // TCP_TX_DELAY
  BriefMicros min_rto = Duration::millis(200);        // TCP_RTO_MIN_US
  BriefMicros max_rto = Duration::seconds(120);       // TCP_RTO_MAX_MS
  BriefMicros max_ack_delay = Duration::millis(200);  // TCP_DELACK_MAX_US

  // tcp_delack_max(): never so late that a sender of the same mind sends again, whose least timeout is ours.
  Duration longest_ack_delay(Duration least_timeout) const {
    constexpr Duration kTick = Duration::millis(4);  // a jiffy of Linux's, by which it counts
    const Duration by_timeout = std::max<Duration>(least_timeout, kTick + kTick) - kTick;
    return std::min<Duration>(by_timeout, max_ack_delay);
  }
  bool operator==(const TcpSocketOptions&) const = default;
};
inline constexpr OptionRecord kDefaultTcpOptions{TcpSocketOptions{}};

}  // namespace lxnet
