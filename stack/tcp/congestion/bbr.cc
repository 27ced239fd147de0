// BBR, version 1 (Cardwell et al. 2016, draft-cardwell-iccrg-bbr-congestion-control-00), in Linux's fixed point: the window and
// the pacing rate follow a model of the path, its bottleneck bandwidth and its shortest round trip.
//
// Not implemented: long-term sampling for token-bucket policers.
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
constexpr Duration kMinRttWindow = Duration::seconds(10), kProbeRttTime = Duration::millis(200);
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

struct Bbr {
  MaxFilter bandwidth;
  Instant min_rtt_at;
  Instant probe_rtt_done = Instant::never();
  Instant cycle_start;
  Instant burst_start;  // of acknowledgments that come faster than the bandwidth says
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
  uint8_t excess_rounds : 5 = 0;
  uint8_t excess_now : 1 = 0;  // which of `excess` is of the last rounds
  bool is_full : 1 = false;    // the pipe
  bool round_start : 1 = false;
  bool conserves_packets : 1 = false;
  bool restarts_from_idle : 1 = false;
  bool probe_rtt_round_done : 1 = false;
  bool has_rtt : 1 = false;
};

uint64_t rate_of(const CongestionState& state, uint64_t bandwidth, uint32_t gain) {
  uint64_t rate = bandwidth * state.mss;
  rate = rate * gain >> kGainShift;
  rate = rate * (1'000'000 / 100 * kPacingMargin) >> kBandwidthShift;
  return std::max<uint64_t>(rate, 1);
}

void start_pacing(CongestionState& state, Bbr& bbr) {
  uint32_t rtt = 1000;
  if (state.srtt_8 != 0) {
    rtt = std::max(state.srtt_8 >> 3, 1u);
    bbr.has_rtt = true;
  }
  state.pacing_rate = rate_of(state, (uint64_t{state.cwnd} << kBandwidthShift) / rtt, kHighGain);
}

void set_pacing_rate(CongestionState& state, Bbr& bbr) {
  const uint64_t rate = rate_of(state, bbr.bandwidth.get(), bbr.pacing_gain);
  if (!bbr.has_rtt && state.srtt_8 != 0) start_pacing(state, bbr);
  if (bbr.is_full || rate > state.pacing_rate) state.pacing_rate = rate;
}

// The bandwidth-delay product times `gain`, in segments.
uint32_t product(const CongestionState&, const Bbr& bbr, uint32_t gain) {
  if (bbr.min_rtt == ~0u) return CongestionState::kInitialWindow;
  const uint64_t volume = uint64_t{bbr.bandwidth.get()} * bbr.min_rtt;
  return static_cast<uint32_t>((((volume * gain) >> kGainShift) + (1u << kBandwidthShift) - 1) >> kBandwidthShift);
}

