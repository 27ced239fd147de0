// SOL_SOCKET: the effect of what has one beside filters and stamps, and who may.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

constexpr int kNetnsCookie = 71, kPreferBusyPoll = 69, kBusyPollBudget = 70, kTransmitRehash = 74, kReserveMemory = 73;

std::vector<uint32_t> memory_of(int fd, size_t room = 36) {
  std::vector<uint32_t> values(9, 0xeeeeeeee);
  socklen_t length = static_cast<socklen_t>(room);
  if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values.data(), &length) != 0) return {};
  values.resize(length / sizeof(uint32_t));
  return values;
}

TEST(SocketOptionTest, MemoryIsToldInNineNumbers) {
  const UdpPair pair = udp_pair();
  EXPECT_EQ(memory_of(pair.receiver).size(), 9u);
  EXPECT_EQ(memory_of(pair.receiver, 12).size(), 3u);
  EXPECT_EQ(memory_of(pair.receiver, 100).size(), 9u);
  EXPECT_EQ(memory_of(pair.receiver)[0], 0u);
  EXPECT_EQ(memory_of(pair.receiver)[1], static_cast<uint32_t>(get_int(pair.receiver, SOL_SOCKET, SO_RCVBUF)));
  EXPECT_EQ(memory_of(pair.receiver)[3], static_cast<uint32_t>(get_int(pair.receiver, SOL_SOCKET, SO_SNDBUF)));
  ASSERT_EQ(::send(pair.sender, "hello", 5, 0), 5);
  EXPECT_GT(memory_of(pair.receiver)[0], 0u);
  EXPECT_LT(memory_of(pair.receiver)[0], 4096u);
  receive_message(pair.receiver);
  EXPECT_EQ(memory_of(pair.receiver)[0], 0u);
  const Fd local(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_EQ(memory_of(local).size(), 9u);
  EXPECT_EQ(set_option(pair.receiver, SOL_SOCKET, SO_MEMINFO, 1), -ENOPROTOOPT);
}

TEST(SocketOptionTest, LostDatagramsAreCountedThere) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(set_option(pair.receiver, SOL_SOCKET, SO_RCVBUF, 1), 0);
  const std::string data(1000, 'x');
  for (int i = 0; i < 20; ++i) ASSERT_EQ(::send(pair.sender, data.data(), data.size(), 0), 1000);
  unsigned arrived = 0;
  while (receive_message(pair.receiver, MSG_DONTWAIT).size >= 0) ++arrived;
  EXPECT_EQ(memory_of(pair.receiver)[8], 20 - arrived);
}

TEST(SocketOptionTest, TheProcessorThatServesAConnectionIsTold) {
  const Fd fresh(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(get_int(fresh, SOL_SOCKET, SO_INCOMING_CPU), -1);
  TcpPair pair = tcp_pair();
  ASSERT_EQ(::send(pair.client, "x", 1, 0), 1);
  receive_message(pair.server);
  const long processor = get_int(pair.server, SOL_SOCKET, SO_INCOMING_CPU);
  EXPECT_GE(processor, 0);
  EXPECT_LT(processor, sysconf(_SC_NPROCESSORS_CONF));
  ASSERT_EQ(set_option(fresh, SOL_SOCKET, SO_INCOMING_CPU, 7), 0);
  EXPECT_EQ(get_int(fresh, SOL_SOCKET, SO_INCOMING_CPU), 7);
}

TEST(SocketOptionTest, NamespacesHaveCookies) {
  uint64_t first = 0, second = 0;
  socklen_t length = sizeof first;
  const Fd a(::socket(AF_INET, SOCK_DGRAM, 0)), b(::socket(AF_INET6, SOCK_STREAM, 0));
  ASSERT_EQ(answer(::getsockopt(a, SOL_SOCKET, kNetnsCookie, &first, &length)), 0);
  EXPECT_EQ(length, sizeof first);
  ASSERT_EQ(answer(::getsockopt(b, SOL_SOCKET, kNetnsCookie, &second, &length)), 0);
  EXPECT_NE(first, 0u);
  EXPECT_EQ(first, second);
  uint64_t room[2];
  for (const socklen_t wrong : {4u, 16u}) {
    length = wrong;
    EXPECT_EQ(answer(::getsockopt(a, SOL_SOCKET, kNetnsCookie, room, &length)), -EINVAL);
  }
  EXPECT_EQ(set_option(a, SOL_SOCKET, kNetnsCookie, first), -ENOPROTOOPT);
}

TEST(SocketOptionTest, LingeringForANegativeTimeIsForEver) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  linger value{1, -1};
  socklen_t length = sizeof value;
  ASSERT_EQ(set_option(fd, SOL_SOCKET, SO_LINGER, value), 0);
  ASSERT_EQ(::getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &length), 0);
  EXPECT_NE(value.l_linger, -1);
  const int for_ever = value.l_linger;
  value = {0, 5};
  ASSERT_EQ(set_option(fd, SOL_SOCKET, SO_LINGER, value), 0);
  ASSERT_EQ(::getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &length), 0);
  EXPECT_EQ(value.l_onoff, 0);
  EXPECT_EQ(value.l_linger, for_ever);
}

