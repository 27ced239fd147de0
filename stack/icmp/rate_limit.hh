// RateLimit: how much of ICMP we send (RFC 1812 4.3.2.8, RFC 4443 2.4 f), as Linux does it.
//
// Two token buckets must both agree. One is the stack's: icmp_msgs_per_sec, up to icmp_msgs_burst, and what a message costs is
// random (0 to 2), so that a stranger cannot learn from its emptiness who else we answer. The other is the receiver's: one
// message every icmp_ratelimit, six in a burst. The global one is asked first, but pays only for what is really sent.
#pragma once

#include "base/siphash.hh"
#include "base/time.hh"
#include "hal/mutex.hh"
#include "stack/ip_address.hh"

namespace lxnet {

class RateLimit {
 public:
  explicit RateLimit(const Hal& hal) : mutex_(hal, LockRank::RateLimit), key_(hal.random<SipKey>()) {}

  struct Global {
    int32_t per_second;
    int32_t burst;
  };
  bool allows_globally(Instant now, Global limit);
  bool allows_host(Instant now, const IpAddress& host, Duration interval);
  void pay_globally();

 private:
  static constexpr size_t kHosts = 256;
  static constexpr int64_t kBurst = 6;
  // A bucket by hash: who shares one with another host starts over with a full burst, within the global limit.
  struct Host {
    uint64_t hash = 0;
    int64_t tokens = 0;  // in nanoseconds
    Instant last;
  };

  Mutex mutex_;
  SipKey key_;
  int32_t credit_ GUARDED_BY(mutex_) = 0;
  Instant refilled_ GUARDED_BY(mutex_) = Instant::from_nanos(INT64_MIN / 2);
  Host hosts_[kHosts] GUARDED_BY(mutex_);
};

}  // namespace lxnet
