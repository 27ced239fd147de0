// The arithmetic of RFC 6298 with Linux's refinements.
#include "stack/tcp/rtt_estimator.hh"

#include <algorithm>

namespace lxnet {

void RttEstimator::bound() { rto_ = std::clamp<Duration>(rto_, min_rto_, max_rto_); }

void RttEstimator::add_sample(int64_t micros, SeqNum una, SeqNum nxt) {
  const uint32_t min_rto_micros = static_cast<uint32_t>(min_rto().in_micros());
  int64_t sample = std::max<int64_t>(micros, 1);
  if (srtt_8_ == 0) {
    srtt_8_ = static_cast<uint32_t>(sample << 3);
    mdev_4_ = static_cast<uint32_t>(sample << 1);  // RFC 6298, 2.2: RTTVAR = R/2
    rttvar_4_ = std::max(mdev_4_, min_rto_micros);
    mdev_max_4_ = rttvar_4_;
    flight_end_ = nxt;
  } else {
    int64_t error = sample - (srtt_8_ >> 3);
    srtt_8_ = static_cast<uint32_t>(std::max<int64_t>(1, srtt_8_ + error));
    if (error < 0) {
      error = -error - (mdev_4_ >> 2);
      // A falling RTT must not raise the deviation as fast as a rising one.
      if (error > 0) error >>= 3;
    } else {
      error -= mdev_4_ >> 2;
    }
    mdev_4_ = static_cast<uint32_t>(mdev_4_ + error);
    if (mdev_4_ > mdev_max_4_) {
      mdev_max_4_ = mdev_4_;
      if (mdev_max_4_ > rttvar_4_) rttvar_4_ = mdev_max_4_;
    }
    if (una.is_after(flight_end_)) {
      if (mdev_max_4_ < rttvar_4_) rttvar_4_ -= (rttvar_4_ - mdev_max_4_) >> 2;
      flight_end_ = nxt;
      mdev_max_4_ = min_rto_micros;
    }
  }
  rto_ = Duration::micros(int64_t{srtt_8_ >> 3} + rttvar_4_);
  bound();
}

void RttEstimator::lengthen(int64_t micros) {
  srtt_8_ = static_cast<uint32_t>(std::clamp<int64_t>(int64_t{srtt_8_} + micros * 8, 1, UINT32_MAX));
  rto_ = Duration::micros(int64_t{srtt_8_ >> 3} + rttvar_4_);
  bound();
  for (MinSample& sample : min_rtt_) sample = MinSample();
}

void RttEstimator::add_min_sample(int64_t micros, Instant now, Duration window) {
  const auto tick = static_cast<uint32_t>(now.in_nanos() >> kAgeShift);
  const auto longest = static_cast<uint32_t>(window.in_nanos() >> kAgeShift);
  const MinSample sample{tick, static_cast<uint32_t>(std::clamp<int64_t>(micros, 1, INT32_MAX))};
  if (min_rtt_[0].micros == ~0u || sample.micros <= min_rtt_[0].micros || tick - min_rtt_[2].at > longest) {
    min_rtt_[0] = min_rtt_[1] = min_rtt_[2] = sample;
    return;
  }
  if (sample.micros <= min_rtt_[1].micros) {
    min_rtt_[1] = min_rtt_[2] = sample;
  } else if (sample.micros <= min_rtt_[2].micros) {
    min_rtt_[2] = sample;
  }
  // Candidates move up when the best has left the window, and are renewed each quarter of it.
  const uint32_t age = tick - min_rtt_[0].at;
  if (age > longest) {
    min_rtt_[0] = min_rtt_[1];
    min_rtt_[1] = min_rtt_[2];
    min_rtt_[2] = sample;
    if (tick - min_rtt_[0].at > longest) {
      min_rtt_[0] = min_rtt_[1];
      min_rtt_[1] = sample;
    }
  } else if (min_rtt_[1].at == min_rtt_[0].at && age > longest / 4) {
    min_rtt_[1] = min_rtt_[2] = sample;
  } else if (min_rtt_[2].at == min_rtt_[1].at && age > longest / 2) {
    min_rtt_[2] = sample;
  }
}

}  // namespace lxnet
