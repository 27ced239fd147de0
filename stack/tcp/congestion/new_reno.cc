// NewReno: RFC 5681's additive increase and multiplicative decrease. (The recovery of RFC 6582 is loss recovery's business.)
#include <algorithm>

#include "stack/tcp/congestion/algorithms.hh"

namespace lxnet {
namespace {

uint32_t threshold(CongestionState& state) { return std::max(state.cwnd / 2, 2u); }

void on_ack(CongestionState& state, const CongestionFacts&, uint32_t acked) {
  if (!state.may_grow()) return;
  if (state.in_slow_start()) {
    acked = grow_slow_start(state, acked);
    if (acked == 0) return;
  }
  grow_additively(state, state.cwnd, acked);
}

uint32_t undo(CongestionState& state) { return std::max(state.cwnd, state.prior_cwnd); }

}  // namespace

const CongestionAlgorithm kNewReno = {.name = "reno", .threshold = &threshold, .on_ack = &on_ack, .undo = &undo};

}  // namespace lxnet
