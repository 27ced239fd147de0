// IPPROTO_IPV6: the effect of each option that had none, and what is refused.
#include <gtest/gtest.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>

#include "tests/conformance/options/tools.hh"

#ifndef IPV6_RECVFRAGSIZE
#define IPV6_RECVFRAGSIZE 77
#endif
#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif
#ifndef IPV6_ADDR_PREFERENCES
#define IPV6_ADDR_PREFERENCES 72
#endif
#ifndef IPV6_UNICAST_IF
#define IPV6_UNICAST_IF 76
#endif
#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11
#endif
#ifndef IPV6_FLOWINFO_SEND
#define IPV6_FLOWINFO_SEND 33
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884 31
#endif

namespace conformance {
namespace {

std::string got(int fd, int level, int name, size_t room = 64) {
  std::string value(room, '\xee');
  socklen_t length = static_cast<socklen_t>(room);
  const long result = answer(::getsockopt(fd, level, name, value.data(), &length));
  if (result < 0) return "errno " + std::to_string(-result);
  value.resize(length);
  return value;
}
long set_bytes(int fd, int level, int name, const std::string& bytes) {
  return answer(::setsockopt(fd, level, name, bytes.data(), static_cast<socklen_t>(bytes.size())));
}

// An extension header of eight bytes that is all padding (PadN of four).
const std::string kPadding("\x00\x00\x01\x04\x00\x00\x00\x00", 8);

bool may_raw() { return raw_socket(AF_INET6, 253).get() >= 0; }

struct StickyCase {
  int name, receive, type;
};
class StickyTest : public testing::TestWithParam<StickyCase> {};

TEST_P(StickyTest, AHeaderStandsInEveryPacketUntilItIsTakenAway) {
  if (!may_raw()) GTEST_SKIP() << "not for everybody";
  const auto [name, receive, type] = GetParam();
  const UdpPair pair = udp_pair(AF_INET6);
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_IPV6, receive, 1), 0);
  EXPECT_EQ(got(pair.sender, IPPROTO_IPV6, name), "");
  ASSERT_EQ(set_bytes(pair.sender, IPPROTO_IPV6, name, kPadding), 0);
  EXPECT_EQ(got(pair.sender, IPPROTO_IPV6, name), kPadding);
  EXPECT_EQ(got(pair.sender, IPPROTO_IPV6, name, 3), kPadding.substr(0, 3));
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  const Received received = receive_message(pair.receiver);
  ASSERT_TRUE(received.has(SOL_IPV6, type));
  const std::string header = received.control.at({SOL_IPV6, type});
  ASSERT_EQ(header.size(), 8u);
  EXPECT_EQ(header.substr(1), kPadding.substr(1));
  EXPECT_EQ(header[0], IPPROTO_UDP);
  ASSERT_EQ(set_bytes(pair.sender, IPPROTO_IPV6, name, ""), 0);
  EXPECT_EQ(got(pair.sender, IPPROTO_IPV6, name), "");
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_FALSE(receive_message(pair.receiver).has(SOL_IPV6, type));
}

TEST_P(StickyTest, WrongLengthsAreRefused) {
  if (!may_raw()) GTEST_SKIP() << "not for everybody";
  const Fd fd(::socket(AF_INET6, SOCK_DGRAM, 0));
  const int name = GetParam().name;
  EXPECT_EQ(set_bytes(fd, IPPROTO_IPV6, name, kPadding.substr(0, 7)), -EINVAL);
  std::string says_more = kPadding;
  says_more[1] = 1;
  EXPECT_EQ(set_bytes(fd, IPPROTO_IPV6, name, says_more), -EINVAL);
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IPV6, name, nullptr, 8)), -EINVAL);
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IPV6, name, bad_pointer<void>(), 8)), -EFAULT);
  // What is beyond the length the header gives itself is not kept.
  EXPECT_EQ(set_bytes(fd, IPPROTO_IPV6, name, kPadding + kPadding), 0);
  EXPECT_EQ(got(fd, IPPROTO_IPV6, name), kPadding);
}
INSTANTIATE_TEST_SUITE_P(Headers, StickyTest,
                         testing::Values(StickyCase{IPV6_HOPOPTS, IPV6_RECVHOPOPTS, IPV6_HOPOPTS},
                                         StickyCase{IPV6_DSTOPTS, IPV6_RECVDSTOPTS, IPV6_DSTOPTS}));

