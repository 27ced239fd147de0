// TxFilter: which frames the reader of a tap wants (TUNSETTXFILTER): some addresses exactly, groups also by a hash of 64.
#pragma once

#include "hal/mutex.hh"
#include "netdev/net_device.hh"

namespace lxnet {

class TxFilter {
 public:
  static constexpr size_t kExact = 8;

  explicit TxFilter(const Hal& hal) : mutex_(hal, LockRank::ErrorQueue) {}

  // Everything passes.
  void clear();
  // False, and everything passes: one beyond those that are compared exactly is no group.
  bool set(std::span<const HardwareAddress> addresses, bool takes_all_groups);
  bool accepts(const Packet& frame) const;

 private:
  static unsigned hash(const uint8_t* address);

  bool is_on_ = false;  // read without the lock, which most never need
  mutable Mutex mutex_;
  size_t exact_count_ GUARDED_BY(mutex_) = 0;
  HardwareAddress exact_[kExact] GUARDED_BY(mutex_);
  uint64_t hashed_ GUARDED_BY(mutex_) = 0;
};

}  // namespace lxnet
