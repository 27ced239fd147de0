#include "hosts/threads/futex.hh"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace lxnet::threads {
namespace {

// About a microsecond: longer than the core holds a lock, shorter than a switch of threads.
constexpr int kSpins = 100;

void wait(uint32_t* word, uint32_t expected) { syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0); }

// False when the deadline has passed.
bool wait_until(uint32_t* word, uint32_t expected, int64_t deadline) {
  const timespec time{.tv_sec = deadline / 1'000'000'000, .tv_nsec = deadline % 1'000'000'000};
  return syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, &time, nullptr, FUTEX_BITSET_MATCH_ANY) == 0 ||
         errno != ETIMEDOUT;
}

void wake_one(uint32_t* word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0); }

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

bool try_take(uint32_t* word) {
  uint32_t free = 0;
  return __atomic_compare_exchange_n(word, &free, 1u, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

}  // namespace

void lock(lxnet_lock& lock) {
  uint32_t* word = reinterpret_cast<uint32_t*>(&lock.storage[0]);
  for (int i = 0; i < kSpins; ++i) {
    if (__atomic_load_n(word, __ATOMIC_RELAXED) == 0 && try_take(word)) return;
    relax();
  }
  while (__atomic_exchange_n(word, 2u, __ATOMIC_ACQUIRE) != 0) wait(word, 2);
}

void unlock(lxnet_lock& lock) {
  uint32_t* word = reinterpret_cast<uint32_t*>(&lock.storage[0]);
  if (__atomic_exchange_n(word, 0u, __ATOMIC_RELEASE) == 2) wake_one(word);
}

void SpinLock::lock() {
  for (int i = 0; !try_take(&word_); ++i) {
    if (i % kSpins == kSpins - 1) sched_yield();
    relax();
  }
}

int ParkingPlace::park(int64_t deadline) {
  uint32_t state = kEmpty;
  if (!__atomic_compare_exchange_n(&state_, &state, kSleeping, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    static_cast<void>(__atomic_exchange_n(&state_, kEmpty, __ATOMIC_ACQ_REL));
    return LXNET_PARK_WOKEN;
  }
  while (__atomic_load_n(&state_, __ATOMIC_ACQUIRE) == kSleeping) {
    if (deadline == INT64_MAX) {
      wait(&state_, kSleeping);
    } else if (!wait_until(&state_, kSleeping, deadline)) {
      break;
    }
  }
  // A token that came with the deadline counts.
  return __atomic_exchange_n(&state_, kEmpty, __ATOMIC_ACQ_REL) == kToken ? LXNET_PARK_WOKEN : LXNET_PARK_TIMED_OUT;
}

uint32_t* ParkingPlace::set_token() {
  return __atomic_exchange_n(&state_, kToken, __ATOMIC_ACQ_REL) == kSleeping ? &state_ : nullptr;
}

void ParkingPlace::wake(uint32_t* sleeping) {
  if (sleeping != nullptr) wake_one(sleeping);
}

int64_t monotonic_nanos() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace lxnet::threads
