// The supervisor's one clock: CLOCK_MONOTONIC in nanoseconds.
#pragma once

#include <time.h>

#include <cstdint>

namespace lxnet::host {

inline constexpr int64_t kNever = INT64_MAX;
inline constexpr int64_t kMicrosecond = 1'000;
inline constexpr int64_t kMillisecond = 1'000'000;
inline constexpr int64_t kSecond = 1'000'000'000;

inline int64_t clock_nanos(clockid_t clock) {
  timespec time;
  ::clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

inline int64_t now_nanos() { return clock_nanos(CLOCK_MONOTONIC); }

}  // namespace lxnet::host