TEST(SocketOptionTest, AdviceThatAWayIsBadLeavesTheConnectionWorking) {
  TcpPair pair = tcp_pair();
  ASSERT_EQ(set_option(pair.client, SOL_SOCKET, SO_CNX_ADVICE, 1), 0);
  ASSERT_EQ(::send(pair.client, "x", 1, 0), 1);
  EXPECT_EQ(receive_message(pair.server).data, "x");
  const UdpPair datagrams = udp_pair();
  ASSERT_EQ(::send(datagrams.sender, "x", 1, 0), 1);
  ASSERT_EQ(set_option(datagrams.sender, SOL_SOCKET, SO_CNX_ADVICE, 1), 0);
  ASSERT_EQ(::send(datagrams.sender, "y", 1, 0), 1);
  EXPECT_EQ(receive_message(datagrams.receiver).data, "x");
  EXPECT_EQ(receive_message(datagrams.receiver).data, "y");
}

TEST(SocketOptionTest, BusyPollingIsBoundedByPrivilege) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_BUSY_POLL, -1), -EINVAL);
  if (::geteuid() != 0) GTEST_SKIP() << "not for everybody";
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_BUSY_POLL, 50), 0);
  EXPECT_EQ(get_int(fd, SOL_SOCKET, SO_BUSY_POLL), 50);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, kPreferBusyPoll, 2), 0);
  EXPECT_EQ(get_int(fd, SOL_SOCKET, kPreferBusyPoll), 1);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, kBusyPollBudget, 64), 0);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, kBusyPollBudget, 65536), -EINVAL);
  EXPECT_EQ(get_int(fd, SOL_SOCKET, kBusyPollBudget), -ENOPROTOOPT);
  // It still waits, and times out.
  const timeval timeout{0, 20'000};
  ASSERT_EQ(set_option(fd, SOL_SOCKET, SO_RCVTIMEO, timeout), 0);
  EXPECT_EQ(receive_message(fd).size, -EAGAIN);
}

TEST(SocketOptionTest, APacedStreamTakesItsTime) {
  TcpPair pair = tcp_pair();
  const uint64_t rate = 4'000'000;  // bytes a second
  ASSERT_EQ(set_option(pair.client, SOL_SOCKET, SO_MAX_PACING_RATE, rate), 0);
  uint64_t read = 0;
  socklen_t length = sizeof read;
  ASSERT_EQ(answer(::getsockopt(pair.client, SOL_SOCKET, SO_MAX_PACING_RATE, &read, &length)), 0);
  EXPECT_EQ(length, sizeof read);
  EXPECT_EQ(read, rate);
  EXPECT_EQ(get_int(pair.client, SOL_SOCKET, SO_MAX_PACING_RATE), static_cast<long>(rate));
  const std::string data(2'000'000, 'x');
  const timespec begin = [] {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now;
  }();
  size_t sent = 0, received = 0;
  std::string buffer(data.size(), '\0');
  while (received < data.size()) {
    if (sent < data.size()) {
      const ssize_t piece = ::send(pair.client, data.data() + sent, data.size() - sent, MSG_DONTWAIT);
      if (piece > 0) sent += static_cast<size_t>(piece);
    }
    poll_now(pair.server, POLLIN, 1000);
    const ssize_t piece = ::recv(pair.server, buffer.data(), buffer.size(), MSG_DONTWAIT);
    ASSERT_NE(piece, 0);
    if (piece > 0) received += static_cast<size_t>(piece);
  }
  timespec end{};
  clock_gettime(CLOCK_MONOTONIC, &end);
  const double seconds = static_cast<double>(end.tv_sec - begin.tv_sec) + static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e9;
  EXPECT_GT(seconds, 0.1);  // unpaced it takes a tenth of that; the first bursts are free
}

TEST(SocketOptionTest, OnlyStreamsRehash) {
  const Fd tcp(::socket(AF_INET, SOCK_STREAM, 0)), udp(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(get_int(tcp, SOL_SOCKET, kTransmitRehash), 1);
  EXPECT_EQ(set_option(tcp, SOL_SOCKET, kTransmitRehash, 0), 0);
  EXPECT_EQ(get_int(tcp, SOL_SOCKET, kTransmitRehash), 0);
  EXPECT_EQ(set_option(tcp, SOL_SOCKET, kTransmitRehash, -1), 0);
  EXPECT_EQ(get_int(tcp, SOL_SOCKET, kTransmitRehash), 1);
  EXPECT_EQ(set_option(tcp, SOL_SOCKET, kTransmitRehash, 2), -EINVAL);
  EXPECT_EQ(set_option(udp, SOL_SOCKET, kTransmitRehash, 0), -EOPNOTSUPP);
  EXPECT_EQ(get_int(udp, SOL_SOCKET, kTransmitRehash), -EOPNOTSUPP);
}

TEST(SocketOptionTest, TheLowWaterMarkOfAStreamStaysBelowItsBuffer) {
  const Fd tcp(::socket(AF_INET, SOCK_STREAM, 0)), udp(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(set_option(tcp, SOL_SOCKET, SO_RCVBUF, 8192), 0);
  ASSERT_EQ(set_option(tcp, SOL_SOCKET, SO_RCVLOWAT, -1), 0);
  EXPECT_EQ(get_int(tcp, SOL_SOCKET, SO_RCVLOWAT), 8192);
  ASSERT_EQ(set_option(udp, SOL_SOCKET, SO_RCVLOWAT, -1), 0);
  EXPECT_EQ(get_int(udp, SOL_SOCKET, SO_RCVLOWAT), INT32_MAX);
}

TEST(SocketOptionTest, MemoryIsReservedByNobody) {
  const Fd tcp(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(get_int(tcp, SOL_SOCKET, kReserveMemory), 0);
  EXPECT_EQ(set_option(tcp, SOL_SOCKET, kReserveMemory, -1), -EINVAL);
}

}  // namespace
}  // namespace conformance
