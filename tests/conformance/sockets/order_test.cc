// Which of two things a call does first, where a program can see it: what a failed call leaves behind, and which error wins.
#include <gtest/gtest.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

sockaddr_in address4(const char* host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

sockaddr_in6 address6(const char* host, uint16_t port, uint32_t scope = 0) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  inet_pton(AF_INET6, host, &address.sin6_addr);
  address.sin6_scope_id = scope;
  return address;
}

Fd udp(int family = AF_INET) { return Fd(::socket(family, SOCK_DGRAM, 0)); }
Fd stream(int family = AF_INET) { return Fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0)); }
template <typename Address>
long send_to(int fd, const std::string& data, const Address& to, int flags = 0) {
  return answer(::sendto(fd, data.data(), data.size(), flags, reinterpret_cast<const sockaddr*>(&to), sizeof to));
}

TEST(OrderTest, AnEchoSocketLooksAtTheHeaderBeforeTheAddress) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
  if (fd < 0) GTEST_SKIP() << "no group of ours may send echo requests";
  const std::string request("\x08\x00\x00\x00\x00\x00\x00\x01", 8), reply(8, '\0');
  sockaddr_in nowhere = loopback4();
  nowhere.sin_family = 99;
  EXPECT_EQ(send_to(fd, reply, nowhere), -EINVAL);
  EXPECT_EQ(send_to(fd, request, nowhere), -EAFNOSUPPORT);
  EXPECT_EQ(send_to(fd, request.substr(1), nowhere), -EINVAL);
  EXPECT_EQ(answer(::send(fd, reply.data(), reply.size(), 0)), -EINVAL);
  EXPECT_EQ(answer(::send(fd, request.data(), request.size(), 0)), -EDESTADDRREQ);
  EXPECT_EQ(answer(::send(fd, bad_pointer(), 8, 0)), -EFAULT);
  EXPECT_EQ(bind_to(fd, address4("127.255.255.255", 0)), -EADDRNOTAVAIL);
}

TEST(OrderTest, ARangeBeyondAllAddressesIsRefusedBeforeItsSizeIsCutDown) {
  const TcpPair pair = tcp_pair();
  constexpr size_t kMuch = SSIZE_MAX;
  EXPECT_EQ(answer(::read(pair.server, bad_pointer(), kMuch)), -EFAULT);
  EXPECT_EQ(answer(::write(pair.client, bad_pointer(), kMuch)), -EFAULT);
  EXPECT_EQ(answer(::recv(pair.server, bad_pointer(), kMuch, MSG_DONTWAIT)), -EAGAIN);
}

TEST(OrderTest, AnEchoSocketOfIpv6KnowsNoThisHost) {
  const Fd fd(::socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6));
  if (fd < 0) GTEST_SKIP() << "no group of ours may send echo requests";
  const std::string request("\x80\x00\x00\x00\x00\x00\x00\x01", 8);
  EXPECT_EQ(send_to(fd, request, address6("::", 0)), -ENETUNREACH);
  EXPECT_EQ(send_to(fd, request, loopback6()), 8);
}

TEST(OrderTest, ADatagramSocketTakesAPortBeforeItsDestinationIsRefused) {
  const Fd fd = udp();
  EXPECT_EQ(connect_to(fd, address6("::1", 9)), -EAFNOSUPPORT);
  EXPECT_NE(name_of(fd).sin_port, 0);
  EXPECT_EQ(bind_to(fd, loopback4()), -EINVAL);
}

TEST(OrderTest, WhatIsShutDownWhileItsConnectionFailsCannotConnectAgain) {
  const Fd fd = stream();
  const Fd closed = stream();
  ASSERT_EQ(bind_to(closed, loopback4()), 0);
  ASSERT_EQ(connect_to(fd, name_of(closed)), -EINPROGRESS);
  for (int i = 0; i < 100 && (poll_now(fd, POLLOUT, 10) & POLLERR) == 0; ++i) continue;
  EXPECT_EQ(answer(::shutdown(fd, SHUT_RDWR)), -ENOTCONN);
  EXPECT_EQ(connect_to(fd, name_of(closed)), -EINVAL);
  EXPECT_EQ(connect_to(fd, address4("10.9.8.7", 9)), -EINVAL);
}

TEST(OrderTest, AScopeThatBindRefusedBindsTheSocketAllTheSame) {
  constexpr uint32_t kNoInterface = 77777;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    const Fd fd(::socket(AF_INET6, type, 0));
    EXPECT_EQ(bind_to(fd, address6("fe80::1", 0, kNoInterface)), -ENODEV);
    EXPECT_EQ(get_int(fd, SOL_SOCKET, SO_BINDTOIFINDEX), static_cast<long>(kNoInterface));
    EXPECT_EQ(bind_to(fd, address6("::ffff:127.0.0.1", 0)), -ENODEV);
  }
}