// What acknowledgments that come in bursts need beyond it, for a tenth of a second at most (bbr_ack_aggregation_cwnd).
uint32_t allowance_for_bursts(const Bbr& bbr) {
  if (!bbr.is_full) return 0;
  const uint64_t most = (uint64_t{bbr.bandwidth.get()} * 100'000) >> kBandwidthShift;
  return static_cast<uint32_t>(std::min<uint64_t>(std::max(bbr.excess[0], bbr.excess[1]), most));
}

// What the hosts themselves hold: bursts of segmentation offload, and the probing phase's own excess.
uint32_t with_allowance(const CongestionState& state, const Bbr& bbr, uint32_t window) {
  constexpr uint64_t kMostBytes = 65536 - 321, kMostSegments = 127;
  const uint64_t burst = std::min(state.pacing_rate >> 10, kMostBytes) / std::max<uint32_t>(state.mss, 1);
  window += static_cast<uint32_t>(3 * std::clamp<uint64_t>(burst, bbr_least_burst(state.pacing_rate), kMostSegments));
  window = (window + 1) & ~1u;
  if (bbr.mode == Mode::ProbeBandwidth && bbr.cycle == 0) window += 2;
  return window;
}

void start_probing_bandwidth(CongestionState& state, Bbr& bbr) {
  bbr.mode = Mode::ProbeBandwidth;
  // Any phase but the draining one; which is left to the low bits of what was delivered.
  bbr.cycle = static_cast<uint8_t>((kCycleLength - 1 - state.delivered % (kCycleLength - 1)) % kCycleLength);
  if (bbr.cycle == 1) bbr.cycle = 2;
  bbr.cycle_start = state.delivered_at;
}

void leave_probe_rtt(CongestionState& state, Bbr& bbr) {
  if (bbr.is_full) {
    start_probing_bandwidth(state, bbr);
  } else {
    bbr.mode = Mode::Startup;
  }
}

void update_bandwidth(CongestionState& state, Bbr& bbr, const RateSample& sample) {
  bbr.round_start = false;
  if (sample.delivered < 0 || sample.interval_micros <= 0) return;
  if (sample.prior_delivered - bbr.round_end_delivered < 1u << 31) {
    bbr.round_end_delivered = state.delivered;
    ++bbr.round;
    bbr.round_start = true;
    bbr.conserves_packets = false;
  }
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
  const auto elapsed = static_cast<uint64_t>((state.delivered_at - bbr.burst_start).in_micros());
  auto expected = static_cast<uint32_t>((uint64_t{bbr.bandwidth.get()} * elapsed) >> kBandwidthShift);
  if (bbr.burst_acked <= expected || bbr.burst_acked + sample.newly_delivered > kMostAcked) {
    bbr.burst_acked = 0;
    bbr.burst_start = state.delivered_at;
    expected = 0;
  }
  bbr.burst_acked = std::min(kMostAcked, bbr.burst_acked + sample.newly_delivered);
  const uint32_t excess = std::min({bbr.burst_acked - expected, state.cwnd, 65535u});
  bbr.excess[bbr.excess_now] = std::max(bbr.excess[bbr.excess_now], static_cast<uint16_t>(excess));
}

void update_cycle(CongestionState& state, Bbr& bbr, const RateSample& sample) {
  if (bbr.mode != Mode::ProbeBandwidth) return;
  const bool is_full_length = state.delivered_at - bbr.cycle_start > Duration::micros(bbr.min_rtt);
  const uint32_t gain = kCycleGains[bbr.cycle];
  bool is_over = is_full_length;
  if (gain > kUnit) is_over = is_full_length && (sample.losses != 0 || sample.prior_in_flight >= product(state, bbr, gain));
  if (gain < kUnit) is_over = is_full_length || sample.prior_in_flight <= product(state, bbr, kUnit);
  if (!is_over) return;
  bbr.cycle = static_cast<uint8_t>((bbr.cycle + 1u) % kCycleLength);
  bbr.cycle_start = state.delivered_at;
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

void check_drain(CongestionState& state, Bbr& bbr) {
  if (bbr.mode == Mode::Startup && bbr.is_full) {
    bbr.mode = Mode::Drain;
    state.ssthresh = with_allowance(state, bbr, product(state, bbr, kUnit));
  }
  if (bbr.mode == Mode::Drain && state.in_flight <= product(state, bbr, kUnit)) start_probing_bandwidth(state, bbr);
}

void update_min_rtt(CongestionState& state, Bbr& bbr, const RateSample& sample) {
  const bool is_expired = state.now > bbr.min_rtt_at + kMinRttWindow;
  if (sample.rtt_micros >= 0 && (sample.rtt_micros < int64_t{bbr.min_rtt} || (is_expired && !sample.is_ack_delayed))) {
    bbr.min_rtt = static_cast<uint32_t>(std::max<int64_t>(sample.rtt_micros, 1));
    bbr.min_rtt_at = state.now;
  }
  if (is_expired && !bbr.restarts_from_idle && bbr.mode != Mode::ProbeRtt) {
    bbr.mode = Mode::ProbeRtt;
    bbr.prior_cwnd = std::max(bbr.prior_cwnd, state.cwnd);
    bbr.probe_rtt_done = Instant::never();
  }
  if (bbr.mode == Mode::ProbeRtt) {
    // Samples taken now say nothing of the bandwidth.
    state.app_limited_until = std::max(state.delivered + state.in_flight, 1u);
    if (bbr.probe_rtt_done.is_never() && state.in_flight <= kMinWindow) {
      bbr.probe_rtt_done = state.now + kProbeRttTime;
      bbr.probe_rtt_round_done = false;
      bbr.round_end_delivered = state.delivered;
    } else if (!bbr.probe_rtt_done.is_never()) {
      if (bbr.round_start) bbr.probe_rtt_round_done = true;
      if (bbr.probe_rtt_round_done && state.now > bbr.probe_rtt_done) {
        bbr.min_rtt_at = state.now;
        state.cwnd = std::max(state.cwnd, bbr.prior_cwnd);
        leave_probe_rtt(state, bbr);
      }
    }
  }
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
      bbr.pacing_gain = kCycleGains[bbr.cycle];
      bbr.window_gain = kWindowGain;
      break;
    case Mode::ProbeRtt:
      bbr.pacing_gain = bbr.window_gain = kUnit;
      break;
  }
}

// In the first round of recovery what is delivered is what may be sent; after it the window comes back. True: it is decided.
bool recover_or_restore(CongestionState& state, Bbr& bbr, const RateSample& sample) {
  uint32_t cwnd = state.cwnd;
  if (sample.losses != 0) cwnd = cwnd > sample.losses ? cwnd - sample.losses : 1;
  if (state.loss_state == LossState::Recovery && bbr.previous_state != LossState::Recovery) {
    bbr.conserves_packets = true;
    bbr.round_end_delivered = state.delivered;
    cwnd = state.in_flight + sample.newly_delivered;
  } else if (bbr.previous_state >= LossState::Recovery && state.loss_state < LossState::Recovery) {
    cwnd = std::max(cwnd, bbr.prior_cwnd);
    bbr.conserves_packets = false;
  }
  bbr.previous_state = state.loss_state;
  if (bbr.conserves_packets) cwnd = std::max(cwnd, state.in_flight + sample.newly_delivered);
  state.cwnd = cwnd;
  return bbr.conserves_packets;
}

void set_window(CongestionState& state, Bbr& bbr, const RateSample& sample) {
  if (sample.newly_delivered != 0 && !recover_or_restore(state, bbr, sample)) {
    const uint32_t target = with_allowance(state, bbr, product(state, bbr, bbr.window_gain) + allowance_for_bursts(bbr));
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

void control(CongestionState& state, const RateSample& sample) {
  Bbr& bbr = state.own<Bbr>();
  update_bandwidth(state, bbr, sample);
  measure_bursts(state, bbr, sample);
  update_cycle(state, bbr, sample);
  check_full(bbr, sample);
  check_drain(state, bbr);
  update_min_rtt(state, bbr, sample);
  update_gains(bbr);
  set_pacing_rate(state, bbr);
  set_window(state, bbr, sample);
}

void init(CongestionState& state) {
  Bbr& bbr = state.start_own<Bbr>();
  bbr.min_rtt = state.min_rtt;
  bbr.min_rtt_at = bbr.burst_start = state.now;
  state.ssthresh = CongestionState::kNoThreshold;
  state.wants_pacing = true;
  start_pacing(state, bbr);
}

// The window before the loss is kept to come back to.
uint32_t threshold(CongestionState& state) {
  Bbr& bbr = state.own<Bbr>();
  const bool is_first = bbr.previous_state < LossState::Recovery && bbr.mode != Mode::ProbeRtt;
  bbr.prior_cwnd = is_first ? state.cwnd : std::max(bbr.prior_cwnd, state.cwnd);
  return state.ssthresh;
}

void on_event(CongestionState& state, CongestionEvent event) {
  Bbr& bbr = state.own<Bbr>();
  if (event != CongestionEvent::TransmitStart || state.app_limited_until == 0) return;
  bbr.restarts_from_idle = true;
  bbr.burst_start = state.now;
  bbr.burst_acked = 0;
  if (bbr.mode == Mode::ProbeBandwidth) state.pacing_rate = rate_of(state, bbr.bandwidth.get(), kUnit);
}

void on_loss_state(CongestionState& state, LossState next) {
  if (next != LossState::Loss) return;
  Bbr& bbr = state.own<Bbr>();
  bbr.previous_state = LossState::Loss;
  bbr.full_bandwidth = 0;
  bbr.round_start = true;
}

uint32_t undo(CongestionState& state) {
  Bbr& bbr = state.own<Bbr>();
  bbr.full_bandwidth = 0;
  bbr.full_rounds = 0;
  return state.cwnd;
}

// struct tcp_bbr_info, in the host's byte order.
size_t info(CongestionState& state, std::span<uint8_t, CongestionAlgorithm::kMaxInfo> out) {
  const Bbr& bbr = state.own<Bbr>();
  const uint64_t bandwidth = uint64_t{bbr.bandwidth.get()} * state.mss * 1'000'000 >> kBandwidthShift;
  const uint32_t fields[] = {static_cast<uint32_t>(bandwidth), static_cast<uint32_t>(bandwidth >> 32), bbr.min_rtt,
                             bbr.pacing_gain, bbr.window_gain};
  static_assert(sizeof fields == CongestionAlgorithm::kMaxInfo);
  copy_bytes(out, bytes_of(fields));
  return sizeof fields;
}

static_assert(sizeof(Bbr) <= CongestionState::kPrivateSize);

}  // namespace

const CongestionAlgorithm kBbr = {.name = "bbr",
                                  .init = &init,
                                  .threshold = &threshold,
                                  .on_ack = nullptr,
                                  .on_rtt = nullptr,
                                  .on_event = &on_event,
                                  .on_loss_state = &on_loss_state,
                                  .control = &control,
                                  .undo = &undo,
                                  .info = &info,
                                  .send_buffer_factor = 3};

}  // namespace lxnet
