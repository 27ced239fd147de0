// What random walks found of datagrams: who hears them, which check comes first, and what a send or a peek leaves behind.
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/epoll.h>

#include <string>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

constexpr int kEncapsulation = 100, kL2tp = 3;  // UDP_ENCAP
constexpr int kUnicastInterface = 50;           // IP_UNICAST_IF
constexpr int kDontFragment6 = 62, kMtu6 = 24, kDiscover6 = 23;
constexpr int kTimestampingNew = 65;
constexpr auto kDatagram = SOCK_DGRAM | SOCK_NONBLOCK;

int set_option(int fd, int level, int name, int value) { return ::setsockopt(fd, level, name, &value, sizeof value); }
template <typename Address>
long send_to(int fd, const std::string& text, const Address& to) {
  return answer(::sendto(fd, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
}
uint16_t port_of(int fd) { return ntohs(name_of(fd).sin_port); }

TEST(WalkedDatagramsTest, OfEchoSocketsWithOneIdentifierTheLastHears) {
  const auto echo = [] { return Fd(::socket(AF_INET, kDatagram, IPPROTO_ICMP)); };
  const Fd first(echo()), second(echo());
  if (first < 0) GTEST_SKIP() << "the group may not send echoes";
  sockaddr_in any = loopback4(4711);
  any.sin_addr.s_addr = INADDR_ANY;
  ASSERT_EQ(bind_to(first, any), 0);
  ASSERT_EQ(bind_to(second, any), 0);
  ASSERT_EQ(connect_to(first, loopback4()), 0);  // which changes nothing of their order
  ASSERT_EQ(::send(first, "\x08\0\0\0\0\0\0\0", 8, 0), 8);
  EXPECT_EQ(poll_now(second, POLLIN, 1000), POLLIN);
  EXPECT_EQ(poll_now(first, POLLIN), 0);
}

TEST(WalkedDatagramsTest, AnEchoSocketThatIsBoundHasItsIdentifierAtOnce) {
  const Fd fd(::socket(AF_INET, kDatagram, IPPROTO_ICMP));
  if (fd < 0) GTEST_SKIP() << "the group may not send echoes";
  ASSERT_EQ(set_option(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, 1), 0);
  ASSERT_EQ(bind_to(fd, loopback4()), 0);
  EXPECT_NE(port_of(fd), 0);
}

TEST(WalkedDatagramsTest, ATunnelsSocketHearsNoErrors) {
  const Fd closed(::socket(AF_INET, kDatagram, 0)), plain(::socket(AF_INET, kDatagram, 0)),
      tunnel(::socket(AF_INET, kDatagram, 0));
  ASSERT_EQ(bind_to(closed, loopback4()), 0);
  const sockaddr_in to = loopback4(port_of(closed));
  const_cast<Fd&>(closed).reset();
  ASSERT_EQ(set_option(tunnel, IPPROTO_UDP, kEncapsulation, kL2tp), 0);
  for (const Fd* fd : {&plain, &tunnel}) {
    ASSERT_EQ(connect_to(*fd, to), 0);
    ASSERT_EQ(::send(*fd, "x", 1, 0), 1);
  }
  EXPECT_EQ(poll_now(plain, POLLERR, 1000), POLLERR);
  EXPECT_EQ(poll_now(tunnel, POLLERR), 0);
}

// IPV6_PKTINFO of an interface that is not there, in `room` bytes of control.
long send_with_information(int fd, size_t room) {
  char control[128] = {};
  auto* header = reinterpret_cast<cmsghdr*>(control);
  header->cmsg_len = CMSG_LEN(sizeof(in6_pktinfo));
  header->cmsg_level = IPPROTO_IPV6;
  header->cmsg_type = IPV6_PKTINFO;
  reinterpret_cast<in6_pktinfo*>(CMSG_DATA(header))->ipi6_ifindex = 60000;
  sockaddr_in6 to = loopback6(9);
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  message.msg_control = control;
  message.msg_controllen = room;
  return answer(::sendmsg(fd, &message, 0));
}

TEST(WalkedDatagramsTest, UdpReadsAllHeadersBeforeItObeysOne) {
  const Fd udp(::socket(AF_INET6, kDatagram, 0));
  EXPECT_EQ(send_with_information(udp, CMSG_SPACE(sizeof(in6_pktinfo))), -ENODEV);
  EXPECT_EQ(send_with_information(udp, CMSG_SPACE(sizeof(in6_pktinfo)) + sizeof(cmsghdr)), -EINVAL);
  const Fd raw(::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, 253));
  if (raw < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  sockaddr_in6 to = loopback6();
  ASSERT_EQ(connect_to(raw, to), 0);
  EXPECT_EQ(send_with_information(raw, CMSG_SPACE(sizeof(in6_pktinfo)) + sizeof(cmsghdr)), -EINVAL);  // for the port
}

TEST(WalkedDatagramsTest, UnixPacketsCarryNoStampsOfTheNewOption) {
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, type, 0, ends), 0);
    const Fd one(ends[0]), other(ends[1]);
    ASSERT_EQ(set_option(one, SOL_SOCKET, kTimestampingNew, 0xff), 0);
    ASSERT_EQ(::send(other, "x", 1, 0), 1);
    char byte, control[128];
    iovec vector{&byte, 1};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ASSERT_EQ(::recvmsg(one, &message, 0), 1);
    EXPECT_EQ(message.msg_controllen, 0u);
  }
}

