// SoloHost: a stack on a machine of one processor, as a unikernel or a small kernel is: no locks, one task, memory that is there
// before it is needed, and an alarm that is looked at between calls. What peers without locks (lwIP's NO_SYS) are compared with.
#pragma once

#include <array>
#include <bit>
#include <string>
#include <vector>

#include "hal/lxnet.h"
#include "hosts/call_register.hh"
#include "hosts/threads/thread_hal.hh"

namespace lxnet::bench {

// Large blocks lie in huge pages, as a kernel's own memory does: a host that is compared with Linux must not pay for walks
// through page tables that Linux is spared. For free().
inline constexpr size_t kHugePage = size_t{2} << 20;
void* allocate_huge(size_t size);

class SoloHost : private threads::ThreadHal {
 public:
  explicit SoloHost(const std::string& name);
  ~SoloHost();

  lxnet_stack* c_stack() const { return stack_; }
  using ThreadHal::live_bytes;

  // The result, or a negative errno. x86-64 numbers; close is answered here.
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    const uint64_t registers[6] = {to_register(arguments)...};
    return system_call(number, registers);
  }

 private:
  static constexpr uint32_t kCallsBetweenLooks = 64;
  // As from a kernel's slabs: blocks are cut from huge pages, and once freed wait in a list of their size, whose links they hold
  // themselves. With malloc() each new page would cost a fault, and each use a walk through page tables, which no kernel's own
  // memory does. Sizes grow by kSlabStep at first, then double.
  static constexpr size_t kSlabStep = 64, kFineSlabs = 64, kSlabs = kFineSlabs + 8;
  static constexpr size_t size_of_slab(size_t slab) {
    return slab <= kFineSlabs ? slab * kSlabStep : kFineSlabs * kSlabStep << (slab - kFineSlabs);
  }
  static constexpr size_t slab_of(size_t size) {
    constexpr size_t kFine = kFineSlabs * kSlabStep;
    return size <= kFine ? (size + kSlabStep - 1) / kSlabStep
                         : kFineSlabs + static_cast<size_t>(std::bit_width((size - 1) / kFine));
  }
  struct FreeBlock {
    FreeBlock* next;
  };

  static SoloHost& of(void* ctx) { return *static_cast<SoloHost*>(static_cast<ThreadHal*>(ctx)); }
  lxnet_hal table_of_one();
  void* allocate(size_t size, size_t align);
  void release(void* block, size_t size);
  int64_t system_call(long number, const uint64_t arguments[6]);
  void look_at_alarm();
  int park(int64_t deadline);
  int install(lxnet_file* file);
  lxnet_file* look(int fd) const;
  lxnet_file* find(int fd) const;
  lxnet_file* take(int fd);

  lxnet_stack* stack_ = nullptr;
  int64_t alarm_ = INT64_MAX;
  uint32_t calls_ = 0;
  std::array<FreeBlock*, kSlabs + 1> slabs_{};
  std::vector<char*> slab_pages_;
  size_t slab_used_ = kHugePage;  // of the last of them
  std::vector<lxnet_file*> files_;
  std::vector<int> free_;
};

}  // namespace lxnet::bench
