// What random walks found of a datagram's cost: pieces that wait to be joined, packets that Linux lays in pages, fragments.
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <array>
#include <string>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

constexpr int kSegment = 103, kReceiveSegments = 104, kCork = 1;  // UDP_*
constexpr int kMemoryInfo = 55;                                   // SO_MEMINFO
constexpr auto kDatagram = SOCK_DGRAM | SOCK_NONBLOCK;

int set_option(int fd, int level, int name, int value) { return ::setsockopt(fd, level, name, &value, sizeof value); }

long unsent(int fd) {
  int value = -1;
  return ::ioctl(fd, TIOCOUTQ, &value) == 0 ? value : answer(-1);
}
uint32_t held(int fd) {
  std::array<uint32_t, 9> values{};
  socklen_t length = sizeof values;
  ::getsockopt(fd, SOL_SOCKET, kMemoryInfo, values.data(), &length);
  return values[0];
}

struct DatagramPair {
  Fd receiver, sender;
};
DatagramPair datagram_pair(int family, int type = kDatagram, int protocol = 0) {
  DatagramPair pair{Fd(::socket(family, type, protocol)), Fd(::socket(family, type, protocol))};
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  if (family == AF_INET) bind_to(pair.receiver, loopback4());
  if (family == AF_INET6) bind_to(pair.receiver, loopback6());
  ::getsockname(pair.receiver, reinterpret_cast<sockaddr*>(&name), &length);
  if (type != kDatagram) reinterpret_cast<sockaddr_in*>(&name)->sin_port = 0;
  EXPECT_EQ(::connect(pair.sender, reinterpret_cast<const sockaddr*>(&name), length), 0);
  return pair;
}

class PiecesTest : public testing::TestWithParam<int> {};

TEST_P(PiecesTest, TheFirstCostsABufferAndTheOthersTheirBytes) {
  const DatagramPair pair = datagram_pair(GetParam());
  const std::string bytes(500, 'x');
  ASSERT_EQ(::send(pair.sender, bytes.data(), 1, MSG_MORE), 1);
  EXPECT_EQ(unsent(pair.sender), 832);
  ASSERT_EQ(::send(pair.sender, bytes.data(), 500, MSG_MORE), 500);
  EXPECT_EQ(unsent(pair.sender), 1332);
  ASSERT_EQ(::send(pair.sender, bytes.data(), 0, MSG_MORE), 0);
  EXPECT_EQ(unsent(pair.sender), 1332);
  ASSERT_EQ(::send(pair.sender, bytes.data(), 7, 0), 7);
  EXPECT_EQ(unsent(pair.sender), 0);
  EXPECT_EQ(held(pair.receiver), 1339u);
}

TEST_P(PiecesTest, WhatIsThrownAwayIsNotCharged) {
  const DatagramPair pair = datagram_pair(GetParam());
  ASSERT_EQ(set_option(pair.sender, IPPROTO_UDP, kCork, 1), 0);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(unsent(pair.sender), 832);
  EXPECT_EQ(answer(::send(pair.sender, bad_pointer<const void>(), 5, 0)), -EFAULT);
  EXPECT_EQ(unsent(pair.sender), 0);
}

TEST_P(PiecesTest, SegmentsLieInPages) {
  const DatagramPair pair = datagram_pair(GetParam());
  ASSERT_EQ(set_option(pair.sender, IPPROTO_UDP, kSegment, 100), 0);
  const std::string bytes(250, 'x');
  ASSERT_EQ(::send(pair.sender, bytes.data(), 250, 0), 250);
  EXPECT_EQ(held(pair.receiver), 3 * 832u + 250);  // each cut out by itself
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_UDP, kReceiveSegments, 1), 0);
  ASSERT_EQ(::send(pair.sender, bytes.data(), 250, 0), 250);
  EXPECT_EQ(held(pair.receiver), 4 * 832u + 500);
}

INSTANTIATE_TEST_SUITE_P(Families, PiecesTest, testing::Values(AF_INET, AF_INET6),
                         [](const auto& info) { return info.param == AF_INET ? "OfIpv4" : "OfIpv6"; });

TEST(WalkedChargesTest, FragmentsAreChargedOneByOne) {
  const DatagramPair pair = datagram_pair(AF_INET6);
  ASSERT_EQ(set_option(pair.sender, IPPROTO_IPV6, 24 /* IPV6_MTU */, 1300), 0);
  const std::string bytes(4000, 'x');
  ASSERT_EQ(::send(pair.sender, bytes.data(), bytes.size(), 0), 4000);
  EXPECT_EQ(held(pair.receiver), 8192u);  // three of 2304 and one of 1280
}

