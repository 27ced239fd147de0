// The interface between loss recovery and a congestion-control algorithm: a state both see, and a table of functions.
//
// The window is counted in segments, as Linux counts it. Loss recovery decides what was delivered, marked or lost, and holds the
// window down while it repairs (PRR); the algorithm decides how the window grows, how far it falls and, when `control` is there,
// everything including the pacing rate (BBR).
#pragma once

#include <new>
#include <span>
#include <type_traits>

#include "base/seqnum.hh"
#include "base/time.hh"

namespace lxnet {

// Linux's tcp_ca_state, as TCP_INFO shows it.
enum class LossState : uint8_t { Open = 0, Disorder = 1, Cwr = 2, Recovery = 3, Loss = 4 };

enum class CongestionEvent : uint8_t {
  TransmitStart,  // first data after nothing was in flight
  Restart,        // the window was cut after an idle time
  CwrComplete,    // a reduction is over
  Timeout,
};

// What one acknowledgment says of the delivery rate (draft-cheng-iccrg-delivery-rate-estimation).
struct RateSample {
  Instant prior_at = Instant::never();  // never: no sample
  uint32_t prior_delivered = 0;
  int32_t delivered = -1;  // segments over `interval`; -1: not valid
  int64_t interval_micros = -1;
  int64_t send_interval_micros = 0;
  int64_t rtt_micros = -1;
  uint32_t losses = 0;           // marked by this acknowledgment
  uint32_t newly_delivered = 0;  // acknowledged or SACKed by it
  uint32_t prior_in_flight = 0;
  uint32_t pacing_wait_micros = 0;  // until the next segment may leave
  SeqNum last_end;
  bool is_app_limited = false;
  bool is_retransmission = false;
  bool is_ack_delayed = false;
};

struct CongestionState;

struct CongestionAlgorithm {
  const char* name;
  void (*init)(CongestionState& state);
  // The slow-start threshold after a loss or a mark.
  uint32_t (*threshold)(CongestionState& state);
  // `acked` segments were acknowledged while the window may grow.
  void (*on_ack)(CongestionState& state, SeqNum ack, uint32_t acked);
  // Optional, all of them.
  void (*on_rtt)(CongestionState& state, SeqNum ack, int64_t rtt_micros, uint32_t acked);
  void (*on_event)(CongestionState& state, CongestionEvent event);
  void (*on_loss_state)(CongestionState& state, LossState next);
  // Replaces on_ack and PRR.
  void (*control)(CongestionState& state, const RateSample& sample);
  uint32_t (*undo)(CongestionState& state);
  // Linux's union tcp_cc_info; the size.
  static constexpr size_t kMaxInfo = 20;
  size_t (*info)(CongestionState& state, std::span<uint8_t, kMaxInfo> out);
  uint32_t send_buffer_factor;  // windows that a send buffer should hold; 0: two
};

struct CongestionState {
  static constexpr uint32_t kInitialWindow = 10;  // RFC 6928
  static constexpr uint32_t kNoThreshold = 0x7fff'ffff;
  static constexpr size_t kPrivateSize = 96;

  uint32_t cwnd = kInitialWindow;
  uint32_t ssthresh = kNoThreshold;
  uint32_t cwnd_count = 0;  // segments acknowledged since the window last grew by one
  uint32_t cwnd_clamp = ~0u;
  uint32_t prior_cwnd = 0;     // before the last reduction
  uint32_t max_in_flight = 0;  // over the last window, when it was not the limit
  uint32_t mss = 536;          // a fact, as those below
  bool is_cwnd_limited = false;
  LossState loss_state = LossState::Open;
  bool wants_pacing = false;
  bool is_started = false;              // the connection is there, and the algorithm looks after its window
  uint64_t pacing_rate = ~uint64_t{0};  // bytes a second

  // Facts, brought up to date before each call.
  Instant now;
  SeqNum una, nxt;
  uint32_t srtt_8 = 0;     // microseconds times 8; 0: none yet
  uint32_t min_rtt = ~0u;  // microseconds; ~0: none yet
  uint32_t in_flight = 0;  // segments
  uint32_t delivered = 0;  // segments, ever
  uint32_t lost = 0;       // segments, ever
  // `delivered` after which a sample is no longer limited by the application; 0: it is not. Before any sample it is.
  uint32_t app_limited_until = ~0u;
  Instant last_send;
  Instant delivered_at;

  const CongestionAlgorithm* algorithm = nullptr;

  bool in_slow_start() const { return cwnd < ssthresh; }
  // RFC 7661's spirit: growth needs a window that was used; in slow start half of it is enough.
  bool may_grow() const { return is_cwnd_limited || (in_slow_start() && cwnd < 2 * max_in_flight); }
  // What will be started once the connection is there; until then nothing is paced and the window stays as it is.
  void choose(const CongestionAlgorithm& chosen) {
    algorithm = &chosen;
    is_started = wants_pacing = false;
    pacing_rate = ~uint64_t{0};
  }
  void start(const CongestionAlgorithm& chosen);

  template <typename T>
  T& own() {
    static_assert(sizeof(T) <= kPrivateSize && alignof(T) <= 8 && std::is_trivially_destructible_v<T>);
    return *reinterpret_cast<T*>(private_);
  }
  template <typename T>
  T& start_own() {
    return *new (private_) T();
  }

 private:
  alignas(8) uint8_t private_[kPrivateSize];
};

// Grows towards ssthresh; what is left over of `acked` is returned.
uint32_t grow_slow_start(CongestionState& state, uint32_t acked);
// One segment more for every `window` acknowledged.
void grow_additively(CongestionState& state, uint32_t window, uint32_t acked);

std::span<const CongestionAlgorithm* const> congestion_algorithms();
// In sets of them.
uint32_t congestion_bit(const CongestionAlgorithm& algorithm);
const CongestionAlgorithm* find_congestion_algorithm(std::span<const char> name);
const CongestionAlgorithm& default_congestion_algorithm();

}  // namespace lxnet
