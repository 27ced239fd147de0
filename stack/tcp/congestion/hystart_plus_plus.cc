// The steps of RFC 9406, section 4.2, with the constants of 4.3.
#include "stack/tcp/congestion/hystart_plus_plus.hh"

#include <algorithm>

namespace lxnet {
namespace {

constexpr uint32_t kMinRise = 4000, kMaxRise = 16'000;  // MIN_RTT_THRESH, MAX_RTT_THRESH: microseconds
constexpr uint32_t kRiseDivisor = 8;                    // MIN_RTT_DIVISOR
constexpr uint8_t kSamples = 8;                         // N_RTT_SAMPLE
constexpr uint32_t kGrowthDivisor = 4;                  // CSS_GROWTH_DIVISOR
constexpr uint8_t kRounds = 5;                          // CSS_ROUNDS
constexpr uint32_t kLargestStep = 8;                    // L, where nothing paces what one acknowledgment sets free

// It is for the first slow start, whose threshold nobody has set. A later one knows from a loss where the path ends.
bool is_first_slow_start(const CongestionState& state) { return state.ssthresh == CongestionState::kNoThreshold; }

}  // namespace

void HyStartPlusPlus::start_round(const CongestionFacts& facts) {
  round_end_ = facts.nxt;
  last_round_min_ = round_min_;
  round_min_ = kNone;
  samples_ = 0;
}

void HyStartPlusPlus::end_round(CongestionState& state, const CongestionFacts& facts) {
  if (is_conservative() && ++conservative_rounds_ == kRounds) state.ssthresh = state.cwnd;
  start_round(facts);
}

bool HyStartPlusPlus::has_risen() const {
  if (last_round_min_ == kNone) return false;
  return round_min_ >= last_round_min_ + std::clamp(last_round_min_ / kRiseDivisor, kMinRise, kMaxRise);
}

void HyStartPlusPlus::on_rtt(CongestionState& state, const CongestionFacts& facts, SeqNum ack, uint32_t delay) {
  if (!is_first_slow_start(state)) return;
  if (ack.is_after(round_end_)) end_round(state, facts);
  round_min_ = std::min(round_min_, delay);
  if (samples_ < kSamples && ++samples_ < kSamples) return;
  if (is_conservative()) {
    if (round_min_ < baseline_) baseline_ = kNone;
  } else if (has_risen()) {
    baseline_ = round_min_;
    conservative_rounds_ = credit_ = 0;
  }
}

uint32_t HyStartPlusPlus::growth(const CongestionState& state, uint32_t acked) {
  if (!is_first_slow_start(state)) return acked;
  const uint32_t step = state.wants_pacing ? acked : std::min(acked, kLargestStep);
  if (!is_conservative()) return step;
  const uint32_t credit = credit_ + step;
  credit_ = static_cast<uint8_t>(credit % kGrowthDivisor);
  return credit / kGrowthDivisor;
}

}  // namespace lxnet
