// A small value that several tasks read and write with no lock and no order: a hint or a statistic, right at some moment.
#pragma once

namespace lxnet {

template <typename T>
class Relaxed {
 public:
  constexpr Relaxed(T value) : value_(value) {}
  Relaxed(const Relaxed& other) : value_(other.load()) {}
  Relaxed& operator=(const Relaxed& other) {
    store(other.load());
    return *this;
  }
  Relaxed& operator=(T value) {
    store(value);
    return *this;
  }
  operator T() const { return load(); }

  T load() const { return __atomic_load_n(&value_, __ATOMIC_RELAXED); }
  void store(T value) { __atomic_store_n(&value_, value, __ATOMIC_RELAXED); }

 private:
  T value_;
};

}  // namespace lxnet
