// TCP over loopback: states and the errno and poll bits each of them gives.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

TEST(TcpTest, BytesGoBothWaysAndTheEndIsZero) {
  TcpPair pair = tcp_pair();
  EXPECT_EQ(::send(pair.client, "request", 7, 0), 7);
  char buffer[16];
  EXPECT_EQ(::recv(pair.server, buffer, sizeof buffer, 0), 7);
  EXPECT_EQ(::shutdown(pair.client, SHUT_WR), 0);
  EXPECT_EQ(::recv(pair.server, buffer, sizeof buffer, 0), 0);
  EXPECT_EQ(::send(pair.server, "late", 4, 0), 4);
  EXPECT_EQ(::recv(pair.client, buffer, sizeof buffer, 0), 4);
}

TEST(TcpTest, NobodyListensMeansRefused) {
  const Fd bound(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(bind_to(bound, loopback4()), 0);
  const Fd client(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect_to(client, name_of(bound)), -ECONNREFUSED);
}

TEST(TcpTest, ConnectingTwiceIsEisconnAndOnAListenerToo) {
  TcpPair pair = tcp_pair();
  EXPECT_EQ(connect_to(pair.client, name_of(pair.listener)), -EISCONN);
  EXPECT_EQ(connect_to(pair.listener, name_of(pair.listener)), -EISCONN);
}

TEST(TcpTest, ANonBlockingConnectIsInProgressAndThenDone) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(bind_to(listener, loopback4()), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  EXPECT_EQ(connect_to(client, name_of(listener)), -EINPROGRESS);
  EXPECT_EQ(poll_now(client, POLLOUT, 1000), POLLOUT);
  int error = -1;
  socklen_t length = sizeof error;
  EXPECT_EQ(::getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length), 0);
  EXPECT_EQ(error, 0);
  EXPECT_EQ(connect_to(client, name_of(listener)), 0);
  EXPECT_EQ(connect_to(client, name_of(listener)), -EISCONN);
}

// connect() takes an address for good only where it succeeds: until then the port is held on all of them.
TEST(TcpTest, AConnectThatFailsLeavesTheNameAndWhatItClaims) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(bind_to(listener, loopback4()), 0);
  ASSERT_EQ(::listen(listener, 5), 0);
  const Fd first(::socket(AF_INET, SOCK_STREAM, 0));
  Fd second(::socket(AF_INET, SOCK_STREAM, 0));
  const int on = 1;
  for (const int fd : {static_cast<int>(first), static_cast<int>(second)})
    ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
  sockaddr_in name = loopback4();
  name.sin_addr.s_addr = htonl(INADDR_ANY);
  ASSERT_EQ(bind_to(first, name), 0);
  name.sin_port = name_of(first).sin_port;
  ASSERT_EQ(bind_to(second, name), 0);
  ASSERT_EQ(connect_to(first, name_of(listener)), 0);
  EXPECT_EQ(connect_to(second, name_of(listener)), -EADDRNOTAVAIL);
  EXPECT_EQ(name_of(second).sin_addr.s_addr, htonl(INADDR_ANY));
  sockaddr_in other = name;
  other.sin_addr.s_addr = htonl(0x7f000002);
  const Fd third(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(bind_to(third, other), -EADDRINUSE);
  second.reset();
  EXPECT_EQ(bind_to(third, other), 0);  // the first is connected at 127.0.0.1 alone
}

TEST(TcpTest, UnconnectedSocketsRefuseDataAndNames) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  char byte = 0;
  EXPECT_EQ(answer(::recv(fd, &byte, 1, 0)), -ENOTCONN);
  EXPECT_EQ(answer(::send(fd, &byte, 1, MSG_NOSIGNAL)), -EPIPE);
  EXPECT_EQ(answer(::shutdown(fd, SHUT_WR)), -ENOTCONN);
  sockaddr_in peer{};
  socklen_t length = sizeof peer;
  EXPECT_EQ(answer(::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length)), -ENOTCONN);
  EXPECT_EQ(answer(::accept(fd, nullptr, nullptr)), -EINVAL);
  EXPECT_EQ(poll_now(fd, POLLIN | POLLOUT), POLLOUT | POLLHUP);
}

