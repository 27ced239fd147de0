// Sharing: whether several processors may call into a stack at once, which its host says once. Where they may not, a statistic or
// a count that they would share is an ordinary addition.
#pragma once

#include <cstdint>

namespace lxnet {

enum class Sharing : uint8_t { OneProcessor, SeveralProcessors };

// Adds to a number that others read at any time; what it was before.
template <typename T>
T fetch_add(T& value, T amount, Sharing sharing) {
  if (sharing == Sharing::SeveralProcessors) return __atomic_fetch_add(&value, amount, __ATOMIC_ACQ_REL);
  const T before = value;
  __atomic_store_n(&value, static_cast<T>(before + amount), __ATOMIC_RELAXED);
  return before;
}

// The same for a statistic, which orders nothing.
inline void add_to_statistic(uint64_t& value, uint64_t amount, Sharing sharing) {
  if (sharing == Sharing::SeveralProcessors) {
    __atomic_fetch_add(&value, amount, __ATOMIC_RELAXED);
  } else {
    __atomic_store_n(&value, value + amount, __ATOMIC_RELAXED);
  }
}

}  // namespace lxnet