TEST(OrderTest, AGroupIsReachedThroughTheRouteOfAStreamsInterface) {
  const Fd fd = stream();
  ASSERT_EQ(set_option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 77777), 0);
  EXPECT_EQ(connect_to(fd, address4("224.0.0.251", 9)), -ENODEV);
}

TEST(OrderTest, AStreamBoundToBroadcastConnectsFromWhereTheRouteSays) {
  const Fd listener = stream();
  ASSERT_EQ(bind_to(listener, loopback4()), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  const Fd fd = stream();
  ASSERT_EQ(bind_to(fd, address4("255.255.255.255", 0)), 0);
  EXPECT_EQ(connect_to(fd, name_of(listener)), -EINPROGRESS);
  EXPECT_EQ(name_of(fd).sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

TEST(OrderTest, ThisHostIsOfTheFamilyThatTheStreamIsBoundTo) {
  const Fd listener = stream();
  ASSERT_EQ(bind_to(listener, loopback4()), 0);
  ASSERT_EQ(::listen(listener, 2), 0);
  const uint16_t port = ntohs(name_of(listener).sin_port);
  const Fd mapped = stream(AF_INET6);
  ASSERT_EQ(bind_to(mapped, address6("::ffff:127.0.0.1", 0)), 0);
  EXPECT_EQ(connect_to(mapped, address6("::", port)), -EINPROGRESS);
  const Fd group = stream();
  ASSERT_EQ(bind_to(group, address4("224.0.0.251", 0)), 0);
  EXPECT_EQ(connect_to(group, address4("0.0.0.0", port)), -EINPROGRESS);
}

TEST(OrderTest, ANewAttemptForgetsTheErrorOfTheOldConnection) {
  TcpPair pair = tcp_pair();
  sockaddr_in nobody{};
  EXPECT_EQ(connect_to(pair.server, nobody), 0);
  EXPECT_NE(poll_now(pair.server, POLLOUT) & POLLERR, 0);
  EXPECT_EQ(connect_to(pair.server, name_of(pair.listener)), 0);
  EXPECT_EQ(poll_now(pair.server, POLLOUT), POLLOUT);
}

TEST(OrderTest, TheScopeOfAnAddressThatHasNoneIsIgnored) {
  const Fd listener = stream(AF_INET6);
  ASSERT_EQ(bind_to(listener, loopback6()), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  sockaddr_in6 to = name6_of(listener);
  to.sin6_scope_id = 7;
  EXPECT_EQ(connect_to(stream(AF_INET6), to), -EINPROGRESS);
}

TEST(OrderTest, APacketInfoWithoutAnAddressTakesTheSourceAwayFromTheSocket) {
  const UdpPair pair = udp_pair();
  const in_pktinfo nothing{};
  SentControl control;
  control.add(IPPROTO_IP, IP_PKTINFO, nothing);
  EXPECT_EQ(send_message(pair.sender, "x", static_cast<sockaddr_in*>(nullptr), control), 1);
}

TEST(OrderTest, PacketInfoOfIpv6NamesAnInterfaceThatThereIs) {
  const UdpPair pair = udp_pair(AF_INET6);
  in6_pktinfo info{};
  info.ipi6_ifindex = 77777;
  SentControl absent, foreign;
  absent.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  EXPECT_EQ(send_message(pair.sender, "x", static_cast<sockaddr_in6*>(nullptr), absent), -ENODEV);
  info.ipi6_ifindex = 0;
  inet_pton(AF_INET6, "2001:db8::1", &info.ipi6_addr);
  foreign.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  EXPECT_EQ(send_message(pair.sender, "x", static_cast<sockaddr_in6*>(nullptr), foreign), -EINVAL);
}

TEST(OrderTest, PacketInfoThatWasNotWantedWhenThePacketCameIsEmpty) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(::send(pair.sender, "a", 1, 0), 1);
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_IP, IP_PKTINFO, 1), 0);
  ASSERT_EQ(::send(pair.sender, "b", 1, 0), 1);
  const auto first = receive_message(pair.receiver).get<in_pktinfo>(IPPROTO_IP, IP_PKTINFO);
  EXPECT_EQ(first.ipi_ifindex, 0);
  EXPECT_EQ(first.ipi_spec_dst.s_addr, 0u);
  EXPECT_EQ(first.ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
  EXPECT_NE(receive_message(pair.receiver).get<in_pktinfo>(IPPROTO_IP, IP_PKTINFO).ipi_ifindex, 0);
}

TEST(OrderTest, AProbeIsNotSentAndEndsSendmmsg) {
  const UdpPair pair = udp_pair();
  char byte = 'x';
  iovec vector{&byte, 1};
  mmsghdr messages[2] = {};
  for (mmsghdr& message : messages) {
    message.msg_hdr.msg_iov = &vector;
    message.msg_hdr.msg_iovlen = 1;
  }
  EXPECT_EQ(answer(::sendmmsg(pair.sender, messages, 2, MSG_PROXY /* MSG_PROBE */)), 1);
  EXPECT_EQ(messages[0].msg_len, 1u);
  EXPECT_EQ(answer(::recv(pair.receiver, &byte, 1, MSG_DONTWAIT)), -EAGAIN);
  EXPECT_EQ(answer(::send(pair.sender, bad_pointer(), 10, MSG_PROXY)), 10);
}

TEST(OrderTest, ANameOfNoLengthIsNoNameToMostSockets) {
  const Fd fd = udp();
  const sockaddr_in to = loopback4(9);
  EXPECT_EQ(answer(::sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), 0)), -EINVAL);
  EXPECT_EQ(answer(::sendto(fd, "x", 1, 0, nullptr, 0)), -EDESTADDRREQ);
}

