// A host that lends its files for the time of a call: nothing is counted, and nothing is missing afterwards.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "compat/syscalls/file.hh"
#include "tests/support/call_machine.hh"

namespace lxnet::testing {
namespace {

class LendingMachine : public CallMachine {
 public:
  LendingMachine() {
    hal.table().lend_fd = [](void* ctx, int fd, int* error) -> lxnet_file* {
      const auto& files = static_cast<TestHal*>(ctx)->files;
      const auto found = files.find(fd);
      if (found != files.end()) return found->second;
      *error = static_cast<int>(Errno::EBADF);
      return nullptr;
    };
    hal.table().find_fd = [](void*, int, int*) -> lxnet_file* {
      ADD_FAILURE() << "a call on a socket counted it";
      return nullptr;
    };
    start();
  }
  uint32_t counts_of(int fd) { return File::from_c(hal.files.at(fd))->reference_count(); }
};

TEST(LentDescriptorTest, CallsLeaveTheCountAsItWas) {
  LendingMachine machine;
  const int fd = static_cast<int>(machine.call(SYS_socket, AF_INET, SOCK_DGRAM, 0));
  ASSERT_GE(fd, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(machine.call(SYS_bind, fd, &name, size), 0);
  ASSERT_EQ(machine.call(SYS_getsockname, fd, &name, &size), 0);
  ASSERT_EQ(machine.call(SYS_connect, fd, &name, size), 0);
  char buffer[8] = {};
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(machine.call(SYS_sendto, fd, "hello", size_t{5}, 0, nullptr, 0), 5);
    ASSERT_EQ(machine.call(SYS_recvfrom, fd, buffer, sizeof buffer, 0, nullptr, nullptr), 5);
  }
  // Failing calls too.
  EXPECT_EQ(machine.call(SYS_shutdown, fd, 9), -static_cast<int64_t>(Errno::EINVAL));
  EXPECT_EQ(machine.call(SYS_recvfrom, fd, buffer, sizeof buffer, MSG_DONTWAIT, nullptr, nullptr),
            -static_cast<int64_t>(Errno::EAGAIN));
  EXPECT_EQ(machine.counts_of(fd), 1u);
}

TEST(LentDescriptorTest, ANumberThatIsNotOpenIsSaidSo) {
  LendingMachine machine;
  EXPECT_EQ(machine.call(SYS_shutdown, 77, SHUT_RD), -static_cast<int64_t>(Errno::EBADF));
}

}  // namespace
}  // namespace lxnet::testing
