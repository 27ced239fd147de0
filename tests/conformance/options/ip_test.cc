// IPPROTO_IP: the effect of each option that had none, and what is refused.
#include <gtest/gtest.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include "tests/conformance/options/tools.hh"

#ifndef IP_NODEFRAG
#define IP_NODEFRAG 22
#endif
#ifndef UDP_ENCAP_ESPINUDP
#define UDP_ENCAP_ESPINUDP 2
#endif
#ifndef UDP_ENCAP
#define UDP_ENCAP 100
#endif
#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884 26
#endif
#ifndef IP_RECVFRAGSIZE
#define IP_RECVFRAGSIZE 25
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

const std::string kRecordRoute("\x07\x07\x04\x00\x00\x00\x00", 7);  // room for one address

TEST(IpOptionsTest, TheyStandInEveryPacketAndAreReadBackPadded) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_IP, IP_RECVOPTS, 1), 0);
  EXPECT_EQ(got(pair.sender, IPPROTO_IP, IP_OPTIONS), "");
  ASSERT_EQ(set_bytes(pair.sender, IPPROTO_IP, IP_OPTIONS, kRecordRoute), 0);
  EXPECT_EQ(got(pair.sender, IPPROTO_IP, IP_OPTIONS), kRecordRoute + std::string(1, '\0'));
  EXPECT_EQ(got(pair.sender, IPPROTO_IP, IP_OPTIONS, 3), kRecordRoute.substr(0, 3));
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  const Received received = receive_message(pair.receiver);
  const auto options = received.control.find({SOL_IP, IP_RECVOPTS});
  ASSERT_NE(options, received.control.end());
  EXPECT_EQ(options->second, std::string("\x07\x07\x08\x7f\x00\x00\x01\x00", 8));  // recorded: 127.0.0.1
  ASSERT_EQ(set_bytes(pair.sender, IPPROTO_IP, IP_OPTIONS, ""), 0);
  EXPECT_EQ(got(pair.sender, IPPROTO_IP, IP_OPTIONS), "");
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_FALSE(receive_message(pair.receiver).has(SOL_IP, IP_RECVOPTS));
}

TEST(IpOptionsTest, AControlMessageTakesTheirPlace) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_IP, IP_RECVOPTS, 1), 0);
  ASSERT_EQ(set_bytes(pair.sender, IPPROTO_IP, IP_OPTIONS, kRecordRoute), 0);
  SentControl control;
  control.add_bytes(SOL_IP, IP_RETOPTS, std::string("\x01\x01\x01\x01", 4));
  ASSERT_EQ(send_message<sockaddr_in>(pair.sender, "x", nullptr, control), 1);
  const Received received = receive_message(pair.receiver);
  EXPECT_EQ((received.control.at({SOL_IP, IP_RECVOPTS})), std::string("\x01\x01\x01\x01", 4));
}

TEST(IpOptionsTest, WrongOnesAreRefused) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(set_bytes(fd, IPPROTO_IP, IP_OPTIONS, std::string(41, '\x01')), -EINVAL);
  EXPECT_EQ(set_bytes(fd, IPPROTO_IP, IP_OPTIONS, std::string("\x07\x09\x04\x00", 4)), -EINVAL);
  EXPECT_EQ(set_bytes(fd, IPPROTO_IP, IP_OPTIONS, std::string("\x07\x07\x03\x00\x00\x00\x00", 7)), -EINVAL);
  EXPECT_EQ(set_bytes(fd, IPPROTO_IP, IP_OPTIONS, std::string(40, '\x01')), 0);
}

TEST(IpOptionsTest, AStreamSendsThemToo) {
  TcpPair pair = tcp_pair();
  ASSERT_EQ(set_bytes(pair.client, IPPROTO_IP, IP_OPTIONS, kRecordRoute), 0);
  const std::string large(200'000, 'x');
  size_t received = 0;
  ASSERT_EQ(::send(pair.client, large.data(), large.size(), MSG_DONTWAIT) > 0, true);
  std::string buffer(large.size(), '\0');
  const ssize_t first = ::recv(pair.server, buffer.data(), buffer.size(), 0);
  ASSERT_GT(first, 0);
  received += static_cast<size_t>(first);
  EXPECT_EQ(buffer.substr(0, received), large.substr(0, received));
}

TEST(IpTest, TheMtuIsThePathsToThePeer) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(get_int(fd, IPPROTO_IP, IP_MTU), -ENOTCONN);
  const UdpPair pair = udp_pair();
  EXPECT_EQ(get_int(pair.sender, IPPROTO_IP, IP_MTU), 65535);
  EXPECT_EQ(set_option(pair.sender, IPPROTO_IP, IP_MTU, 1500), -ENOPROTOOPT);
  TcpPair streams = tcp_pair();
  EXPECT_EQ(get_int(streams.client, IPPROTO_IP, IP_MTU), 65535);
  EXPECT_EQ(get_int(streams.listener, IPPROTO_IP, IP_MTU), -ENOTCONN);
}

