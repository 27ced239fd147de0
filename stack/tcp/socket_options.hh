// TcpSocketOptions: what IPPROTO_TCP options set, kept where the code that obeys it reads it. Protected by the socket's lock.
#pragma once

#include "base/time.hh"

namespace lxnet {

struct TcpSocketOptions {
  bool no_delay = false;                 // TCP_NODELAY
  bool cork = false;                     // TCP_CORK
  uint16_t max_segment = 0;              // TCP_MAXSEG before connecting; 0: none
  Duration keep_idle = Duration::max();  // max: the tunable
  Duration keep_interval = Duration::max();
  uint8_t keep_count = 0;    // 0: the tunable
  uint8_t syn_count = 0;     // TCP_SYNCNT; 0: the tunable
  int32_t linger2 = 0;       // seconds in FIN_WAIT2; 0: the tunable; negative: none
  uint8_t defer_accept = 0;  // SYN-ACK retransmissions to wait for data
  uint32_t window_clamp = 0;
  Duration user_timeout;              // 0: none
  uint32_t not_sent_low_water = 0;    // TCP_NOTSENT_LOWAT; 0: the tunable
  int32_t transmit_delay_micros = 0;  // TCP_TX_DELAY
  bool inq = false;                   // TCP_INQ
  uint8_t save_syn = 0;               // TCP_SAVE_SYN: 1 headers, 2 link header too
  bool thin_linear_timeouts = false;
  bool fast_open_connect = false;                  // TCP_FASTOPEN_CONNECT
  bool fast_open_no_cookie = false;                // TCP_FASTOPEN_NO_COOKIE
  Duration min_rto = Duration::millis(200);        // TCP_RTO_MIN_US
  Duration max_rto = Duration::seconds(120);       // TCP_RTO_MAX_MS
  Duration max_ack_delay = Duration::millis(200);  // TCP_DELACK_MAX_US

  // tcp_delack_max(): never so late that a sender of the same mind sends again.
  Duration longest_ack_delay() const {
    constexpr Duration kTick = Duration::millis(4);  // a jiffy of Linux's, by which it counts
    const Duration by_timeout = (min_rto > kTick + kTick ? min_rto : kTick + kTick) - kTick;
    return by_timeout < max_ack_delay ? by_timeout : max_ack_delay;
  }
};

}  // namespace lxnet