// A raw packet has no UDP header, so that eight bytes more fit into a buffer.
TEST(WalkedChargesTest, ARawPacketCostsWhatItIs) {
  const DatagramPair pair = datagram_pair(AF_INET, SOCK_RAW | SOCK_NONBLOCK, 253);
  if (pair.sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  const std::string bytes(206, 'x');
  ASSERT_EQ(::send(pair.sender, bytes.data(), 205, 0), 205);
  EXPECT_EQ(held(pair.receiver), 832u);
  ASSERT_EQ(::send(pair.sender, bytes.data(), 206, 0), 206);
  EXPECT_EQ(held(pair.receiver), 832u + 1280);
}

TEST(WalkedChargesTest, ASizeOfNoneInAControlMessageIsObeyed) {
  const DatagramPair pair = datagram_pair(AF_INET);
  ASSERT_EQ(set_option(pair.sender, IPPROTO_UDP, kSegment, 10), 0);
  std::string bytes(1400, 'x');
  EXPECT_EQ(answer(::send(pair.sender, bytes.data(), bytes.size(), 0)), -EINVAL);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))] = {};
  auto* size = reinterpret_cast<cmsghdr*>(control);
  size->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  size->cmsg_level = IPPROTO_UDP;
  size->cmsg_type = kSegment;
  iovec vector{bytes.data(), bytes.size()};
  const msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
  EXPECT_EQ(answer(::sendmsg(pair.sender, &message, 0)), 1400);
}

TEST(WalkedChargesTest, ABareFinCostsUntilItIsRead) {
  const TcpPair pair = tcp_pair();
  ASSERT_EQ(::shutdown(pair.client, SHUT_WR), 0);
  EXPECT_EQ(held(pair.server), 832u);
  char byte;
  EXPECT_EQ(::recv(pair.server, &byte, 1, MSG_PEEK), 0);
  EXPECT_EQ(held(pair.server), 832u);
  EXPECT_EQ(::recv(pair.server, &byte, 1, 0), 0);
  EXPECT_EQ(held(pair.server), 0u);
  // Behind data it is part of them.
  const TcpPair other = tcp_pair();
  ASSERT_EQ(::send(other.client, "x", 1, 0), 1);
  const uint32_t before = held(other.server);
  ASSERT_EQ(::shutdown(other.client, SHUT_WR), 0);
  EXPECT_EQ(held(other.server), before);
}

// A datagram that cannot be copied out is lost, which UDP counts and others do not.
TEST(WalkedChargesTest, OfWhatIsLostToABadPointerUdpAloneTells) {
  for (const bool is_udp : {true, false}) {
    const DatagramPair pair = is_udp ? datagram_pair(AF_INET) : datagram_pair(AF_INET, SOCK_RAW | SOCK_NONBLOCK, 253);
    if (pair.sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
    ASSERT_EQ(set_option(pair.receiver, SOL_SOCKET, SO_RXQ_OVFL, 1), 0);
    ASSERT_EQ(::send(pair.sender, "lost", 4, 0), 4);
    EXPECT_EQ(answer(::recv(pair.receiver, bad_pointer(), 100, 0)), -EFAULT);
    ASSERT_EQ(::send(pair.sender, "told", 4, 0), 4);
    char byte;
    alignas(cmsghdr) char control[64];
    iovec vector{&byte, 1};
    msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
    ASSERT_EQ(::recvmsg(pair.receiver, &message, 0), 1);
    EXPECT_EQ(message.msg_controllen, is_udp ? CMSG_SPACE(sizeof(uint32_t)) : 0u);
  }
}

// Bytes that come as predicted may use up what is reserved already, past SO_RCVBUF too; what their own acknowledgment frees is
// not yet theirs, and then they are lost.
TEST(WalkedChargesTest, BytesAsPredictedUseWhatWasReservedBefore) {
  constexpr int kReserved = 4, kToSend = 5;  // of SO_MEMINFO
  const auto memory = [](int fd) {
    std::array<uint32_t, 9> values{};
    socklen_t length = sizeof values;
    EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, kMemoryInfo, values.data(), &length), 0);
    return values;
  };
  for (const bool acknowledges : {false, true}) {
    const Fd listener(::socket(AF_INET, SOCK_STREAM, 0)), receiver(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(bind_to(listener, loopback4()), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ASSERT_EQ(connect_to(receiver, name_of(listener)), 0);
    const Fd sender(::accept(listener, nullptr, nullptr));
    const std::string bytes(1600, 'x');
    ASSERT_EQ(::send(receiver, bytes.data(), 14, 0), 14);
    ASSERT_EQ(::send(sender, bytes.data(), 1600, 0), 1600);
    ASSERT_EQ(set_option(receiver, SOL_SOCKET, SO_RCVBUF, 0), 0);
    if (acknowledges) {
      ASSERT_EQ(::send(receiver, bytes.data(), 110, 0), 110);
    }
    EXPECT_EQ(memory(receiver)[0], 2432u);
    EXPECT_EQ(memory(receiver)[kToSend], acknowledges ? 942u : 0u);
    EXPECT_EQ(memory(receiver)[kReserved], acknowledges ? 722u : 1664u);
    ASSERT_EQ(::send(sender, bytes.data(), 500, 0), 500);
    ::usleep(60'000);  // the acknowledgment may be delayed
    EXPECT_EQ(unsent(sender), acknowledges ? 500 : 0);
    EXPECT_EQ(memory(receiver)[0], acknowledges ? 2432u : 2932u);
    EXPECT_EQ(memory(receiver)[kReserved], acknowledges ? 1664u : 1164u);
  }
}

}  // namespace
}  // namespace conformance
