// Whole transfers between two simulated hosts over bad links: every byte arrives, and in time.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <vector>

#include "tests/support/sim_test.hh"

namespace lxnet::testing {
namespace {

using sim::Host;
namespace sys = sim::sys;

sockaddr_in address_of(const char* text, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  uint8_t bytes[4];
  sscanf(text, "%hhu.%hhu.%hhu.%hhu", &bytes[0], &bytes[1], &bytes[2], &bytes[3]);
  memcpy(&address.sin_addr, bytes, 4);
  return address;
}

struct Transfer {
  const char* impair;
  size_t size;
  double limit_seconds;
};

class TcpPath : public SimTest, public ::testing::WithParamInterface<Transfer> {
 protected:
  TcpPath() : SimTest({.captures = false}) {}
};

uint8_t byte_at(size_t position) { return static_cast<uint8_t>(position * 131 + position / 4093); }

TEST_P(TcpPath, CarriesEveryByteInTime) {
  const Transfer& transfer = GetParam();
  Host& a = simulation.add_host("a");
  Host& b = simulation.add_host("b");
  simulation.connect(a, "10.0.0.1/24", b, "10.0.0.2/24", {.impair = transfer.impair});
  size_t received = 0;
  bool is_right = true;
  Instant end;
  simulation.spawn(b, "server", [&] {
    const int listener = sys::socket(AF_INET, SOCK_STREAM);
    ASSERT_EQ(sys::bind(listener, address_of("10.0.0.2", 80)), 0);
    ASSERT_EQ(sys::listen(listener, 1), 0);
    const int fd = sys::accept(listener);
    ASSERT_GE(fd, 0);
    std::vector<uint8_t> buffer(65536);
    for (;;) {
      const int64_t got = sys::recv(fd, buffer.data(), buffer.size());
      ASSERT_GE(got, 0);
      if (got == 0) break;
      for (int64_t i = 0; i < got; ++i) is_right = is_right && buffer[static_cast<size_t>(i)] == byte_at(received++);
    }
    end = simulation.now();
    sys::close(fd);
    sys::close(listener);
  });
  const Instant start = simulation.now();
  simulation.spawn(a, "client", [&] {
    const int fd = sys::socket(AF_INET, SOCK_STREAM);
    ASSERT_EQ(sys::connect(fd, address_of("10.0.0.2", 80)), 0);
    std::vector<uint8_t> data(transfer.size);
    for (size_t i = 0; i < data.size(); ++i) data[i] = byte_at(i);
    EXPECT_EQ(sys::send(fd, data.data(), data.size()), static_cast<int64_t>(data.size()));
    sys::close(fd);
  });
  simulation.run();
  EXPECT_EQ(received, transfer.size);
  EXPECT_TRUE(is_right);
  const double seconds = static_cast<double>((end - start).in_micros()) / 1e6;
  EXPECT_LT(seconds, transfer.limit_seconds);
  RecordProperty("seconds", std::to_string(seconds));
  printf("    %s: %zu bytes in %.3f s, %.2f Mbit/s\n", transfer.impair, transfer.size, seconds,
         static_cast<double>(transfer.size) * 8 / seconds / 1e6);
}

INSTANTIATE_TEST_SUITE_P(Links, TcpPath,
                         ::testing::Values(Transfer{"delay=10ms", 4'000'000, 2}, Transfer{"delay=10ms rate=10mbit", 2'000'000, 3},
                                           Transfer{"delay=10ms loss=1%", 2'000'000, 10},
                                           Transfer{"delay=5ms loss=5%", 1'000'000, 30},
                                           Transfer{"delay=10ms jitter=3ms reorder=2%", 2'000'000, 6},
                                           Transfer{"delay=10ms duplicate=2%", 2'000'000, 3},
                                           Transfer{"delay=10ms corrupt=0.5%", 1'000'000, 20},
                                           Transfer{"delay=20ms rate=20mbit limit=20", 4'000'000, 8}));

}  // namespace
}  // namespace lxnet::testing
