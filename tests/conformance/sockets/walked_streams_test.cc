// What random walks found of streams: what outlives an attempt, a shutdown or a connection, and what a small buffer still takes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <string>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

constexpr int kTcpInq = 36;       // TCP_INQ, TCP_CM_INQ
constexpr int kUnixInq = 84;      // SO_INQ
constexpr int kMtu4 = 14;         // IP_MTU
constexpr int kAnyWidth = 65536;  // of lo
constexpr auto kStream = SOCK_STREAM | SOCK_NONBLOCK;

void set_option(int fd, int level, int name, int value) { ASSERT_EQ(::setsockopt(fd, level, name, &value, sizeof value), 0); }
long mtu_of(int fd) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, IPPROTO_IP, kMtu4, &value, &length) == 0 ? value : -errno;
}
void wait_for(int fd, short events) { poll_now(fd, events, 1000); }

// A listener that was shut down before it listened, a client and what accept() gave.
TcpPair pair_after_shutdown(int how) {
  TcpPair pair{Fd(::socket(AF_INET, SOCK_STREAM, 0)), Fd(::socket(AF_INET, kStream, 0)), Fd()};
  bind_to(pair.listener, loopback4());
  EXPECT_EQ(answer(::shutdown(pair.listener, how)), -ENOTCONN);
  EXPECT_EQ(::listen(pair.listener, 5), 0);
  connect_to(pair.client, name_of(pair.listener));
  pair.server = Fd(::accept4(pair.listener, nullptr, nullptr, SOCK_NONBLOCK));
  return pair;
}

TEST(WalkedStreamsTest, AListenersEarlyShutdownIsItsChildrens) {
  const TcpPair pair = pair_after_shutdown(SHUT_WR);
  char byte = 0;
  wait_for(pair.client, POLLRDHUP);
  EXPECT_EQ(::recv(pair.client, &byte, 1, 0), 0);
  EXPECT_EQ(answer(::send(pair.server, "x", 1, MSG_NOSIGNAL)), -EPIPE);
  ASSERT_EQ(::send(pair.client, "y", 1, 0), 1);
  wait_for(pair.server, POLLIN);
  EXPECT_EQ(::recv(pair.server, &byte, 1, 0), 1);
}

TEST(WalkedStreamsTest, ChildrenOfAListenerThatDoesNotReadSeeTheEndAfterTheData) {
  const TcpPair pair = pair_after_shutdown(SHUT_RD);
  char byte = 0;
  EXPECT_EQ(::recv(pair.server, &byte, 1, 0), 0);
  ASSERT_EQ(::send(pair.client, "y", 1, 0), 1);
  EXPECT_EQ(::recv(pair.server, &byte, 1, 0), 1);
  EXPECT_EQ(::recv(pair.server, &byte, 1, 0), 0);
}

TEST(WalkedStreamsTest, DataForAChildThatNeitherReadsNorWritesResetsIt) {
  const TcpPair pair = pair_after_shutdown(SHUT_RDWR);
  ASSERT_EQ(::send(pair.client, "y", 1, 0), 1);
  wait_for(pair.client, POLLERR);
  EXPECT_EQ(answer(::send(pair.server, "x", 1, MSG_NOSIGNAL)), -ECONNRESET);
}

TEST(WalkedStreamsTest, AnEndedConnectionsWayIsForgottenByBindOverIpv4Alone) {
  const Fd four(::socket(AF_INET, kStream, 0)), six(::socket(AF_INET6, kStream, 0)), closed(::socket(AF_INET6, kStream, 0));
  ASSERT_EQ(bind_to(closed, loopback6()), 0);
  sockaddr_in6 to{};
  socklen_t length = sizeof to;
  ::getsockname(closed, reinterpret_cast<sockaddr*>(&to), &length);
  ASSERT_EQ(connect_to(six, to), -EINPROGRESS);
  ASSERT_EQ(connect_to(four, loopback4(ntohs(to.sin6_port))), -EINPROGRESS);
  wait_for(six, POLLERR);
  wait_for(four, POLLERR);
  ASSERT_EQ(bind_to(six, loopback6()), 0);
  ASSERT_EQ(bind_to(four, loopback4()), 0);
  EXPECT_EQ(mtu_of(six), kAnyWidth);
  EXPECT_EQ(mtu_of(four), -ENOTCONN);
}