TEST(OrderTest, APieceOfACorkedDatagramIsNotAskedWhereItGoes) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(answer(::send(pair.sender, "a", 1, MSG_MORE)), 1);
  sockaddr_in nowhere{};
  nowhere.sin_family = 99;
  SentControl control;
  control.add(IPPROTO_IP, IP_TTL, 1000);
  EXPECT_EQ(send_message(pair.sender, "b", &nowhere, control), 1);
  EXPECT_EQ(receive_message(pair.receiver).data, "ab");
}

TEST(OrderTest, TheMtuOfAPathIsForgottenByWhatChangesThePath) {
  const UdpPair pair = udp_pair();
  const long mtu = get_int(pair.sender, IPPROTO_IP, IP_MTU);
  EXPECT_GT(mtu, 1000);
  EXPECT_EQ(set_option(pair.sender, IPPROTO_IP, IP_TOS, 0x10), 0);
  EXPECT_EQ(get_int(pair.sender, IPPROTO_IP, IP_MTU), -ENOTCONN);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(get_int(pair.sender, IPPROTO_IP, IP_MTU), mtu);
  EXPECT_EQ(set_option(pair.sender, IPPROTO_IP, IP_TOS, 0x10), 0) << "no change";
  EXPECT_EQ(get_int(pair.sender, IPPROTO_IP, IP_MTU), mtu);
  EXPECT_EQ(connect_to(pair.sender, address4("255.255.255.255", 9)), -EACCES);
  EXPECT_EQ(get_int(pair.sender, IPPROTO_IP, IP_MTU), -ENOTCONN);
}

TEST(OrderTest, BindingWhatFailedToConnectForgetsThePeer) {
  const Fd closed = stream();
  ASSERT_EQ(bind_to(closed, loopback4()), 0);
  const Fd fd = stream();
  ASSERT_EQ(connect_to(fd, name_of(closed)), -EINPROGRESS);
  for (int i = 0; i < 100 && (poll_now(fd, POLLOUT, 10) & POLLERR) == 0; ++i) continue;
  sockaddr_in name{};
  socklen_t length = sizeof name;
  EXPECT_EQ(answer(::getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &name, &length)), 0);
  ASSERT_EQ(bind_to(fd, loopback4()), 0);
  EXPECT_EQ(answer(::getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &name, &length)), -ENOTCONN);
}

TEST(OrderTest, AFailedConnectionStillKnowsItsPath) {
  const Fd closed = stream();
  ASSERT_EQ(bind_to(closed, loopback4()), 0);
  const Fd fd = stream();
  ASSERT_EQ(connect_to(fd, name_of(closed)), -EINPROGRESS);
  for (int i = 0; i < 100 && (poll_now(fd, POLLOUT, 10) & POLLERR) == 0; ++i) continue;
  EXPECT_GT(get_int(fd, IPPROTO_IP, IP_MTU), 1000);
}

