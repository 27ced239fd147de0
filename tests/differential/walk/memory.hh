// The memory a step's arguments lie in: filled anew for each step, and followed by a page that faults.
#pragma once

#include <cstddef>
#include <cstdint>

namespace walk {

class Memory {
 public:
  static constexpr uint8_t kUntouched = 0xa5;  // payload never holds it

  Memory();
  void reset();
  // Zeroed, aligned to eight.
  uint8_t* take(size_t size);
  // Filled with kUntouched.
  uint8_t* take_room(size_t size);
  // The last `size` bytes before the page that faults.
  uint8_t* take_last(size_t size);
  // How many bytes in front of the last one that was written, of `room`.
  static size_t touched(const uint8_t* bytes, size_t room);

 private:
  static constexpr size_t kSize = 1 << 20;
  uint8_t* base_;
  size_t used_ = 0;
};

}  // namespace walk