TEST(WalkedStreamsTest, AConnectionThatWasResetInTheQueueIsAcceptedByName) {
  for (const int family : {AF_INET, AF_INET6}) {
    const Fd listener(::socket(family, kStream, 0)), client(::socket(family, kStream, 0));
    ASSERT_EQ(family == AF_INET ? bind_to(listener, loopback4()) : bind_to(listener, loopback6()), 0);
    ASSERT_EQ(::listen(listener, 5), 0);
    const uint16_t port = ntohs(name_of(listener).sin_port);
    ASSERT_EQ(family == AF_INET ? connect_to(client, loopback4(port)) : connect_to(client, loopback6(port)), -EINPROGRESS);
    wait_for(listener, POLLIN);
    const in_port_t own = name_of(client).sin_port;
    const sockaddr nobody{};
    ASSERT_EQ(::connect(client, &nobody, sizeof nobody), 0);
    sockaddr_in6 peer{};
    socklen_t length = sizeof peer;
    const Fd child(::accept(listener, reinterpret_cast<sockaddr*>(&peer), &length));
    ASSERT_GE(child, 0) << errno;
    EXPECT_EQ(peer.sin6_port, own);
    char byte;
    EXPECT_EQ(answer(::recv(child, &byte, 1, 0)), -ECONNRESET);
  }
}

TEST(WalkedStreamsTest, AnEndedConnectionsWayIsForgottenWhenTheChoiceChanges) {
  const struct {
    int level, name, value;
  } rows[] = {{SOL_SOCKET, 62 /* SO_BINDTOIFINDEX */, 1},
              {SOL_SOCKET, SO_MARK, 1},
              {SOL_SOCKET, SO_DONTROUTE, 1},
              {IPPROTO_IP, IP_TOS, 16}};
  for (const auto& row : rows) {
    const Fd fd(::socket(AF_INET, kStream, 0)), closed(::socket(AF_INET, kStream, 0));
    ASSERT_EQ(bind_to(closed, loopback4()), 0);
    ASSERT_EQ(connect_to(fd, name_of(closed)), -EINPROGRESS);
    wait_for(fd, POLLERR);
    EXPECT_GT(mtu_of(fd), 0);
    if (::setsockopt(fd, row.level, row.name, &row.value, sizeof row.value) != 0 && errno == EPERM) continue;
    EXPECT_EQ(mtu_of(fd), -ENOTCONN) << row.name;
  }
}

int inq_of_receive(int fd, size_t size) {
  char bytes[64], control[64];
  iovec vector{bytes, size};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(fd, &message, 0) != static_cast<ssize_t>(size)) return -1;
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != kTcpInq) return -2;
  int value = 0;
  memcpy(&value, CMSG_DATA(header), sizeof value);
  return value;
}

TEST(WalkedStreamsTest, WhatIsLeftCountsTheEndAndDoesNotStopAtTheMark) {
  TcpPair pair = tcp_pair();
  set_option(pair.server, IPPROTO_TCP, kTcpInq, 1);
  ASSERT_EQ(::send(pair.client, "abcd", 4, 0), 4);
  ASSERT_EQ(::send(pair.client, "u", 1, MSG_OOB), 1);
  ASSERT_EQ(::send(pair.client, "efgh", 4, 0), 4);
  EXPECT_EQ(inq_of_receive(pair.server, 2), 7);
  pair.client.reset();
  wait_for(pair.server, POLLRDHUP);
  EXPECT_EQ(inq_of_receive(pair.server, 2), 6);
}

