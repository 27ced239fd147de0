// What random walks found of the way packets take: routing headers, pieces whose socket connects elsewhere, and what is asked
// first.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

constexpr int kRoutingHeader = 57;  // IPV6_RTHDR
constexpr int kRepair = 19;         // TCP_REPAIR
constexpr int kUdpLite = 136, kSegment = 103;
constexpr auto kDatagram = SOCK_DGRAM | SOCK_NONBLOCK;

using Bytes = std::vector<uint8_t>;

int set_option(int fd, int level, int name, int value) { return ::setsockopt(fd, level, name, &value, sizeof value); }
long set_header(int fd, const Bytes& header) {
  return answer(::setsockopt(fd, IPPROTO_IPV6, kRoutingHeader, header.data(), static_cast<socklen_t>(header.size())));
}
Bytes get_header(int fd) {
  Bytes bytes(256);
  socklen_t length = static_cast<socklen_t>(bytes.size());
  EXPECT_EQ(::getsockopt(fd, IPPROTO_IPV6, kRoutingHeader, bytes.data(), &length), 0);
  bytes.resize(length);
  return bytes;
}

// RFC 8754's, through these addresses, the last of which is the first to be passed.
Bytes segments(const std::vector<const char*>& addresses) {
  const auto last = static_cast<uint8_t>(addresses.size() - 1);
  Bytes bytes{0, static_cast<uint8_t>(addresses.size() * 2), 4, last, last, 0, 0, 0};
  for (const char* text : addresses) {
    in6_addr address{};
    ::inet_pton(AF_INET6, text, &address);
    const auto* from = reinterpret_cast<const uint8_t*>(&address);
    bytes.insert(bytes.end(), from, from + sizeof address);
  }
  return bytes;
}

TEST(WalkedRoutesTest, OfRoutingHeadersThoseOfSegmentsAreTaken) {
  const Fd fd(::socket(AF_INET6, kDatagram, 0));
  const Bytes good = segments({"::", "::1"});
  ASSERT_EQ(set_header(fd, good), 0);
  EXPECT_EQ(get_header(fd), good);
  Bytes bad = good;
  bad[2] = 2;  // mobility's
  EXPECT_EQ(set_header(fd, bad), -EINVAL);
  bad = good;
  bad[3] = 2;  // more segments left than there are
  EXPECT_EQ(set_header(fd, bad), -EINVAL);
  bad = good;
  bad[4] = 3;  // the last entry is not there
  EXPECT_EQ(set_header(fd, bad), -EINVAL);
  bad = good;
  bad[1] = 2;  // shorter than what is given
  EXPECT_EQ(set_header(fd, bad), -EINVAL);
  EXPECT_EQ(get_header(fd), good);
  Bytes with_padding = good;
  with_padding[1] = 5;
  for (const uint8_t byte : Bytes{4, 6, 0, 0, 0, 0, 0, 0}) with_padding.push_back(byte);
  EXPECT_EQ(set_header(fd, with_padding), 0);
  with_padding[with_padding.size() - 7] = 7;  // and beyond the header
  EXPECT_EQ(set_header(fd, with_padding), -EINVAL);
  EXPECT_EQ(set_header(fd, {}), 0);
  EXPECT_EQ(get_header(fd), Bytes{});
}

// Whether the machine sends everywhere what it has no better way for.
bool has_way_anywhere() {
  const Fd fd(::socket(AF_INET6, kDatagram, 0));
  sockaddr_in6 far{};
  far.sin6_family = AF_INET6;
  far.sin6_port = htons(9);
  EXPECT_EQ(::inet_pton(AF_INET6, "2001:db8::1", &far.sin6_addr), 1);
  return connect_to(fd, far) == 0;
}

