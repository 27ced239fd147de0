// MutexArray<N>: mutexes of one rank for objects that need one seldom: which of them is an object's follows from its address.
#pragma once

#include <array>
#include <utility>

#include "hal/mutex.hh"

namespace lxnet {

template <size_t N>
class MutexArray {
 public:
  MutexArray(const Hal& hal, LockRank rank) : MutexArray(hal, rank, std::make_index_sequence<N>()) {}

  Mutex& of(const void* object) { return mutexes_[reinterpret_cast<uintptr_t>(object) / 64 % N]; }

 private:
  template <size_t... I>
  MutexArray(const Hal& hal, LockRank rank, std::index_sequence<I...>) : mutexes_{(static_cast<void>(I), Mutex(hal, rank))...} {}

  std::array<Mutex, N> mutexes_;
};

}  // namespace lxnet
