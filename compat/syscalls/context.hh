// SyscallContext: one system call under way: who calls, in which ABI, inside which entry.
#pragma once

#include "compat/syscalls/user_memory.hh"
#include "hal/lxnet.h"
#include "stack/entry.hh"
#include "stack/stack.hh"

namespace lxnet {

enum class Abi : uint8_t { X86_64 = LXNET_ABI_X86_64, I386 = LXNET_ABI_I386, Generic = LXNET_ABI_GENERIC };

class SyscallContext {
 public:
  SyscallContext(Stack& stack, Abi abi) : entry_(stack), abi_(abi) {}

  Entry& entry() { return entry_; }
  Stack& stack() const { return entry_.stack(); }
  const Hal& hal() const { return stack().hal(); }
  Abi abi() const { return abi_; }
  // Pointers, longs and size_t of the caller are four bytes.
  bool is_32bit() const { return abi_ == Abi::I386; }
  // A signal waits for the call's end: it does not sleep any more.
  void note_interruption() { is_interrupted_ = true; }
  bool is_interrupted() const { return is_interrupted_; }
  // The first address that is not the caller's: what Linux's access_ok() refuses before it copies anything.
  uint64_t user_limit() const {
    switch (abi_) {
      case Abi::X86_64:
        return (uint64_t{1} << 47) - 4096;
      case Abi::I386:
        return uint64_t{1} << 32;
      case Abi::Generic:
        return uint64_t{1} << 52;
    }
    return 0;
  }
  bool is_user_range(UserAddress address, uint64_t size) const {
    return size <= user_limit() && address.value() <= user_limit() - size;
  }

 private:
  Entry entry_;
  Abi abi_;
  bool is_interrupted_ = false;
};

}  // namespace lxnet
