// SoloHost: a stack on a machine of one processor, as a unikernel or a small kernel is: no locks, one task, and an alarm that is
// looked at between calls. What peers without locks (lwIP's NO_SYS) are compared with.
#pragma once

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

  static SoloHost& of(void* ctx) { return *static_cast<SoloHost*>(static_cast<ThreadHal*>(ctx)); }
  lxnet_hal table_of_one();
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
  std::vector<lxnet_file*> files_;
  std::vector<int> free_;
};

}  // namespace lxnet::bench