TEST(IpTest, AStreamDropsWhatComesFromTooFar) {
  TcpPair pair = tcp_pair();
  ASSERT_EQ(set_option(pair.server, IPPROTO_IP, IP_MINTTL, 65), 0);
  EXPECT_EQ(get_int(pair.server, IPPROTO_IP, IP_MINTTL), 65);
  ASSERT_EQ(::send(pair.client, "x", 1, 0), 1);  // with 64
  EXPECT_EQ(poll_now(pair.server, POLLIN, 30), 0);
  ASSERT_EQ(set_option(pair.server, IPPROTO_IP, IP_MINTTL, 64), 0);
  EXPECT_EQ(poll_now(pair.server, POLLIN, 3000), POLLIN);
}

TEST(IpTest, ADatagramSocketDoesNotCompareTtls) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_IP, IP_MINTTL, 255), 0);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(receive_message(pair.receiver, MSG_DONTWAIT).data, "x");
}

TEST(IpTest, ProtocolIsTheNumberASocketIsKnownBy) {
  const UdpPair pair = udp_pair();
  EXPECT_EQ(get_int(pair.receiver, IPPROTO_IP, 52 /* IP_PROTOCOL */), ntohs(name_of(pair.receiver).sin_port));
  const Fd raw = raw_socket(AF_INET, 253);
  if (raw.get() >= 0) {
    EXPECT_EQ(get_int(raw, IPPROTO_IP, 52), 253);
  }
}

TEST(IpTest, WhatOnlyRawSocketsHave) {
  const Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(set_option(udp, IPPROTO_IP, IP_NODEFRAG, 1), -ENOPROTOOPT);
  EXPECT_EQ(set_option(udp, IPPROTO_IP, IP_ROUTER_ALERT, 1), -EINVAL);
  const Fd raw = raw_socket(AF_INET, 253), send_only = raw_socket(AF_INET, IPPROTO_RAW);
  if (raw.get() < 0) GTEST_SKIP() << "no raw sockets";
  EXPECT_EQ(set_option(raw, IPPROTO_IP, IP_NODEFRAG, 1), 0);
  EXPECT_EQ(get_int(raw, IPPROTO_IP, IP_NODEFRAG), 1);
  EXPECT_EQ(set_option(send_only, IPPROTO_IP, IP_ROUTER_ALERT, 1), -EINVAL);
  EXPECT_EQ(set_option(raw, IPPROTO_IP, IP_ROUTER_ALERT, 0), -ENOBUFS);
  EXPECT_EQ(set_option(raw, IPPROTO_IP, IP_ROUTER_ALERT, 1), 0);
  EXPECT_EQ(set_option(raw, IPPROTO_IP, IP_ROUTER_ALERT, 1), -EADDRINUSE);
  EXPECT_EQ(get_int(raw, IPPROTO_IP, IP_ROUTER_ALERT), 1);
  EXPECT_EQ(set_option(raw, IPPROTO_IP, IP_ROUTER_ALERT, 0), 0);
}

