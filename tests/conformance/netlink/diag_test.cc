// What inet_diag tells of Internet sockets, and what it does to them: attributes, timers, lookups, filters, SOCK_DESTROY.
#include <sys/time.h>

#include <array>

#include "tests/conformance/netlink/diag_client.hh"

namespace conformance {
namespace {

using MemoryInfo = std::array<unsigned, 9>;
using BriefMemoryInfo = std::array<unsigned, 4>;
constexpr unsigned kAllStates = 0xfff;

// Lists of attributes are compared without what depends on the kernel's configuration.
std::vector<int> types_of(const DiagMessage& message) {
  std::vector<int> types;
  for (const int type : message.types()) {
    if (type != INET_DIAG_CGROUP_ID && type != INET_DIAG_BBRINFO) types.push_back(type);
  }
  return types;
}
int port_of(int fd) { return ntohs(name_of(fd).sin_port); }
void set(int fd, int level, int name, int value) { ASSERT_EQ(::setsockopt(fd, level, name, &value, sizeof value), 0); }
int error_of(int fd) {
  int error = -1;
  socklen_t length = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}
// What arrives on loopback has arrived when send() returns, but for a system under load.
DiagMessage settle(const std::function<DiagMessage()>& look, const std::function<bool(const DiagMessage&)>& is_settled) {
  DiagMessage message = look();
  for (int i = 0; i < 200 && !is_settled(message); ++i) {
    ::usleep(5000);
    message = look();
  }
  return message;
}
void in_network(const std::function<void(Diag&)>& body) {
  in_new_network([&] {
    Route route;
    bring_up(route);
    Diag diag;
    body(diag);
  });
}

TEST(SockDiag, EveryKindOfSocketHasItsAttributesInTheirOrder) {
  in_network([](Diag& diag) {
    const TcpPair pair = tcp_pair();
    set(pair.client, IPPROTO_TCP, TCP_NODELAY, 1);
    const std::vector<int> common = {INET_DIAG_SHUTDOWN, INET_DIAG_TOS,     INET_DIAG_MARK,     INET_DIAG_CLASS_ID,
                                     INET_DIAG_SOCKOPT,  INET_DIAG_MEMINFO, INET_DIAG_SKMEMINFO};
    std::vector<int> of_tcp = common;
    of_tcp.insert(of_tcp.end(), {INET_DIAG_INFO, INET_DIAG_CONG});
    EXPECT_EQ(types_of(diag.find(AF_INET, IPPROTO_TCP, port_of(pair.client))), of_tcp);
    EXPECT_EQ(types_of(diag.find(AF_INET, IPPROTO_TCP, port_of(pair.listener))), of_tcp);
    const Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(bind_to(udp, loopback4()), 0);
    EXPECT_EQ(types_of(diag.find(AF_INET, IPPROTO_UDP, port_of(udp))), common);
    EXPECT_EQ(types_of(diag.find(AF_INET, IPPROTO_UDP, port_of(udp), 0)),
              (std::vector<int>{INET_DIAG_SHUTDOWN, INET_DIAG_MARK, INET_DIAG_SOCKOPT}));
    const Fd six(::socket(AF_INET6, SOCK_DGRAM, 0));
    ASSERT_EQ(bind_to(six, loopback6()), 0);
    const std::vector<int> unconnected = {INET_DIAG_SHUTDOWN, INET_DIAG_TCLASS,   INET_DIAG_SKV6ONLY,
                                          INET_DIAG_MARK,     INET_DIAG_CLASS_ID, INET_DIAG_SOCKOPT};
    const int by_class = 1 << (INET_DIAG_TCLASS - 1);
    EXPECT_EQ(types_of(diag.find(AF_INET6, IPPROTO_UDP, port_of(six), by_class)), unconnected);
    sockaddr_in6 name{};
    socklen_t length = sizeof name;
    ASSERT_EQ(::getsockname(six, reinterpret_cast<sockaddr*>(&name), &length), 0);
    ASSERT_EQ(connect_to(six, name), 0);
    const DiagMessage connected = diag.find(AF_INET6, IPPROTO_UDP, port_of(six), by_class);
    EXPECT_EQ(connected.head.idiag_state, 1);
    EXPECT_FALSE(connected.has(INET_DIAG_SKV6ONLY));
  });
}

TEST(SockDiag, OptionsAreTold) {
  in_network([](Diag& diag) {
    const Fd fd(::socket(AF_INET6, SOCK_STREAM, 0));
    ASSERT_EQ(bind_to(fd, loopback6()), 0);
    ASSERT_EQ(::listen(fd, 3), 0);
    const auto look = [&] { return diag.find(AF_INET6, IPPROTO_TCP, port_of(fd)); };
    DiagMessage message = look();
    EXPECT_EQ(message.head.idiag_rqueue, 0u);
    EXPECT_EQ(message.head.idiag_wqueue, 3u);
    EXPECT_EQ(message.find(INET_DIAG_TOS), std::string(1, 0));
    EXPECT_EQ(message.find(INET_DIAG_SOCKOPT), std::string("\x12\0", 2));  // a connection's, multicast heard by its sender
    EXPECT_EQ(message.find(INET_DIAG_SKV6ONLY).size(), 1u);
    set(fd, IPPROTO_IP, IP_TOS, 0x10);
    set(fd, IPPROTO_IPV6, IPV6_TCLASS, 0x20);
    set(fd, IPPROTO_IP, IP_RECVERR, 1);
    set(fd, IPPROTO_IP, IP_FREEBIND, 1);
    set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
    set(fd, SOL_SOCKET, SO_MARK, 77);
    set(fd, SOL_SOCKET, SO_PRIORITY, 5);
    ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
    message = look();
    EXPECT_EQ(message.find(INET_DIAG_TOS), "\x10");
    EXPECT_EQ(message.find(INET_DIAG_TCLASS), "\x20");
    EXPECT_EQ(message.find(INET_DIAG_SOCKOPT), "\x07\x01");
    EXPECT_EQ(message.as<unsigned>(INET_DIAG_MARK), 77u);
    EXPECT_EQ(message.as<unsigned>(INET_DIAG_CLASS_ID), 5u);
    EXPECT_EQ(message.head.id.idiag_if, 1u);
    const Fd v4(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(bind_to(v4, loopback4()), 0);
    EXPECT_EQ(diag.find(AF_INET, IPPROTO_UDP, port_of(v4)).find(INET_DIAG_SOCKOPT), std::string("\x50\0", 2));
  });
}

TEST(SockDiag, QueuesAndMemoryAreTold) {
  in_network([](Diag& diag) {
    const TcpPair pair = tcp_pair();
    ASSERT_EQ(::send(pair.client, "hello", 5, 0), 5);
    const int port = port_of(pair.client), listening = port_of(pair.listener);
    const auto look = [&] { return diag.one(Diag::exact(IPPROTO_TCP, listening, port)); };
    DiagMessage server = settle(look, [](const DiagMessage& message) { return message.head.idiag_rqueue == 5; });
    EXPECT_EQ(server.head.idiag_rqueue, 5u);
    EXPECT_EQ(server.head.idiag_wqueue, 0u);
    const auto memory = server.as<MemoryInfo>(INET_DIAG_SKMEMINFO);
    MemoryInfo option{};
    socklen_t length = sizeof option;
    ASSERT_EQ(::getsockopt(pair.server, SOL_SOCKET, SO_MEMINFO, option.data(), &length), 0);
    EXPECT_EQ(memory, option);
    EXPECT_GT(memory[0], 5u);
    EXPECT_EQ(server.as<BriefMemoryInfo>(INET_DIAG_MEMINFO), (BriefMemoryInfo{memory[0], memory[5], memory[4], memory[2]}));
    EXPECT_EQ(server.find(INET_DIAG_SHUTDOWN), std::string(1, 0));
    // A FIN is counted as a byte.
    ASSERT_EQ(::shutdown(pair.client, SHUT_WR), 0);
    server = settle(look, [](const DiagMessage& message) { return message.head.idiag_state == 8; });
    EXPECT_EQ(server.head.idiag_state, 8);
    EXPECT_EQ(server.head.idiag_rqueue, 6u);
    EXPECT_EQ(server.find(INET_DIAG_SHUTDOWN), "\x01");
    EXPECT_EQ(diag.one(Diag::exact(IPPROTO_TCP, port, listening)).find(INET_DIAG_SHUTDOWN), "\x02");
  });
}

TEST(SockDiag, ADatagramIsCountedWithWhatKeepingItCosts) {
  in_network([](Diag& diag) {
    const Fd to(::socket(AF_INET, SOCK_DGRAM, 0)), from(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(bind_to(to, loopback4()), 0);
    ASSERT_EQ(connect_to(from, name_of(to)), 0);
    ASSERT_EQ(::send(from, "hello", 5, 0), 5);
    const DiagMessage message = diag.find(AF_INET, IPPROTO_UDP, port_of(to));
    EXPECT_GT(message.head.idiag_rqueue, 500u);
    EXPECT_EQ((message.as<MemoryInfo>(INET_DIAG_SKMEMINFO)[0]), message.head.idiag_rqueue);
    ASSERT_EQ(::shutdown(from, SHUT_RD), 0);
    EXPECT_EQ(diag.find(AF_INET, IPPROTO_UDP, port_of(from)).find(INET_DIAG_SHUTDOWN), "\x01");
  });
}

TEST(SockDiag, TimersAreTold) {
  in_network([](Diag& diag) {
    const TcpPair pair = tcp_pair();
    const auto look = [&] { return diag.one(Diag::exact(IPPROTO_TCP, port_of(pair.client), port_of(pair.listener))); };
    EXPECT_EQ(look().head.idiag_timer, 0);
    EXPECT_EQ(look().head.idiag_expires, 0u);
    set(pair.client, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(pair.client, IPPROTO_TCP, TCP_KEEPIDLE, 100);
    EXPECT_EQ(look().head.idiag_timer, 2);
    EXPECT_GT(look().head.idiag_expires, 90'000u);
    EXPECT_LE(look().head.idiag_expires, 100'000u);
    set(pair.client, SOL_SOCKET, SO_KEEPALIVE, 0);
    EXPECT_EQ(look().head.idiag_timer, 0);
    // The peer's window closes.
    const timeval brief{0, 20'000};
    ASSERT_EQ(::setsockopt(pair.client, SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof brief), 0);
    const std::string many(1 << 20, 'x');
    while (::send(pair.client, many.data(), many.size(), 0) > 0) {
    }
    const DiagMessage shut = settle(look, [](const DiagMessage& message) { return message.head.idiag_timer == 4; });
    EXPECT_EQ(shut.head.idiag_timer, 4);
    EXPECT_LE(shut.head.idiag_expires, 2'000u);
    EXPECT_GT(shut.head.idiag_wqueue, 0u);
  });
}

TEST(SockDiag, ASynThatNobodyAnswersIsRetransmitted) {
  in_new_network([] {
    Route route;
    bring_up(route);
    ASSERT_EQ(route.request(RTM_NEWADDR, kNew, address("10.9.0.1", 24)), 0);
    // Nobody can answer: the peer is neither here nor anywhere.
    const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), listener(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(bind_to(listener, loopback4()), 0);
    ASSERT_EQ(::listen(listener, 0), 0);
    const Fd first(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(connect_to(first, name_of(listener)), 0);
    ASSERT_EQ(connect_to(fd, name_of(listener)), -EINPROGRESS);  // the accept queue is full: the SYN is dropped
    Diag diag;
    const auto look = [&] { return diag.one(Diag::exact(IPPROTO_TCP, port_of(fd), port_of(listener))); };
    const DiagMessage waiting = look();
    EXPECT_EQ(waiting.head.idiag_state, 2);
    EXPECT_EQ(waiting.head.idiag_timer, 1);
    EXPECT_EQ(waiting.head.idiag_retrans, 0);
    EXPECT_GT(waiting.head.idiag_expires, 500u);
    EXPECT_LE(waiting.head.idiag_expires, 1'010u);
    EXPECT_EQ(waiting.head.idiag_wqueue, 1u);
    ::usleep(1'200'000);
    const DiagMessage again = look();
    EXPECT_EQ(again.head.idiag_timer, 1);
    EXPECT_EQ(again.head.idiag_retrans, 1);
    EXPECT_GT(again.head.idiag_expires, 300u);
  });
}

TEST(SockDiag, WhatIsLeftOfAConnectionIsNobodys) {
  in_network([](Diag& diag) {
    TcpPair pair = tcp_pair();
    set(pair.client, SOL_SOCKET, SO_MARK, 9);
    const int port = port_of(pair.client), listening = port_of(pair.listener);
    pair.client.reset();
    const auto look = [&] { return diag.one(Diag::exact(IPPROTO_TCP, port, listening)); };
    // Half closed, as a program's end it would have a queue; of an orphan only the wait for the peer's FIN is left.
    DiagMessage left = settle(look, [](const DiagMessage& message) { return message.head.idiag_state == 5; });
    for (const int state : {5, 6}) {
      EXPECT_EQ(left.head.idiag_state, state);
      EXPECT_EQ(left.head.idiag_timer, 3);
      EXPECT_GT(left.head.idiag_expires, 50'000u);
      EXPECT_LE(left.head.idiag_expires, 60'000u);
      EXPECT_EQ(left.head.idiag_inode, 0u);
      EXPECT_EQ(left.head.idiag_rqueue, 0u);
      EXPECT_EQ(left.head.idiag_wqueue, 0u);
      EXPECT_EQ(left.types(), std::vector<int>{INET_DIAG_MARK});
      EXPECT_EQ(left.as<unsigned>(INET_DIAG_MARK), 9u);
      EXPECT_NE(left.head.id.idiag_cookie[0], INET_DIAG_NOCOOKIE);
      pair.server.reset();
      left = settle(look, [](const DiagMessage& message) { return message.head.idiag_state == 6; });
    }
    // By its cookie it is found, and no other has it.
    inet_diag_req_v2 asked = Diag::exact(IPPROTO_TCP, port, listening);
    memcpy(asked.id.idiag_cookie, left.head.id.idiag_cookie, sizeof asked.id.idiag_cookie);
    EXPECT_EQ(diag.one(asked).error, 0);
    ++asked.id.idiag_cookie[0];
    EXPECT_EQ(diag.one(asked).error, -ENOENT);
    --asked.id.idiag_cookie[0];
    EXPECT_EQ(diag.end(asked), 0);
    EXPECT_EQ(diag.dump(Diag::request(AF_INET, IPPROTO_TCP, 1 << 6)).size(), 0u);
  });
}

TEST(SockDiag, OneConnectionIsFoundAsAPacketFindsIt) {
  in_network([](Diag& diag) {
    const TcpPair pair = tcp_pair();
    const int port = port_of(pair.client), listening = port_of(pair.listener);
    EXPECT_EQ(diag.one(Diag::exact(IPPROTO_TCP, port, listening)).head.idiag_state, 1);
    EXPECT_EQ(diag.one(Diag::exact(IPPROTO_TCP, listening)).head.idiag_state, 10);
    EXPECT_EQ(diag.one(Diag::exact(IPPROTO_TCP, listening, 9)).head.idiag_state, 10);  // a stranger meets the listener
    EXPECT_EQ(diag.one(Diag::exact(IPPROTO_TCP, port)).error, -ENOENT);
    inet_diag_req_v2 asked = Diag::exact(IPPROTO_TCP, listening);
    asked.id.idiag_src[0] = 0;
    EXPECT_EQ(diag.one(asked).error, -ENOENT);  // it listens at one address
    // IPv4's addresses on AF_INET6's clothes find AF_INET's connections, and not its listeners.
    asked = Diag::request(AF_INET6, IPPROTO_TCP);
    asked.id.idiag_sport = htons(static_cast<unsigned short>(port));
    asked.id.idiag_dport = htons(static_cast<unsigned short>(listening));
    asked.id.idiag_src[2] = asked.id.idiag_dst[2] = htonl(0xffff);
    asked.id.idiag_src[3] = asked.id.idiag_dst[3] = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(diag.one(asked).head.idiag_family, AF_INET);
    asked.id.idiag_sport = asked.id.idiag_dport;
    asked.id.idiag_dport = 0;
    memset(asked.id.idiag_dst, 0, sizeof asked.id.idiag_dst);
    EXPECT_EQ(diag.one(asked).error, -ENOENT);
    const Fd both(::socket(AF_INET6, SOCK_STREAM, 0));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    ASSERT_EQ(bind_to(both, any), 0);
    ASSERT_EQ(::listen(both, 1), 0);
    EXPECT_EQ(diag.one(Diag::exact(IPPROTO_TCP, port_of(both))).head.idiag_family, AF_INET6);
  });
}

TEST(SockDiag, OneDatagramSocketIsFoundByWhatItsPeersPacketsNameAndEndedByItsOwnName) {
  in_network([](Diag& diag) {
    const Fd server(::socket(AF_INET, SOCK_DGRAM, 0)), client(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(bind_to(server, loopback4(7346)), 0);
    ASSERT_EQ(connect_to(client, name_of(server)), 0);
    const int own = port_of(client), peers = port_of(server);
    EXPECT_EQ(diag.one(Diag::exact(IPPROTO_UDP, peers)).error, -ENOENT);
    inet_diag_req_v2 asked = Diag::exact(IPPROTO_UDP, 9, peers);
    EXPECT_EQ(diag.one(asked).local_port(), peers);
    asked = Diag::exact(IPPROTO_UDP, peers, own);
    EXPECT_EQ(diag.one(asked).local_port(), own);
    asked.id.idiag_cookie[0] = 1;
    asked.id.idiag_cookie[1] = 99;
    EXPECT_EQ(diag.one(asked).error, -ESTALE);
    EXPECT_EQ(diag.end(asked), -ENOENT);
    // The peer, and with it the port, is taken from who had not asked for it.
    EXPECT_EQ(diag.end(Diag::exact(IPPROTO_UDP, own, peers)), 0);
    EXPECT_EQ(poll_now(client, POLLIN), POLLERR);
    EXPECT_EQ(error_of(client), ECONNABORTED);
    EXPECT_EQ(port_of(client), 0);
    EXPECT_EQ(answer(::send(client, "x", 1, 0)), -EDESTADDRREQ);
    // Who named it when it was bound keeps it.
    EXPECT_EQ(diag.end(Diag::exact(IPPROTO_UDP, peers)), 0);
    EXPECT_EQ(error_of(server), ECONNABORTED);
    EXPECT_EQ(port_of(server), peers);
  });
}

TEST(SockDiag, AnAdministratorEndsAConnection) {
  in_network([](Diag& diag) {
    const TcpPair pair = tcp_pair();
    const inet_diag_req_v2 asked = Diag::exact(IPPROTO_TCP, port_of(pair.client), port_of(pair.listener));
    EXPECT_EQ(diag.end(asked), 0);
    EXPECT_EQ(poll_now(pair.client, POLLIN | POLLOUT), POLLIN | POLLOUT | POLLERR | POLLHUP);
    EXPECT_EQ(error_of(pair.client), ECONNABORTED);
    char byte;
    EXPECT_EQ(answer(::recv(pair.client, &byte, 1, 0)), 0);
    EXPECT_EQ(poll_now(pair.server, POLLIN, 1000) & POLLIN, POLLIN);
    EXPECT_EQ(answer(::recv(pair.server, &byte, 1, 0)), -ECONNRESET);
    EXPECT_EQ(diag.one(asked).error, -ENOENT);
    // Nobody has accepted this one yet.
    const Fd other(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ASSERT_EQ(connect_to(other, name_of(pair.listener)), -EINPROGRESS);
    EXPECT_EQ(diag.end(Diag::exact(IPPROTO_TCP, port_of(pair.listener))), 0);
    EXPECT_EQ(error_of(pair.listener), ECONNABORTED);
    EXPECT_EQ(answer(::accept(pair.listener, nullptr, nullptr)), -EINVAL);
    EXPECT_EQ(diag.end(Diag::exact(IPPROTO_TCP, port_of(pair.listener))), -ENOENT);
    EXPECT_EQ(answer(::listen(pair.listener, 1)), 0);
  });
}

TEST(SockDiag, WhichRequestsAreRefused) {
  in_network([](Diag& diag) {
    const TcpPair pair = tcp_pair();
    const int port = port_of(pair.listener);
    EXPECT_EQ(diag.one(Diag::exact(99, port)).error, -ENOENT);
    EXPECT_EQ(diag.dump(Diag::request(AF_INET, 99)).at(0).error, -ENOENT);
    EXPECT_EQ(diag.one(Diag::request(AF_UNSPEC, IPPROTO_TCP)).error, -ENOENT);
    EXPECT_EQ(diag.one(Diag::request(46, IPPROTO_TCP)).error, -EINVAL);
    EXPECT_EQ(diag.ask(SOCK_DIAG_BY_FAMILY, 0, std::string("\2\6", 2) + std::string(40, '\0')), -EINVAL);
    EXPECT_EQ(diag.ask(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, std::string("\2\6", 2) + std::string(40, '\0')), -EINVAL);
    const inet_diag_req_v2 good = Diag::exact(IPPROTO_TCP, port);
    for (const int type : {19, 22}) EXPECT_EQ(diag.ask(type, 0, bytes(good)), -EINVAL) << type;
    EXPECT_EQ(diag.ask(TCPDIAG_GETSOCK, 0, std::string(40, 2)), -EINVAL);
    std::string of_unix(24, '\0');
    of_unix[0] = AF_UNIX;
    EXPECT_EQ(diag.ask(SOCK_DESTROY, 0, of_unix), -EOPNOTSUPP);
    // The protocol may come as an attribute.
    const unsigned tcp = IPPROTO_TCP;
    inet_diag_req_v2 asked = Diag::exact(0, port);
    EXPECT_EQ(diag.one(asked).error, -ENOENT);
    EXPECT_EQ(diag.one(asked, attribute(INET_DIAG_REQ_PROTOCOL, bytes(tcp))).head.idiag_state, 10);
    for (const std::string& wrong : {std::string(2, 6), std::string(8, 0)}) {
      EXPECT_EQ(diag.one(good, attribute(INET_DIAG_REQ_PROTOCOL, wrong)).error, -EINVAL);
      EXPECT_EQ(diag.dump(good, attribute(INET_DIAG_REQ_PROTOCOL, wrong)).at(0).error, -EINVAL);
    }
    asked = good;
    asked.id.idiag_cookie[0] = asked.id.idiag_cookie[1] = 77;
    EXPECT_EQ(diag.one(asked).error, -ENOENT);
    EXPECT_EQ(diag.end(asked), -ENOENT);
  });
}

TEST(SockDiag, EveryDumpBeginsWithTheListeners) {
  in_network([](Diag& diag) {
    std::vector<TcpPair> pairs;
    for (int i = 0; i < 5; ++i) pairs.push_back(tcp_pair());
    const Fd six(::socket(AF_INET6, SOCK_STREAM, 0));
    ASSERT_EQ(bind_to(six, loopback6()), 0);
    ASSERT_EQ(::listen(six, 1), 0);
    const std::vector<DiagMessage> all = diag.dump(Diag::request(AF_INET, IPPROTO_TCP, kAllStates));
    ASSERT_EQ(all.size(), 15u);
    for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].head.idiag_state, i < 5 ? 10 : 1);
    // The request of before there were families is of both.
    EXPECT_EQ(diag.dump_of_old(kAllStates).size(), 16u);
    EXPECT_EQ(diag.dump_of_old(1 << 10).size(), 6u);
    inet_diag_req_v2 asked = Diag::request(AF_INET, IPPROTO_TCP, kAllStates);
    asked.id.idiag_dport = htons(static_cast<unsigned short>(port_of(pairs[0].listener)));
    ASSERT_EQ(diag.dump(asked).size(), 1u);
    EXPECT_EQ(diag.dump(asked)[0].local_port(), port_of(pairs[0].client));
  });
}

std::string operation(int code, int yes, int no) {
  const inet_diag_bc_op op{static_cast<unsigned char>(code), static_cast<unsigned char>(yes), static_cast<unsigned short>(no)};
  return bytes(op);
}

TEST(SockDiag, FiltersAskForInterfacesMarksAndPortsThatWereChosen) {
  in_network([](Diag& diag) {
    const TcpPair pair = tcp_pair();  // no port was named
    const Fd named(::socket(AF_INET, SOCK_STREAM, 0));
    set(named, SOL_SOCKET, SO_REUSEADDR, 1);
    ASSERT_EQ(bind_to(named, loopback4(7345)), 0);
    ASSERT_EQ(::listen(named, 1), 0);
    ASSERT_EQ(::setsockopt(named, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
    set(named, SOL_SOCKET, SO_MARK, 0x25);
    const inet_diag_req_v2 asked = Diag::request(AF_INET, IPPROTO_TCP, kAllStates, 0);
    const auto count = [&](const std::string& program) { return diag.dump_filtered(asked, program).size(); };
    const auto number = [](unsigned value) { return bytes(value); };
    EXPECT_EQ(count(operation(INET_DIAG_BC_AUTO, 4, 8)), 3u);
    EXPECT_EQ(count(operation(INET_DIAG_BC_DEV_COND, 8, 12) + number(1)), 1u);
    EXPECT_EQ(count(operation(INET_DIAG_BC_DEV_COND, 8, 12) + number(0)), 3u);
    EXPECT_EQ(count(operation(INET_DIAG_BC_MARK_COND, 12, 16) + number(0x25) + number(0xff)), 1u);
    EXPECT_EQ(count(operation(INET_DIAG_BC_MARK_COND, 12, 16) + number(5) + number(0xf)), 1u);
    EXPECT_EQ(count(operation(INET_DIAG_BC_MARK_COND, 12, 16) + number(0) + number(0xff)), 3u);
    EXPECT_EQ(count(operation(INET_DIAG_BC_JMP, 4, 4)), 4u);
    EXPECT_EQ(count(operation(INET_DIAG_BC_JMP, 4, 8)), 0u);
  });
}

TEST(SockDiag, WhichFiltersAreRefused) {
  in_network([](Diag& diag) {
    const TcpPair pair = tcp_pair();
    const inet_diag_req_v2 asked = Diag::request(AF_INET, IPPROTO_TCP, kAllStates, 0);
    const std::string port = operation(0, 0, 1), four(4, '\0');
    const std::string refused[] = {"",
                                   operation(INET_DIAG_BC_NOP, 8, 0),
                                   operation(INET_DIAG_BC_JMP, 4, 0),
                                   operation(INET_DIAG_BC_S_GE, 4, 8),
                                   operation(INET_DIAG_BC_MARK_COND, 8, 12) + four,
                                   operation(INET_DIAG_BC_DEV_COND, 4, 8),
                                   operation(14, 4, 8),
                                   operation(INET_DIAG_BC_JMP, 4, 8) + operation(INET_DIAG_BC_S_GE, 8, 12) + port,
                                   operation(INET_DIAG_BC_NOP, 5, 4) + std::string(1, '\0'),
                                   operation(INET_DIAG_BC_S_GE, 8, 16) + port};
    for (const std::string& program : refused) {
      const std::vector<DiagMessage> answers = diag.dump_filtered(asked, program);
      ASSERT_EQ(answers.size(), 1u);
      EXPECT_EQ(answers[0].error, -EINVAL) << testing::PrintToString(program);
    }
    EXPECT_EQ(diag.dump_filtered(asked, operation(INET_DIAG_BC_NOP, 4, 0)).size(), 3u);
  });
}

TEST(SockDiag, WhoIsNoAdministratorSeesNoMarksAndEndsNothing) {
  in_network([](Diag&) {
    const TcpPair pair = tcp_pair();
    const int port = port_of(pair.listener);
    const pid_t child = fork();
    if (child == 0) {
      Diag own;
      if (::setuid(65534) != 0) _exit(2);
      EXPECT_FALSE(own.one(Diag::exact(IPPROTO_TCP, port)).has(INET_DIAG_MARK));
      EXPECT_TRUE(own.one(Diag::exact(IPPROTO_TCP, port)).has(INET_DIAG_SHUTDOWN));
      EXPECT_EQ(own.end(Diag::exact(IPPROTO_TCP, port)), -EPERM);
      EXPECT_EQ(own.end(Diag::exact(IPPROTO_TCP, 9)), -ENOENT);
      const inet_diag_req_v2 asked = Diag::request(AF_INET, IPPROTO_TCP);
      EXPECT_EQ(own.dump_filtered(asked, operation(INET_DIAG_BC_MARK_COND, 4, 8)).at(0).error, -EPERM);
      _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  });
}

TEST(SockDiag, KeysAreToldToAdministrators) {
  in_network([](Diag& diag) {
    const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(bind_to(listener, loopback4()), 0);
    tcp_md5sig key{};
    const sockaddr_in peer = loopback4();
    memcpy(&key.tcpm_addr, &peer, sizeof peer);
    key.tcpm_keylen = 6;
    memcpy(key.tcpm_key, "secret", 6);
    if (::setsockopt(listener, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key) != 0) GTEST_SKIP() << "no signatures here";
    ASSERT_EQ(::listen(listener, 1), 0);
    const auto told = diag.find(AF_INET, IPPROTO_TCP, port_of(listener)).as<tcp_diag_md5sig>(INET_DIAG_MD5SIG);
    EXPECT_EQ(told.tcpm_family, AF_INET);
    EXPECT_EQ(told.tcpm_prefixlen, 32);
    EXPECT_EQ(told.tcpm_keylen, 6);
    EXPECT_EQ(told.tcpm_addr[0], htonl(INADDR_LOOPBACK));
    EXPECT_EQ(memcmp(told.tcpm_key, "secret", 6), 0);
  });
}

}  // namespace
}  // namespace conformance
