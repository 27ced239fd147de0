#include "tests/differential/walk/memory.hh"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

namespace walk {

Memory::Memory() {
  constexpr size_t kPage = 4096;
  void* mapped = mmap(nullptr, kSize + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) abort();
  base_ = static_cast<uint8_t*>(mapped);
  mprotect(base_ + kSize, kPage, PROT_NONE);
}

void Memory::reset() {
  memset(base_, 0, used_);
  used_ = 0;
}

uint8_t* Memory::take(size_t size) {
  uint8_t* bytes = base_ + used_;
  used_ += (size + 64 + 7) & ~size_t{7};
  if (used_ > kSize) abort();
  return bytes;
}

uint8_t* Memory::take_room(size_t size) {
  uint8_t* bytes = take(size);
  memset(bytes, kUntouched, size);
  return bytes;
}

uint8_t* Memory::take_last(size_t size) { return base_ + kSize - size; }

size_t Memory::touched(const uint8_t* bytes, size_t room) {
  while (room > 0 && bytes[room - 1] == kUntouched) --room;
  return room;
}

}  // namespace walk