TEST(IpTest, AStreamTellsItsSettingsAsControlMessages) {
  TcpPair pair = tcp_pair();
  EXPECT_EQ(got(pair.client, IPPROTO_IP, IP_PKTOPTIONS), "");
  ASSERT_EQ(set_option(pair.client, IPPROTO_IP, IP_PKTINFO, 1), 0);
  ASSERT_EQ(set_option(pair.client, IPPROTO_IP, IP_RECVTTL, 1), 0);
  const std::string told = got(pair.client, IPPROTO_IP, IP_PKTOPTIONS, 128);
  ASSERT_EQ(told.size(), CMSG_SPACE(sizeof(in_pktinfo)) + CMSG_SPACE(sizeof(int)));
  const auto* first = reinterpret_cast<const cmsghdr*>(told.data());
  EXPECT_EQ(first->cmsg_type, IP_PKTINFO);
  EXPECT_EQ(reinterpret_cast<const in_pktinfo*>(CMSG_DATA(first))->ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
  const auto* second = reinterpret_cast<const cmsghdr*>(told.data() + CMSG_SPACE(sizeof(in_pktinfo)));
  EXPECT_EQ(second->cmsg_type, IP_TTL);
  EXPECT_EQ(got(Fd(::socket(AF_INET, SOCK_DGRAM, 0)), IPPROTO_IP, IP_PKTOPTIONS), "errno " + std::to_string(ENOPROTOOPT));
}

// An address of IPv6 has one that stands for it.
TEST(IpTest, AStreamOfIpv6TellsAnAddressOfIpv4sOnceItHasOne) {
  const auto told = [](int fd) {
    EXPECT_EQ(set_option(fd, IPPROTO_IP, IP_PKTINFO, 1), 0);
    const std::string bytes = got(fd, IPPROTO_IP, IP_PKTOPTIONS, 128);
    return ntohl(reinterpret_cast<const in_pktinfo*>(CMSG_DATA(reinterpret_cast<const cmsghdr*>(bytes.data())))->ipi_addr.s_addr);
  };
  const Fd listener(::socket(AF_INET6, SOCK_STREAM, 0)), client(::socket(AF_INET6, SOCK_STREAM, 0));
  EXPECT_EQ(told(listener), 0u);
  ASSERT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(told(listener), 0u);
  sockaddr_in6 name{};
  socklen_t length = sizeof name;
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &length), 0);
  name.sin6_addr = in6addr_loopback;
  ASSERT_EQ(connect_to(client, name), 0);
  const Fd accepted(::accept(listener, nullptr, nullptr));
  EXPECT_EQ(told(client), 0x7f000006u);
  EXPECT_EQ(told(accepted), 0x7f000006u);
}

TEST(IpTest, PoliciesCanOnlyBeTakenAway) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  if (::geteuid() != 0) GTEST_SKIP() << "not for everybody";
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IP, IP_IPSEC_POLICY, nullptr, 0)), 0);
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, nullptr, 0)), 0);
  EXPECT_EQ(set_bytes(fd, IPPROTO_IP, IP_XFRM_POLICY, std::string(4097, 'x')), -EMSGSIZE);
  EXPECT_EQ(set_bytes(fd, IPPROTO_IP, IP_XFRM_POLICY, "short"), -EINVAL);
}

// ---------------------------------------------------------------------------------------------------- crafted packets

struct Ipv4Packet {
  iphdr header{};
  std::string payload;
};

uint16_t checksum_of(const std::string& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<uint32_t>(static_cast<uint8_t>(bytes[i]) << 8 |
                                 (i + 1 < bytes.size() ? static_cast<uint8_t>(bytes[i + 1]) : 0));
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return htons(static_cast<uint16_t>(~sum));
}

// A piece of a UDP datagram, sent with a header of our own.
void send_fragment(int raw, uint16_t offset, bool more, const std::string& payload) {
  iphdr header{};
  header.version = 4;
  header.ihl = 5;
  header.id = htons(0x4321);
  header.frag_off = htons(static_cast<uint16_t>(offset / 8 | (more ? 0x2000 : 0)));
  header.ttl = 64;
  header.protocol = IPPROTO_UDP;
  header.saddr = header.daddr = htonl(INADDR_LOOPBACK);
  const std::string packet = std::string(reinterpret_cast<char*>(&header), sizeof header) + payload;
  const sockaddr_in to = loopback4();
  ASSERT_EQ(::sendto(raw, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
            static_cast<ssize_t>(packet.size()));
}

TEST(IpTest, TheSizeOfTheLargestFragmentIsTold) {
  const Fd raw = raw_socket(AF_INET, IPPROTO_RAW);
  if (raw.get() < 0) GTEST_SKIP() << "no raw sockets";
  Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0));
  bind_to(receiver, loopback4());
  ASSERT_EQ(set_option(receiver, IPPROTO_IP, IP_RECVFRAGSIZE, 1), 0);
  udphdr udp{};
  udp.source = htons(9);
  udp.dest = name_of(receiver).sin_port;
  udp.len = htons(8 + 40);
  const std::string head(reinterpret_cast<char*>(&udp), sizeof udp);
  send_fragment(raw, 0, true, head + std::string(24, 'a'));
  send_fragment(raw, 32, false, std::string(16, 'b'));
  const Received received = receive_message(receiver);
  EXPECT_EQ(received.data, std::string(24, 'a') + std::string(16, 'b'));
  EXPECT_EQ(received.get<int>(SOL_IP, IP_RECVFRAGSIZE), 20 + 32);
  const UdpPair pair = udp_pair();
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_IP, IP_RECVFRAGSIZE, 1), 0);
  ASSERT_EQ(::send(pair.sender, "whole", 5, 0), 5);
  EXPECT_FALSE(receive_message(pair.receiver).has(SOL_IP, IP_RECVFRAGSIZE));
}

