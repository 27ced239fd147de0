// CUBIC (RFC 9438) in integers as Linux has it, with HyStart for slow start; and the same with HyStart++ under a name of its own.
//
// W(t) = C (t - K)^3 + W_max with C = 0.4 and beta = 0.7; time in units of 1/1024 s, as Linux scales it, so that one
// multiplication chain stays in 64 bits. Linux looks at the functions when the window has changed or 31 ms have passed; on a path
// of a tenth of a millisecond the Reno-friendly region of section 4.3 would then never leave its floor, so that below a
// millisecond each acknowledgment counts, as the RFC has it.
#include <algorithm>

#include "stack/tcp/congestion/algorithms.hh"
#include "stack/tcp/congestion/hystart.hh"
#include "stack/tcp/congestion/hystart_plus_plus.hh"

namespace lxnet {
namespace {

constexpr uint32_t kBeta = 717;  // of 1024
constexpr uint32_t kBetaScale = 1024;
constexpr uint32_t kTimeShift = 10;  // a second is 1024 units
// C = 0.4 as 410/1024, divided by (2^10)^3 for the time's unit: value = kCubeFactor * t^3 >> 40.
constexpr uint64_t kCubeFactor = 410;
constexpr uint32_t kCubeShift = 10 + 3 * kTimeShift;
// Section 4.3: Reno with this beta grows by one segment for so many eighths of a window, 8 (1 + beta) / 3 (1 - beta).
constexpr uint32_t kRenoEighths = 8 * (kBetaScale + kBeta) / 3 / (kBetaScale - kBeta);
// The same of 65536, for short paths: alpha = 3 (1 - beta) / (1 + beta) up to the window of the last loss, 1 from there on.
constexpr uint32_t kRenoShift = 16;
constexpr uint64_t kFriendlyAlpha = (uint64_t{3 * (kBetaScale - kBeta)} << kRenoShift) / (kBetaScale + kBeta);
constexpr Duration kTick = Duration::millis(1), kLookAgain = Duration::millis(31), kShortPath = Duration::millis(1);

struct Cubic {
  Cubic() : hystart() {}

