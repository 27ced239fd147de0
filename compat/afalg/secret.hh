// Memory that held a secret is wiped before anybody else gets it, and tags are compared in one time whatever they hold.
#pragma once

#include "compat/afalg/algorithm.hh"
#include "hal/memory.hh"

namespace lxnet {

inline void wipe(void* memory, size_t size) {
  if (size != 0) memset(memory, 0, size);
  // The compiler must believe that somebody reads it.
  __asm__ __volatile__("" : : "r"(memory) : "memory");
}

template <typename T>
void wipe_object(T& object) {
  static_assert(std::is_trivially_copyable_v<T>);
  wipe(&object, sizeof object);
}

inline bool equal_in_constant_time(const uint8_t* one, const uint8_t* other, size_t size) {
  uint32_t difference = 0;
  for (size_t i = 0; i < size; ++i) difference |= static_cast<uint32_t>(one[i] ^ other[i]);
  return difference == 0;
}

// On the stack: wiped when it goes.
template <size_t kSize>
struct alignas(kAlgorithmAlign) SecretBytes {
  SecretBytes() = default;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { wipe(bytes, kSize); }
  operator uint8_t*() { return bytes; }
  ByteSpan first(size_t size) const { return {bytes, size}; }

  uint8_t bytes[kSize] = {};
};

// The same from the HAL: aligned for contexts and states, zeroed.
class SecretMemory {
 public:
  SecretMemory() = default;
  static Result<SecretMemory> create(const Hal& hal, size_t size) {
    void* block = hal.alloc(size == 0 ? 1 : size, kAlgorithmAlign);
    if (block == nullptr) return Errno::ENOMEM;
    memset(block, 0, size);
    return SecretMemory(hal, static_cast<uint8_t*>(block), size);
  }
  SecretMemory(SecretMemory&& other) noexcept
      : hal_(other.hal_), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SecretMemory& operator=(SecretMemory&& other) noexcept {
    std::swap(hal_, other.hal_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SecretMemory() {
    if (data_ == nullptr) return;
    wipe(data_, size_);
    hal_->free(data_, size_ == 0 ? 1 : size_);
  }

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  bool is_empty() const { return data_ == nullptr; }
  MutableByteSpan span() const { return {data_, size_}; }

 private:
  SecretMemory(const Hal& hal, uint8_t* data, size_t size) : hal_(&hal), data_(data), size_(size) {}

  const Hal* hal_ = nullptr;
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lxnet
