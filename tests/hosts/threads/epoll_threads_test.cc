// Sets under several processors at once: writers, waiters, and threads that add, change, remove and close what the others use.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "hosts/threads/thread_host.hh"

namespace lxnet::threads {
namespace {

class EpollThreadsTest : public ::testing::Test {
 protected:
  static constexpr int kSockets = 8;

  void SetUp() override {
    ASSERT_EQ(lxnet_enable_epoll(host_.c_stack()), 0);
    set_ = static_cast<int>(host_.call(SYS_epoll_create1, 0));
    outer_ = static_cast<int>(host_.call(SYS_epoll_create1, 0));
    ASSERT_EQ(control(outer_, EPOLL_CTL_ADD, set_, EPOLLIN, 0), 0);
    for (int i = 0; i < kSockets; ++i) {
      sockets_[i] = open();
      sockaddr_in name{};
      socklen_t size = sizeof name;
      ASSERT_EQ(host_.call(SYS_getsockname, sockets_[i], &name, &size), 0);
      names_[i] = name;
    }
  }
  int open() {
    const int fd = static_cast<int>(host_.call(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(host_.call(SYS_bind, fd, &address, sizeof address), 0);
    return fd;
  }
  int64_t control(int set, int operation, int fd, uint32_t events, uint64_t data) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    return host_.call(SYS_epoll_ctl, set, operation, fd, &event);
  }
  // Everything that is queued on the socket, counted.
  int drain(int fd) {
    int count = 0;
    char byte;
    while (host_.call(SYS_recvfrom, fd, &byte, 1, 0, nullptr, nullptr) == 1) ++count;
    return count;
  }
  void send(int from, int to) { ASSERT_EQ(host_.call(SYS_sendto, from, "x", 1, 0, &names_[to], sizeof names_[to]), 1); }

  ThreadHost host_{"epoll"};
  int set_ = -1, outer_ = -1;
  int sockets_[kSockets];
  sockaddr_in names_[kSockets];
};

// A lost wake-up leaves a datagram that nobody comes for, and the waiters time out.
TEST_F(EpollThreadsTest, NoWakeUpIsLostWhileEntriesComeAndGo) {
  constexpr int kWriters = 2, kWaiters = 3, kRounds = 1500;
  constexpr uint32_t kTriggers[] = {0, EPOLLET, EPOLLONESHOT, EPOLLET};
  for (int i = 0; i < kSockets; ++i) {
    ASSERT_EQ(control(set_, EPOLL_CTL_ADD, sockets_[i], EPOLLIN | kTriggers[i % 4], static_cast<uint64_t>(i)), 0);
  }
  std::atomic<int> sent = 0, received = 0, running_writers = kWriters;
  std::atomic<bool> is_over = false;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      std::mt19937 random(static_cast<unsigned>(writer));
      const int from = open();
      for (int i = 0; i < kRounds; ++i) {
        while (sent - received > 40) std::this_thread::yield();
        ++sent;
        send(from, static_cast<int>(random() % kSockets));
      }
      host_.call(SYS_close, from);
      --running_writers;
    });
  }
  for (int waiter = 0; waiter < kWaiters; ++waiter) {
    threads.emplace_back([&, waiter] {
      while (!is_over) {
        epoll_event events[3];
        // The last one waits for the set that watches the set.
        if (waiter == kWaiters - 1) {
          ASSERT_EQ(host_.call(SYS_epoll_wait, outer_, events, 1, 20'000), 1) << received << " of " << sent;
        }
        const int64_t count = host_.call(SYS_epoll_wait, set_, events, 3, waiter == kWaiters - 1 ? 0 : 20'000);
        ASSERT_TRUE(count > 0 || waiter == kWaiters - 1) << received << " of " << sent;
        for (int64_t i = 0; i < count; ++i) {
          const auto socket = static_cast<int>(events[i].data.u64);
          if (socket >= kSockets) continue;
          received += drain(sockets_[socket]);
          if (kTriggers[socket % 4] == EPOLLONESHOT) {
            ASSERT_EQ(control(set_, EPOLL_CTL_MOD, sockets_[socket], EPOLLIN | EPOLLONESHOT, static_cast<uint64_t>(socket)), 0);
          }
        }
      }
    });
  }
  threads.emplace_back([&] {
    // Sockets of its own in the same set, closed while they are ready; and sets that come and go around it.
    std::mt19937 random(7);
    while (running_writers != 0) {
      const int own = open();
      ASSERT_EQ(control(set_, EPOLL_CTL_ADD, own, EPOLLOUT | EPOLLET, 100), 0);
      const int around = static_cast<int>(host_.call(SYS_epoll_create1, 0));
      ASSERT_EQ(control(around, EPOLL_CTL_ADD, set_, EPOLLIN, 0), 0);
      ASSERT_EQ(control(around, EPOLL_CTL_ADD, own, EPOLLOUT, 0), 0);
      if (random() % 2 == 0) {
        ASSERT_EQ(control(set_, EPOLL_CTL_DEL, own, 0, 0), 0);
      }
      const bool is_own_first = random() % 2 == 0;
      host_.call(SYS_close, is_own_first ? own : around);
      host_.call(SYS_close, is_own_first ? around : own);
    }
    while (received != sent) std::this_thread::yield();
    is_over = true;
    // What stays ready wakes them all.
    const int end = open();
    ASSERT_EQ(control(set_, EPOLL_CTL_ADD, end, EPOLLOUT, 100), 0);
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(received, kWriters * kRounds);
}

}  // namespace
}  // namespace lxnet::threads
