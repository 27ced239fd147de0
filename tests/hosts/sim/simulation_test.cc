#include <gmock/gmock.h>
#include <netinet/in.h>

#include "tests/support/sim_test.hh"

namespace lxnet::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

sockaddr_in ipv4(const uint8_t (&address)[4], uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  memcpy(&result.sin_addr, address, 4);
  return result;
}

class SimulationTest : public lxnet::testing::SimTest {
 protected:
  Host& a_ = simulation.add_host("a");
  Host& b_ = simulation.add_host("b");
};

void echo_once() {
  const int fd = sys::socket(AF_INET, SOCK_DGRAM);
  ASSERT_EQ(sys::bind(fd, ipv4({0, 0, 0, 0}, 7)), 0);
  char data[100];
  sockaddr_in from{};
  const int64_t size = sys::recvfrom(fd, data, sizeof data, 0, &from);
  ASSERT_EQ(size, 5);
  EXPECT_EQ(sys::sendto(fd, data, static_cast<size_t>(size), 0, from), 5);
  sys::close(fd);
}

TEST_F(SimulationTest, ADatagramAndItsAnswerTakeTwiceTheDelay) {
  simulation.connect(a_, "10.0.0.1/24", b_, "10.0.0.2/24", {.impair = "delay=20ms"});
  simulation.spawn(b_, "echo", echo_once);
  simulation.spawn(a_, "client", [&] {
    const int fd = sys::socket(AF_INET, SOCK_DGRAM);
    const Instant start = simulation.now();
    ASSERT_EQ(sys::sendto(fd, "hello", 5, 0, ipv4({10, 0, 0, 2}, 7)), 5);
    char data[100];
    ASSERT_EQ(sys::recv(fd, data, sizeof data), 5);
    EXPECT_EQ(std::string(data, 5), "hello");
    // The address of b is asked for first, and that of a is learned from the question.
    EXPECT_EQ(simulation.now() - start, Duration::millis(80));
  });
  simulation.run();
}

TEST_F(SimulationTest, AStreamCrossesALossyLinkWhole) {
  simulation.connect(a_, "10.0.0.1/24", b_, "10.0.0.2/24", {.impair = "delay=10ms loss=2% reorder=1% duplicate=1%"});
  constexpr size_t kSize = 300'000;
  const auto byte_at = [](size_t position) { return static_cast<uint8_t>(position * 2654435761u >> 13); };
  size_t received = 0;
  simulation.spawn(b_, "server", [&] {
    const int listener = sys::socket(AF_INET, SOCK_STREAM);
    ASSERT_EQ(sys::bind(listener, ipv4({0, 0, 0, 0}, 80)), 0);
    ASSERT_EQ(sys::listen(listener, 10), 0);
    const int fd = sys::accept(listener);
    ASSERT_GE(fd, 0);
    uint8_t data[5000];
    for (int64_t size; (size = sys::recv(fd, data, sizeof data)) > 0;) {
      for (int64_t i = 0; i < size; ++i) ASSERT_EQ(data[i], byte_at(received++));
    }
  });
  simulation.spawn(a_, "client", [&] {
    const int fd = sys::socket(AF_INET, SOCK_STREAM);
    simulation.sleep(Duration::millis(1));
    ASSERT_EQ(sys::connect(fd, ipv4({10, 0, 0, 2}, 80)), 0);
    std::vector<uint8_t> data(kSize);
    for (size_t i = 0; i < kSize; ++i) data[i] = byte_at(i);
    for (size_t sent = 0; sent < kSize;) {
      const int64_t size = sys::send(fd, data.data() + sent, kSize - sent);
      ASSERT_GT(size, 0);
      sent += static_cast<size_t>(size);
    }
    sys::close(fd);
  });
  simulation.run();
  EXPECT_EQ(received, kSize);
}

