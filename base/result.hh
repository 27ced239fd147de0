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
class Result;

template <typename U, typename T>
concept ConvertsToValue = !std::is_same_v<U, Errno> && !std::is_same_v<U, T> && !std::is_same_v<U, Result<T>> &&
                          std::is_convertible_v<U&&, T> && (std::is_pointer_v<T> || std::is_class_v<T>);

namespace internal {

// The storage alone, in two kinds: where T's destructor does nothing a Result travels in registers. (clang 14 does not know
// destructors with a requires-clause.)
template <typename T>
inline constexpr bool kIsTrivial = std::is_trivially_destructible_v<T>&& std::is_trivially_copyable_v<T>;

template <typename T, bool = kIsTrivial<T>>
struct ResultStorage {
  constexpr explicit ResultStorage(Errno error) : error_(error) {}
  constexpr explicit ResultStorage(T&& value) : is_ok_(true), value_(std::move(value)) {}
  ResultStorage(ResultStorage&& other) : is_ok_(other.is_ok_) {
    if (is_ok_) {
      ::new (static_cast<void*>(&value_)) T(std::move(other.value_));
    } else {
      error_ = other.error_;
    }
  }
  constexpr ~ResultStorage() {
    if (is_ok_) value_.~T();
  }

  bool is_ok_ = false;
  union {
    Errno error_;
    T value_;
  };
};

template <typename T>
struct ResultStorage<T, true> {
  constexpr explicit ResultStorage(Errno error) : error_(error) {}
  constexpr explicit ResultStorage(T&& value) : is_ok_(true), value_(value) {}

  bool is_ok_ = false;
  union {
    Errno error_;
    T value_;
  };
};

}  // namespace internal

template <typename T>
class [[nodiscard]] Result : private internal::ResultStorage<T> {
  using Storage = internal::ResultStorage<T>;

 public:
  static_assert(!std::is_reference_v<T>, "return a pointer or Ref<T>, not a reference");

  constexpr Result(Errno error) : Storage(error) {}
  constexpr Result(T value) : Storage(std::move(value)) {}
  // What converts to T without being one, so that a Ref to a derived object or a pointer to one returns as it should.
  template <ConvertsToValue<T> U>
  constexpr Result(U value) : Storage(T(std::move(value))) {}
  Result(Result&&) = default;
  Result& operator=(Result&&) = delete;

  constexpr bool is_ok() const { return Storage::is_ok_; }
  constexpr bool is_error(Errno error) const { return !is_ok() && Storage::error_ == error; }
  // Inlined always: g++ 12 would share one between types of different sizes, then warn that the smaller is outgrown.
  [[gnu::always_inline]] constexpr Errno error() const {
    ASSERT(!is_ok());
    return Storage::error_;
  }
  constexpr T take() {
    ASSERT(is_ok());
    return std::move(Storage::value_);
  }
};

constexpr Result<> ok() { return Unit{}; }

}  // namespace lxnet

// A statement expression: gcc and clang only, which are the two compilers we build with.
#define TRY(expression)                                   \
  __extension__({                                         \
    auto try_result_ = (expression);                      \
    if (!try_result_.is_ok()) return try_result_.error(); \
    try_result_.take();                                   \
  })