TEST(WalkedRoutesTest, TheFirstSegmentIsWhereTheWayIsLookedFor) {
  const Fd receiver(::socket(AF_INET6, kDatagram, 0));
  ASSERT_EQ(bind_to(receiver, loopback6()), 0);
  sockaddr_in6 to{};
  socklen_t length = sizeof to;
  ASSERT_EQ(::getsockname(receiver, reinterpret_cast<sockaddr*>(&to), &length), 0);
  const bool is_sent_anywhere = has_way_anywhere();
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    const Fd fd(::socket(AF_INET6, type | SOCK_NONBLOCK, 0));
    ASSERT_EQ(set_header(fd, segments({"::", "::"})), 0);
    EXPECT_EQ(connect_to(fd, to), !is_sent_anywhere ? -ENETUNREACH : type == SOCK_DGRAM ? 0 : -EINPROGRESS);
  }
  const Fd fd(::socket(AF_INET6, kDatagram, 0));
  ASSERT_EQ(set_header(fd, segments({"::", "2001:db8::1"})), 0);
  EXPECT_EQ(connect_to(fd, to), is_sent_anywhere ? 0 : -ENETUNREACH);
  ASSERT_EQ(set_header(fd, segments({"::", "::1"})), 0);
  EXPECT_EQ(connect_to(fd, to), 0);
  // Who is reached does not pass it on: net.ipv6.conf.lo.seg6_enabled is 0.
  ASSERT_EQ(::send(fd, "x", 1, 0), 1);
  char byte;
  EXPECT_EQ(answer(::recv(receiver, &byte, 1, 0)), -EAGAIN);
  ASSERT_EQ(set_header(fd, {}), 0);
  ASSERT_EQ(::send(fd, "x", 1, 0), 1);
  EXPECT_EQ(::recv(receiver, &byte, 1, 0), 1);
}

// An IPv4 connect() looks for its way in the very place where the pieces' is kept.
TEST(WalkedRoutesTest, PiecesGoWhereTheirSocketConnectsMeanwhile) {
  const Fd first(::socket(AF_INET, kDatagram, 0)), second(::socket(AF_INET, kDatagram, 0)),
      sender(::socket(AF_INET, kDatagram, 0));
  ASSERT_EQ(bind_to(first, loopback4()), 0);
  ASSERT_EQ(bind_to(second, loopback4()), 0);
  ASSERT_EQ(connect_to(sender, name_of(first)), 0);
  ASSERT_EQ(::send(sender, "a", 1, MSG_MORE), 1);
  ASSERT_EQ(connect_to(sender, name_of(second)), 0);
  ASSERT_EQ(::send(sender, "b", 1, 0), 1);
  char bytes[8];
  EXPECT_EQ(answer(::recv(first, bytes, sizeof bytes, 0)), -EAGAIN);
  EXPECT_EQ(::recv(second, bytes, sizeof bytes, 0), 2);
}

TEST(WalkedRoutesTest, PiecesLiveAsLongAsTheSocketSaysAndNotTheLastOfThem) {
  const Fd receiver(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, 253)), sender(::socket(AF_INET, SOCK_RAW, 253));
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(connect_to(sender, loopback4()), 0);
  ASSERT_EQ(set_option(sender, IPPROTO_IP, IP_TTL, 9), 0);
  ASSERT_EQ(::send(sender, "a", 1, MSG_MORE), 1);
  char byte = 'b';
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  auto* named = reinterpret_cast<cmsghdr*>(control);
  named->cmsg_len = CMSG_LEN(sizeof(int));
  named->cmsg_level = IPPROTO_IP;
  named->cmsg_type = IP_TTL;
  const int ttl = 200;
  memcpy(CMSG_DATA(named), &ttl, sizeof ttl);
  iovec vector{&byte, 1};
  const msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
  ASSERT_EQ(answer(::sendmsg(sender, &message, 0)), 1);
  unsigned char bytes[64] = {};
  ASSERT_EQ(::recv(receiver, bytes, sizeof bytes, 0), 22);
  EXPECT_EQ(bytes[8], 9);
}

TEST(WalkedRoutesTest, TheWholeNumberDecidesWhetherTheTypeOfServiceChanges) {
  const Fd fd(::socket(AF_INET, kDatagram, 0));
  ASSERT_EQ(connect_to(fd, loopback4(4711)), 0);
  int mtu = 0;
  socklen_t length = sizeof mtu;
  ASSERT_EQ(set_option(fd, IPPROTO_IP, IP_TOS, 0), 0);
  EXPECT_EQ(answer(::getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &length)), 0);
  ASSERT_EQ(set_option(fd, IPPROTO_IP, IP_TOS, 256), 0);
  EXPECT_EQ(answer(::getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &length)), -ENOTCONN);
}

TEST(WalkedRoutesTest, OfFragmentsOfOurOwnTheSumIsLookedAtToo) {
  const Fd receiver(::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, 253)), sender(::socket(AF_INET6, SOCK_RAW, 253));
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(set_option(receiver, IPPROTO_IPV6, 7 /* IPV6_CHECKSUM */, 0), 0);
  ASSERT_EQ(connect_to(sender, loopback6()), 0);
  const std::string bytes(65508, 'x');
  ASSERT_EQ(::send(sender, bytes.data(), bytes.size(), 0), 65508);
  char byte;
  EXPECT_EQ(answer(::recv(receiver, &byte, 1, 0)), -EAGAIN);
}

