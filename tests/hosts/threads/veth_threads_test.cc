// A veth pair between two stacks, with a processor or two in each; meant for ThreadSanitizer.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <thread>
#include <vector>

#include "hosts/threads/thread_host.hh"
#include "stack/stack.hh"
#include "stack/virtual_link.hh"

namespace lxnet::threads {
namespace {

class VethThreadsTest : public ::testing::Test {
 protected:
  VethThreadsTest() {
    join();
    set_up(here_, "left", Ipv4Address(10, 0, 0, 1));
    set_up(there_, "right", Ipv4Address(10, 0, 0, 2));
  }
  void join(const char* left = "left", const char* right = "right") {
    Entry entry(here_.stack());
    const LinkSetup nothing{.run = [](void*, Entry&, Interface&) { return ok(); }, .context = nullptr};
    EXPECT_TRUE(add_veth_pair(entry, {.stack = here_.stack(), .name = left, .address = random_mac(here_.stack().hal())},
                              {.stack = there_.stack(), .name = right, .address = random_mac(here_.stack().hal())}, nothing)
                    .is_ok());
  }
  static void set_up(ThreadHost& host, const char* name, Ipv4Address own) {
    Entry entry(host.stack());
    InterfaceRegistry& registry = host.stack().interfaces();
    const Ref<Interface> interface = registry.find(name);
    EXPECT_TRUE(registry.set_state(entry, *interface, LinkState::Up).is_ok());
    EXPECT_TRUE(registry.add_address(entry, *interface, {.address = own, .peer = own, .prefix_length = 24}).is_ok());
  }
  static sockaddr_in address(uint32_t host, uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(host);
    address.sin_port = htons(port);
    return address;
  }
  static int open(ThreadHost& host) {
    const int fd = static_cast<int>(host.call(SYS_socket, AF_INET, SOCK_STREAM, 0));
    const timeval limit{.tv_sec = 30, .tv_usec = 0};
    for (int option : {SO_RCVTIMEO, SO_SNDTIMEO}) host.call(SYS_setsockopt, fd, SOL_SOCKET, option, &limit, sizeof limit);
    return fd;
  }

  ThreadHost here_{"here"}, there_{"there"};
};

TEST_F(VethThreadsTest, StreamsCrossBothWaysWhileOtherPairsComeAndGo) {
  constexpr size_t kSize = 1 << 20;
  const int listener = open(there_);
  const sockaddr_in server = address(0x0a000002, 7000);
  ASSERT_EQ(there_.call(SYS_bind, listener, &server, sizeof server), 0);
  ASSERT_EQ(there_.call(SYS_listen, listener, 4), 0);
  std::thread echo([&] {
    const int fd = static_cast<int>(there_.call(SYS_accept4, listener, nullptr, nullptr, 0));
    ASSERT_GE(fd, 0);
    std::vector<uint8_t> data(30'000);
    int64_t size = 0;
    while ((size = there_.call(SYS_recvfrom, fd, data.data(), data.size(), 0, nullptr, nullptr)) > 0) {
      ASSERT_EQ(there_.call(SYS_sendto, fd, data.data(), size, 0, nullptr, 0), size);
    }
    there_.call(SYS_close, fd);
  });
  std::thread changer([&] {
    for (int i = 0; i < 30; ++i) {
      join("second", "other");
      set_up(i % 2 == 0 ? here_ : there_, i % 2 == 0 ? "second" : "other", Ipv4Address(10, 1, 0, 1));
      ThreadHost& from = i % 3 == 0 ? here_ : there_;
      Entry entry(from.stack());
      remove_link(entry, *from.stack().interfaces().find(i % 3 == 0 ? "second" : "other"));
    }
  });
  const int fd = open(here_);
  ASSERT_EQ(here_.call(SYS_connect, fd, &server, sizeof server), 0);
  std::thread writer([&] {
    std::vector<uint8_t> data(kSize);
    for (size_t i = 0; i < kSize; ++i) data[i] = static_cast<uint8_t>(i * 7);
    for (size_t sent = 0; sent < kSize;) {
      const int64_t size = here_.call(SYS_sendto, fd, data.data() + sent, kSize - sent, 0, nullptr, 0);
      ASSERT_GT(size, 0);
      sent += static_cast<size_t>(size);
    }
    here_.call(SYS_shutdown, fd, SHUT_WR);
  });
  std::vector<uint8_t> data(30'000);
  size_t received = 0;
  int64_t size = 0;
  while ((size = here_.call(SYS_recvfrom, fd, data.data(), data.size(), 0, nullptr, nullptr)) > 0) {
    for (int64_t k = 0; k < size; ++k) ASSERT_EQ(data[static_cast<size_t>(k)], static_cast<uint8_t>(received++ * 7));
  }
  EXPECT_EQ(size, 0);
  EXPECT_EQ(received, kSize);
  for (std::thread* thread : {&echo, &changer, &writer}) thread->join();
  here_.call(SYS_close, fd);
  there_.call(SYS_close, listener);
}

}  // namespace
}  // namespace lxnet::threads