TEST(TcpTest, AListenerIsReadableWhenSomebodyWaits) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  ASSERT_EQ(bind_to(listener, loopback4()), 0);
  ASSERT_EQ(::listen(listener, 4), 0);
  EXPECT_EQ(answer(::accept(listener, nullptr, nullptr)), -EAGAIN);
  EXPECT_EQ(poll_now(listener, POLLIN), 0);
  const Fd client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect_to(client, name_of(listener)), 0);
  EXPECT_EQ(poll_now(listener, POLLIN, 1000), POLLIN);
  sockaddr_in peer{};
  socklen_t length = sizeof peer;
  const Fd server(::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK));
  EXPECT_EQ(peer.sin_port, name_of(client).sin_port);
  char byte;
  EXPECT_EQ(answer(::recv(server, &byte, 1, 0)), -EAGAIN);
}

TEST(TcpTest, AcceptingWhereTheNameCannotBeWrittenTakesTheConnectionAndNoNumber) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  bind_to(listener, loopback4());
  ASSERT_EQ(::listen(listener, 8), 0);
  const Fd client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect_to(client, name_of(listener)), 0);
  const Fd before(::dup(listener));
  const int next = before.get() + 1;
  socklen_t length = sizeof(sockaddr_in);
  EXPECT_EQ(answer(::accept(listener, bad_pointer<sockaddr>(), &length)), -EFAULT);
  EXPECT_EQ(answer(::fcntl(next, F_GETFD)), -EBADF);
  EXPECT_EQ(poll_now(listener, POLLIN), 0);
  EXPECT_EQ(poll_now(client, POLLIN | POLLRDHUP, 1000), POLLIN | POLLRDHUP);
}

TEST(TcpTest, PollTellsTheHalvesOfAnEnd) {
  TcpPair pair = tcp_pair();
  constexpr short kAll = POLLIN | POLLOUT | POLLRDHUP;
  EXPECT_EQ(poll_now(pair.server, kAll), POLLOUT);
  ::shutdown(pair.client, SHUT_WR);
  EXPECT_EQ(poll_now(pair.server, POLLRDHUP, 1000), POLLRDHUP);
  EXPECT_EQ(poll_now(pair.server, kAll), POLLIN | POLLOUT | POLLRDHUP);
  ::shutdown(pair.server, SHUT_WR);
  EXPECT_EQ(poll_now(pair.server, kAll) & (POLLHUP | POLLRDHUP), POLLHUP | POLLRDHUP);
}

TEST(TcpTest, ClosingWithUnreadDataResetsThePeer) {
  TcpPair pair = tcp_pair();
  ASSERT_EQ(::send(pair.client, "unread", 6, 0), 6);
  EXPECT_EQ(poll_now(pair.server, POLLIN, 1000), POLLIN);
  pair.server.reset();
  EXPECT_EQ(poll_now(pair.client, POLLIN, 1000) & (POLLERR | POLLHUP), POLLERR | POLLHUP);
  char byte;
  EXPECT_EQ(answer(::recv(pair.client, &byte, 1, 0)), -ECONNRESET);
  EXPECT_EQ(answer(::recv(pair.client, &byte, 1, 0)), 0);
  EXPECT_EQ(answer(::send(pair.client, "x", 1, MSG_NOSIGNAL)), -EPIPE);
}