TEST(OrderTest, NothingToReadWantsNothing) {
  TcpPair pair = tcp_pair();
  const timeval soon{0, 20'000};
  ASSERT_EQ(set_option(pair.client, SOL_SOCKET, SO_RCVTIMEO, soon), 0);
  char byte = 0;
  EXPECT_EQ(answer(::recv(pair.client, &byte, 1, 0)), -EAGAIN);
  EXPECT_EQ(answer(::recv(pair.client, &byte, 0, 0)), 0);
  EXPECT_EQ(answer(::recv(pair.client, &byte, 0, MSG_PEEK)), 0);
  EXPECT_EQ(answer(::recv(pair.client, &byte, 0, MSG_DONTWAIT)), -EAGAIN);
}

TEST(OrderTest, TheEndOfAStreamHasNoTimeStamp) {
  TcpPair pair = tcp_pair();
  pair.server.reset();
  ASSERT_EQ(set_option(pair.client, SOL_SOCKET, SO_TIMESTAMP, 1), 0);
  const Received end = receive_message(pair.client);
  EXPECT_EQ(end.size, 0);
  EXPECT_TRUE(end.control.empty());
}

TEST(OrderTest, AValueThatCannotBeWrittenLeavesTheLengthAlone) {
  const Fd fd = udp();
  socklen_t length = 1000;
  EXPECT_EQ(answer(::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, bad_pointer(), &length)), -EFAULT);
  EXPECT_EQ(length, 1000u);
  EXPECT_EQ(answer(::getsockopt(fd, IPPROTO_IP, IP_TTL, bad_pointer(), &length)), -EFAULT);
  EXPECT_EQ(length, 4u);
}

TEST(OrderTest, SourceGroupsWantExactlyTheirStructure) {
  const Fd fd = udp();
  char request[1000] = {};
  for (const int name : {MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE, MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP}) {
    EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IP, name, request, sizeof(group_source_req))), -EADDRNOTAVAIL);
    EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IP, name, request, sizeof request)), -EINVAL);
  }
}

TEST(OrderTest, WhatIsBoundToAnyAddressOfIpv4HearsNothingOfIpv6) {
  const Fd receiver = udp(AF_INET6);
  ASSERT_EQ(bind_to(receiver, address6("::ffff:0.0.0.0", 0)), 0);
  const Fd sender = udp(AF_INET6);
  const uint16_t port = ntohs(name6_of(receiver).sin6_port);
  EXPECT_EQ(send_to(sender, "6", address6("::1", port)), 1);
  EXPECT_EQ(send_to(udp(), "4", loopback4(port)), 1);
  EXPECT_EQ(receive_message(receiver, MSG_DONTWAIT).data, "4");
  EXPECT_EQ(receive_message(receiver, MSG_DONTWAIT).size, -EAGAIN);
}

TEST(OrderTest, AGroupNobodyJoinedIsNotHeardOverLoopback) {
  const Fd receiver = udp();
  ASSERT_EQ(bind_to(receiver, address4("0.0.0.0", 0)), 0);
  const Fd sender = udp();
  ASSERT_EQ(bind_to(sender, loopback4()), 0);
  const sockaddr_in to = address4("224.0.0.251", ntohs(name_of(receiver).sin_port));
  EXPECT_EQ(send_to(sender, "x", to), 1);
  EXPECT_EQ(receive_message(receiver, MSG_DONTWAIT).size, -EAGAIN);
}

TEST(OrderTest, ARawSocketsProtocolMayBeBeyondTheWire) {
  for (const int family : {AF_INET, AF_INET6}) {
    const Fd fd = raw_socket(family, 262);
    if (fd < 0) GTEST_SKIP() << "no raw sockets";
    EXPECT_EQ(get_int(fd, SOL_SOCKET, SO_PROTOCOL), 262);
    EXPECT_EQ(receive_message(fd, MSG_DONTWAIT).size, -EAGAIN);
  }
  EXPECT_EQ(send_to(raw_socket(AF_INET6, 262), "x", loopback6()), -EINVAL);
}

TEST(OrderTest, AnAcceptedStreamShowsHowItsHandshakeCameIn) {
  TcpPair pair = tcp_pair();
  EXPECT_EQ(get_int(pair.server, IPPROTO_IP, IP_MULTICAST_TTL), 64);
  EXPECT_EQ(get_int(pair.client, IPPROTO_IP, IP_MULTICAST_TTL), 1);
}

TEST(OrderTest, UdpLiteTellsItsQueues) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE));
  if (fd < 0) GTEST_SKIP() << "no UDP-Lite";
  int value = -1;
  EXPECT_EQ(answer(::ioctl(fd, FIONREAD, &value)), 0);
  EXPECT_EQ(value, 0);
  EXPECT_EQ(answer(::ioctl(fd, TIOCOUTQ, &value)), 0);
}

}  // namespace
}  // namespace conformance