TEST(StickyHeadersTest, SeveralAreChainedAndAControlMessageReplacesThemAll) {
  if (!may_raw()) GTEST_SKIP() << "not for everybody";
  const UdpPair pair = udp_pair(AF_INET6);
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1), 0);
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1), 0);
  ASSERT_EQ(set_bytes(pair.sender, IPPROTO_IPV6, IPV6_DSTOPTS, kPadding), 0);
  ASSERT_EQ(set_bytes(pair.sender, IPPROTO_IPV6, IPV6_HOPOPTS, kPadding), 0);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  const Received both = receive_message(pair.receiver);
  EXPECT_EQ((both.control.at({SOL_IPV6, IPV6_HOPOPTS}))[0], IPPROTO_DSTOPTS);
  EXPECT_EQ((both.control.at({SOL_IPV6, IPV6_DSTOPTS}))[0], IPPROTO_UDP);
  SentControl control;
  control.add_bytes(SOL_IPV6, IPV6_DSTOPTS, kPadding + kPadding.substr(0, 0));
  ASSERT_EQ(send_message<sockaddr_in6>(pair.sender, "x", nullptr, control), 1);
  const Received one = receive_message(pair.receiver);
  EXPECT_FALSE(one.has(SOL_IPV6, IPV6_HOPOPTS));
  EXPECT_TRUE(one.has(SOL_IPV6, IPV6_DSTOPTS));
}

TEST(StickyHeadersTest, AHeaderForBeforeARoutingHeaderIsKeptAndNotSentAlone) {
  if (!may_raw()) GTEST_SKIP() << "not for everybody";
  const UdpPair pair = udp_pair(AF_INET6);
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1), 0);
  ASSERT_EQ(set_bytes(pair.sender, IPPROTO_IPV6, IPV6_RTHDRDSTOPTS, kPadding), 0);
  EXPECT_EQ(got(pair.sender, IPPROTO_IPV6, IPV6_RTHDRDSTOPTS), kPadding);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_FALSE(receive_message(pair.receiver).has(SOL_IPV6, IPV6_DSTOPTS));
}

