// to_register(): an argument of a system call as the register that carries it: integers and enums by value, anything else by
// address.
#pragma once

#include <cstdint>
#include <type_traits>

namespace lxnet {

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

}  // namespace lxnet