// An ICMP "port unreachable" that cites a datagram of the sender's, with RFC 4884 extensions behind it.
std::string unreachable_with_extensions(uint16_t source_port, uint16_t destination_port, bool right_checksum) {
  iphdr cited{};
  cited.version = 4;
  cited.ihl = 5;
  cited.tot_len = htons(20 + 8 + 4);
  cited.ttl = 64;
  cited.protocol = IPPROTO_UDP;
  cited.saddr = cited.daddr = htonl(INADDR_LOOPBACK);
  udphdr udp{};
  udp.source = source_port;
  udp.dest = destination_port;
  udp.len = htons(12);
  std::string quoted = std::string(reinterpret_cast<char*>(&cited), sizeof cited) +
                       std::string(reinterpret_cast<char*>(&udp), sizeof udp) + "data";
  quoted.resize(128, '\0');
  std::string extension("\x20\x00\x00\x00\x00\x08\x01\x01\xde\xad\xbe\xef", 12);  // version 2, one object of eight bytes
  const uint16_t sum = checksum_of(extension);
  memcpy(extension.data() + 2, &sum, sizeof sum);
  if (!right_checksum) extension[11] = '\x00';
  std::string message("\x03\x03\x00\x00\x00\x20\x00\x00", 8);  // 32 words are quoted
  message += quoted + extension;
  const uint16_t whole = checksum_of(message);
  memcpy(message.data() + 2, &whole, sizeof whole);
  return message;
}

