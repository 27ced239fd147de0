// The calls of a 32-bit program, made by this one: what they point to lies below 4 GiB, and its structures are smaller.
#pragma once

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/filter/rules.hh"

namespace conformance {

class NarrowMemory {
 public:
  static constexpr size_t kSize = 1 << 16;
#if defined(__x86_64__)
  NarrowMemory()
      : bytes_(
            static_cast<char*>(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0))) {}
#else
  NarrowMemory()
      : bytes_(static_cast<char*>(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
#endif
  ~NarrowMemory() { ::munmap(bytes_, kSize); }
  NarrowMemory(const NarrowMemory&) = delete;
  NarrowMemory& operator=(const NarrowMemory&) = delete;
  char* bytes() { return bytes_; }
  unsigned address(size_t offset = 0) const { return static_cast<unsigned>(reinterpret_cast<uintptr_t>(bytes_ + offset)); }

 private:
  char* bytes_;
};

// 0 and above, or the negative errno.
inline long call32([[maybe_unused]] long number, [[maybe_unused]] long a, [[maybe_unused]] long b, [[maybe_unused]] long c,
                   [[maybe_unused]] long d, [[maybe_unused]] long e) {
#if defined(__x86_64__)
  int result;
  asm volatile("int $0x80"
               : "=a"(result)
               : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
               : "memory", "r8", "r9", "r10", "r11");
  return result;
#else
  return -ENOSYS;
#endif
}
// Whether there are such calls: a kernel may have been built, or be run by its hypervisor, without them, and ends who tries.
inline bool has_narrow() {
  static const bool has = [] {
    constexpr long kGetpid32 = 20;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(call32(kGetpid32, 0, 0, 0, 0, 0) == ::getpid() ? 0 : 1);
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }();
  return has;
}
inline long setsockopt32(int fd, int level, int name, unsigned value, unsigned size) {
  return call32(366, fd, level, name, static_cast<long>(value), static_cast<long>(size));
}
inline long getsockopt32(int fd, int level, int name, unsigned value, unsigned length) {
  return call32(365, fd, level, name, static_cast<long>(value), static_cast<long>(length));
}

}  // namespace conformance
