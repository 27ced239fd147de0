// RttEstimator: smoothed round-trip time and retransmission timeout (RFC 6298), in Linux's arithmetic.
//
// srtt is held times 8 and the deviation times 4, in microseconds. Differences from the RFC are Linux's: the deviation is the
// largest of a flight (mdev_max), it falls only once per round trip, and it never falls below the minimum RTO.
#pragma once

#include <algorithm>

#include "base/seqnum.hh"
#include "base/time.hh"

namespace lxnet {

class RttEstimator {
 public:
  static constexpr Duration kInitialRto = Duration::seconds(1);
  static constexpr Duration kFallbackRto = Duration::seconds(3);
  static constexpr Duration kMaxRto = Duration::seconds(120);
  static constexpr Duration kMinRto = Duration::millis(200);

  // One measurement. `una` and `nxt` tell where a flight ends.
  void add_sample(int64_t micros, SeqNum una, SeqNum nxt);
  // The lowest seen within the window (tcp_min_rtt_wlen).
  void add_min_sample(int64_t micros, Instant now, Duration window);

  // TCP_TX_DELAY: the round trip is longer by so much than what was measured. The lowest is forgotten.
  void lengthen(int64_t micros);

  bool has_sample() const { return srtt_8_ != 0; }
  uint32_t srtt_micros() const { return srtt_8_ >> 3; }
  uint32_t srtt_micros_times_8() const { return srtt_8_; }
  uint32_t rttvar_micros() const { return rttvar_4_; }
  uint32_t mdev_micros() const { return mdev_4_; }
  uint32_t min_micros() const { return min_rtt_[0].micros; }  // ~0: none yet

  // Without backoff.
  Duration rto() const { return rto_; }
  void set_rto_bounds(Duration min, Duration max) {
    min_rto_ = min;
    max_rto_ = max;
    bound();
  }
  Duration min_rto() const { return min_rto_; }
  Duration max_rto() const { return max_rto_; }
  void set_initial_rto(Duration rto) { rto_ = rto; }
  // What earlier connections measured makes the first timeout, until there is data's own. In whole ticks, as Linux has it.
  void expect(uint32_t srtt_times_8) {
    constexpr int64_t kTickMicros = 4000;
    const Duration srtt = Duration::micros(int64_t{srtt_times_8} / (8 * kTickMicros) * kTickMicros);
    rto_ = srtt + std::max(srtt * 2, min_rto());
  }
  // RFC 6298, 5.7: the handshake gave no sample, because something of it was sent twice.
  void assume_slow_path() {
    mdev_4_ = mdev_max_4_ = rttvar_4_ = static_cast<uint32_t>(kFallbackRto.in_micros());
    rto_ = kFallbackRto;
  }
  void reset() { *this = RttEstimator(); }

 private:
  // Of the clock that ages of minima are taken by: 2^20 ns, about a millisecond.
  static constexpr int kAgeShift = 20;
  struct MinSample {
    uint32_t at = 0;
    uint32_t micros = ~0u;
  };
  void bound();

  uint32_t srtt_8_ = 0;
  uint32_t mdev_4_ = 0;
  uint32_t mdev_max_4_ = 0;
  uint32_t rttvar_4_ = 0;
  SeqNum flight_end_;
  BriefMicros rto_ = kInitialRto;
  BriefMicros min_rto_ = kMinRto;
  BriefMicros max_rto_ = kMaxRto;
  // Best, second and third best of the window (Kathleen Nichols' algorithm).
  MinSample min_rtt_[3];
};

}  // namespace lxnet
