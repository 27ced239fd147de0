// HyStart++ (RFC 9406): when round-trip times rise slow start goes on at a quarter of its pace for five rounds, and back to its
// own pace if they fall again; what looked like a full path may have been jitter.
//
// Linux ends slow start at once (hystart.hh), and so does CUBIC here; this is CUBIC's other slow start, for who asks for it.
#pragma once

#include "base/seqnum.hh"
#include "stack/tcp/congestion/congestion_control.hh"

namespace lxnet {

class HyStartPlusPlus {
 public:
  void reset(const CongestionFacts& facts) { start_round(facts); }
  // One sample in microseconds; may set state.ssthresh to end slow start.
  void on_rtt(CongestionState& state, const CongestionFacts& facts, SeqNum ack, uint32_t delay);
  // By how many segments the window grows in slow start when `acked` are acknowledged.
  uint32_t growth(const CongestionState& state, uint32_t acked);

 private:
  bool is_conservative() const { return baseline_ != kNone; }
  void start_round(const CongestionFacts& facts);
  void end_round(CongestionState& state, const CongestionFacts& facts);
  bool has_risen() const;

  static constexpr uint32_t kNone = ~0u;
  SeqNum round_end_;
  uint32_t round_min_ = kNone, last_round_min_ = kNone;  // the least of this round and of the one before
  uint32_t baseline_ = kNone;                            // what it was when the conservative rounds began
  uint8_t samples_ = 0;
  uint8_t conservative_rounds_ = 0;
  uint8_t credit_ = 0;  // acknowledged in conservative rounds, and not yet a whole segment of growth
};

}  // namespace lxnet
