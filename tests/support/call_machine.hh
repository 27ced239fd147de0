// CallMachine: a stack on a TestHal with one process's descriptors, called as a program calls. What is not given back fails the
// test.
#pragma once

#include "hal/lxnet.h"
#include "hosts/call_register.hh"
#include "tests/support/test_hal.hh"

namespace lxnet::testing {

class CallMachine {
 public:
  explicit CallMachine(uint64_t seed = 1);
  ~CallMachine();
  CallMachine(const CallMachine&) = delete;
  CallMachine& operator=(const CallMachine&) = delete;

  // The result, or a negative errno. x86-64 numbers.
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    const uint64_t registers[6] = {to_register(arguments)...};
    return lxnet_syscall(stack_, LXNET_ABI_X86_64, static_cast<uint32_t>(number), registers);
  }
  void close(int fd);
  lxnet_stack* c_stack() const { return stack_; }

  TestHal hal;

 protected:
  // Makes the stack; hal.table() may be changed before.
  void start();

 private:
  lxnet_stack* stack_ = nullptr;
};

}  // namespace lxnet::testing