// Behind extension headers nothing is passed on whole, over loopback neither.
TEST(WalkedDatagramsTest, ExtensionHeadersHaveSegmentsCutAtOnce) {
  constexpr int kSegment = 103, kCoalesce = 104, kHopOptions = 54;  // UDP_SEGMENT, UDP_GRO, IPV6_HOPOPTS
  constexpr unsigned char kPadding[8] = {17, 0, 1, 4, 0, 0, 0, 0};
  const Fd sender(::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0)), receiver(::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  ASSERT_EQ(bind_to(receiver, loopback6()), 0);
  ASSERT_EQ(connect_to(sender, loopback6(ntohs(name_of(receiver).sin_port))), 0);
  const int one = 1;
  ASSERT_EQ(::setsockopt(receiver, IPPROTO_UDP, kCoalesce, &one, sizeof one), 0);
  ASSERT_EQ(::setsockopt(sender, IPPROTO_UDP, kSegment, &one, sizeof one), 0);
  char bytes[8];
  ASSERT_EQ(::send(sender, "abc", 3, 0), 3);
  EXPECT_EQ(::recv(receiver, bytes, sizeof bytes, 0), 3);
  if (::setsockopt(sender, IPPROTO_IPV6, kHopOptions, kPadding, sizeof kPadding) != 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(::send(sender, "abc", 3, 0), 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(::recv(receiver, bytes, sizeof bytes, 0), 1);
  EXPECT_EQ(answer(::recv(receiver, bytes, sizeof bytes, 0)), -EAGAIN);
}

// The size of the largest fragment is counted in 16 bits: of one that fills lo's MTU nothing is left.
TEST(WalkedDatagramsTest, AFragmentOf65536BytesHasNoSize) {
  constexpr int kReceiveFragmentSize = 77;  // IPV6_RECVFRAGSIZE
  const Fd fd(::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, 253));
  if (fd < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(connect_to(fd, loopback6()), 0);
  const int on = 1;
  ASSERT_EQ(::setsockopt(fd, IPPROTO_IPV6, kReceiveFragmentSize, &on, sizeof on), 0);
  const std::string bytes(65508, 'x');
  ASSERT_EQ(::send(fd, bytes.data(), bytes.size(), 0), 65508);
  char byte;
  alignas(cmsghdr) char control[64];
  iovec vector{&byte, 1};
  msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
  ASSERT_EQ(::recvmsg(fd, &message, 0), 1);
  ASSERT_NE(CMSG_FIRSTHDR(&message), nullptr);
  int size = 0;
  memcpy(&size, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof size);
  EXPECT_EQ(size, 68);
}

// lo takes 65536 bytes, one more than a header of IPv4 can say. Who says himself what fits gets that far.
TEST(WalkedDatagramsTest, OneByteMoreThanAPacketHoldsIsFoundByTheLink) {
  constexpr int kProbe = 3, kInterface = 4;  // IP_PMTUDISC_*
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  ASSERT_EQ(bind_to(fd, loopback4()), 0);
  ASSERT_EQ(connect_to(fd, name_of(fd)), 0);
  const std::string bytes(65509, 'x');
  for (const int mode : {kInterface, kProbe}) {
    ASSERT_EQ(::setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof mode), 0);
    EXPECT_EQ(answer(::send(fd, bytes.data(), 65509, 0)), -EMSGSIZE);
    EXPECT_EQ(poll_now(fd, POLLIN), 0);
    EXPECT_EQ(answer(::send(fd, bytes.data(), 65508, 0)), mode == kInterface ? 65508 : -EMSGSIZE);
    EXPECT_EQ(poll_now(fd, POLLIN), mode == kInterface ? 0 : POLLERR);
  }
}

// A way that was forgotten is kept again by the next send to the peer: not on the link alone, nor from IPv6 to IPv4.
TEST(WalkedDatagramsTest, NotEverySendToThePeerKeepsItsWay) {
  constexpr int kMtu = 14;  // IP_MTU
  for (const int family : {AF_INET, AF_INET6}) {
    for (const int flags : {0, int{MSG_DONTROUTE}}) {
      const Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0)), fd(::socket(family, SOCK_DGRAM, 0));
      ASSERT_EQ(bind_to(receiver, loopback4()), 0);
      ASSERT_EQ(connect_to(fd, name_of(receiver)), 0);
      const int off = 0;
      ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_DONTROUTE, &off, sizeof off), 0);
      ASSERT_EQ(::send(fd, "x", 1, flags), 1);
      int mtu = 0;
      socklen_t length = sizeof mtu;
      const bool has_way = family == AF_INET && flags == 0;
      EXPECT_EQ(answer(::getsockopt(fd, IPPROTO_IP, kMtu, &mtu, &length)), has_way ? 0 : -ENOTCONN) << family << ' ' << flags;
    }
  }
}

