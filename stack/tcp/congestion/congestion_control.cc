// What the algorithms share, and the table of them.
#include "stack/tcp/congestion/congestion_control.hh"

#include <algorithm>

#include "stack/tcp/congestion/algorithms.hh"

namespace lxnet {

void CongestionState::choose(const Hal& hal, const CongestionAlgorithm& chosen) {
  release(hal);
  algorithm = &chosen;
  is_started = wants_pacing = false;
  pacing_rate = ~uint64_t{0};
}

bool CongestionState::start(const Hal& hal, const CongestionAlgorithm& chosen, const CongestionFacts& facts) {
  void* memory = nullptr;
  if (chosen.memory != 0) {
    memory = hal.alloc(chosen.memory, 8);
    if (memory == nullptr) return false;
  }
  release(hal);
  if (memory != nullptr) memory_ = memory;
  algorithm = &chosen;
  wants_pacing = false;
  is_started = true;
  if (chosen.init != nullptr) chosen.init(*this, facts);
  return true;
}

void CongestionState::start_chosen(const Hal& hal, const CongestionFacts& facts) {
  if (!start(hal, *algorithm, facts)) static_cast<void>(start(hal, kNewReno, facts));
}

void CongestionState::release(const Hal& hal) {
  if (has_memory()) hal.free(memory_, algorithm->memory);
  std::fill(room_, room_ + kRoom, uint8_t{0});
}

uint32_t grow_slow_start(CongestionState& state, uint32_t acked) {
  const uint32_t grown = std::min(state.cwnd + acked, state.ssthresh);
  acked -= grown - state.cwnd;
  state.cwnd = std::min(grown, state.cwnd_clamp);
  return acked;
}

void grow_additively(CongestionState& state, uint32_t window, uint32_t acked) {
  // Credit gathered while the window was larger must not be spent at once.
  if (state.cwnd_count >= window) {
    state.cwnd_count = 0;
    state.cwnd += 1;
  }
  state.cwnd_count += acked;
  if (state.cwnd_count >= window) {
    const uint32_t steps = state.cwnd_count / window;
    state.cwnd_count -= steps * window;
    state.cwnd += steps;
  }
  state.cwnd = std::min(state.cwnd, state.cwnd_clamp);
}

namespace {
constexpr const CongestionAlgorithm* kAlgorithms[] = {&kNewReno, &kCubic, &kBbr, &kCubicPlusPlus};
}

std::span<const CongestionAlgorithm* const> congestion_algorithms() { return kAlgorithms; }

uint32_t congestion_bit(const CongestionAlgorithm& algorithm) {
  uint32_t bit = 1;
  for (const CongestionAlgorithm* other : kAlgorithms) {
    if (other == &algorithm) break;
    bit <<= 1;
  }
  return bit;
}

const CongestionAlgorithm* find_congestion_algorithm(std::span<const char> name) {
  for (const CongestionAlgorithm* algorithm : kAlgorithms) {
    size_t i = 0;
    while (i < name.size() && name[i] != 0 && algorithm->name[i] == name[i]) ++i;
    if ((i == name.size() || name[i] == 0) && algorithm->name[i] == 0) return algorithm;
  }
  return nullptr;
}

const CongestionAlgorithm& default_congestion_algorithm() { return kCubic; }

}  // namespace lxnet