TEST(IpTest, WhereIcmpExtensionsBeginIsTold) {
  const Fd raw = raw_socket(AF_INET, IPPROTO_ICMP);
  if (raw.get() < 0) GTEST_SKIP() << "no raw sockets";
  for (const bool right : {true, false}) {
    const UdpPair pair = udp_pair();
    ASSERT_EQ(set_option(pair.sender, IPPROTO_IP, IP_RECVERR, 1), 0);
    ASSERT_EQ(set_option(pair.sender, IPPROTO_IP, IP_RECVERR_RFC4884, 1), 0);
    const std::string message =
        unreachable_with_extensions(name_of(pair.sender).sin_port, name_of(pair.receiver).sin_port, right);
    const sockaddr_in to = loopback4();
    ASSERT_EQ(::sendto(raw, message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
              static_cast<ssize_t>(message.size()));
    const Received received = receive_message(pair.sender, MSG_ERRQUEUE);
    ASSERT_EQ(received.size, 128 - 28 + 12);
    EXPECT_EQ(received.data.substr(0, 4), "data");
    const auto error = received.get<sock_extended_err>(SOL_IP, IP_RECVERR);
    EXPECT_EQ(error.ee_errno, static_cast<unsigned>(ECONNREFUSED));
    EXPECT_EQ(error.ee_origin, SO_EE_ORIGIN_ICMP);
    struct {
      uint16_t length;
      uint8_t flags, reserved;
    } where{};
    memcpy(&where, &error.ee_data, sizeof where);
    EXPECT_EQ(where.length, 128 - 28);
    EXPECT_EQ(where.flags, right ? 0 : 1);
  }
}

TEST(IpTest, AnIcmpErrorShowsThePacketThatBroughtIt) {
  UdpPair pair = udp_pair();
  ASSERT_EQ(set_option(pair.sender, IPPROTO_IP, IP_RECVERR, 1), 0);
  ASSERT_EQ(set_option(pair.sender, IPPROTO_IP, IP_RECVTTL, 1), 0);
  ASSERT_EQ(set_option(pair.sender, IPPROTO_IP, IP_PKTINFO, 1), 0);
  pair.receiver.reset();
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  const Received received = receive_message(pair.sender, MSG_ERRQUEUE);
  ASSERT_EQ(received.data, "x");
  EXPECT_EQ(received.get<int>(SOL_IP, IP_TTL), 64);
  EXPECT_EQ(received.get<in_pktinfo>(SOL_IP, IP_PKTINFO).ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
  const std::vector<std::pair<int, int>> order{{SOL_IP, IP_PKTINFO}, {SOL_IP, IP_TTL}, {SOL_IP, IP_RECVERR}};
  EXPECT_EQ(received.order, order);
}

// ------------------------------------------------------------------------------------------------- source filters of groups

struct Filter4 {
  in_addr group, interface;
  uint32_t mode, count;
  in_addr sources[4];
};
constexpr socklen_t size4(size_t count) { return static_cast<socklen_t>(16 + 4 * count); }

class SourceFilterTest : public testing::Test {
 protected:
  void SetUp() override {
    receiver_ = Fd(::socket(AF_INET, SOCK_DGRAM, 0));
    sender_ = Fd(::socket(AF_INET, SOCK_DGRAM, 0));
    group_ = loopback4();
    inet_pton(AF_INET, "239.77.1.2", &group_.sin_addr);
    ASSERT_EQ(bind_to(receiver_, group_), 0);
    group_.sin_port = name_of(receiver_).sin_port;
    const in_addr lo{htonl(INADDR_LOOPBACK)};
    ASSERT_EQ(set_option(sender_, IPPROTO_IP, IP_MULTICAST_IF, lo), 0);
    const ip_mreq join{group_.sin_addr, lo};
    ASSERT_EQ(set_option(receiver_, IPPROTO_IP, IP_ADD_MEMBERSHIP, join), 0);
    filter_.group = group_.sin_addr;
    filter_.interface = lo;
    filter_.sources[0].s_addr = htonl(INADDR_LOOPBACK);
    filter_.sources[1].s_addr = htonl(0x0a000001);
  }
  bool arrives() {
    ::sendto(sender_, "x", 1, 0, reinterpret_cast<sockaddr*>(&group_), sizeof group_);
    return receive_message(receiver_, MSG_DONTWAIT).size == 1;
  }
  long set(uint32_t mode, uint32_t count) {
    filter_.mode = mode;
    filter_.count = count;
    return answer(::setsockopt(receiver_, IPPROTO_IP, IP_MSFILTER, &filter_, size4(count)));
  }

  Fd receiver_, sender_;
  sockaddr_in group_{};
  Filter4 filter_{};
};

TEST_F(SourceFilterTest, AWholeFilterIsSetAndReadBack) {
  EXPECT_TRUE(arrives());
  ASSERT_EQ(set(MCAST_EXCLUDE, 2), 0);
  EXPECT_FALSE(arrives());
  Filter4 read{};
  read.group = filter_.group;
  read.interface = filter_.interface;
  read.count = 4;
  socklen_t length = sizeof read;
  ASSERT_EQ(answer(::getsockopt(receiver_, IPPROTO_IP, IP_MSFILTER, &read, &length)), 0);
  EXPECT_EQ(length, size4(2));
  EXPECT_EQ(read.mode, static_cast<uint32_t>(MCAST_EXCLUDE));
  EXPECT_EQ(read.count, 2u);
  EXPECT_EQ(read.sources[0].s_addr, filter_.sources[0].s_addr);
  read.count = 1;
  length = sizeof read;
  ASSERT_EQ(answer(::getsockopt(receiver_, IPPROTO_IP, IP_MSFILTER, &read, &length)), 0);
  EXPECT_EQ(length, size4(1));
  EXPECT_EQ(read.count, 2u);
  ASSERT_EQ(set(MCAST_INCLUDE, 1), 0);
  EXPECT_TRUE(arrives());
  ASSERT_EQ(set(MCAST_INCLUDE, 0), 0);  // which leaves
  EXPECT_EQ(set(MCAST_EXCLUDE, 0), -EINVAL);
  length = sizeof read;
  EXPECT_EQ(answer(::getsockopt(receiver_, IPPROTO_IP, IP_MSFILTER, &read, &length)), -EADDRNOTAVAIL);
}

TEST_F(SourceFilterTest, WrongOnesAreRefused) {
  EXPECT_EQ(set(2, 1), -EINVAL);
  filter_.mode = MCAST_EXCLUDE;
  filter_.count = 3;
  EXPECT_EQ(answer(::setsockopt(receiver_, IPPROTO_IP, IP_MSFILTER, &filter_, size4(2))), -EINVAL);
  EXPECT_EQ(answer(::setsockopt(receiver_, IPPROTO_IP, IP_MSFILTER, &filter_, 15)), -EINVAL);
  filter_.count = 11;
  EXPECT_EQ(answer(::setsockopt(receiver_, IPPROTO_IP, IP_MSFILTER, &filter_, size4(4))), -ENOBUFS);
  filter_.group.s_addr = htonl(0x0a000001);
  EXPECT_EQ(set(MCAST_EXCLUDE, 1), -EINVAL);
}

TEST_F(SourceFilterTest, TheSameByFamilyIndependentNames) {
  alignas(8) char bytes[GROUP_FILTER_SIZE(4)] = {};
  auto* filter = reinterpret_cast<group_filter*>(bytes);
  filter->gf_interface = 1;
  memcpy(&filter->gf_group, &group_, sizeof group_);
  filter->gf_fmode = MCAST_EXCLUDE;
  filter->gf_numsrc = 1;
  const sockaddr_in source = loopback4();
  memcpy(&filter->gf_slist[0], &source, sizeof source);
  ASSERT_EQ(answer(::setsockopt(receiver_, IPPROTO_IP, MCAST_MSFILTER, bytes, GROUP_FILTER_SIZE(1))), 0);
  EXPECT_FALSE(arrives());
  filter->gf_numsrc = 4;
  socklen_t length = sizeof bytes;
  ASSERT_EQ(answer(::getsockopt(receiver_, IPPROTO_IP, MCAST_MSFILTER, bytes, &length)), 0);
  EXPECT_EQ(length, GROUP_FILTER_SIZE(1));
  EXPECT_EQ(filter->gf_numsrc, 1u);
  EXPECT_EQ(filter->gf_fmode, static_cast<uint32_t>(MCAST_EXCLUDE));
  EXPECT_EQ(reinterpret_cast<sockaddr_in*>(&filter->gf_slist[0])->sin_addr.s_addr, source.sin_addr.s_addr);
  filter->gf_group.ss_family = AF_UNIX;
  filter->gf_numsrc = 1;
  EXPECT_EQ(answer(::setsockopt(receiver_, IPPROTO_IP, MCAST_MSFILTER, bytes, GROUP_FILTER_SIZE(1))), -EADDRNOTAVAIL);
}

// ------------------------------------------------------------------------------------------------------------------ UDP_ENCAP

TEST(UdpTest, EncapsulationKeepsTheKeyExchangeApartFromTheRest) {
  const UdpPair pair = udp_pair();
  if (set_option(pair.receiver, IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP) != 0) GTEST_SKIP() << "a kernel without it";
  EXPECT_EQ(get_int(pair.receiver, IPPROTO_UDP, UDP_ENCAP), UDP_ENCAP_ESPINUDP);
  const std::string keep_alive("\xff"),
      esp("\x00\x00\x01\x00"
          "0123456789abcdef",
          20),
      exchange(std::string(4, '\0') + "IKE message");
  for (const std::string* data : {&keep_alive, &esp, &exchange}) {
    ASSERT_EQ(::send(pair.sender, data->data(), data->size(), 0), static_cast<ssize_t>(data->size()));
    get_int(pair.sender, SOL_SOCKET, SO_ERROR);  // where nothing speaks ESP the port is unreachable for it
  }
  EXPECT_EQ(receive_message(pair.receiver, MSG_DONTWAIT).data, exchange);
  EXPECT_EQ(receive_message(pair.receiver, MSG_DONTWAIT).size, -EAGAIN);
  ASSERT_EQ(set_option(pair.receiver, IPPROTO_UDP, UDP_ENCAP, 0), 0);
  ASSERT_EQ(::send(pair.sender, esp.data(), esp.size(), 0), static_cast<ssize_t>(esp.size()));
  EXPECT_EQ(receive_message(pair.receiver, MSG_DONTWAIT).data, esp);
  EXPECT_EQ(set_option(pair.receiver, IPPROTO_UDP, UDP_ENCAP, 99), -ENOPROTOOPT);
}

}  // namespace
}  // namespace conformance