TEST(WalkedDatagramsTest, AFragmentBeyondTwiceTheBufferIsRefused) {
  const Fd receiver(::socket(AF_INET6, kDatagram, 0)), sender(::socket(AF_INET6, kDatagram, 0));
  ASSERT_EQ(bind_to(receiver, loopback6()), 0);
  sockaddr_in6 to{};
  socklen_t length = sizeof to;
  ::getsockname(receiver, reinterpret_cast<sockaddr*>(&to), &length);
  ASSERT_EQ(set_option(sender, SOL_SOCKET, SO_SNDBUF, 1), 0);
  EXPECT_EQ(send_to(sender, std::string(65480, 'x'), to), 65480);  // one packet of lo's width
  EXPECT_EQ(send_to(sender, std::string(65508, 'x'), to), -ENOBUFS);
  EXPECT_EQ(poll_now(sender, POLLOUT), POLLOUT);
}

TEST(WalkedDatagramsTest, AnEmptyPacketOfARawSocketIsPeekedAtOnce) {
  const Fd receiver(::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, 253)), sender(::socket(AF_INET6, SOCK_RAW, 253));
  if (receiver < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  const sockaddr_in6 to = loopback6();
  ASSERT_EQ(send_to(sender, "", to), 0);
  char byte;
  EXPECT_EQ(::recv(receiver, &byte, 1, MSG_PEEK), 0);
  EXPECT_EQ(answer(::recv(receiver, &byte, 1, MSG_PEEK)), -EAGAIN);
  EXPECT_EQ(::recv(receiver, &byte, 1, 0), 0);
}

TEST(WalkedDatagramsTest, WhateverLeavesThroughLoIsOurs) {
  const Fd receiver(::socket(AF_INET, kDatagram, 0)), sender(::socket(AF_INET, kDatagram, 0));
  sockaddr_in any = loopback4();
  any.sin_addr.s_addr = INADDR_ANY;
  ASSERT_EQ(bind_to(receiver, any), 0);
  const auto lo = static_cast<int>(htonl(if_nametoindex("lo")));
  ASSERT_EQ(set_option(sender, IPPROTO_IP, kUnicastInterface, lo), 0);
  for (const char* host : {"10.9.8.7", "240.0.0.1", "0.1.2.3"}) {
    sockaddr_in to = loopback4(port_of(receiver));
    ASSERT_EQ(::inet_pton(AF_INET, host, &to.sin_addr), 1);
    ASSERT_EQ(send_to(sender, "hello", to), 5) << host;
    char bytes[8];
    poll_now(receiver, POLLIN, 1000);
    EXPECT_EQ(answer(::recv(receiver, bytes, sizeof bytes, 0)), 5) << host;
  }
}

TEST(WalkedDatagramsTest, DontFragmentIsAskedOfUdpAndNotOfEveryProtocol) {
  const std::string text(65535, 'x');
  const Fd raw(::socket(AF_INET6, SOCK_RAW, 253));
  if (raw < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(set_option(raw, IPPROTO_IPV6, kDontFragment6, 1), 0);
  EXPECT_EQ(send_to(raw, text, loopback6()), 65535);
  const Fd udp(::socket(AF_INET6, kDatagram, 0));
  ASSERT_EQ(set_option(udp, IPPROTO_IPV6, kDontFragment6, 1), 0);
  EXPECT_EQ(send_to(udp, text.substr(0, 65500), loopback6(9)), -EMSGSIZE);
}

TEST(WalkedDatagramsTest, AnOwnMtuBoundsWhoDiscoversThePaths) {
  const Fd udp(::socket(AF_INET6, kDatagram, 0));
  ASSERT_EQ(set_option(udp, IPPROTO_IPV6, kMtu6, 1280), 0);
  EXPECT_EQ(send_to(udp, std::string(1300, 'x'), loopback6(9)), 1300);
  ASSERT_EQ(set_option(udp, IPPROTO_IPV6, kDiscover6, 2), 0);
  EXPECT_EQ(send_to(udp, std::string(1300, 'x'), loopback6(9)), -EMSGSIZE);
  EXPECT_EQ(send_to(udp, std::string(1200, 'x'), loopback6(9)), 1200);
}

TEST(WalkedDatagramsTest, ARawPacketGivenUpForItsPointerIsNoEdge) {
  const Fd raw(::socket(AF_INET6, SOCK_RAW, 253)), set(::epoll_create1(0));
  if (raw < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(connect_to(raw, loopback6()), 0);
  epoll_event event{};
  event.events = EPOLLOUT | EPOLLET;
  ASSERT_EQ(::epoll_ctl(set, EPOLL_CTL_ADD, raw, &event), 0);
  ASSERT_EQ(::epoll_wait(set, &event, 1, 0), 1);
  ASSERT_EQ(answer(::send(raw, bad_pointer(), 7, 0)), -EFAULT);
  EXPECT_EQ(::epoll_wait(set, &event, 1, 0), 0);
}

}  // namespace
}  // namespace conformance
