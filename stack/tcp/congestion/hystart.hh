// HyStart (Ha and Rhee, 2011) as Linux has it: slow start ends when round-trip times rise, or when a train of acknowledgments
// takes as long as a round trip. RFC 9406 goes on from there with a phase that Linux does not have.
#pragma once

#include "base/seqnum.hh"
#include "stack/tcp/congestion/congestion_control.hh"

namespace lxnet {

class HyStart {
 public:
  void reset(const CongestionFacts& facts);
  // One sample in microseconds, and the least of all; may set state.ssthresh to end slow start.
  void on_rtt(CongestionState& state, const CongestionFacts& facts, SeqNum ack, uint32_t delay, uint32_t min_delay);

 private:
  void start_round(const CongestionFacts& facts);
  bool has_long_train(const CongestionState& state, Instant now, uint32_t min_delay);
  bool has_risen(uint32_t delay, uint32_t min_delay);

  SeqNum round_end_;
  InstantInMicros round_start_;
  InstantInMicros last_ack_;  // of the train
  uint32_t round_min_ = ~0u;
  uint8_t samples_ = 0;
  bool has_ended_ = false;
};

}  // namespace lxnet