TEST(StickyHeadersTest, AStreamSendsThemToo) {
  if (!may_raw()) GTEST_SKIP() << "not for everybody";
  Fd listener(::socket(AF_INET6, SOCK_STREAM, 0));
  bind_to(listener, loopback6());
  ::listen(listener, 1);
  const Fd client(::socket(AF_INET6, SOCK_STREAM, 0));
  ASSERT_EQ(set_bytes(client, IPPROTO_IPV6, IPV6_DSTOPTS, kPadding), 0);
  ASSERT_EQ(connect_to(client, name6_of(listener)), 0);
  const Fd server(::accept(listener, nullptr, nullptr));
  const std::string large(100'000, 'x');
  ASSERT_GT(::send(client, large.data(), large.size(), MSG_DONTWAIT), 0);
  char buffer[16];
  EXPECT_EQ(::recv(server, buffer, sizeof buffer, 0), 16);
}

TEST(PacketOptionsTest, AllHeadersInOneOption) {
  if (!may_raw()) GTEST_SKIP() << "not for everybody";
  const UdpPair pair = udp_pair(AF_INET6);
  SentControl control;
  control.add_bytes(SOL_IPV6, IPV6_HOPOPTS, kPadding);
  ASSERT_EQ(set_bytes(pair.sender, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, control.buffer()), 0);
  EXPECT_EQ(got(pair.sender, IPPROTO_IPV6, IPV6_HOPOPTS), kPadding);
  ASSERT_EQ(set_bytes(pair.sender, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, ""), 0);
  EXPECT_EQ(got(pair.sender, IPPROTO_IPV6, IPV6_HOPOPTS), "");
  EXPECT_EQ(got(pair.sender, IPPROTO_IPV6, IPV6_2292PKTOPTIONS), "errno " + std::to_string(ENOPROTOOPT));
}

TEST(Ipv6Test, TheMtuIsThePathsToThePeer) {
  const Fd fd(::socket(AF_INET6, SOCK_DGRAM, 0));
  EXPECT_EQ(get_int(fd, IPPROTO_IPV6, IPV6_MTU), -ENOTCONN);
  EXPECT_EQ(got(fd, IPPROTO_IPV6, IPV6_PATHMTU, 32), "errno " + std::to_string(ENOTCONN));
  EXPECT_EQ(got(fd, IPPROTO_IPV6, IPV6_PATHMTU, 31), "errno " + std::to_string(EINVAL));
  const UdpPair pair = udp_pair(AF_INET6);
  EXPECT_EQ(get_int(pair.sender, IPPROTO_IPV6, IPV6_MTU), 65536 - 1 + 1);
  ip6_mtuinfo info{};
  socklen_t length = sizeof info;
  ASSERT_EQ(answer(::getsockopt(pair.sender, IPPROTO_IPV6, IPV6_PATHMTU, &info, &length)), 0);
  EXPECT_EQ(length, sizeof info);
  EXPECT_EQ(info.ip6m_mtu, 65536u);
}

// The option's size counts for packets that must be cut anyway.
TEST(Ipv6Test, PacketsAreCutAtTheMtuThatWasSetAndTheirSizeIsTold) {
  const UdpPair pair = udp_pair(AF_INET6);
  EXPECT_EQ(set_option(pair.sender, IPPROTO_IPV6, IPV6_MTU, 1279), -EINVAL);
  ASSERT_EQ(set_option(pair.sender, IPPROTO_IPV6, IPV6_MTU, 1280), 0);
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1), 0);
  const std::string fits(3000, 'x'), data(65520, 'x');
  ASSERT_EQ(::send(pair.sender, fits.data(), fits.size(), 0), 3000);
  EXPECT_FALSE(receive_message(pair.receiver, 0, 4096).has(SOL_IPV6, IPV6_RECVFRAGSIZE));
  ASSERT_EQ(::send(pair.sender, data.data(), data.size(), 0), 65520);
  const Received received = receive_message(pair.receiver, 0, 70000);
  EXPECT_EQ(received.size, 65520);
  EXPECT_EQ(received.get<int>(SOL_IPV6, IPV6_RECVFRAGSIZE), 1280);
}

TEST(Ipv6Test, WhatWasTooLargeForThePathIsReceivedAsNews) {
  const UdpPair pair = udp_pair(AF_INET6);
  ASSERT_EQ(set_option(pair.sender, IPPROTO_IPV6, IPV6_MTU, 1280), 0);
  ASSERT_EQ(set_option(pair.sender, IPPROTO_IPV6, IPV6_DONTFRAG, 1), 0);
  ASSERT_EQ(set_option(pair.sender, IPPROTO_IPV6, IPV6_RECVPATHMTU, 1), 0);
  const std::string data(3000, 'x');
  EXPECT_EQ(answer(::send(pair.sender, data.data(), data.size(), 0)), -EMSGSIZE);
  const Received received = receive_message(pair.sender, MSG_DONTWAIT);
  EXPECT_EQ(received.size, 0);
  const auto info = received.get<ip6_mtuinfo>(SOL_IPV6, IPV6_PATHMTU);
  EXPECT_EQ(info.ip6m_mtu, 1280u);
  EXPECT_TRUE(IN6_IS_ADDR_LOOPBACK(&info.ip6m_addr.sin6_addr));
  EXPECT_EQ(receive_message(pair.sender, MSG_DONTWAIT).size, -EAGAIN);
}

