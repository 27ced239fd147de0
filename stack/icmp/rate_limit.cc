// The two buckets.
#include "stack/icmp/rate_limit.hh"

#include <algorithm>

namespace lxnet {

bool RateLimit::allows_globally(Instant now, Global limit) {
  MutexLock lock(mutex_);
  if (credit_ > 0) return true;
  const Duration idle = std::min(now - refilled_, Duration::seconds(1));
  if (idle < Duration::millis(20)) return false;
  const int64_t earned = int64_t{limit.per_second} * idle.in_millis() / 1000;
  if (earned == 0) return false;
  refilled_ = now;
  credit_ = static_cast<int32_t>(std::min<int64_t>(credit_ + earned, limit.burst));
  return true;
}

void RateLimit::pay_globally() {
  const auto price = static_cast<int32_t>(mutex_.hal().random<uint32_t>() % 3);
  MutexLock lock(mutex_);
  credit_ = std::max(credit_ - price, 0);
}

bool RateLimit::allows_host(Instant now, const IpAddress& address, Duration interval) {
  if (interval <= Duration()) return true;
  const uint64_t hash = siphash_1_3(key_, address);
  MutexLock lock(mutex_);
  Host& host = hosts_[hash % kHosts];
  if (host.hash != hash) host = Host{.hash = hash, .tokens = interval.in_nanos() * kBurst, .last = now};
  const int64_t earned = std::clamp<int64_t>((now - host.last).in_nanos(), 0, interval.in_nanos() * kBurst);
  host.last = now;
  host.tokens = std::min(host.tokens + earned, interval.in_nanos() * kBurst);
  if (host.tokens < interval.in_nanos()) return false;
  host.tokens -= interval.in_nanos();
  return true;
}

}  // namespace lxnet
