// SocketDiagnosis: what inet_diag and /proc/net tell of a socket beyond its names and options, as it stands at one moment.
#pragma once

#include "base/time.hh"

namespace lxnet {

struct SocketDiagnosis {
  enum class Timer : uint8_t { None, Retransmit, KeepAlive, TimeWait, ZeroWindow };  // Linux's numbers
  uint8_t state = 7;                                                                 // of TCP's, as Linux numbers them
  uint8_t shutdown = 0;                                                              // receiving 1, sending 2
  bool is_port_bound = false;                                                        // bind() named it
  uint32_t receive_queue = 0, send_queue = 0;

  // ---- of TCP
  // All it waits for is the peer's FIN, which it does as a TIME_WAIT does.
  bool is_remnant = false;
  Timer timer = Timer::None;
  Duration left;  // until the timer fires
  uint8_t timeouts = 0, probes = 0;
  Duration rto, ack_delay;
  uint8_t quick_acks = 0;
  bool is_interactive = false;
  uint32_t cwnd = 0, ssthresh = 0;
  bool is_in_first_slow_start = false;  // no threshold yet
  uint32_t fast_open_limit = 0;         // of a listener
  bool is_connect_deferred = false;     // TCP_FASTOPEN_CONNECT: until there are data

  uint8_t timer_retries() const { return timer == Timer::Retransmit ? timeouts : timer == Timer::None ? uint8_t{0} : probes; }
};

}  // namespace lxnet