// Some loss and disorder, and every answer that comes within a second.
std::string run_lossy(uint64_t seed, std::string* capture) {
  Simulation simulation(seed);
  Host& a = simulation.add_host("a");
  Host& b = simulation.add_host("b");
  simulation.connect(a, "10.0.0.1/24", b, "10.0.0.2/24", {.impair = "delay=5ms jitter=4ms loss=20% duplicate=10%"});
  simulation.spawn(b, "echo", [] {
    const int fd = sys::socket(AF_INET, SOCK_DGRAM);
    sys::bind(fd, ipv4({0, 0, 0, 0}, 7));
    sys::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval{.tv_sec = 5, .tv_usec = 0});
    char data[100];
    sockaddr_in from{};
    for (int64_t size; (size = sys::recvfrom(fd, data, sizeof data, 0, &from)) >= 0;) {
      sys::sendto(fd, data, static_cast<size_t>(size), 0, from);
    }
  });
  std::string history;
  simulation.spawn(a, "client", [&] {
    const int fd = sys::socket(AF_INET, SOCK_DGRAM);
    sys::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval{.tv_sec = 0, .tv_usec = 50'000});
    for (char i = 0; i < 50; ++i) {
      sys::sendto(fd, &i, 1, 0, ipv4({10, 0, 0, 2}, 7));
      char answer = -1;
      const int64_t size = sys::recv(fd, &answer, 1);
      history += std::to_string(i) + ":" + std::to_string(size) + ":" + std::to_string(answer) + "@" +
                 std::to_string(simulation.now().in_nanos()) + "\n";
    }
  });
  simulation.run();
  *capture = simulation.capture();
  return history;
}

TEST(SimulationSeedTest, TheSameSeedGivesTheSameHistoryAndTheSameCapture) {
  std::string first, second, other;
  const std::string history = run_lossy(1, &first);
  EXPECT_THAT(history, HasSubstr(":1:"));
  EXPECT_THAT(history, HasSubstr(":-11:"));
  EXPECT_EQ(history, run_lossy(1, &second));
  EXPECT_EQ(first, second);
  EXPECT_NE(history, run_lossy(2, &other));
  EXPECT_NE(first, other);
  EXPECT_THAT(first, HasSubstr("link: lost"));
}

TEST_F(SimulationTest, ABadPointerFaults) {
  const int fd = static_cast<int>(a_.call(SYS_socket, AF_INET, SOCK_DGRAM, 0));
  ASSERT_GE(fd, 0);
  EXPECT_EQ(a_.call(SYS_bind, fd, 16, 16), -static_cast<int64_t>(Errno::EFAULT));
  char buffer[64];
  a_.bad_from = reinterpret_cast<uint64_t>(buffer);
  a_.bad_to = a_.bad_from + sizeof buffer;
  const sockaddr_in self = ipv4({127, 0, 0, 1}, 9);
  EXPECT_EQ(a_.call(SYS_sendto, fd, buffer, 10, 0, &self, sizeof self), -static_cast<int64_t>(Errno::EFAULT));
}

TEST_F(SimulationTest, DescriptorsAreTheLowestFreeAndGone) {
  const auto open = [&] { return a_.call(SYS_socket, AF_INET, SOCK_DGRAM, 0); };
  EXPECT_EQ(open(), 3);
  EXPECT_EQ(open(), 4);
  EXPECT_EQ(a_.call(SYS_dup2, 3, 7), 7);
  EXPECT_EQ(a_.call(SYS_close, 3), 0);
  EXPECT_EQ(a_.call(SYS_close, 3), -static_cast<int64_t>(Errno::EBADF));
  EXPECT_EQ(a_.call(SYS_listen, 0, 1), -static_cast<int64_t>(Errno::ENOTSOCK));
  EXPECT_EQ(open(), 3);
  a_.process().descriptor_limit = 5;
  EXPECT_EQ(open(), -static_cast<int64_t>(Errno::EMFILE));
}

TEST_F(SimulationTest, ASignalInterruptsACallOrRestartsIt) {
  simulation.connect(a_, "10.0.0.1/24", b_, "10.0.0.2/24");
  int64_t result = 0;
  Task& task = simulation.spawn(a_, "reader", [&] {
    const int fd = sys::socket(AF_INET, SOCK_DGRAM);
    sys::bind(fd, ipv4({0, 0, 0, 0}, 9));
    char data[10];
    result = sys::recv(fd, data, sizeof data);
  });
  simulation.at(Duration::millis(10), [&] { simulation.signal(task, RestartCalls::Yes); });
  simulation.at(Duration::millis(20), [&] { simulation.signal(task, RestartCalls::No); });
  simulation.run_for(Duration::millis(15));
  EXPECT_FALSE(task.has_ended());
  simulation.run();
  EXPECT_EQ(result, -static_cast<int64_t>(Errno::EINTR));
  EXPECT_EQ(task.signals_handled, 2u);
}

}  // namespace
}  // namespace lxnet::sim
