// The two signs that slow start has filled the path.
#include "stack/tcp/congestion/hystart.hh"

#include <algorithm>

namespace lxnet {
namespace {

constexpr uint32_t kLowWindow = 16;                            // below it nothing is concluded
constexpr uint32_t kMinRise = 4000, kMaxRise = 16'000;         // microseconds
constexpr uint32_t kRiseDivisor = 8;                           // of the least delay
constexpr uint8_t kSamples = 8;                                // of a round, before it says something
constexpr Duration kTrainGap = Duration::millis(2);            // between acknowledgments of one train
constexpr uint64_t kBurst = 65'536, kLongestAllowance = 1000;  // what is sent at once delays acknowledgments so much

}  // namespace

void HyStart::reset(const CongestionFacts& facts) {
  has_ended_ = false;
  start_round(facts);
}

void HyStart::start_round(const CongestionFacts& facts) {
  round_start_ = last_ack_ = facts.now;
  round_end_ = facts.nxt;
  round_min_ = ~0u;
  samples_ = 0;
}

bool HyStart::has_long_train(const CongestionState& state, Instant now, uint32_t min_delay) {
  if (last_ack_.age(now) > kTrainGap) return false;
  last_ack_ = now;
  uint64_t allowance = 0;
  if (state.pacing_rate != 0) allowance = std::min<uint64_t>(kLongestAllowance, kBurst * 4 * 1'000'000 / state.pacing_rate);
  uint64_t longest = min_delay + allowance;
  if (!state.wants_pacing) longest /= 2;  // paced segments come half a round trip apart by themselves
  return round_start_.age(now).in_micros() > static_cast<int64_t>(longest);
}

bool HyStart::has_risen(uint32_t delay, uint32_t min_delay) {
  round_min_ = std::min(round_min_, delay);
  if (samples_ < kSamples) {
    ++samples_;
    return false;
  }
  return round_min_ > min_delay + std::clamp(min_delay / kRiseDivisor, kMinRise, kMaxRise);
}

void HyStart::on_rtt(CongestionState& state, const CongestionFacts& facts, SeqNum ack, uint32_t delay, uint32_t min_delay) {
  if (has_ended_) return;
  if (ack.is_after(round_end_)) start_round(facts);
  if (state.cwnd < kLowWindow) return;
  const bool is_long = has_long_train(state, facts.now, min_delay);
  if (!has_risen(delay, min_delay) && !is_long) return;
  has_ended_ = true;
  state.ssthresh = state.cwnd;
}

}  // namespace lxnet
