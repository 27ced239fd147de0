// What Linux's own tests cannot show on one machine: the limit of a user's watches, and the layouts of other processors.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>
#include <ctime>

#include "hosts/threads/thread_host.hh"

namespace lxnet::threads {
namespace {

int64_t error(Errno number) { return -static_cast<int64_t>(number); }

class EpollHostTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(lxnet_enable_epoll(host_.c_stack()), 0); }
  int create() { return static_cast<int>(host_.call(SYS_epoll_create1, 0)); }
  int open() { return static_cast<int>(host_.call(SYS_socket, AF_INET, SOCK_DGRAM, 0)); }
  int64_t control(int set, int operation, int fd, uint32_t events = EPOLLIN, uint64_t data = 0) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    return host_.call(SYS_epoll_ctl, set, operation, fd, &event);
  }
  template <typename... Arguments>
  int64_t call_as(int abi, uint32_t number, Arguments... arguments) {
    const uint64_t registers[6] = {static_cast<uint64_t>(arguments)...};
    return lxnet_syscall(host_.c_stack(), abi, number, registers);
  }

  ThreadHost host_{"epoll"};
};

TEST_F(EpollHostTest, AUserWatchesNoMoreThanTheLimitInAllSetsTogether) {
  ASSERT_EQ(lxnet_tunable_set(host_.c_stack(), "fs.epoll.max_user_watches", "3"), 0);
  const int first = create(), second = create();
  const int sockets[] = {open(), open()};
  EXPECT_EQ(control(first, EPOLL_CTL_ADD, sockets[0]), 0);
  EXPECT_EQ(control(first, EPOLL_CTL_ADD, sockets[1]), 0);
  EXPECT_EQ(control(second, EPOLL_CTL_ADD, sockets[0]), 0);
  EXPECT_EQ(control(second, EPOLL_CTL_ADD, sockets[1]), error(Errno::ENOSPC));
  // What is there already is said first, and changes need no room.
  EXPECT_EQ(control(first, EPOLL_CTL_ADD, sockets[0]), error(Errno::EEXIST));
  EXPECT_EQ(control(first, EPOLL_CTL_MOD, sockets[0], EPOLLOUT), 0);
  EXPECT_EQ(control(second, EPOLL_CTL_MOD, sockets[1]), error(Errno::ENOENT));
  // A cycle comes before it, and a set counts as anything.
  EXPECT_EQ(control(first, EPOLL_CTL_ADD, second), error(Errno::ENOSPC));
  EXPECT_EQ(control(first, EPOLL_CTL_DEL, sockets[1]), 0);
  EXPECT_EQ(control(first, EPOLL_CTL_ADD, second), 0);
  EXPECT_EQ(control(second, EPOLL_CTL_ADD, first), error(Errno::ELOOP));
  // The end of a socket and of a set give back what they held.
  host_.call(SYS_close, sockets[0]);
  EXPECT_EQ(control(first, EPOLL_CTL_ADD, sockets[1]), 0);
  host_.call(SYS_close, first);
  const int third = create(), more[] = {open(), open(), open(), open()};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(control(third, EPOLL_CTL_ADD, more[i]), 0) << i;
  EXPECT_EQ(control(third, EPOLL_CTL_ADD, more[3]), error(Errno::ENOSPC));
}

// Packed on x86 of both widths, with four bytes between elsewhere.
TEST_F(EpollHostTest, EventsStandAsTheProcessorsProgramsExpectThem) {
  const int set = create(), socket = open();
  ASSERT_EQ(control(set, EPOLL_CTL_ADD, socket, EPOLLOUT, 0x1122334455667788), 0);
  auto* low =
      static_cast<uint8_t*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
  ASSERT_NE(static_cast<void*>(low), MAP_FAILED);
  const auto address = reinterpret_cast<uint64_t>(low);
  struct Layout {
    int abi;
    uint32_t wait, control;
    size_t data_at, size;
  };
  constexpr Layout kLayouts[] = {
      {LXNET_ABI_X86_64, 281, 233, 4, 12}, {LXNET_ABI_I386, 319, 255, 4, 12}, {LXNET_ABI_GENERIC, 22, 21, 8, 16}};
  for (const Layout& layout : kLayouts) {
    std::memset(low, 0xee, 64);
    ASSERT_EQ(call_as(layout.abi, layout.wait, set, address, 1, 0, 0, 8), 1) << layout.abi;
    uint32_t events;
    uint64_t data;
    std::memcpy(&events, low, sizeof events);
    std::memcpy(&data, low + layout.data_at, sizeof data);
    EXPECT_EQ(events, EPOLLOUT);
    EXPECT_EQ(data, 0x1122334455667788u);
    EXPECT_EQ(low[layout.size], 0xee);
    // The same place changes the entry, and the largest array is as many of it as an int counts.
    ASSERT_EQ(call_as(layout.abi, layout.control, set, EPOLL_CTL_MOD, socket, address), 0);
    const auto most = static_cast<int>(INT32_MAX / layout.size);
    EXPECT_EQ(call_as(layout.abi, layout.wait, set, address, most + 1, 0, 0, 8), error(Errno::EINVAL));
  }
  ::munmap(low, 4096);
}

// What stands in the upper half of a 64-bit timespec's nanoseconds is padding to a 32-bit program.
TEST_F(EpollHostTest, A32BitProgramsPaddingIsNotRead) {
  const int set = create();
  auto* low =
      static_cast<uint64_t*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
  ASSERT_NE(static_cast<void*>(low), MAP_FAILED);
  low[0] = 0;
  low[1] = 0xdeadbeef00000001;
  const auto address = reinterpret_cast<uint64_t>(low);
  constexpr uint32_t kPwait2 = 441;
  EXPECT_EQ(call_as(LXNET_ABI_I386, kPwait2, set, address + 64, 1, address, 0, 8), 0);
  EXPECT_EQ(call_as(LXNET_ABI_X86_64, kPwait2, set, address + 64, 1, address, 0, 8), error(Errno::EINVAL));
  ::munmap(low, 4096);
}

}  // namespace
}  // namespace lxnet::threads
