// A stack that serves AF_PACKET, with a process's descriptors, as the tests of this folder speak to it.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "hal/lxnet.h"
#include "tests/support/test_hal.hh"

namespace lxnet::testing {

class PacketMachine {
 public:
  explicit PacketMachine(uint64_t seed) : hal(seed), random_(seed) {
    lxnet_hal& table = hal.table();
    table.find_fd = [](void* ctx, int fd, int* error) -> lxnet_file* {
      auto& self = *static_cast<TestHal*>(ctx);
      const auto found = self.files.find(fd);
      if (found == self.files.end()) {
        *error = static_cast<int>(Errno::EBADF);
        return nullptr;
      }
      lxnet_file_ref(found->second);
      return found->second;
    };
    lxnet_config config{};
    config.struct_size = sizeof config;
    EXPECT_EQ(lxnet_stack_create(&table, &config, &stack_, nullptr), 0);
    EXPECT_EQ(lxnet_enable_afpacket(stack_), 0);
    EXPECT_EQ(lxnet_enable_afpacket(stack_), -static_cast<int>(Errno::EEXIST));
  }
  ~PacketMachine() {
    while (!hal.files.empty()) close(hal.files.begin()->first);
    lxnet_stack_destroy(stack_);
  }
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    const uint64_t registers[6] = {to_register(arguments)...};
    return lxnet_syscall(stack_, LXNET_ABI_X86_64, static_cast<uint32_t>(number), registers);
  }
  void close(int fd) {
    lxnet_file* file = hal.files.at(fd);
    hal.files.erase(fd);
    lxnet_file_unref(file);
  }
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }

  TestHal hal;

 private:
  template <typename T>
  static uint64_t to_register(T value) {
    if constexpr (std::is_pointer_v<T>) {
      return reinterpret_cast<uint64_t>(value);
    } else if constexpr (std::is_null_pointer_v<T>) {
      return 0;
    } else {
      return static_cast<uint64_t>(value);
    }
  }

  lxnet_stack* stack_ = nullptr;
  std::mt19937_64 random_;
};

}  // namespace lxnet::testing