TEST(WalkedStreamsTest, APortThatBindNamedOutlivesAConnectionInTimeWait) {
  Fd probe(::socket(AF_INET, kStream, 0));
  ASSERT_EQ(bind_to(probe, loopback4()), 0);
  const sockaddr_in own = name_of(probe);
  probe.reset();
  const Fd self(::socket(AF_INET, kStream, 0));
  ASSERT_EQ(bind_to(self, own), 0);
  ASSERT_EQ(answer(::shutdown(self, SHUT_WR)), -ENOTCONN);
  ASSERT_EQ(connect_to(self, own), -EINPROGRESS);  // to itself, and over at once
  wait_for(self, POLLHUP);
  ASSERT_EQ(connect_to(self, own), -ECONNABORTED);
  const Fd listener(::socket(AF_INET, kStream, 0));
  ASSERT_EQ(bind_to(listener, loopback4()), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(connect_to(self, name_of(listener)), -EINPROGRESS);
  EXPECT_EQ(name_of(self).sin_port, own.sin_port);
}

TEST(WalkedStreamsTest, FromMappedAnyNoWayLeadsToIpv6) {
  const Fd stream(::socket(AF_INET6, kStream, 0));
  sockaddr_in6 mapped_any{};
  mapped_any.sin6_family = AF_INET6;
  ASSERT_EQ(::inet_pton(AF_INET6, "::ffff:0.0.0.0", &mapped_any.sin6_addr), 1);
  ASSERT_EQ(bind_to(stream, mapped_any), 0);
  EXPECT_EQ(connect_to(stream, loopback6(9)), -EAFNOSUPPORT);
}

TEST(WalkedStreamsTest, ASmallBufferIsPackedBeforeTheEndIsKeptFromIt) {
  TcpPair pair = tcp_pair();
  char bytes[1500] = {};
  ASSERT_EQ(::send(pair.client, bytes, 1500, 0), 1500);
  ASSERT_EQ(::send(pair.client, bytes, 607, 0), 607);
  set_option(pair.server, SOL_SOCKET, SO_RCVBUF, 256);
  ASSERT_EQ(::send(pair.client, bytes, 100, 0), 100);
  pair.client.reset();
  EXPECT_EQ(poll_now(pair.server, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
  int size = 0;
  ASSERT_EQ(::ioctl(pair.server, FIONREAD, &size), 0);
  EXPECT_EQ(size, 2207);
}

TEST(WalkedStreamsTest, APacketBeyondASmallBufferKeepsTheEndOut) {
  TcpPair pair = tcp_pair();
  char bytes[1500] = {};
  set_option(pair.server, SOL_SOCKET, SO_RCVBUF, 64);
  ASSERT_EQ(::send(pair.client, bytes, 1500, 0), 1500);
  ASSERT_EQ(::send(pair.client, bytes, 1500, 0), 1500);
  pair.client.reset();
  EXPECT_EQ(poll_now(pair.server, POLLIN | POLLRDHUP), POLLIN);
}

TEST(WalkedStreamsTest, AFaultInWhatCameInPiecesTakesNothing) {
  TcpPair pair = tcp_pair();
  timeval stamp{};
  static_cast<void>(::ioctl(pair.server, 0x8906 /* SIOCGSTAMP */, &stamp));  // pieces are stamped from now on
  ASSERT_EQ(::send(pair.client, "1234567", 7, 0), 7);
  poll_now(pair.server, POLLIN, 1000);
  char bytes[1500] = {};
  ASSERT_EQ(::send(pair.client, bytes, sizeof bytes, 0), 1500);
  iovec vector[2] = {{bytes, 100}, {bad_pointer(), 1400}};
  EXPECT_EQ(answer(::readv(pair.server, vector, 2)), -EFAULT);
  int size = 0;
  ASSERT_EQ(::ioctl(pair.server, FIONREAD, &size), 0);
  EXPECT_EQ(size, 1507);
}

TEST(WalkedStreamsTest, SoInqOfAUnixStreamLooksAtItsLengthFirst) {
  const Fd stream(::socket(AF_UNIX, SOCK_STREAM, 0)), datagram(::socket(AF_UNIX, SOCK_DGRAM, 0));
  const auto set = [](int fd, socklen_t length) {
    return answer(::setsockopt(fd, SOL_SOCKET, kUnixInq, bad_pointer<const void>(), length));
  };
  EXPECT_EQ(set(stream, 3), -EINVAL);
  EXPECT_EQ(set(stream, 4), -EFAULT);
  EXPECT_EQ(set(stream, 5), -EINVAL);
  EXPECT_EQ(set(datagram, 5), -EFAULT);
}

// An urgent mark makes Linux look at the limit, which a segment that is as expected passes by.
TEST(WalkedStreamsTest, AnUrgentMarkMakesAFullBufferFull) {
  TcpPair pair = tcp_pair();
  const std::string bytes(1500, 'x');
  ASSERT_EQ(::send(pair.server, bytes.data(), bytes.size(), MSG_OOB), 1500);
  const int least = 0;
  ASSERT_EQ(::setsockopt(pair.client, SOL_SOCKET, SO_RCVBUF, &least, sizeof least), 0);
  ASSERT_EQ(::send(pair.server, bytes.data(), 100, 0), 100);
  char room[2000];
  EXPECT_EQ(::recv(pair.client, room, sizeof room, 0), 1499);
  EXPECT_EQ(answer(::recv(pair.client, room, sizeof room, MSG_DONTWAIT)), -EAGAIN);
  // And it comes when it is repeated.
  EXPECT_EQ(poll_now(pair.client, POLLIN, 5000), POLLIN);
}

// Part of a packet that is read gives no memory back: two more fit into what was taken for the one before. The last does not, and
// what has to be packed for it has lost when it came.
TEST(WalkedStreamsTest, ReadingPartOfAPacketKeepsItsMemory) {
  TcpPair pair = tcp_pair();
  const std::string bytes(1500, 'x');
  char room[100];
  const auto readable = [&] {
    int size = -1;
    ::ioctl(pair.client, FIONREAD, &size);
    return size;
  };
  const auto send_and_wait = [&](int expected) {
    ASSERT_EQ(::send(pair.server, bytes.data(), bytes.size(), MSG_DONTWAIT), 1500);
    for (int unsent = 1, rounds = 0; unsent != 0 && rounds < 30; ++rounds) {
      ::usleep(10'000);
      ASSERT_EQ(::ioctl(pair.server, SIOCOUTQ, &unsent), 0);
    }
    EXPECT_EQ(readable(), expected);
  };
  set_option(pair.client, SOL_SOCKET, SO_RCVBUF, 0);
  send_and_wait(1500);
  set_option(pair.client, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  ASSERT_EQ(::recv(pair.client, room, 10, 0), 10);
  send_and_wait(2990);
  ASSERT_EQ(::recv(pair.client, room, 2, 0), 2);
  send_and_wait(4488);
  send_and_wait(5988);
  for (const bool is_packed : {false, true}) {
    if (is_packed) send_and_wait(5988);
    alignas(cmsghdr) char control[128];
    iovec vector{room, sizeof room};
    msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
    ASSERT_EQ(::recvmsg(pair.client, &message, MSG_PEEK), 100);
    EXPECT_EQ(CMSG_FIRSTHDR(&message) == nullptr, is_packed);
  }
}

// Not even by who looks and wants all of it: who waited would be interrupted.
TEST(WalkedStreamsTest, NoUrgentByteIsWaitedFor) {
  TcpPair pair = tcp_pair();
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) {};  // no SA_RESTART
  ASSERT_EQ(::sigaction(SIGALRM, &action, &before), 0);
  const itimerval soon{{0, 50'000}, {0, 50'000}}, never{};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &soon, nullptr), 0);
  char room[10];
  for (const int flags : {0, int{MSG_PEEK}, int{MSG_WAITALL}, MSG_PEEK | MSG_WAITALL}) {
    EXPECT_EQ(answer(::recv(pair.client, room, sizeof room, MSG_OOB | flags)), -EINVAL) << flags;
  }
  ASSERT_EQ(::setitimer(ITIMER_REAL, &never, nullptr), 0);
  ASSERT_EQ(::sigaction(SIGALRM, &before, nullptr), 0);
  ASSERT_EQ(::send(pair.server, "!", 1, MSG_OOB), 1);
  wait_for(pair.client, POLLPRI);
  EXPECT_EQ(answer(::recv(pair.client, room, sizeof room, MSG_OOB | MSG_PEEK | MSG_WAITALL)), 1);
}

// The receiver had no memory for the second, and closed its window before it: the reset is within what it will take.
TEST(WalkedStreamsTest, AResetIsWithinTheWindowThatWasTold) {
  TcpPair pair = tcp_pair();
  const int least = 0;
  ASSERT_EQ(::setsockopt(pair.client, SOL_SOCKET, SO_RCVBUF, &least, sizeof least), 0);
  ASSERT_EQ(::send(pair.client, "unread", 6, 0), 6);
  const std::string bytes(1500, 'x');
  ASSERT_EQ(::send(pair.server, bytes.data(), bytes.size(), 0), 1500);
  ASSERT_EQ(::send(pair.server, bytes.data(), bytes.size(), 0), 1500);
  pair.server.reset();
  EXPECT_EQ(poll_now(pair.client, POLLHUP | POLLERR, 1000), POLLHUP | POLLERR);
}

}  // namespace
}  // namespace conformance