TEST(Ipv6Test, AStreamDropsWhatComesFromTooFar) {
  Fd listener(::socket(AF_INET6, SOCK_STREAM, 0));
  bind_to(listener, loopback6());
  ::listen(listener, 1);
  const Fd client(::socket(AF_INET6, SOCK_STREAM, 0));
  ASSERT_EQ(connect_to(client, name6_of(listener)), 0);
  const Fd server(::accept(listener, nullptr, nullptr));
  ASSERT_EQ(set_option(server, IPPROTO_IPV6, IPV6_MINHOPCOUNT, 65), 0);
  ASSERT_EQ(::send(client, "x", 1, 0), 1);
  EXPECT_EQ(poll_now(server, POLLIN, 30), 0);
  ASSERT_EQ(set_option(server, IPPROTO_IPV6, IPV6_MINHOPCOUNT, 0), 0);
  EXPECT_EQ(poll_now(server, POLLIN, 3000), POLLIN);
}

TEST(Ipv6Test, AMappedConnectionBecomesIpv4) {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    Fd server(::socket(AF_INET, type, 0));
    bind_to(server, loopback4());
    if (type == SOCK_STREAM) ::listen(server, 1);
    const Fd client(::socket(AF_INET6, type, 0));
    EXPECT_EQ(set_option(client, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET6), -EINVAL);
    EXPECT_EQ(set_option(client, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET), -ENOTCONN);
    sockaddr_in6 mapped{};
    mapped.sin6_family = AF_INET6;
    mapped.sin6_port = name_of(server).sin_port;
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
    ASSERT_EQ(connect_to(client, mapped), 0);
    EXPECT_EQ(get_int(client, IPPROTO_IPV6, IPV6_ADDRFORM), AF_INET6);
    ASSERT_EQ(set_option(client, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET), 0);
    EXPECT_EQ(get_int(client, SOL_SOCKET, SO_DOMAIN), AF_INET);
    EXPECT_EQ(name_of(client).sin_family, AF_INET);
    EXPECT_EQ(name_of(client).sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    ASSERT_EQ(::getpeername(client, reinterpret_cast<sockaddr*>(&peer), &length), 0);
    EXPECT_EQ(peer.ss_family, AF_INET);
    EXPECT_EQ(length, sizeof(sockaddr_in));
    EXPECT_EQ(set_option(client, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 3), -ENOPROTOOPT);
    EXPECT_EQ(set_option(client, IPPROTO_IP, IP_TTL, 3), 0);
    EXPECT_EQ(::send(client, "x", 1, 0), 1);
    const Fd accepted(type == SOCK_STREAM ? ::accept(server, nullptr, nullptr) : ::dup(server));
    EXPECT_EQ(receive_message(accepted).data, "x");
  }
  const UdpPair pair = udp_pair(AF_INET6);
  EXPECT_EQ(set_option(pair.sender, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET), -EADDRNOTAVAIL);
}

