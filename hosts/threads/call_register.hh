// to_register(): an argument of a system call as the register that carries it.
#pragma once

#include <cstdint>
#include <type_traits>

namespace lxnet::threads {

template <typename T>
uint64_t to_register(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<uint64_t>(value);
  } else if constexpr (std::is_null_pointer_v<T>) {
    return 0;
  } else {
    return static_cast<uint64_t>(static_cast<int64_t>(value));
  }
}

}  // namespace lxnet::threads
