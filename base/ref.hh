// Ref<T> and RefCounted<T>: shared ownership with an intrusive count.
//
// An object is born with a count of one and its creator adopts it: `Ref<T>::adopt(object)`. When the last Ref goes,
// `T::destroy(T*)` is called, so an object decides itself where its memory returns to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "base/assert.hh"

namespace lxnet {

template <typename T>
class RefCounted {
 public:
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void ref() const { __atomic_fetch_add(&count_, 1u, __ATOMIC_RELAXED); }

  // True for the caller that took the count to zero and must destroy the object.
  [[nodiscard]] bool unref() const {
    if (__atomic_fetch_sub(&count_, 1u, __ATOMIC_RELEASE) != 1) return false;
    // A load and not a fence: ThreadSanitizer does not see fences.
    static_cast<void>(__atomic_load_n(&count_, __ATOMIC_ACQUIRE));
    return true;
  }

  // A reference for who found the object in a table that holds none; false when it is already dying.
  [[nodiscard]] bool ref_unless_zero() const {
    uint32_t count = __atomic_load_n(&count_, __ATOMIC_RELAXED);
    while (count != 0) {
      if (__atomic_compare_exchange_n(&count_, &count, count + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return true;
    }
    return false;
  }

  // A name that hides no free function in the classes that derive.
  uint32_t reference_count() const { return __atomic_load_n(&count_, __ATOMIC_ACQUIRE); }
  bool is_unique() const { return __atomic_load_n(&count_, __ATOMIC_ACQUIRE) == 1; }

 protected:
  RefCounted() = default;
  ~RefCounted() = default;
  // For an object that is recycled by its pool instead of constructed again.
  void reset_count() { __atomic_store_n(&count_, 1u, __ATOMIC_RELAXED); }

 private:
  mutable uint32_t count_ = 1;
};

template <typename U, typename T>
concept DerivedFrom = std::is_base_of_v<T, U> && !std::is_same_v<T, U>;

template <typename T>
class Ref {
 public:
  constexpr Ref() = default;
  constexpr Ref(std::nullptr_t) {}
  static Ref adopt(T* object) { return Ref(object); }
  static Ref share(T& object) {
    object.ref();
    return Ref(&object);
  }

  Ref(const Ref& other) : object_(other.object_) {
    if (object_ != nullptr) object_->ref();
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <DerivedFrom<T> U>
  Ref(Ref<U> other) : object_(other.leak()) {}
  Ref& operator=(Ref other) {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr && object_->unref()) T::destroy(object_);
  }

  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  T* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(const Ref& other) const { return object_ == other.object_; }

  // Hands the count to the caller, who adopts it again elsewhere (a queue's link, a C pointer).
  [[nodiscard]] T* leak() { return std::exchange(object_, nullptr); }

 private:
  constexpr explicit Ref(T* object) : object_(object) {}

  T* object_ = nullptr;
};

}  // namespace lxnet
