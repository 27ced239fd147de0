// A whole stack under several processors at once: every thread makes its own calls, in real time, with real locks.
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "hosts/threads/thread_host.hh"
#include "stack/stack.hh"

namespace lxnet::threads {
namespace {

constexpr int kThreads = 4;

sockaddr_in local_address(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class StackThreadsTest : public ::testing::Test {
 protected:
  int open(int type) { return static_cast<int>(host_.call(SYS_socket, AF_INET, type, 0)); }
  int open_bound(int type, uint16_t port) {
    const int fd = open(type);
    const sockaddr_in address = local_address(port);
    EXPECT_EQ(host_.call(SYS_bind, fd, &address, sizeof address), 0);
    return fd;
  }
  // A wait that never ends would hang the test: each ends with an error instead.
  void limit_waits(int fd) {
    const timeval timeout{.tv_sec = 20, .tv_usec = 0};
    EXPECT_EQ(host_.call(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    EXPECT_EQ(host_.call(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout), 0);
  }
  static void on_threads(const std::function<void(int)>& body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(body, i);
    for (std::thread& thread : threads) thread.join();
  }

  ThreadHost host_{"threads"};
};

TEST_F(StackThreadsTest, ManyClientsAskOneDatagramServer) {
  constexpr int kQuestions = 500;
  const int server = open_bound(SOCK_DGRAM, 7000);
  limit_waits(server);
  std::thread echo([&] {
    for (int i = 0; i < kThreads * kQuestions; ++i) {
      uint64_t data = 0;
      sockaddr_in from{};
      socklen_t length = sizeof from;
      ASSERT_EQ(host_.call(SYS_recvfrom, server, &data, sizeof data, 0, &from, &length), 8);
      ASSERT_EQ(host_.call(SYS_sendto, server, &data, sizeof data, 0, &from, length), 8);
    }
  });
  on_threads([&](int thread) {
    const int fd = open(SOCK_DGRAM);
    limit_waits(fd);
    const sockaddr_in to = local_address(7000);
    ASSERT_EQ(host_.call(SYS_connect, fd, &to, sizeof to), 0);
    for (int i = 0; i < kQuestions; ++i) {
      const uint64_t question = static_cast<uint64_t>(thread) << 32 | static_cast<uint64_t>(i);
      uint64_t answer = 0;
      ASSERT_EQ(host_.call(SYS_sendto, fd, &question, sizeof question, 0, nullptr, 0), 8);
      ASSERT_EQ(host_.call(SYS_recvfrom, fd, &answer, sizeof answer, 0, nullptr, nullptr), 8);
      ASSERT_EQ(answer, question);
    }
    EXPECT_EQ(host_.call(SYS_close, fd), 0);
  });
  echo.join();
  host_.call(SYS_close, server);
}

TEST_F(StackThreadsTest, SocketsComeAndGoWhilePacketsLookForThem) {
  std::atomic<bool> is_over = false;
  std::thread sender([&] {
    const int fd = open(SOCK_DGRAM);
    for (uint16_t i = 0; !is_over; ++i) {
      const sockaddr_in to = local_address(static_cast<uint16_t>(7100 + i % kThreads));
      // Refused while nobody is bound there: an ICMP error comes back and is reported by a later call.
      host_.call(SYS_sendto, fd, "x", 1, 0, &to, sizeof to);
    }
    host_.call(SYS_close, fd);
  });
  on_threads([&](int thread) {
    for (int i = 0; i < 300; ++i) {
      const int fd = open_bound(SOCK_DGRAM, static_cast<uint16_t>(7100 + thread));
      char data = 0;
      host_.call(SYS_recvfrom, fd, &data, 1, MSG_DONTWAIT, nullptr, nullptr);
      ASSERT_EQ(host_.call(SYS_close, fd), 0);
    }
  });
  is_over = true;
  sender.join();
}

// What holds a socket's filter is made with the first, by whichever thread comes first.
TEST_F(StackThreadsTest, FiltersComeAndGoWhilePacketsPass) {
  std::atomic<bool> is_over = false;
  std::atomic<int> fd = open_bound(SOCK_DGRAM, 7150);
  std::thread sender([&] {
    const int from = open(SOCK_DGRAM);
    const sockaddr_in to = local_address(7150);
    while (!is_over) host_.call(SYS_sendto, from, "x", 1, 0, &to, sizeof to);
    host_.call(SYS_close, from);
  });
  for (int round = 0; round < 50; ++round) {
    on_threads([&](int) {
      sock_filter keep_all = BPF_STMT(BPF_RET | BPF_K, ~0u);
      const sock_fprog program{.len = 1, .filter = &keep_all};
      for (int i = 0; i < 5; ++i) {
        char data = 0;
        ASSERT_EQ(host_.call(SYS_setsockopt, fd.load(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
        host_.call(SYS_recvfrom, fd.load(), &data, 1, MSG_DONTWAIT, nullptr, nullptr);
        const int none = 0;
        host_.call(SYS_setsockopt, fd.load(), SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
      }
    });
    ASSERT_EQ(host_.call(SYS_close, fd.load()), 0);
    fd = open_bound(SOCK_DGRAM, 7150);
  }
  is_over = true;
  sender.join();
  host_.call(SYS_close, fd.load());
}

TEST_F(StackThreadsTest, StreamsOfManyConnectionsArriveWhole) {
  constexpr int kRounds = 15;
  constexpr size_t kSize = 100'000;
  const int listener = open_bound(SOCK_STREAM, 7200);
  ASSERT_EQ(host_.call(SYS_listen, listener, 64), 0);
  limit_waits(listener);
  std::atomic<size_t> received = 0;
  std::vector<std::thread> servers;
  for (int i = 0; i < kThreads; ++i) {
    servers.emplace_back([&] {
      std::vector<uint8_t> data(8192);
      for (int round = 0; round < kRounds; ++round) {
        const int fd = static_cast<int>(host_.call(SYS_accept4, listener, nullptr, nullptr, 0));
        ASSERT_GE(fd, 0);
        limit_waits(fd);
        size_t position = 0;
        int64_t size = 0;
        while ((size = host_.call(SYS_recvfrom, fd, data.data(), data.size(), 0, nullptr, nullptr)) > 0) {
          for (int64_t k = 0; k < size; ++k) ASSERT_EQ(data[static_cast<size_t>(k)], static_cast<uint8_t>(position++ * 7));
        }
        EXPECT_EQ(size, 0);
        received += position;
        host_.call(SYS_close, fd);
      }
    });
  }
  on_threads([&](int) {
    std::vector<uint8_t> data(kSize);
    for (size_t k = 0; k < kSize; ++k) data[k] = static_cast<uint8_t>(k * 7);
    for (int round = 0; round < kRounds; ++round) {
      const int fd = open(SOCK_STREAM);
      limit_waits(fd);
      const sockaddr_in to = local_address(7200);
      ASSERT_EQ(host_.call(SYS_connect, fd, &to, sizeof to), 0);
      for (size_t sent = 0; sent < kSize;) {
        const int64_t size = host_.call(SYS_sendto, fd, data.data() + sent, kSize - sent, 0, nullptr, 0);
        ASSERT_GT(size, 0);
        sent += static_cast<size_t>(size);
      }
      ASSERT_EQ(host_.call(SYS_close, fd), 0);
    }
  });
  for (std::thread& server : servers) server.join();
  EXPECT_EQ(received, kThreads * kRounds * kSize);
  host_.call(SYS_close, listener);
}

// What a listener leaves behind goes to another of its group, which may be about to go itself.
TEST_F(StackThreadsTest, ListenersInheritFromEachOtherWhileTheyComeAndGo) {
  host_.stack().tunables().values().tcp_migrate_req = 1;
  std::atomic<bool> is_over = false;
  std::atomic<int> accepted = 0;
  const auto open_listener = [&] {
    const int fd = open(SOCK_STREAM | SOCK_NONBLOCK);
    const int on = 1;
    EXPECT_EQ(host_.call(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    const sockaddr_in address = local_address(7300);
    EXPECT_EQ(host_.call(SYS_bind, fd, &address, sizeof address), 0);
    EXPECT_EQ(host_.call(SYS_listen, fd, 64), 0);
    return fd;
  };
  const auto accept_all = [&](int listener) {
    int64_t fd = 0;
    while ((fd = host_.call(SYS_accept4, listener, nullptr, nullptr, 0)) >= 0) {
      ++accepted;
      host_.call(SYS_close, static_cast<int>(fd));
    }
  };
  // One stays, so that somebody always listens.
  const int lasting = open_listener();
  std::thread stays([&] {
    while (!is_over) accept_all(lasting);
  });
  std::thread clients([&] {
    for (int i = 0; i < 400; ++i) {
      const int fd = open(SOCK_STREAM);
      limit_waits(fd);
      const sockaddr_in to = local_address(7300);
      EXPECT_EQ(host_.call(SYS_connect, fd, &to, sizeof to), 0);
      host_.call(SYS_close, fd);
    }
    is_over = true;
  });
  on_threads([&](int) {
    while (!is_over) {
      const int listener = open_listener();
      if (accepted % 2 == 0) accept_all(listener);
      host_.call(SYS_close, listener);
    }
  });
  clients.join();
  stays.join();
  accept_all(lasting);
  EXPECT_EQ(accepted, 400);
  host_.call(SYS_close, lasting);
}

}  // namespace
}  // namespace lxnet::threads
