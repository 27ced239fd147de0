// Objects in the HAL's memory: construct() may fail and says so with nullptr; dispose() frees with the size that was asked for.
#pragma once

#include <new>
#include <utility>

#include "base/ref.hh"
#include "base/result.hh"
#include "hal/hal.hh"

namespace lxnet {

template <typename T, typename... Arguments>
T* construct(const Hal& hal, Arguments&&... arguments) {
  void* block = hal.alloc(sizeof(T), alignof(T));
  return block == nullptr ? nullptr : new (block) T(std::forward<Arguments>(arguments)...);
}

template <typename T>
void dispose(const Hal& hal, T* object) {
  object->~T();
  hal.free(object, sizeof(T));
}

// For shared objects, whose T::destroy() ends in dispose().
template <typename T, typename... Arguments>
Result<Ref<T>> make_ref(const Hal& hal, Arguments&&... arguments) {
  T* object = construct<T>(hal, std::forward<Arguments>(arguments)...);
  if (object == nullptr) return Errno::ENOMEM;
  return Ref<T>::adopt(object);
}

// Memory for one T, taken while failing still undoes nothing; freed again unless an object was made in it.
template <typename T>
class Reservation {
 public:
  static Result<Reservation> create(const Hal& hal) {
    void* block = hal.alloc(sizeof(T), alignof(T));
    if (block == nullptr) return Errno::ENOMEM;
    return Reservation(hal, block);
  }
  Reservation(Reservation&& other) noexcept : hal_(other.hal_), block_(other.take()) {}
  Reservation& operator=(Reservation&&) = delete;
  ~Reservation() {
    if (block_ != nullptr) hal_.free(block_, sizeof(T));
  }
  // To construct a T in, which dispose() frees.
  void* take() { return std::exchange(block_, nullptr); }

 private:
  Reservation(const Hal& hal, void* block) : hal_(hal), block_(block) {}

  const Hal& hal_;
  void* block_;
};

// An array of value-initialised T, freed when it goes. Empty until create() succeeded.
template <typename T>
class HeapArray {
 public:
  HeapArray() = default;
  static Result<HeapArray> create(const Hal& hal, size_t count) {
    size_t size = 0;
    if (__builtin_mul_overflow(count, sizeof(T), &size)) return Errno::ENOMEM;
    void* block = hal.alloc(size == 0 ? 1 : size, alignof(T));
    if (block == nullptr) return Errno::ENOMEM;
    T* items = static_cast<T*>(block);
    for (size_t i = 0; i < count; ++i) new (items + i) T();
    return HeapArray(&hal, items, count);
  }
  HeapArray(HeapArray&& other) noexcept
      : hal_(other.hal_), items_(std::exchange(other.items_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  HeapArray& operator=(HeapArray&& other) noexcept {
    std::swap(hal_, other.hal_);
    std::swap(items_, other.items_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~HeapArray() {
    if (items_ == nullptr) return;
    for (size_t i = 0; i < count_; ++i) items_[i].~T();
    hal_->free(items_, count_ == 0 ? 1 : count_ * sizeof(T));
  }

  T* data() const { return items_; }
  size_t size() const { return count_; }
  bool is_empty() const { return count_ == 0; }
  T& operator[](size_t index) const { return items_[index]; }
  T* begin() const { return items_; }
  T* end() const { return items_ + count_; }

 private:
  HeapArray(const Hal* hal, T* items, size_t count) : hal_(hal), items_(items), count_(count) {}

  const Hal* hal_ = nullptr;
  T* items_ = nullptr;
  size_t count_ = 0;
};

}  // namespace lxnet