TEST(Ipv6Test, FlowInformationIsSentWhereTheSocketSaysSo) {
  Fd receiver(::socket(AF_INET6, SOCK_DGRAM, 0));
  bind_to(receiver, loopback6());
  ASSERT_EQ(set_option(receiver, IPPROTO_IPV6, IPV6_FLOWINFO, 1), 0);
  sockaddr_in6 to = name6_of(receiver);
  to.sin6_flowinfo = htonl(0x12345);
  const Fd sender(::socket(AF_INET6, SOCK_DGRAM, 0));
  ASSERT_EQ(set_option(sender, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, 1), 0);
  ASSERT_EQ(::sendto(sender, "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 1);
  EXPECT_EQ(receive_message(receiver).get<uint32_t>(SOL_IPV6, IPV6_FLOWINFO), htonl(0x12345));
  ASSERT_EQ(connect_to(sender, to), 0);
  ASSERT_EQ(::send(sender, "x", 1, 0), 1);
  EXPECT_EQ(receive_message(receiver).get<uint32_t>(SOL_IPV6, IPV6_FLOWINFO), htonl(0x12345));
  sockaddr_in6 peer{};
  socklen_t length = sizeof peer;
  ASSERT_EQ(::getpeername(sender, reinterpret_cast<sockaddr*>(&peer), &length), 0);
  EXPECT_EQ(peer.sin6_flowinfo, htonl(0x12345));
  const Fd silent(::socket(AF_INET6, SOCK_DGRAM, 0));
  ASSERT_EQ(set_option(silent, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0), 0);
  ASSERT_EQ(::sendto(silent, "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 1);
  EXPECT_FALSE(receive_message(receiver).has(SOL_IPV6, IPV6_FLOWINFO));
}

TEST(Ipv6Test, RawSocketsHaveTheirOwn) {
  const Fd udp(::socket(AF_INET6, SOCK_DGRAM, 0));
  EXPECT_EQ(set_option(udp, IPPROTO_IPV6, IPV6_CHECKSUM, 2), -ENOPROTOOPT);
  EXPECT_EQ(set_option(udp, IPPROTO_IPV6, IPV6_HDRINCL, 1), -ENOPROTOOPT);
  EXPECT_EQ(set_option(udp, IPPROTO_IPV6, IPV6_ROUTER_ALERT, 0), -ENOPROTOOPT);
  const Fd raw = raw_socket(AF_INET6, 253), send_only = raw_socket(AF_INET6, IPPROTO_RAW),
           icmp = raw_socket(AF_INET6, IPPROTO_ICMPV6);
  if (raw.get() < 0) GTEST_SKIP() << "no raw sockets";
  EXPECT_EQ(set_option(raw, IPPROTO_IPV6, IPV6_CHECKSUM, 2), 0);
  EXPECT_EQ(get_int(raw, SOL_RAW, IPV6_CHECKSUM), 2);
  EXPECT_EQ(set_option(icmp, IPPROTO_IPV6, IPV6_CHECKSUM, 2), -EINVAL);
  EXPECT_EQ(set_option(icmp, SOL_RAW, IPV6_CHECKSUM, 4), 0);
  EXPECT_EQ(get_int(send_only, IPPROTO_IPV6, IPV6_HDRINCL), 1);
  EXPECT_EQ(set_option(raw, IPPROTO_IPV6, IPV6_ROUTER_ALERT, 0), -ENOPROTOOPT);
  EXPECT_EQ(set_option(send_only, IPPROTO_IPV6, IPV6_ROUTER_ALERT, 0), 0);
  EXPECT_EQ(set_option(send_only, IPPROTO_IPV6, IPV6_ROUTER_ALERT, 5), -EADDRINUSE);
  EXPECT_EQ(set_option(send_only, IPPROTO_IPV6, IPV6_ROUTER_ALERT, -1), 0);
  EXPECT_EQ(set_option(send_only, IPPROTO_IPV6, IPV6_ROUTER_ALERT, -1), -ENOBUFS);
}

TEST(Ipv6Test, ARawSocketMayWriteTheHeaderItself) {
  const Fd raw = raw_socket(AF_INET6, IPPROTO_RAW);
  if (raw.get() < 0) GTEST_SKIP() << "no raw sockets";
  const Fd receiver = raw_socket(AF_INET6, 253);
  ip6_hdr header{};
  header.ip6_flow = htonl(6u << 28);
  header.ip6_plen = htons(4);
  header.ip6_nxt = 253;
  header.ip6_hlim = 33;
  header.ip6_src = header.ip6_dst = in6addr_loopback;
  ASSERT_EQ(set_option(receiver, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1), 0);
  const std::string packet = std::string(reinterpret_cast<char*>(&header), sizeof header) + "data";
  const sockaddr_in6 to = loopback6();
  ASSERT_EQ(::sendto(raw, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 44);
  const Received received = receive_message(receiver, MSG_DONTWAIT);
  EXPECT_EQ(received.data, "data");
  EXPECT_EQ(received.get<int>(SOL_IPV6, IPV6_HOPLIMIT), 33);
}

TEST(Ipv6Test, InterfacesForAPacketsWay) {
  const UdpPair pair = udp_pair(AF_INET6);
  in6_pktinfo info{};
  info.ipi6_ifindex = 1;
  EXPECT_EQ(set_option(pair.sender, IPPROTO_IPV6, IPV6_PKTINFO, info), 0);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(receive_message(pair.receiver).data, "x");
  EXPECT_EQ(get_int(pair.sender, IPPROTO_IPV6, IPV6_PKTINFO), -ENOPROTOOPT);
  EXPECT_EQ(set_option(pair.sender, IPPROTO_IPV6, IPV6_UNICAST_IF, htonl(1)), 0);
  EXPECT_EQ(get_int(pair.sender, IPPROTO_IPV6, IPV6_UNICAST_IF), static_cast<long>(static_cast<int>(htonl(1))));
  EXPECT_EQ(get_int(pair.sender, IPPROTO_IP, IP_UNICAST_IF), 0);  // IPv4's is another
  EXPECT_EQ(set_option(pair.sender, IPPROTO_IPV6, IPV6_UNICAST_IF, htonl(9999)), -EADDRNOTAVAIL);
}

TEST(Ipv6Test, WhichAddressesASocketPrefers) {
  const Fd fd(::socket(AF_INET6, SOCK_DGRAM, 0));
  constexpr int kTemporary = 1, kPublic = 2, kCareOf = 4, kDefault = 0x100, kHome = 0x400;
  EXPECT_EQ(get_int(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES), kDefault | kHome);
  ASSERT_EQ(set_option(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, kTemporary | kCareOf), 0);
  EXPECT_EQ(get_int(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES), kTemporary | kCareOf);
  ASSERT_EQ(set_option(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, kPublic), 0);
  EXPECT_EQ(get_int(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES), kPublic | kHome);
  EXPECT_EQ(set_option(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, kPublic | kTemporary), -EINVAL);
  EXPECT_EQ(set_option(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, kHome | kCareOf), -EINVAL);
  EXPECT_EQ(set_option(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, 8 | 0x800), -EINVAL);
}

TEST(Ipv6Test, SourceFiltersOfGroups) {
  Fd receiver(::socket(AF_INET6, SOCK_DGRAM, 0));
  sockaddr_in6 group = loopback6();
  inet_pton(AF_INET6, "ff01::77", &group.sin6_addr);
  group.sin6_scope_id = 1;
  ASSERT_EQ(bind_to(receiver, group), 0);
  group.sin6_port = name6_of(receiver).sin6_port;
  const ipv6_mreq join{group.sin6_addr, 1};
  ASSERT_EQ(set_option(receiver, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, join), 0);
  alignas(8) char bytes[GROUP_FILTER_SIZE(2)] = {};
  auto* filter = reinterpret_cast<group_filter*>(bytes);
  filter->gf_interface = 1;
  memcpy(&filter->gf_group, &group, sizeof group);
  filter->gf_fmode = MCAST_EXCLUDE;
  filter->gf_numsrc = 1;
  const sockaddr_in6 source = loopback6();
  memcpy(&filter->gf_slist[0], &source, sizeof source);
  ASSERT_EQ(answer(::setsockopt(receiver, IPPROTO_IPV6, MCAST_MSFILTER, bytes, GROUP_FILTER_SIZE(1))), 0);
  filter->gf_numsrc = 2;
  socklen_t length = sizeof bytes;
  ASSERT_EQ(answer(::getsockopt(receiver, IPPROTO_IPV6, MCAST_MSFILTER, bytes, &length)), 0);
  EXPECT_EQ(length, GROUP_FILTER_SIZE(1));
  EXPECT_EQ(filter->gf_numsrc, 1u);
}

TEST(Ipv6Test, AnIpv6SocketHearsOnlyTheIpv4GroupsItJoined) {
  const Fd v6(::socket(AF_INET6, SOCK_DGRAM, 0)), v4(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(get_int(v6, IPPROTO_IP, IP_MULTICAST_ALL), 0);
  EXPECT_EQ(get_int(v4, IPPROTO_IP, IP_MULTICAST_ALL), 1);
}

}  // namespace
}  // namespace conformance
