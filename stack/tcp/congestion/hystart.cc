// RFC 9406, section 4.2 and 4.3.
#include "stack/tcp/congestion/hystart.hh"

#include <algorithm>

namespace lxnet {
namespace {

constexpr uint32_t kMinRttThreshold = 4000, kMaxRttThreshold = 16000;  // microseconds
constexpr uint32_t kMinRttDivisor = 8;
constexpr uint16_t kRttSamples = 8;
constexpr uint32_t kGrowthDivisor = 4;
constexpr uint8_t kConservativeRounds = 5;

}  // namespace

void HyStart::reset(SeqNum next) {
  *this = HyStart();
  round_end_ = next;
}

uint32_t HyStart::growth(uint32_t acked) {
  if (!is_conservative_) return acked;
  const uint32_t total = acked + remainder_;
  remainder_ = static_cast<uint8_t>(total % kGrowthDivisor);
  return total / kGrowthDivisor;
}

void HyStart::start_round(CongestionState& state) {
  last_round_min_ = round_min_;
  round_min_ = ~0u;
  samples_ = 0;
  round_end_ = state.nxt;
  if (is_conservative_ && ++css_rounds_ >= kConservativeRounds) state.ssthresh = state.cwnd;
}

void HyStart::on_rtt(CongestionState& state, SeqNum ack, int64_t rtt_micros) {
  if (ack.is_after(round_end_)) start_round(state);
  round_min_ = std::min(round_min_, static_cast<uint32_t>(std::clamp<int64_t>(rtt_micros, 1, INT32_MAX)));
  if (++samples_ < kRttSamples) return;
  if (is_conservative_) {
    // "If the currentRoundMinRTT < cssBaselineMinRtt, resume slow start": the rise was spurious.
    if (round_min_ < css_baseline_) is_conservative_ = false;
    return;
  }
  if (last_round_min_ == ~0u) return;
  const uint32_t threshold = std::clamp(last_round_min_ / kMinRttDivisor, kMinRttThreshold, kMaxRttThreshold);
  if (round_min_ >= last_round_min_ + threshold) {
    css_baseline_ = round_min_;
    css_rounds_ = 0;
    is_conservative_ = true;
  }
}

}  // namespace lxnet
