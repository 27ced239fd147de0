// The interface between loss recovery and a congestion-control algorithm: a state both see, and a table of functions.
//
// The window is counted in segments, as Linux counts it. Loss recovery decides what was delivered, marked or lost, and holds the
// window down while it repairs (PRR); the algorithm decides how the window grows, how far it falls and, when `control` is there,
// everything including the pacing rate (BBR).
#pragma once

#include <new>
#include <span>
#include <type_traits>

#include "base/assert.hh"
#include "base/seqnum.hh"
#include "base/time.hh"
#include "hal/hal.hh"

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

// What an algorithm is told of the connection with each call.
struct CongestionFacts {
  Instant now;
  SeqNum nxt;
  uint32_t mss = 536;
  uint32_t srtt_8 = 0;       // microseconds times 8; 0: none yet
  uint32_t min_rtt = ~0u;    // microseconds; ~0: none yet
  uint32_t in_flight = 0;    // segments
  Duration since_send = {};  // of data
};

struct CongestionState;

// A row has a name, a threshold and either on_ack or control; the rest is for who needs it.
struct CongestionAlgorithm {
  const char* name = nullptr;
  // Bytes of its state where that is more than what each connection has room for: memory of its own. 0: it fits.
  size_t memory = 0;
  void (*init)(CongestionState& state, const CongestionFacts& facts) = nullptr;
  // The slow-start threshold after a loss or a mark.
  uint32_t (*threshold)(CongestionState& state) = nullptr;
  // `acked` segments were acknowledged while the window may grow.
  void (*on_ack)(CongestionState& state, const CongestionFacts& facts, uint32_t acked) = nullptr;
  void (*on_rtt)(CongestionState& state, const CongestionFacts& facts, SeqNum ack, int64_t rtt_micros) = nullptr;
  void (*on_event)(CongestionState& state, const CongestionFacts& facts, CongestionEvent event) = nullptr;
  void (*on_loss_state)(CongestionState& state, const CongestionFacts& facts, LossState next) = nullptr;
  // Replaces on_ack and PRR.
  void (*control)(CongestionState& state, const CongestionFacts& facts, const RateSample& sample) = nullptr;
  uint32_t (*undo)(CongestionState& state) = nullptr;
  // How many segments a device may be given to cut from one packet, at least; null: tcp_min_tso_segs.
  uint32_t (*least_burst)(uint64_t pacing_rate) = nullptr;
  // Linux's union tcp_cc_info; the size.
  static constexpr size_t kMaxInfo = 20;
  size_t (*info)(const CongestionState& state, const CongestionFacts& facts, std::span<uint8_t, kMaxInfo> out) = nullptr;
  uint32_t send_buffer_factor = 2;  // windows that a send buffer should hold
};

struct CongestionState {
  static constexpr uint32_t kInitialWindow = 10;  // RFC 6928
  static constexpr uint32_t kNoThreshold = 0x7fff'ffff;
  static constexpr size_t kRoom = 64;  // for an algorithm's own state: CUBIC's

  CongestionState() = default;
  CongestionState(const CongestionState&) = delete;
  CongestionState& operator=(const CongestionState&) = delete;
  ~CongestionState() { ASSERT(!has_memory()); }

  uint32_t cwnd = kInitialWindow;
  uint32_t ssthresh = kNoThreshold;
  uint32_t cwnd_count = 0;  // segments acknowledged since the window last grew by one
  uint32_t cwnd_clamp = ~0u;
  uint32_t prior_cwnd = 0;     // before the last reduction
  uint32_t max_in_flight = 0;  // over the last window, when it was not the limit
  uint32_t delivered = 0;      // segments, ever
  uint32_t lost = 0;           // segments, ever
  // `delivered` after which a sample is no longer limited by the application; 0: it is not. Before any sample it is.
  uint32_t app_limited_until = ~0u;
  bool is_cwnd_limited = false;
  LossState loss_state = LossState::Open;
  bool wants_pacing = false;
  bool is_started = false;              // the connection is there, and the algorithm looks after its window
  uint64_t pacing_rate = ~uint64_t{0};  // bytes a second
  Instant delivered_at;

  const CongestionAlgorithm* algorithm = nullptr;

  bool in_slow_start() const { return cwnd < ssthresh; }
  // RFC 7661's spirit: growth needs a window that was used; in slow start half of it is enough.
  bool may_grow() const { return is_cwnd_limited || (in_slow_start() && cwnd < 2 * max_in_flight); }
  // What will be started once the connection is there; until then nothing is paced and the window stays as it is.
  void choose(const Hal& hal, const CongestionAlgorithm& chosen);
  // False: there is no memory for its state, and everything is as before.
  [[nodiscard]] bool start(const Hal& hal, const CongestionAlgorithm& chosen, const CongestionFacts& facts);
  // What was chosen, or NewReno where memory lacks, as on Linux where the module does.
  void start_chosen(const Hal& hal, const CongestionFacts& facts);
  // To be called before it goes.
  void release(const Hal& hal);

  // The algorithm's own state; all zero before it is started.
  template <typename T>
  T& own() {
    static_assert(sizeof(T) <= kRoom && alignof(T) <= 8 && std::is_trivially_destructible_v<T>);
    return *reinterpret_cast<T*>(room_);
  }
  template <typename T>
  T& start_own() {
    return *new (room_) T();
  }
  // The same where the algorithm asks for memory; null before it is started.
  template <typename T>
  T* memory() const {
    static_assert(sizeof(T) > kRoom && alignof(T) <= 8 && std::is_trivially_destructible_v<T>);
    return static_cast<T*>(memory_);
  }

 private:
  bool has_memory() const { return algorithm != nullptr && algorithm->memory != 0 && memory_ != nullptr; }

  union {
    alignas(8) uint8_t room_[kRoom] = {};
    void* memory_;
  };
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
