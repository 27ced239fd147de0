// BBR, version 1 (Cardwell et al. 2016, draft-cardwell-iccrg-bbr-congestion-control-00), in Linux's fixed point: the window and
// the pacing rate follow a model of the path, its bottleneck bandwidth and its shortest round trip.
#include <algorithm>

#include "base/bytes.hh"
#include "stack/tcp/congestion/algorithms.hh"

namespace lxnet {
namespace {

constexpr int kBandwidthShift = 24;  // segments per microsecond, times 2^24
constexpr int kGainShift = 8;        // gains in 256ths
constexpr uint32_t kUnit = 1u << kGainShift;
constexpr uint32_t kHighGain = kUnit * 2885 / 1000 + 1;  // 2/ln 2: doubles the rate each round
constexpr uint32_t kDrainGain = kUnit * 1000 / 2885;
constexpr uint32_t kWindowGain = kUnit * 2;
constexpr uint16_t kCycleGains[] = {kUnit * 5 / 4, kUnit * 3 / 4, kUnit, kUnit, kUnit, kUnit, kUnit, kUnit};
constexpr uint32_t kCycleLength = 8;
constexpr uint32_t kBandwidthRounds = 10;
constexpr uint32_t kFullThreshold = kUnit * 5 / 4, kFullRounds = 3;
constexpr uint32_t kMinWindow = 4;
constexpr uint32_t kMinRttMillis = 10'000, kProbeRttMillis = 200;
constexpr uint32_t kPacingMargin = 99;  // percent

enum class Mode : uint8_t { Startup, Drain, ProbeBandwidth, ProbeRtt };

// The largest of the last kBandwidthRounds rounds: best, second and third.
struct MaxFilter {
  struct Entry {
    uint32_t round = 0;
    uint32_t value = 0;
  };
  Entry best[3];

  uint32_t get() const { return best[0].value; }
  void add(uint32_t round, uint32_t value) {
    const Entry entry{round, value};
    if (value >= best[0].value || round - best[2].round > kBandwidthRounds) {
      best[0] = best[1] = best[2] = entry;
      return;
    }
    if (value >= best[1].value) {
      best[1] = best[2] = entry;
    } else if (value >= best[2].value) {
      best[2] = entry;
    }
    const uint32_t age = round - best[0].round;
    if (age > kBandwidthRounds) {
      best[0] = best[1];
      best[1] = best[2];
      best[2] = entry;
      if (round - best[0].round > kBandwidthRounds) {
        best[0] = best[1];
        best[1] = best[2];
      }
    } else if (best[1].round == best[0].round && age > kBandwidthRounds / 4) {
      best[1] = best[2] = entry;
    } else if (best[2].round == best[1].round && age > kBandwidthRounds / 2) {
      best[2] = entry;
    }
  }
};

// Of moments only differences are looked at, for which 32 bits are enough.
uint32_t millis_of(Instant at) { return static_cast<uint32_t>((at - Instant()).in_millis()); }
uint32_t micros_of(Instant at) { return static_cast<uint32_t>((at - Instant()).in_micros()); }
bool has_passed(Instant now, uint32_t millis) { return static_cast<int32_t>(millis_of(now) - millis) > 0; }

struct Bbr {
  MaxFilter bandwidth;
  uint32_t min_rtt_at = 0, probe_rtt_done = 0;  // milliseconds
  uint32_t cycle_start = 0;                     // microseconds
  uint32_t burst_start = 0;                     // of acknowledgments that come faster than the bandwidth says
  uint32_t long_term_bandwidth = 0;             // what a policer lets through
  uint32_t interval_start = 0;                  // milliseconds; and what had been delivered and lost by then
  uint32_t interval_delivered = 0, interval_lost = 0;
  uint32_t min_rtt = ~0u;
  uint32_t round_end_delivered = 0;
  uint32_t round = 0;
  uint32_t full_bandwidth = 0;
  uint32_t prior_cwnd = 0;
  uint32_t burst_acked = 0;
  uint16_t excess[2] = {};  // the most that came beyond what was expected, in the last rounds and in those before
  uint16_t pacing_gain = kHighGain, window_gain = kHighGain;
  uint8_t cycle = 0;
  Mode mode = Mode::Startup;
  LossState previous_state = LossState::Open;
  uint8_t full_rounds = 0;
  uint8_t interval_rounds = 0;
  uint8_t excess_rounds : 5 = 0;
  uint8_t excess_now : 1 = 0;  // which of `excess` is of the last rounds
  bool is_full : 1 = false;    // the pipe
  bool round_start : 1 = false;
  bool conserves_packets : 1 = false;
  bool restarts_from_idle : 1 = false;
  bool is_probe_timed : 1 = false;  // probe_rtt_done says something
  bool probe_rtt_round_done : 1 = false;
  bool has_rtt : 1 = false;
  bool is_sampling : 1 = false;  // an interval is under way
  bool is_policed : 1 = false;   // the long-term bandwidth counts