// An address of IPv6 is 127.0.0.6 to IPv4, and "this host" the socket's own address.
TEST(WalkedRoutesTest, ToIpv4ThisHostIsWhatAnAddressOfIpv6IsThere) {
  for (const bool is_bound : {true, false}) {
    const Fd fd(::socket(AF_INET6, SOCK_RAW, 253));
    if (fd < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
    EXPECT_EQ(is_bound ? bind_to(fd, loopback6()) : connect_to(fd, loopback6()), 0);
    sockaddr_in6 host = loopback6(4711);
    ::inet_pton(AF_INET6, "::ffff:0.0.0.0", &host.sin6_addr);
    ASSERT_EQ(connect_to(fd, host), 0);
    socklen_t length = sizeof host;
    ASSERT_EQ(::getpeername(fd, reinterpret_cast<sockaddr*>(&host), &length), 0);
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(AF_INET6, &host.sin6_addr, text, sizeof text);
    EXPECT_STREQ(text, is_bound ? "::ffff:127.0.0.6" : "::ffff:127.0.0.1");
  }
}

TEST(WalkedRoutesTest, TooManySegmentsAreRefusedBeforeUdpLitesAre) {
  const Fd fd(::socket(AF_INET6, kDatagram, kUdpLite));
  ASSERT_EQ(bind_to(fd, loopback6()), 0);
  sockaddr_in6 own{};
  socklen_t length = sizeof own;
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length), 0);
  ASSERT_EQ(connect_to(fd, own), 0);
  ASSERT_EQ(set_option(fd, IPPROTO_UDP, kSegment, 10), 0);
  const std::string bytes(1400, 'x');
  EXPECT_EQ(answer(::send(fd, bytes.data(), 1400, 0)), -EINVAL);
  EXPECT_EQ(answer(::send(fd, bytes.data(), 100, 0)), -EIO);
}

TEST(WalkedRoutesTest, WhoRepairsGoesOnAfterADisconnect) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  if (set_option(fd, IPPROTO_TCP, kRepair, 1) != 0) GTEST_SKIP() << "needs CAP_NET_ADMIN";
  sockaddr nobody{};
  ASSERT_EQ(::connect(fd, &nobody, sizeof nobody), 0);
  char byte;
  EXPECT_EQ(answer(::recv(fd, &byte, 1, MSG_PEEK)), -EINVAL);  // no queue was chosen
  EXPECT_EQ(answer(::recv(fd, &byte, 1, 0)), -EPERM);
  ASSERT_EQ(set_option(fd, IPPROTO_TCP, kRepair, 0), 0);
  EXPECT_EQ(answer(::recv(fd, &byte, 1, 0)), -ECONNABORTED);
}

TEST(WalkedRoutesTest, WhoReadsNothingOfAStreamIsToldWhenItCame) {
  TcpPair pair = tcp_pair();
  const Fd wants(::socket(AF_INET, kDatagram, 0));
  ASSERT_EQ(set_option(wants, SOL_SOCKET, SO_TIMESTAMP, 1), 0);
  ::usleep(50'000);  // Linux begins a moment later
  ASSERT_EQ(set_option(pair.server, SOL_SOCKET, SO_TIMESTAMP, 1), 0);
  ASSERT_EQ(::send(pair.client, "x", 1, 0), 1);
  alignas(cmsghdr) char control[64];
  msghdr message{nullptr, 0, nullptr, 0, control, sizeof control, 0};
  EXPECT_EQ(::recvmsg(pair.server, &message, 0), 0);
  EXPECT_EQ(message.msg_controllen, CMSG_SPACE(sizeof(timeval)));
  // Nor is more read of an urgent byte that stands alone.
  ASSERT_EQ(::send(pair.client, "!", 1, MSG_OOB), 1);
  char byte;
  ASSERT_EQ(::recv(pair.server, &byte, 1, 0), 1);
  iovec vector{&byte, 1};
  message = {nullptr, 0, &vector, 1, control, sizeof control, 0};
  pair.client.reset();
  EXPECT_EQ(::recvmsg(pair.server, &message, 0), 0);
  EXPECT_EQ(message.msg_controllen, CMSG_SPACE(sizeof(timeval)));
}

}  // namespace
}  // namespace conformance
