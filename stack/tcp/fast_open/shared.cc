// What Fast Open remembers for a whole stack.
#include <algorithm>

#include "stack/tcp/tcp_shared.hh"

namespace lxnet {

FastOpenKeys TcpShared::FastOpen::keys() {
  MutexLock lock(mutex_);
  return keys_;
}

void TcpShared::FastOpen::set_keys(const FastOpenKeys& keys) {
  MutexLock lock(mutex_);
  keys_ = keys;
}

void TcpShared::FastOpen::ensure_key() {
  MutexLock lock(mutex_);
  if (keys_.count != 0) return;
  mutex_.hal().random_bytes(MutableByteSpan(keys_.bytes[0]));
  keys_.count = 1;
}

void TcpShared::FastOpen::note_black_hole(Instant now) {
  MutexLock lock(mutex_);
  black_hole_at_ = now;
  __atomic_store_n(&black_holes_, black_holes_ + 1, __ATOMIC_RELAXED);
}

// Doubled with each one in a row, sixty-four times at most.
bool TcpShared::FastOpen::is_paused(Instant now, Duration pause) {
  if (!has_been_paused()) return false;
  MutexLock lock(mutex_);
  const uint32_t shift = std::min(black_holes_ - 1, 6u);
  return now < black_hole_at_ + pause * (int64_t{1} << shift);
}

}  // namespace lxnet