  // Linux's bbr_bw().
  uint32_t used_bandwidth() const { return is_policed ? long_term_bandwidth : bandwidth.get(); }
};

uint64_t rate_of(const CongestionFacts& facts, uint64_t bandwidth, uint32_t gain) {
  uint64_t rate = bandwidth * facts.mss;
  rate = rate * gain >> kGainShift;
  rate = rate * (1'000'000 / 100 * kPacingMargin) >> kBandwidthShift;
  return std::max<uint64_t>(rate, 1);
}

void start_pacing(CongestionState& state, const CongestionFacts& facts, Bbr& bbr) {
  uint32_t rtt = 1000;
  if (facts.srtt_8 != 0) {
    rtt = std::max(facts.srtt_8 >> 3, 1u);
    bbr.has_rtt = true;
  }
  state.pacing_rate = rate_of(facts, (uint64_t{state.cwnd} << kBandwidthShift) / rtt, kHighGain);
}

void set_pacing_rate(CongestionState& state, const CongestionFacts& facts, Bbr& bbr, uint32_t gain) {
  const uint64_t rate = rate_of(facts, bbr.used_bandwidth(), gain);
  if (!bbr.has_rtt && facts.srtt_8 != 0) start_pacing(state, facts, bbr);
  if (bbr.is_full || rate > state.pacing_rate) state.pacing_rate = rate;
}

// The bandwidth-delay product times `gain`, in segments.
uint32_t product(const Bbr& bbr, uint32_t bandwidth, uint32_t gain) {
  if (bbr.min_rtt == ~0u) return CongestionState::kInitialWindow;
  const uint64_t volume = uint64_t{bandwidth} * bbr.min_rtt;
  return static_cast<uint32_t>((((volume * gain) >> kGainShift) + (1u << kBandwidthShift) - 1) >> kBandwidthShift);
}

// What acknowledgments that come in bursts need beyond it, for a tenth of a second at most (bbr_ack_aggregation_cwnd).
uint32_t allowance_for_bursts(const Bbr& bbr) {
  if (!bbr.is_full) return 0;
  const uint64_t most = (uint64_t{bbr.used_bandwidth()} * 100'000) >> kBandwidthShift;
  return static_cast<uint32_t>(std::min<uint64_t>(std::max(bbr.excess[0], bbr.excess[1]), most));
}

// Where they are paced slowly, each segment leaves alone (bbr_min_tso_segs).
uint32_t least_burst(uint64_t pacing_rate) { return pacing_rate < 1'200'000 / 8 ? 1 : 2; }

// How many segments leave as one (bbr_tso_segs_goal).
uint32_t burst_of(const CongestionState& state, const CongestionFacts& facts) {
  constexpr uint64_t kMostBytes = 65536 - 321, kMostSegments = 127;
  const uint64_t burst = std::min(state.pacing_rate >> 10, kMostBytes) / std::max<uint32_t>(facts.mss, 1);
  return static_cast<uint32_t>(std::clamp<uint64_t>(burst, least_burst(state.pacing_rate), kMostSegments));
}

// What the hosts themselves hold: bursts of segmentation offload, and the probing phase's own excess.
uint32_t with_allowance(const CongestionState& state, const CongestionFacts& facts, const Bbr& bbr, uint32_t window) {
  window += 3 * burst_of(state, facts);
  window = (window + 1) & ~1u;
  if (bbr.mode == Mode::ProbeBandwidth && bbr.cycle == 0) window += 2;
  return window;
}

// What is to be in flight at `gain` times the bandwidth (bbr_inflight).
uint32_t flight_at(const CongestionState& state, const CongestionFacts& facts, const Bbr& bbr, uint32_t gain) {
  return with_allowance(state, facts, bbr, product(bbr, bbr.bandwidth.get(), gain));
}

// What of `in_flight` the path still holds when the next segment may leave (bbr_packets_in_net_at_edt).
uint32_t flight_at_departure(const CongestionState& state, const CongestionFacts& facts, const Bbr& bbr, const RateSample& sample,
                             uint32_t in_flight) {
  const uint64_t delivered = (uint64_t{bbr.used_bandwidth()} * sample.pacing_wait_micros) >> kBandwidthShift;
  if (bbr.pacing_gain > kUnit) in_flight += burst_of(state, facts);
  return delivered >= in_flight ? 0 : in_flight - static_cast<uint32_t>(delivered);
}

void start_probing_bandwidth(CongestionState& state, Bbr& bbr) {
  bbr.mode = Mode::ProbeBandwidth;
  // Any phase but the draining one; which is left to the low bits of what was delivered.
  bbr.cycle = static_cast<uint8_t>((kCycleLength - state.delivered % (kCycleLength - 1)) % kCycleLength);
  bbr.cycle_start = micros_of(state.delivered_at);
}

// ---- long-term sampling: between two losses a policer lets through what its tokens are worth. Two intervals of at least four
// rounds that agree are believed, for 48 rounds (bbr_lt_bw_sampling).

void start_interval(const CongestionState& state, Bbr& bbr) {
  bbr.interval_start = millis_of(state.delivered_at);
  bbr.interval_delivered = state.delivered;
  bbr.interval_lost = state.lost;
  bbr.interval_rounds = 0;
}

void forget_policer(const CongestionState& state, Bbr& bbr) {
  bbr.long_term_bandwidth = 0;
  bbr.is_policed = bbr.is_sampling = false;
  start_interval(state, bbr);
}

void end_interval(const CongestionState& state, const CongestionFacts& facts, Bbr& bbr, uint32_t bandwidth) {
  constexpr uint64_t kClose = 4000 / 8;  // bytes a second
  const uint32_t before = bbr.long_term_bandwidth;
  const uint32_t difference = std::max(before, bandwidth) - std::min(before, bandwidth);
  const bool is_close = uint64_t{difference} * 8 <= before || rate_of(facts, difference, kUnit) <= kClose;
  if (before != 0 && is_close) {
    bbr.long_term_bandwidth = static_cast<uint32_t>((uint64_t{bandwidth} + before) / 2);
    bbr.is_policed = true;
    bbr.pacing_gain = kUnit;
    bbr.interval_rounds = 0;
    return;
  }
  bbr.long_term_bandwidth = bandwidth;
  start_interval(state, bbr);
}

// What the interval that a loss ends has delivered, if enough of it was lost and it is neither too short nor too long.
void measure_interval(const CongestionState& state, const CongestionFacts& facts, Bbr& bbr) {
  constexpr uint64_t kLossThreshold = 50;  // of 256
  const uint32_t lost = state.lost - bbr.interval_lost, delivered = state.delivered - bbr.interval_delivered;
  if (delivered == 0 || uint64_t{lost} << kGainShift < kLossThreshold * delivered) return;
  const uint32_t millis = millis_of(state.delivered_at) - bbr.interval_start;
  if (static_cast<int32_t>(millis) < 1) return;
  if (millis >= ~0u / 1000) return forget_policer(state, bbr);
  const uint64_t bandwidth = (uint64_t{delivered} << kBandwidthShift) / (uint64_t{millis} * 1000);
  end_interval(state, facts, bbr, static_cast<uint32_t>(std::min<uint64_t>(bandwidth, UINT32_MAX)));
}

void look_for_policer(CongestionState& state, const CongestionFacts& facts, Bbr& bbr, const RateSample& sample) {
  constexpr uint8_t kLeastRounds = 4, kMostRounds = 4 * kLeastRounds, kBelievedRounds = 48;
  if (bbr.is_policed) {
    if (bbr.mode != Mode::ProbeBandwidth || !bbr.round_start || ++bbr.interval_rounds < kBelievedRounds) return;
    forget_policer(state, bbr);
    return start_probing_bandwidth(state, bbr);
  }
  if (!bbr.is_sampling) {
    if (sample.losses == 0) return;  // its tokens are not used up
    start_interval(state, bbr);
    bbr.is_sampling = true;
  }
  if (sample.is_app_limited) return forget_policer(state, bbr);
  if (bbr.round_start) ++bbr.interval_rounds;
  if (bbr.interval_rounds < kLeastRounds) return;
  if (bbr.interval_rounds > kMostRounds) return forget_policer(state, bbr);
  if (sample.losses != 0) measure_interval(state, facts, bbr);
}

void leave_probe_rtt(CongestionState& state, Bbr& bbr) {
  if (bbr.is_full) {
    start_probing_bandwidth(state, bbr);
  } else {
    bbr.mode = Mode::Startup;
  }
}

void update_bandwidth(CongestionState& state, const CongestionFacts& facts, Bbr& bbr, const RateSample& sample) {
  bbr.round_start = false;
  if (sample.delivered < 0 || sample.interval_micros <= 0) return;
  if (sample.prior_delivered - bbr.round_end_delivered < 1u << 31) {
    bbr.round_end_delivered = state.delivered;
    ++bbr.round;
    bbr.round_start = true;
    bbr.conserves_packets = false;
  }
  look_for_policer(state, facts, bbr, sample);
  const auto bandwidth = static_cast<uint32_t>(std::min<uint64_t>(
      (uint64_t{static_cast<uint32_t>(sample.delivered)} << kBandwidthShift) / static_cast<uint64_t>(sample.interval_micros),
      UINT32_MAX));
  if (!sample.is_app_limited || bandwidth >= bbr.bandwidth.get()) bbr.bandwidth.add(bbr.round, bandwidth);
}

// How much is acknowledged beyond what the bandwidth lets expect since a burst began, the most of the last five to ten rounds
// (bbr_update_ack_aggregation).
void measure_bursts(CongestionState& state, Bbr& bbr, const RateSample& sample) {
  constexpr uint32_t kRounds = 5, kMostAcked = (1u << 20) - 1;
  if (sample.newly_delivered == 0 || sample.delivered < 0 || sample.interval_micros <= 0) return;
  if (bbr.round_start) {
    bbr.excess_rounds = std::min(bbr.excess_rounds + 1u, 31u) & 31u;
    if (bbr.excess_rounds >= kRounds) {
      bbr.excess_rounds = 0;
      bbr.excess_now = bbr.excess_now == 0 ? 1 : 0;
      bbr.excess[bbr.excess_now] = 0;
    }
  }
  const uint32_t elapsed = micros_of(state.delivered_at) - bbr.burst_start;
  auto expected = static_cast<uint32_t>((uint64_t{bbr.used_bandwidth()} * elapsed) >> kBandwidthShift);
  if (bbr.burst_acked <= expected || bbr.burst_acked + sample.newly_delivered > kMostAcked) {
    bbr.burst_acked = 0;
    bbr.burst_start = micros_of(state.delivered_at);
    expected = 0;
  }
  bbr.burst_acked = std::min(kMostAcked, bbr.burst_acked + sample.newly_delivered);
  const uint32_t excess = std::min({bbr.burst_acked - expected, state.cwnd, 65535u});
  bbr.excess[bbr.excess_now] = std::max(bbr.excess[bbr.excess_now], static_cast<uint16_t>(excess));
}

void update_cycle(const CongestionState& state, const CongestionFacts& facts, Bbr& bbr, const RateSample& sample) {
  if (bbr.mode != Mode::ProbeBandwidth) return;
  const bool is_full_length = micros_of(state.delivered_at) - bbr.cycle_start > bbr.min_rtt;
  const uint32_t gain = bbr.pacing_gain, in_flight = flight_at_departure(state, facts, bbr, sample, sample.prior_in_flight);
  bool is_over = is_full_length;
  if (gain > kUnit) is_over = is_full_length && (sample.losses != 0 || in_flight >= flight_at(state, facts, bbr, gain));
  if (gain < kUnit) is_over = is_full_length || in_flight <= flight_at(state, facts, bbr, kUnit);
  if (!is_over) return;
  bbr.cycle = static_cast<uint8_t>((bbr.cycle + 1u) % kCycleLength);
  bbr.cycle_start = micros_of(state.delivered_at);
}

void check_full(Bbr& bbr, const RateSample& sample) {
  if (bbr.is_full || !bbr.round_start || sample.is_app_limited) return;
  const uint64_t threshold = uint64_t{bbr.full_bandwidth} * kFullThreshold >> kGainShift;
  if (bbr.bandwidth.get() >= threshold) {
    bbr.full_bandwidth = bbr.bandwidth.get();
    bbr.full_rounds = 0;
    return;
  }
  bbr.is_full = ++bbr.full_rounds >= kFullRounds;
}

void check_drain(CongestionState& state, const CongestionFacts& facts, Bbr& bbr, const RateSample& sample) {
  if (bbr.mode == Mode::Startup && bbr.is_full) {
    bbr.mode = Mode::Drain;
    state.ssthresh = flight_at(state, facts, bbr, kUnit);
  }
  if (bbr.mode != Mode::Drain) return;
  const uint32_t in_flight = flight_at_departure(state, facts, bbr, sample, facts.in_flight);
  if (in_flight <= flight_at(state, facts, bbr, kUnit)) start_probing_bandwidth(state, bbr);
}

void end_probe_rtt(CongestionState& state, Instant now, Bbr& bbr) {
  if (!bbr.is_probe_timed || !has_passed(now, bbr.probe_rtt_done)) return;
  bbr.min_rtt_at = millis_of(now);
  state.cwnd = std::max(state.cwnd, bbr.prior_cwnd);
  leave_probe_rtt(state, bbr);
}

void probe_rtt(CongestionState& state, const CongestionFacts& facts, Bbr& bbr) {
  // Samples taken now say nothing of the bandwidth.
  state.app_limited_until = std::max(state.delivered + facts.in_flight, 1u);
  if (bbr.is_probe_timed) {
    if (bbr.round_start) bbr.probe_rtt_round_done = true;
    if (bbr.probe_rtt_round_done) end_probe_rtt(state, facts.now, bbr);
  } else if (facts.in_flight <= kMinWindow) {
    bbr.probe_rtt_done = millis_of(facts.now) + kProbeRttMillis;
    bbr.is_probe_timed = true;
    bbr.probe_rtt_round_done = false;
    bbr.round_end_delivered = state.delivered;
  }
}

void update_min_rtt(CongestionState& state, const CongestionFacts& facts, Bbr& bbr, const RateSample& sample) {
  const bool is_expired = has_passed(facts.now, bbr.min_rtt_at + kMinRttMillis);
  if (sample.rtt_micros >= 0 && (sample.rtt_micros < int64_t{bbr.min_rtt} || (is_expired && !sample.is_ack_delayed))) {
    bbr.min_rtt = static_cast<uint32_t>(std::max<int64_t>(sample.rtt_micros, 1));
    bbr.min_rtt_at = millis_of(facts.now);
  }
  if (is_expired && !bbr.restarts_from_idle && bbr.mode != Mode::ProbeRtt) {
    bbr.mode = Mode::ProbeRtt;
    bbr.prior_cwnd = std::max(bbr.prior_cwnd, state.cwnd);
    bbr.is_probe_timed = false;
  }
  if (bbr.mode == Mode::ProbeRtt) probe_rtt(state, facts, bbr);
  if (sample.delivered > 0) bbr.restarts_from_idle = false;
}

void update_gains(Bbr& bbr) {
  switch (bbr.mode) {
    case Mode::Startup:
      bbr.pacing_gain = bbr.window_gain = kHighGain;
      break;
    case Mode::Drain:
      bbr.pacing_gain = kDrainGain;
      bbr.window_gain = kHighGain;
      break;
    case Mode::ProbeBandwidth:
      bbr.pacing_gain = bbr.is_policed ? uint16_t{kUnit} : kCycleGains[bbr.cycle];
      bbr.window_gain = kWindowGain;
      break;
    case Mode::ProbeRtt:
      bbr.pacing_gain = bbr.window_gain = kUnit;
      break;
  }
}

// In the first round of recovery what is delivered is what may be sent; after it the window comes back. True: it is decided.
bool recover_or_restore(CongestionState& state, const CongestionFacts& facts, Bbr& bbr, const RateSample& sample) {
  uint32_t cwnd = state.cwnd;
  if (sample.losses != 0) cwnd = cwnd > sample.losses ? cwnd - sample.losses : 1;
  if (state.loss_state == LossState::Recovery && bbr.previous_state != LossState::Recovery) {
    bbr.conserves_packets = true;
    bbr.round_end_delivered = state.delivered;
    cwnd = facts.in_flight + sample.newly_delivered;
  } else if (bbr.previous_state >= LossState::Recovery && state.loss_state < LossState::Recovery) {
    cwnd = std::max(cwnd, bbr.prior_cwnd);
    bbr.conserves_packets = false;
  }
  bbr.previous_state = state.loss_state;
  if (bbr.conserves_packets) cwnd = std::max(cwnd, facts.in_flight + sample.newly_delivered);
  state.cwnd = cwnd;
  return bbr.conserves_packets;
}

void set_window(CongestionState& state, const CongestionFacts& facts, Bbr& bbr, const RateSample& sample) {
  if (sample.newly_delivered != 0 && !recover_or_restore(state, facts, bbr, sample)) {
    const uint32_t target =
        with_allowance(state, facts, bbr, product(bbr, bbr.used_bandwidth(), bbr.window_gain) + allowance_for_bursts(bbr));
    if (bbr.is_full) {
      state.cwnd = std::min(state.cwnd + sample.newly_delivered, target);
    } else if (state.cwnd < target || state.delivered < CongestionState::kInitialWindow) {
      state.cwnd += sample.newly_delivered;
    }
    state.cwnd = std::max(state.cwnd, kMinWindow);
  }
  state.cwnd = std::min(state.cwnd, state.cwnd_clamp);
  if (bbr.mode == Mode::ProbeRtt) state.cwnd = std::min(state.cwnd, kMinWindow);
}

void control(CongestionState& state, const CongestionFacts& facts, const RateSample& sample) {
  Bbr& bbr = *state.memory<Bbr>();
  update_bandwidth(state, facts, bbr, sample);
  measure_bursts(state, bbr, sample);
  update_cycle(state, facts, bbr, sample);
  check_full(bbr, sample);
  check_drain(state, facts, bbr, sample);
  update_min_rtt(state, facts, bbr, sample);
  update_gains(bbr);
  set_pacing_rate(state, facts, bbr, bbr.pacing_gain);
  set_window(state, facts, bbr, sample);
}

void init(CongestionState& state, const CongestionFacts& facts) {
  Bbr& bbr = *new (state.memory<Bbr>()) Bbr();
  bbr.min_rtt = facts.min_rtt;
  bbr.min_rtt_at = millis_of(facts.now);
  bbr.burst_start = micros_of(facts.now);
  bbr.round_end_delivered = state.delivered;
  start_interval(state, bbr);
  state.ssthresh = CongestionState::kNoThreshold;
  state.wants_pacing = true;
  start_pacing(state, facts, bbr);
}

// The hooks below are called of a connection too that is not there yet, for which nothing was started.

// The window before the loss is kept to come back to.
uint32_t threshold(CongestionState& state) {
  if (state.memory<Bbr>() == nullptr) return state.ssthresh;
  Bbr& bbr = *state.memory<Bbr>();
  const bool is_first = bbr.previous_state < LossState::Recovery && bbr.mode != Mode::ProbeRtt;
  bbr.prior_cwnd = is_first ? state.cwnd : std::max(bbr.prior_cwnd, state.cwnd);
  return state.ssthresh;
}

void on_event(CongestionState& state, const CongestionFacts& facts, CongestionEvent event) {
  if (event != CongestionEvent::TransmitStart || state.app_limited_until == 0 || state.memory<Bbr>() == nullptr) return;
  Bbr& bbr = *state.memory<Bbr>();
  bbr.restarts_from_idle = true;
  bbr.burst_start = micros_of(facts.now);
  bbr.burst_acked = 0;
  if (bbr.mode == Mode::ProbeBandwidth) set_pacing_rate(state, facts, bbr, kUnit);
  if (bbr.mode == Mode::ProbeRtt) end_probe_rtt(state, facts.now, bbr);
}

void on_loss_state(CongestionState& state, const CongestionFacts& facts, LossState next) {
  if (next != LossState::Loss || state.memory<Bbr>() == nullptr) return;
  Bbr& bbr = *state.memory<Bbr>();
  bbr.previous_state = LossState::Loss;
  bbr.full_bandwidth = 0;
  bbr.round_start = true;  // a timeout ends a round
  RateSample sample;
  sample.losses = 1;
  look_for_policer(state, facts, bbr, sample);
}

uint32_t undo(CongestionState& state) {
  if (state.memory<Bbr>() == nullptr) return state.cwnd;
  Bbr& bbr = *state.memory<Bbr>();
  bbr.full_bandwidth = 0;
  bbr.full_rounds = 0;
  forget_policer(state, bbr);
  return state.cwnd;
}

// struct tcp_bbr_info, in the host's byte order.
size_t info(const CongestionState& state, const CongestionFacts& facts, std::span<uint8_t, CongestionAlgorithm::kMaxInfo> out) {
  if (state.memory<Bbr>() == nullptr) {
    std::fill(out.begin(), out.end(), uint8_t{0});
    return out.size();
  }
  const Bbr& bbr = *state.memory<Bbr>();
  const uint64_t bandwidth = uint64_t{bbr.used_bandwidth()} * facts.mss * 1'000'000 >> kBandwidthShift;
  const uint32_t fields[] = {static_cast<uint32_t>(bandwidth), static_cast<uint32_t>(bandwidth >> 32), bbr.min_rtt,
                             bbr.pacing_gain, bbr.window_gain};
  static_assert(sizeof fields == CongestionAlgorithm::kMaxInfo);
  copy_bytes(out, bytes_of(fields));
  return sizeof fields;
}

}  // namespace

const CongestionAlgorithm kBbr = {.name = "bbr",
                                  .memory = sizeof(Bbr),
                                  .init = &init,
                                  .threshold = &threshold,
                                  .on_event = &on_event,
                                  .on_loss_state = &on_loss_state,
                                  .control = &control,
                                  .undo = &undo,
                                  .least_burst = &least_burst,
                                  .info = &info,
                                  .send_buffer_factor = 3};

}  // namespace lxnet
