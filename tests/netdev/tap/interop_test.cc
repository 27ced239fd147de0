// lxnet's TCP and Linux's, over a TAP device in a network namespace of the test's own. Needs root; skipped without.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <random>
#include <system_error>
#include <thread>
#include <vector>

#include "hosts/threads/thread_host.hh"
#include "netdev/tap/tap.hh"

namespace lxnet {
namespace {

constexpr const char* kLxnet = "10.77.0.1";
constexpr const char* kLinux = "10.77.0.2";

sockaddr_in address_of(const char* text, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

// The two systems behind one interface: each call's result, or a negative errno.
class System {
 public:
  virtual ~System() = default;
  virtual int64_t call(long number, const std::vector<uint64_t>& arguments) = 0;
  virtual const char* own_address() const = 0;

  template <typename... Arguments>
  int64_t operator()(long number, Arguments... arguments) {
    return call(number, {to_word(arguments)...});
  }
  int connect_to(const char* text, uint16_t port) {
    const auto name = address_of(text, port);
    const int fd = static_cast<int>((*this)(SYS_socket, AF_INET, SOCK_STREAM, 0));
    const int64_t result = (*this)(SYS_connect, fd, &name, sizeof name);
    return result < 0 ? static_cast<int>(result) : fd;
  }
  int listen_at(uint16_t port) {
    const auto name = address_of(own_address(), port);
    const int fd = static_cast<int>((*this)(SYS_socket, AF_INET, SOCK_STREAM, 0)), on = 1;
    (*this)(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ((*this)(SYS_bind, fd, &name, sizeof name), 0);
    EXPECT_EQ((*this)(SYS_listen, fd, 128), 0);
    return fd;
  }
  int accept(int listener) { return static_cast<int>((*this)(SYS_accept4, listener, nullptr, nullptr, 0)); }
  int64_t send(int fd, const void* data, size_t size, int flags = 0) {
    return (*this)(SYS_sendto, fd, data, size, flags | MSG_NOSIGNAL, nullptr, 0);
  }
  int64_t receive(int fd, void* data, size_t size, int flags = 0) {
    return (*this)(SYS_recvfrom, fd, data, size, flags, nullptr, nullptr);
  }
  void close(int fd) { (*this)(SYS_close, fd); }

 private:
  template <typename T>
  static uint64_t to_word(T value) {
    if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>) {
      return reinterpret_cast<uint64_t>(static_cast<const void*>(value));
    } else {
      return static_cast<uint64_t>(static_cast<int64_t>(value));
    }
  }
};

class LinuxSystem final : public System {
 public:
  int64_t call(long number, const std::vector<uint64_t>& arguments) override {
    uint64_t words[6] = {};
    std::copy(arguments.begin(), arguments.end(), words);
    const long result = syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
    return result < 0 ? -errno : result;
  }
  const char* own_address() const override { return kLinux; }
};

class LxnetSystem final : public System {
 public:
  explicit LxnetSystem(threads::ThreadHost& host) : host_(host) {}
  int64_t call(long number, const std::vector<uint64_t>& arguments) override {
    uint64_t words[6] = {};
    std::copy(arguments.begin(), arguments.end(), words);
    return host_.system_call(number, words);
  }
  const char* own_address() const override { return kLxnet; }

 private:
  threads::ThreadHost& host_;
};

bool bring_up(const char* interface, const char* address) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  const auto set = [&](unsigned long what, const char* text) {
    const auto name = address_of(text, 0);
    memcpy(&request.ifr_addr, &name, sizeof name);
    return ioctl(fd, what, &request) == 0;
  };
  bool is_up = set(SIOCSIFADDR, address) && set(SIOCSIFNETMASK, "255.255.255.0");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  is_up = is_up && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  close(fd);
  return is_up;
}

// A seeded coin for each direction, tossed by whatever thread comes.
std::function<bool()> loss(double share, unsigned seed) {
  auto random = std::make_shared<std::atomic<uint64_t>>(seed * 0x9e3779b97f4a7c15u + 1);
  return [random, share] {
    uint64_t value = random->fetch_add(0x9e3779b97f4a7c15u);
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>(value >> 11) / 9007199254740992.0 < share;
  };
}

class Interop : public ::testing::Test {
 protected:
  // The whole test runs on a thread of its own, which is the one in the new namespace; so do the threads it starts.
  template <typename Body>
  void in_namespace(Body&& body, double loss_share = 0) {
    std::string why;
    std::thread thread([&] {
      if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        why = "needs root, to have a network namespace";
        return;
      }
      try {
        threads::ThreadHost host("interop");
        Tap tap(host.c_stack(), "tap0", "lxnet0");
        if (loss_share > 0) {
          tap.loses_sent = loss(loss_share, 1);
          tap.loses_received = loss(loss_share, 2);
        }
        ASSERT_EQ(lxnet_interface_set_up(host.c_stack(), "tap0", 1), 0);
        ASSERT_EQ(lxnet_address_add(host.c_stack(), "tap0", (std::string(kLxnet) + "/24").c_str()), 0);
        ASSERT_TRUE(bring_up("lxnet0", kLinux));
        LxnetSystem lxnet(host);
        LinuxSystem linux_system;
        body(lxnet, linux_system);
      } catch (const std::system_error& error) {
        why = error.what();
      }
    });
    thread.join();
    if (!why.empty()) GTEST_SKIP() << why;
  }
};

uint64_t hash_of(uint64_t hash, const uint8_t* bytes, size_t size) {
  for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}
constexpr uint64_t kEmptyHash = 0xcbf29ce484222325u;

uint64_t send_stream(System& system, int fd, size_t size, unsigned seed) {
  std::mt19937 random(seed);
  uint64_t hash = kEmptyHash;
  for (size_t left = size; left != 0;) {
    std::vector<uint8_t> piece(std::min<size_t>(left, 1 + random() % 40000));
    for (uint8_t& byte : piece) byte = static_cast<uint8_t>(random());
    hash = hash_of(hash, piece.data(), piece.size());
    for (size_t at = 0; at < piece.size();) {
      const int64_t sent = system.send(fd, piece.data() + at, piece.size() - at);
      EXPECT_GT(sent, 0);
      if (sent <= 0) return 0;
      at += static_cast<size_t>(sent);
    }
    left -= piece.size();
  }
  return hash;
}

uint64_t receive_stream(System& system, int fd) {
  std::vector<uint8_t> piece(65536);
  uint64_t hash = kEmptyHash;
  int64_t got = 0;
  while ((got = system.receive(fd, piece.data(), piece.size())) > 0) hash = hash_of(hash, piece.data(), static_cast<size_t>(got));
  EXPECT_EQ(got, 0);
  return hash;
}

// Both directions at once, each closed by its sender when it has sent all.
void exchange(System& client, System& server, size_t size) {
  const int listener = server.listen_at(7000);
  auto serving = std::async(std::launch::async, [&] {
    const int fd = server.accept(listener);
    EXPECT_GE(fd, 0);
    auto sending = std::async(std::launch::async, [&] {
      const uint64_t hash = send_stream(server, fd, size, 2);
      server(SYS_shutdown, fd, SHUT_WR);
      return hash;
    });
    const uint64_t received = receive_stream(server, fd);
    const uint64_t sent = sending.get();
    server.close(fd);
    return std::pair(sent, received);
  });
  const int fd = client.connect_to(server.own_address(), 7000);
  ASSERT_GE(fd, 0);
  auto sending = std::async(std::launch::async, [&] {
    const uint64_t hash = send_stream(client, fd, size, 1);
    client(SYS_shutdown, fd, SHUT_WR);
    return hash;
  });
  const uint64_t received = receive_stream(client, fd);
  const uint64_t sent = sending.get();
  const auto [server_sent, server_received] = serving.get();
  EXPECT_EQ(sent, server_received);
  EXPECT_EQ(server_sent, received);
  client.close(fd);
  server.close(listener);
}

TEST_F(Interop, StreamsBothWaysFromLxnetToLinux) {
  in_namespace([](System& lxnet, System& linux_system) { exchange(lxnet, linux_system, 8 << 20); });
}

TEST_F(Interop, StreamsBothWaysFromLinuxToLxnet) {
  in_namespace([](System& lxnet, System& linux_system) { exchange(linux_system, lxnet, 8 << 20); });
}

TEST_F(Interop, StreamsSurviveLossInBothDirections) {
  in_namespace([](System& lxnet, System& linux_system) { exchange(lxnet, linux_system, 1 << 20); }, 0.01);
}

TEST_F(Interop, ConnectionsComeAndGo) {
  in_namespace([](System& lxnet, System& linux_system) {
    for (System* server : {&linux_system, &lxnet}) {
      System& client = server == &lxnet ? linux_system : lxnet;
      const int listener = server->listen_at(7001);
      auto serving = std::async(std::launch::async, [&] {
        for (int i = 0; i < 300; ++i) {
          const int fd = server->accept(listener);
          char byte = 0;
          EXPECT_EQ(server->receive(fd, &byte, 1), 1);
          EXPECT_EQ(server->send(fd, &byte, 1), 1);
          server->close(fd);
        }
      });
      for (int i = 0; i < 300; ++i) {
        const int fd = client.connect_to(server->own_address(), 7001);
        ASSERT_GE(fd, 0);
        char byte = static_cast<char>(i), back = 0;
        EXPECT_EQ(client.send(fd, &byte, 1), 1);
        EXPECT_EQ(client.receive(fd, &back, 1), 1);
        EXPECT_EQ(back, byte);
        EXPECT_EQ(client.receive(fd, &back, 1), 0);
        client.close(fd);
      }
      serving.get();
      server->close(listener);
    }
  });
}

TEST_F(Interop, UrgentBytesArriveOutOfLine) {
  in_namespace([](System& lxnet, System& linux_system) {
    for (System* server : {&linux_system, &lxnet}) {
      System& client = server == &lxnet ? linux_system : lxnet;
      const int listener = server->listen_at(7002);
      const int fd = client.connect_to(server->own_address(), 7002);
      const int accepted = server->accept(listener);
      EXPECT_EQ(client.send(fd, "abc", 3), 3);
      EXPECT_EQ(client.send(fd, "!", 1, MSG_OOB), 1);
      pollfd wait = {.fd = accepted, .events = POLLPRI, .revents = 0};
      EXPECT_EQ((*server)(SYS_poll, &wait, 1, 5000), 1);
      char byte = 0, text[8] = {};
      EXPECT_EQ(server->receive(accepted, &byte, 1, MSG_OOB), 1);
      EXPECT_EQ(byte, '!');
      EXPECT_EQ(server->receive(accepted, text, sizeof text), 3);
      EXPECT_STREQ(text, "abc");
      client.close(fd);
      server->close(accepted);
      server->close(listener);
    }
  });
}

// The reader rests until the sender can send no more; the window closes and opens again.
TEST_F(Interop, AClosedWindowOpensAgain) {
  in_namespace([](System& lxnet, System& linux_system) {
    for (System* receiver : {&linux_system, &lxnet}) {
      System& sender = receiver == &lxnet ? linux_system : lxnet;
      const int listener = receiver->listen_at(7003);
      const int fd = sender.connect_to(receiver->own_address(), 7003);
      const int accepted = receiver->accept(listener);
      std::vector<uint8_t> piece(32768, 'z');
      uint64_t sent = 0;
      pollfd wait = {.fd = fd, .events = POLLOUT, .revents = 0};
      while (sender(SYS_poll, &wait, 1, 300) == 1) {
        const int64_t size = sender.send(fd, piece.data(), piece.size(), MSG_DONTWAIT);
        if (size > 0) sent += static_cast<uint64_t>(size);
      }
      sender(SYS_shutdown, fd, SHUT_WR);
      uint64_t received = 0;
      int64_t got = 0;
      while ((got = receiver->receive(accepted, piece.data(), piece.size())) > 0) received += static_cast<uint64_t>(got);
      EXPECT_EQ(got, 0);
      EXPECT_EQ(received, sent);
      sender.close(fd);
      receiver->close(accepted);
      receiver->close(listener);
    }
  });
}

}  // namespace
}  // namespace lxnet
