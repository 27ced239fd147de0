// HyStart++ (RFC 9406): leaves slow start when round-trip times rise, by way of a cautious phase that can be taken back.
#pragma once

#include "base/seqnum.hh"
#include "stack/tcp/congestion/congestion_control.hh"

namespace lxnet {

class HyStart {
 public:
  void reset(SeqNum next);
  // One sample; may set state.ssthresh to end slow start.
  void on_rtt(CongestionState& state, SeqNum ack, int64_t rtt_micros);
  // By how much slow start grows for `acked` segments: a quarter in the conservative phase (section 4.2, CSS_GROWTH_DIVISOR).
  uint32_t growth(uint32_t acked);

 private:
  void start_round(CongestionState& state);

  SeqNum round_end_;
  uint32_t last_round_min_ = ~0u;
  uint32_t round_min_ = ~0u;
  uint32_t css_baseline_ = ~0u;
  uint16_t samples_ = 0;
  uint8_t css_rounds_ = 0;
  uint8_t remainder_ = 0;
  bool is_conservative_ = false;
};

}  // namespace lxnet
