// Result<T> and TRY: every fallible function of the core returns one, all the way up to the system call.
//
// A Result is an Errno or a value. TRY(expression) gives the value or returns the error from the enclosing function.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "base/assert.hh"
#include "base/errno.hh"

namespace lxnet {

struct Unit {};

template <typename T = Unit>
class [[nodiscard]] Result {
 public:
  static_assert(!std::is_reference_v<T>, "return a pointer or Ref<T>, not a reference");

  constexpr Result(Errno error) : error_(error) {}
  constexpr Result(T value) : is_ok_(true), value_(std::move(value)) {}
  // A pointer or number that converts without loss, so that `return 0;` and `return &child;` read as they should.
  template <typename U>
    requires(!std::is_same_v<U, Errno> && !std::is_same_v<U, T> && std::is_convertible_v<U &&, T> &&
             (std::is_pointer_v<T> || std::is_class_v<T>) && !std::is_same_v<U, Result>)
  constexpr Result(U value) : is_ok_(true), value_(std::move(value)) {}
  Result(Result&& other) : is_ok_(other.is_ok_) {
    if (is_ok_) {
      ::new (static_cast<void*>(&value_)) T(std::move(other.value_));
    } else {
      error_ = other.error_;
    }
  }
  Result& operator=(Result&&) = delete;
  constexpr ~Result()
    requires(!std::is_trivially_destructible_v<T>)
  {
    if (is_ok_) value_.~T();
  }
  constexpr ~Result()
    requires(std::is_trivially_destructible_v<T>)
  = default;

  constexpr bool is_ok() const { return is_ok_; }
  constexpr bool is_error(Errno error) const { return !is_ok_ && error_ == error; }
  constexpr Errno error() const {
    ASSERT(!is_ok_);
    return error_;
  }
  constexpr T take() {
    ASSERT(is_ok_);
    return std::move(value_);
  }

 private:
  bool is_ok_ = false;
  union {
    Errno error_;
    T value_;
  };
};

constexpr Result<> ok() { return Unit{}; }

}  // namespace lxnet

// A statement expression: gcc and clang only, which are the two compilers we build with.
#define TRY(expression)                                     \
  __extension__({                                           \
    auto try_result_ = (expression);                        \
    if (!try_result_.is_ok()) return try_result_.error();   \
    try_result_.take();                                     \
  })
