// Options of accepted connections: their listener's of that moment, and from then on their own.
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

struct Server {
  Server() {
    bind_to(listener, loopback4());
    ::listen(listener, 8);
  }
  Fd accept(Fd& client) {
    client = Fd(::socket(AF_INET, SOCK_STREAM, 0));
    connect_to(client, name_of(listener));
    return Fd(::accept(listener, nullptr, nullptr));
  }
  Fd listener = Fd(::socket(AF_INET, SOCK_STREAM, 0));
};

struct Row {
  const char* text;
  int level, name, listeners, childs;
};
constexpr Row kRows[] = {
    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1, 0},
    {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1, 0},
    {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1, 0},
    {"SO_DONTROUTE", SOL_SOCKET, SO_DONTROUTE, 1, 0},
    {"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 5, 6},
    {"SO_PEEK_OFF", SOL_SOCKET, SO_PEEK_OFF, 0, 7},
    {"IP_TOS", IPPROTO_IP, IP_TOS, 0x10, 0x08},
    {"IP_TTL", IPPROTO_IP, IP_TTL, 9, 10},
    {"IP_MINTTL", IPPROTO_IP, IP_MINTTL, 2, 3},
    {"IP_MTU_DISCOVER", IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_PMTUDISC_DONT},
    {"IP_RECVERR", IPPROTO_IP, IP_RECVERR, 1, 0},
    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1, 0},
    {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 100, 200},
    {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 11, 12},
    {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 3, 4},
    {"TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, 7, 8},
    {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 10000, 20000},
    {"TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4096, 8192},
};

TEST(InheritedTest, AnAcceptedConnectionHasItsListenersOptionsUntilItSetsItsOwn) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.text);
    Server server;
    const long initial = get_int(server.listener, row.level, row.name);
    ASSERT_EQ(set_option(server.listener, row.level, row.name, row.listeners), 0);
    Fd clients[3];
    const Fd first = server.accept(clients[0]), second = server.accept(clients[1]);
    EXPECT_EQ(get_int(first, row.level, row.name), row.listeners);
    EXPECT_EQ(get_int(second, row.level, row.name), row.listeners);
    ASSERT_EQ(set_option(first, row.level, row.name, row.childs), 0);
    EXPECT_EQ(get_int(first, row.level, row.name), row.childs);
    EXPECT_EQ(get_int(second, row.level, row.name), row.listeners);
    EXPECT_EQ(get_int(server.listener, row.level, row.name), row.listeners);
    ASSERT_EQ(set_option(server.listener, row.level, row.name, row.childs), 0);
    const Fd third = server.accept(clients[2]);
    EXPECT_EQ(get_int(second, row.level, row.name), row.listeners);
    EXPECT_EQ(get_int(third, row.level, row.name), row.childs);
    EXPECT_EQ(get_int(clients[0], row.level, row.name), initial);
  }
}

TEST(InheritedTest, TheQueueingClassBeginsAnew) {
  Server server;
  ASSERT_EQ(set_option(server.listener, IPPROTO_IP, IP_TOS, 0x10), 0);
  EXPECT_EQ(get_int(server.listener, SOL_SOCKET, SO_PRIORITY), 6);
  Fd client;
  EXPECT_EQ(get_int(server.accept(client), SOL_SOCKET, SO_PRIORITY), 0);
}

TEST(InheritedTest, DeferredAcceptanceIsTheListenersAlone) {
  Server server;
  ASSERT_EQ(set_option(server.listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1), 0);
  const Fd client(::socket(AF_INET, SOCK_STREAM, 0));
  connect_to(client, name_of(server.listener));
  ASSERT_EQ(::send(client, "x", 1, 0), 1);
  const Fd accepted(::accept(server.listener, nullptr, nullptr));
  EXPECT_EQ(get_int(server.listener, IPPROTO_TCP, TCP_DEFER_ACCEPT), 1);
  EXPECT_EQ(get_int(accepted, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
}

TEST(InheritedTest, TheProcessorAListenerIsForStaysAndIsNobodyElses) {
  constexpr int kNone = 12345;  // no processor's number
  Server server;
  ASSERT_EQ(set_option(server.listener, SOL_SOCKET, SO_INCOMING_CPU, kNone), 0);
  Fd client;
  const Fd accepted = server.accept(client);
  EXPECT_EQ(get_int(server.listener, SOL_SOCKET, SO_INCOMING_CPU), kNone);
  EXPECT_NE(get_int(accepted, SOL_SOCKET, SO_INCOMING_CPU), kNone);
}

TEST(InheritedTest, WhereThePeekOffsetStandsIsEachConnectionsOwn) {
  Server server;
  ASSERT_EQ(set_option(server.listener, SOL_SOCKET, SO_PEEK_OFF, 1), 0);
  Fd clients[2];
  const Fd first = server.accept(clients[0]), second = server.accept(clients[1]);
  ASSERT_EQ(::send(clients[0], "hello", 5, 0), 5);
  char data[8] = {};
  EXPECT_EQ(::recv(first, data, 2, MSG_PEEK), 2);
  EXPECT_EQ(std::string(data, 2), "el");
  EXPECT_EQ(get_int(first, SOL_SOCKET, SO_PEEK_OFF), 3);
  EXPECT_EQ(get_int(second, SOL_SOCKET, SO_PEEK_OFF), 1);
  EXPECT_EQ(get_int(server.listener, SOL_SOCKET, SO_PEEK_OFF), 1);
}

// ip_mc_init_sock() is nothing that an accepted socket keeps: its fields say how the handshake came in.
TEST(InheritedTest, WhereGroupsWouldHearItTellsHowTheHandshakeCameIn) {
  Server server;
  Fd client;
  const Fd accepted = server.accept(client);
  EXPECT_EQ(get_int(client, IPPROTO_IP, IP_MULTICAST_TTL), 1);
  EXPECT_EQ(get_int(accepted, IPPROTO_IP, IP_MULTICAST_TTL), 64);
  EXPECT_EQ(set_option(accepted, IPPROTO_IP, IP_MULTICAST_TTL, 3), -EINVAL);
  const Fd listener(::socket(AF_INET6, SOCK_STREAM, 0));
  ASSERT_EQ(::listen(listener, 1), 0);
  sockaddr_in6 name{};
  socklen_t length = sizeof name;
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &length), 0);
  name.sin6_addr = in6addr_loopback;
  const Fd other(::socket(AF_INET6, SOCK_STREAM, 0));
  ASSERT_EQ(connect_to(other, name), 0);
  const Fd accepted6(::accept(listener, nullptr, nullptr));
  EXPECT_EQ(get_int(other, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 1);
  EXPECT_EQ(get_int(other, IPPROTO_IPV6, IPV6_MULTICAST_IF), 0);
  EXPECT_EQ(get_int(accepted6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 64);
  EXPECT_EQ(get_int(accepted6, IPPROTO_IPV6, IPV6_MULTICAST_IF), 1);
}

TEST(InheritedTest, DatagramsHaveOptionsOfTheirOwn) {
  const Fd first(::socket(AF_INET, SOCK_DGRAM, 0)), second(::socket(AF_INET, SOCK_DGRAM, 0));
  for (const int name : {SO_BROADCAST, SO_REUSEADDR, SO_NO_CHECK, SO_RXQ_OVFL, SO_TIMESTAMP}) {
    ASSERT_EQ(set_option(first, SOL_SOCKET, name, 1), 0);
    EXPECT_EQ(get_int(first, SOL_SOCKET, name), 1);
    EXPECT_EQ(get_int(second, SOL_SOCKET, name), 0);
  }
}

}  // namespace
}  // namespace conformance