TEST(TcpTest, LingerZeroResets) {
  TcpPair pair = tcp_pair();
  const linger now{1, 0};
  ASSERT_EQ(::setsockopt(pair.server, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
  pair.server.reset();
  char byte;
  EXPECT_EQ(answer(::recv(pair.client, &byte, 1, 0)), -ECONNRESET);
}

int g_signals = 0;

TEST(TcpTest, WritingAfterShutdownRaisesSigpipeUnlessAskedNotTo) {
  g_signals = 0;
  struct sigaction action {
  }, old{};
  action.sa_handler = [](int) { ++g_signals; };
  ::sigaction(SIGPIPE, &action, &old);
  TcpPair pair = tcp_pair();
  ::shutdown(pair.client, SHUT_WR);
  EXPECT_EQ(answer(::send(pair.client, "x", 1, MSG_NOSIGNAL)), -EPIPE);
  EXPECT_EQ(g_signals, 0);
  EXPECT_EQ(answer(::send(pair.client, "x", 1, 0)), -EPIPE);
  EXPECT_EQ(g_signals, 1);
  EXPECT_EQ(answer(::write(pair.client, "x", 1)), -EPIPE);
  EXPECT_EQ(g_signals, 2);
  ::sigaction(SIGPIPE, &old, nullptr);
}

TEST(TcpTest, UrgentDataHasAMark) {
  TcpPair pair = tcp_pair();
  ASSERT_EQ(::send(pair.client, "ab", 2, 0), 2);
  ASSERT_EQ(::send(pair.client, "c", 1, MSG_OOB), 1);
  EXPECT_EQ(poll_now(pair.server, POLLPRI, 1000), POLLPRI);
  char buffer[8];
  EXPECT_EQ(::recv(pair.server, buffer, sizeof buffer, 0), 2);
  int at_mark = 0;
  EXPECT_EQ(::ioctl(pair.server, SIOCATMARK, &at_mark), 0);
  EXPECT_EQ(at_mark, 1);
  EXPECT_EQ(::recv(pair.server, buffer, sizeof buffer, MSG_OOB), 1);
  EXPECT_EQ(buffer[0], 'c');
  EXPECT_EQ(answer(::recv(pair.server, buffer, sizeof buffer, MSG_OOB)), -EINVAL);
}

TEST(TcpTest, PeekAndWaitAll) {
  TcpPair pair = tcp_pair();
  ASSERT_EQ(::send(pair.client, "abcdef", 6, 0), 6);
  char buffer[8];
  EXPECT_EQ(::recv(pair.server, buffer, 3, MSG_PEEK), 3);
  EXPECT_EQ(::recv(pair.server, buffer, 6, MSG_WAITALL), 6);
  int size = -1;
  EXPECT_EQ(::ioctl(pair.server, FIONREAD, &size), 0);
  EXPECT_EQ(size, 0);
  EXPECT_EQ(answer(::ioctl(pair.listener, FIONREAD, &size)), -EINVAL);
}

TEST(TcpTest, ADualStackListenerSeesIpv4PeersMapped) {
  const Fd listener(::socket(AF_INET6, SOCK_STREAM, 0));
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  ASSERT_EQ(bind_to(listener, any), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t length = sizeof any;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&any), &length);
  const Fd client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect_to(client, loopback4(ntohs(any.sin6_port))), 0);
  sockaddr_in6 peer{};
  length = sizeof peer;
  const Fd server(::accept(listener, reinterpret_cast<sockaddr*>(&peer), &length));
  EXPECT_EQ(length, sizeof peer);
  EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
}

TEST(TcpTest, AMebibyteArrivesWhole) {
  TcpPair pair = tcp_pair();
  ::fcntl(pair.client, F_SETFL, O_NONBLOCK);
  const std::string data(1 << 20, 'z');
  size_t sent = 0, received = 0;
  char buffer[65536];
  while (received < data.size()) {
    if (sent < data.size()) {
      const ssize_t n = ::send(pair.client, data.data() + sent, data.size() - sent, 0);
      if (n > 0) sent += static_cast<size_t>(n);
    }
    const ssize_t n = ::recv(pair.server, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) received += static_cast<size_t>(n);
    ASSERT_NE(n, 0);
  }
  EXPECT_EQ(received, data.size());
}

}  // namespace
}  // namespace conformance
