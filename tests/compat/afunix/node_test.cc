// SIOCUNIXFILE on a host that opens the nodes it makes: the node is the socket's, and its connections', as long as one of them
// lives.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "hal/lxnet.h"
#include "tests/support/test_hal.hh"

namespace lxnet::testing {
namespace {

constexpr uint32_t kOpenNode = 0x89e0;
constexpr int kInstalled = 77;
int node_holders = 0;
char node_of_host;

class UnixNodeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_holders = 0;
    lxnet_hal& table = hal_.table();
    table.find_fd = [](void* ctx, int fd, int* error) -> lxnet_file* {
      auto& self = *static_cast<TestHal*>(ctx);
      const auto found = self.files.find(fd);
      *error = static_cast<int>(Errno::EBADF);
      if (found == self.files.end()) return nullptr;
      lxnet_file_ref(found->second);
      return found->second;
    };
    table.path_create_socket = [](void*, const char*, uint64_t node[2]) {
      node[0] = node[1] = 5;
      return 0;
    };
    table.path_find_socket = table.path_create_socket;
    table.path_file = [](void*, const char* path) {
      EXPECT_STREQ(path, "/node");
      ++node_holders;
      return reinterpret_cast<lxnet_foreign_file*>(&node_of_host);
    };
    table.foreign_ref = [](void*, lxnet_foreign_file*) { ++node_holders; };
    table.foreign_unref = [](void*, lxnet_foreign_file*) { --node_holders; };
    table.foreign_install_fd = [](void*, lxnet_foreign_file* file, uint32_t flags) {
      EXPECT_EQ(reinterpret_cast<char*>(file), &node_of_host);
      EXPECT_EQ(flags, 02000000u);  // O_CLOEXEC
      return kInstalled;
    };
    lxnet_config config{};
    config.struct_size = sizeof config;
    ASSERT_EQ(lxnet_stack_create(&table, &config, &stack_, nullptr), 0);
    ASSERT_EQ(lxnet_enable_afunix(stack_), 0);
  }
  void TearDown() override {
    while (!hal_.files.empty()) close(hal_.files.begin()->first);
    lxnet_stack_destroy(stack_);
    if (first_ != nullptr) lxnet_stack_destroy(first_);
    EXPECT_EQ(node_holders, 0);
  }
  int64_t call(long number, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0) {
    const uint64_t registers[6] = {a, b, c};
    return lxnet_syscall(stack_, LXNET_ABI_X86_64, static_cast<uint32_t>(number), registers);
  }
  uint64_t socket() { return static_cast<uint64_t>(call(SYS_socket, AF_UNIX, SOCK_STREAM, 0)); }
  void close(int fd) {
    lxnet_file* file = hal_.files.at(fd);
    hal_.files.erase(fd);
    lxnet_file_unref(file);
  }

  // In the place of the first, on the HAL as it is now.
  void make_another_stack() {
    lxnet_config config{};
    config.struct_size = sizeof config;
    ASSERT_EQ(lxnet_stack_create(&hal_.table(), &config, &first_, nullptr), 0);
    std::swap(first_, stack_);
    ASSERT_EQ(lxnet_enable_afunix(stack_), 0);
  }

  TestHal hal_;
  lxnet_stack* stack_ = nullptr;
  lxnet_stack* first_ = nullptr;
  const sockaddr_un name_{AF_UNIX, "/node"};
  const uint64_t address_ = reinterpret_cast<uint64_t>(&name_);
};

TEST_F(UnixNodeTest, IsOpenedWhileSomebodyHasTheName) {
  const uint64_t listener = socket(), client = socket();
  EXPECT_EQ(call(SYS_ioctl, listener, kOpenNode), -static_cast<int64_t>(Errno::ENOENT));
  ASSERT_EQ(call(SYS_bind, listener, address_, 8), 0);
  EXPECT_EQ(node_holders, 1);
  EXPECT_EQ(call(SYS_ioctl, listener, kOpenNode), kInstalled);
  ASSERT_EQ(call(SYS_listen, listener, 1), 0);
  ASSERT_EQ(call(SYS_connect, client, address_, 8), 0);
  const int64_t accepted = call(SYS_accept, listener);
  ASSERT_GE(accepted, 0);
  close(static_cast<int>(listener));
  EXPECT_EQ(call(SYS_ioctl, static_cast<uint64_t>(accepted), kOpenNode), kInstalled);
  EXPECT_EQ(call(SYS_ioctl, client, kOpenNode), -static_cast<int64_t>(Errno::ENOENT));
  // A second name is refused, and its node let go.
  EXPECT_EQ(call(SYS_bind, static_cast<uint64_t>(accepted), address_, 8), -static_cast<int64_t>(Errno::EINVAL));
  EXPECT_EQ(node_holders, 1);
}

TEST_F(UnixNodeTest, IsLeftToAHostThatOpensNone) {
  hal_.table().path_file = nullptr;
  make_another_stack();
  const uint64_t named = socket();
  ASSERT_EQ(call(SYS_bind, named, address_, 8), 0);
  EXPECT_EQ(call(SYS_ioctl, named, kOpenNode), -static_cast<int64_t>(Errno::ENOSYS));
}

// Without a file system paths are refused, and all else is served.
TEST_F(UnixNodeTest, AHostWithoutPathsServesTheOtherNames) {
  hal_.table().path_create_socket = nullptr;
  hal_.table().path_find_socket = nullptr;
  make_another_stack();
  const uint64_t listener = socket(), client = socket();
  EXPECT_EQ(call(SYS_bind, listener, address_, 8), -static_cast<int64_t>(Errno::EOPNOTSUPP));
  EXPECT_EQ(call(SYS_connect, client, address_, 8), -static_cast<int64_t>(Errno::EOPNOTSUPP));
  const sockaddr_un abstract{AF_UNIX, {0, 'x'}};
  const auto name = reinterpret_cast<uint64_t>(&abstract);
  ASSERT_EQ(call(SYS_bind, listener, name, 4), 0);
  ASSERT_EQ(call(SYS_listen, listener, 1), 0);
  ASSERT_EQ(call(SYS_connect, client, name, 4), 0);
  EXPECT_GE(call(SYS_accept, listener), 0);
}

}  // namespace
}  // namespace lxnet::testing