  uint64_t reno_count = 0;  // segments acknowledged towards reno_cwnd's next; on a short path, of cwnd times 65536
  union {
    HyStart hystart;
    HyStartPlusPlus plus_plus;  // kCubicPlusPlus
  };
  uint32_t last_max = 0;        // W_max after fast convergence
  uint32_t last_cwnd = 0;       // at the last update
  uint32_t growth_count = 1;    // segments to acknowledge for one more
  uint32_t origin = 0;          // the plateau of this epoch
  uint32_t k = 0;               // time to reach it, in 1/1024 s
  uint32_t reno_cwnd = 0;       // W_est
  uint32_t min_delay = 0;       // microseconds; 0: none yet
  InstantInMillis epoch_start;  // none: it is to begin
  InstantInMillis last_update;
};

// Newton's iteration from above; exact floor for any 64-bit value.
uint32_t cube_root(uint64_t value) {
  if (value == 0) return 0;
  uint64_t root = uint64_t{1} << ((64 - static_cast<unsigned>(__builtin_clzll(value)) + 2) / 3);
  for (;;) {
    const uint64_t next = (2 * root + value / (root * root)) / 3;
    if (next >= root) return static_cast<uint32_t>(root);
    root = next;
  }
}

void init(CongestionState& state, const CongestionFacts& facts) { state.start_own<Cubic>().hystart.reset(facts); }

void init_plus_plus(CongestionState& state, const CongestionFacts& facts) {
  HyStartPlusPlus* slow_start = new (&state.start_own<Cubic>().plus_plus) HyStartPlusPlus();
  slow_start->reset(facts);
}

void start_epoch(const CongestionState& state, Cubic& cubic, Instant now, uint32_t acked) {
  cubic.epoch_start = now;
  cubic.reno_count = acked;
  cubic.reno_cwnd = state.cwnd;
  if (cubic.last_max <= state.cwnd) {
    cubic.k = 0;
    cubic.origin = state.cwnd;
  } else {
    // K = cbrt((W_max - cwnd) / C)
    cubic.k = cube_root((uint64_t{cubic.last_max - state.cwnd} << kCubeShift) / kCubeFactor);
    cubic.origin = cubic.last_max;
  }
}

// The window that CUBIC aims at one round trip from now.
uint32_t target_window(const Cubic& cubic, Instant now) {
  const Duration ahead = cubic.epoch_start.age(now) + Duration::micros(cubic.min_delay);
  const uint64_t t = (static_cast<uint64_t>(ahead.in_millis()) << kTimeShift) / 1000;
  const uint64_t distance = std::min<uint64_t>(t < cubic.k ? cubic.k - t : t - cubic.k, 1u << 17);
  const uint64_t delta = kCubeFactor * distance * distance * distance >> kCubeShift;
  if (t < cubic.k) return cubic.origin > delta ? static_cast<uint32_t>(cubic.origin - delta) : 0;
  return static_cast<uint32_t>(std::min<uint64_t>(cubic.origin + delta, 1u << 30));
}

// How many acknowledgments the cubic function asks for one segment more.
void follow_the_curve(const CongestionState& state, Cubic& cubic, Instant now, uint32_t acked) {
  cubic.last_cwnd = state.cwnd;
  cubic.last_update = now;
  if (cubic.epoch_start.is_none()) start_epoch(state, cubic, now, acked);
  const uint32_t target = target_window(cubic, now);
  cubic.growth_count = target > state.cwnd ? state.cwnd / (target - state.cwnd) : 100 * state.cwnd;
  // The first epoch knows no plateau: at least 5 % a round trip.
  if (cubic.last_max == 0 && cubic.growth_count > 20) cubic.growth_count = 20;
}

// Section 4.3: where Reno's window would have come to is where ours hurries to.
void keep_up_with_reno(const CongestionState& state, Cubic& cubic) {
  const uint64_t step = state.cwnd * kRenoEighths >> 3;
  while (cubic.reno_count > step) {
    cubic.reno_count -= step;
    ++cubic.reno_cwnd;
  }
  if (cubic.reno_cwnd > state.cwnd)
    cubic.growth_count = std::min(cubic.growth_count, state.cwnd / (cubic.reno_cwnd - state.cwnd));
}

bool is_short_path(const Cubic& cubic) { return cubic.min_delay != 0 && Duration::micros(cubic.min_delay) < kShortPath; }

void rise_with_reno(CongestionState& state, Cubic& cubic, uint32_t acked) {
  const uint64_t alpha = cubic.reno_cwnd < state.prior_cwnd ? kFriendlyAlpha : uint64_t{1} << kRenoShift;
  const uint64_t step = uint64_t{state.cwnd} << kRenoShift;
  cubic.reno_count += alpha * acked;
  while (cubic.reno_count >= step) {
    cubic.reno_count -= step;
    ++cubic.reno_cwnd;
  }
  state.cwnd = std::max(state.cwnd, std::min(cubic.reno_cwnd, state.cwnd_clamp));
}

void update(const CongestionState& state, Cubic& cubic, Instant now, uint32_t acked) {
  if (!is_short_path(cubic)) cubic.reno_count += acked;
  const Duration since = cubic.last_update.age(now);
  if (cubic.last_cwnd == state.cwnd && since <= kLookAgain) return;
  if (cubic.epoch_start.is_none() || since >= kTick || is_short_path(cubic)) follow_the_curve(state, cubic, now, acked);
  if (!is_short_path(cubic)) keep_up_with_reno(state, cubic);
  // At most half the window a round trip: section 4.4 bounds the target at 1.5 cwnd.
  cubic.growth_count = std::max(cubic.growth_count, 2u);
}

void avoid_congestion(CongestionState& state, Cubic& cubic, Instant now, uint32_t acked) {
  update(state, cubic, now, acked);
  grow_additively(state, cubic.growth_count, acked);
  if (is_short_path(cubic)) rise_with_reno(state, cubic, acked);
}

void on_ack(CongestionState& state, const CongestionFacts& facts, uint32_t acked) {
  if (!state.may_grow()) return;
  if (state.in_slow_start()) acked = grow_slow_start(state, acked);
  if (acked != 0) avoid_congestion(state, state.own<Cubic>(), facts.now, acked);
}

void on_ack_plus_plus(CongestionState& state, const CongestionFacts& facts, uint32_t acked) {
  if (!state.may_grow()) return;
  Cubic& cubic = state.own<Cubic>();
  if (state.in_slow_start()) acked = grow_slow_start(state, cubic.plus_plus.growth(state, acked));
  if (acked != 0) avoid_congestion(state, cubic, facts.now, acked);
}

uint32_t threshold(CongestionState& state) {
  Cubic& cubic = state.own<Cubic>();
  cubic.epoch_start = InstantInMillis();
  // Fast convergence (section 4.7): a flow that loses before its old maximum makes room.
  cubic.last_max = state.cwnd < cubic.last_max
                       ? static_cast<uint32_t>(uint64_t{state.cwnd} * (kBetaScale + kBeta) / (2 * kBetaScale))
                       : state.cwnd;
  return std::max(static_cast<uint32_t>(uint64_t{state.cwnd} * kBeta / kBetaScale), 2u);
}

// The sample as slow start counts it; 0: it says nothing, right after a recovery.
uint32_t note_delay(Cubic& cubic, Instant now, int64_t rtt_micros) {
  if (!cubic.epoch_start.is_none() && cubic.epoch_start.age(now) < Duration::seconds(1)) return 0;
  const auto delay = static_cast<uint32_t>(std::clamp<int64_t>(rtt_micros, 1, INT32_MAX));
  if (cubic.min_delay == 0 || delay < cubic.min_delay) cubic.min_delay = delay;
  return delay;
}

void on_rtt(CongestionState& state, const CongestionFacts& facts, SeqNum ack, int64_t rtt_micros) {
  Cubic& cubic = state.own<Cubic>();
  const uint32_t delay = note_delay(cubic, facts.now, rtt_micros);
  if (delay != 0 && state.in_slow_start()) cubic.hystart.on_rtt(state, facts, ack, delay, cubic.min_delay);
}

void on_rtt_plus_plus(CongestionState& state, const CongestionFacts& facts, SeqNum ack, int64_t rtt_micros) {
  Cubic& cubic = state.own<Cubic>();
  const uint32_t delay = note_delay(cubic, facts.now, rtt_micros);
  if (delay != 0 && state.in_slow_start()) cubic.plus_plus.on_rtt(state, facts, ack, delay);
}

void on_event(CongestionState& state, const CongestionFacts& facts, CongestionEvent event) {
  Cubic& cubic = state.own<Cubic>();
  if (event != CongestionEvent::TransmitStart || cubic.epoch_start.is_none()) return;
  // Time spent idle is no time in which the window grew: the epoch moves with it.
  const Duration age = cubic.epoch_start.age(facts.now);
  cubic.epoch_start = facts.now - (age - std::min(age, facts.since_send));
}

void on_loss_state(CongestionState& state, const CongestionFacts& facts, LossState next) {
  if (next == LossState::Loss) state.algorithm->init(state, facts);
}

uint32_t undo(CongestionState& state) { return std::max(state.cwnd, state.prior_cwnd); }

}  // namespace

const CongestionAlgorithm kCubic = {.name = "cubic",
                                    .init = &init,
                                    .threshold = &threshold,
                                    .on_ack = &on_ack,
                                    .on_rtt = &on_rtt,
                                    .on_event = &on_event,
                                    .on_loss_state = &on_loss_state,
                                    .undo = &undo};

const CongestionAlgorithm kCubicPlusPlus = {.name = "cubic_hystartpp",
                                            .init = &init_plus_plus,
                                            .threshold = &threshold,
                                            .on_ack = &on_ack_plus_plus,
                                            .on_rtt = &on_rtt_plus_plus,
                                            .on_event = &on_event,
                                            .on_loss_state = &on_loss_state,
                                            .undo = &undo};

}  // namespace lxnet
