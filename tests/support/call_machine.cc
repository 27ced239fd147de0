#include "tests/support/call_machine.hh"

#include <gtest/gtest.h>

namespace lxnet::testing {
namespace {

TestHal& hal_of(void* ctx) { return *static_cast<TestHal*>(ctx); }

void close_in(TestHal& hal, int fd) {
  lxnet_file* file = hal.files.at(fd);
  hal.files.erase(fd);
  lxnet_file_unref(file);
}

}  // namespace

CallMachine::CallMachine(uint64_t seed) : hal(seed) {
  lxnet_hal& table = hal.table();
  table.find_fd = [](void* ctx, int fd, int* error) -> lxnet_file* {
    const auto found = hal_of(ctx).files.find(fd);
    if (found == hal_of(ctx).files.end()) {
      *error = static_cast<int>(Errno::EBADF);
      return nullptr;
    }
    lxnet_file_ref(found->second);
    return found->second;
  };
  table.release_fd = [](void* ctx, int fd) { close_in(hal_of(ctx), fd); };
}

CallMachine::~CallMachine() {
  while (!hal.files.empty()) close(hal.files.begin()->first);
  if (stack_ != nullptr) lxnet_stack_destroy(stack_);
}

void CallMachine::start() {
  lxnet_config config{};
  config.struct_size = sizeof config;
  EXPECT_EQ(lxnet_stack_create(&hal.table(), &config, &stack_, nullptr), 0);
}

void CallMachine::close(int fd) { close_in(hal, fd); }

}  // namespace lxnet::testing
