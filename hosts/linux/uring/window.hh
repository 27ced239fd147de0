// Memory of the supervisor that the core reads and writes as if it were the program's: what Linux copies of an entry when it
// takes it in (headers of messages, addresses, buffers' places) must be there when the request goes on later.
//
// It stands at addresses below 64 KiB, where no program has anything (vm.mmap_min_addr).
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace lxnet::host::uring {

class Window {
 public:
  static constexpr uint64_t kBase = 0x8000, kRoom = 0x7000;

  bool has(uint64_t address, size_t size) const {
    return address >= kBase && size <= bytes_.size() && address - kBase <= bytes_.size() - size;
  }
  // Its bytes, which has() must have found there.
  uint8_t* at(uint64_t address) { return bytes_.data() + (address - kBase); }

  // The address under which the core finds a copy of `data`; 0 when there is no room.
  uint64_t put(const void* data, size_t size) {
    const size_t place = (bytes_.size() + 7) & ~size_t{7};
    if (place + size > kRoom) return 0;
    bytes_.resize(place + size);
    if (size != 0) std::memcpy(bytes_.data() + place, data, size);
    return kBase + place;
  }
  template <typename T>
  uint64_t put_value(const T& value) {
    return put(&value, sizeof value);
  }
  template <typename T>
  T get(uint64_t address) {
    T value;
    std::memcpy(&value, at(address), sizeof value);
    return value;
  }
  template <typename T>
  void set(uint64_t address, const T& value) {
    std::memcpy(at(address), &value, sizeof value);
  }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace lxnet::host::uring
