// Futex: what Linux threads wait on, and the lock and the parking place made of it.
#pragma once

#include <cstdint>

#include "hal/hal.h"

namespace lxnet::threads {

// lxnet_lock's storage as a lock that spins a little and then sleeps: 0 free, 1 taken, 2 taken and somebody may sleep.
void lock(lxnet_lock& lock);
void unlock(lxnet_lock& lock);

// For a few instructions at a time: giving it back costs a store.
class SpinLock {
 public:
  void lock();
  void unlock() { __atomic_store_n(&word_, 0u, __ATOMIC_RELEASE); }

 private:
  uint32_t word_ = 0;  // atomic
};

// One thread parks, any thread unparks it. No wake-up is lost: the token stays until the next park takes it.
class ParkingPlace {
 public:
  // Until unpark() or the deadline, in CLOCK_MONOTONIC nanoseconds (INT64_MAX: none). LXNET_PARK_WOKEN or _TIMED_OUT.
  int park(int64_t deadline);
  void unpark() { wake(set_token()); }
  // The two halves of it. What is to be woken, or null; from then on the park ends, however late the wake-up is. The place itself
  // may be gone when it comes: the kernel only looks who sleeps at the address.
  uint32_t* set_token();
  static void wake(uint32_t* sleeping);

 private:
  uint32_t state_ = kEmpty;  // atomic
  static constexpr uint32_t kEmpty = 0, kToken = 1, kSleeping = 2;
};

int64_t monotonic_nanos();

}  // namespace lxnet::threads
