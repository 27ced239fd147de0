// User memory as types. A UserAddress is opened by these functions alone, and each argument is copied once.
#pragma once

#include <compare>

#include "base/bytes.hh"
#include "base/result.hh"
#include "hal/hal.hh"

namespace lxnet {

class UserAddress {
 public:
  constexpr UserAddress() = default;
  constexpr explicit UserAddress(uint64_t value) : value_(value) {}

  constexpr uint64_t value() const { return value_; }
  constexpr bool is_null() const { return value_ == 0; }
  constexpr UserAddress operator+(uint64_t offset) const { return UserAddress(value_ + offset); }

 private:
  uint64_t value_ = 0;
};

inline Result<> copy_in(const Hal& hal, MutableByteSpan to, UserAddress from) {
  if (!to.empty() && hal.copy_from_user(to.data(), from.value(), to.size()) != 0) return Errno::EFAULT;
  return ok();
}

inline Result<> copy_out(const Hal& hal, UserAddress to, ByteSpan from) {
  if (!from.empty() && hal.copy_to_user(to.value(), from.data(), from.size()) != 0) return Errno::EFAULT;
  return ok();
}

template <typename T>
Result<T> read_user(const Hal& hal, UserAddress from) {
  T value{};
  TRY(copy_in(hal, mutable_bytes_of(value), from));
  return value;
}

template <typename T>
Result<> write_user(const Hal& hal, UserAddress to, const T& value) {
  return copy_out(hal, to, bytes_of(value));
}

}  // namespace lxnet
