// What wide walks found: raw sockets, groups, files sent to sockets, and records of what was sent.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <string>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

constexpr int kJoinGroup = 42, kLeaveGroup = 45;  // MCAST_*
constexpr int kUnicastInterface = 50;             // IP_UNICAST_IF
constexpr int kBindInterface = 62;                // SO_BINDTOIFINDEX
constexpr int kProbe = 0x10;                      // MSG_PROBE

template <typename T>
int set_option(int fd, int level, int name, const T& value) {
  return ::setsockopt(fd, level, name, &value, sizeof value);
}
template <typename Address>
long send_to(int fd, const std::string& text, const Address& to, int flags = 0) {
  return answer(::sendto(fd, text.data(), text.size(), flags, reinterpret_cast<const sockaddr*>(&to), sizeof to));
}
Fd raw4(int protocol) { return Fd(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, protocol)); }
Fd raw6(int protocol) { return Fd(::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, protocol)); }

// Whole files in memory, which may be read from anywhere.
Fd file_of(const std::string& text) {
  char name[] = "/tmp/lxnet-walked-XXXXXX";
  Fd file(::mkstemp(name));
  ::unlink(name);
  EXPECT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return file;
}

TEST(WalkedWideTest, PiecesOfARawPacketAreJoined) {
  const Fd sender = raw4(253), receiver = raw4(253);
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  sockaddr_in first = loopback4(), last = loopback4();
  first.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  ASSERT_EQ(send_to(sender, "abc", first, MSG_MORE), 3);
  const int ttl = 3;
  ASSERT_EQ(set_option(sender, IPPROTO_IP, IP_TTL, ttl), 0);
  char bytes[64];
  EXPECT_EQ(answer(::recv(receiver, bytes, sizeof bytes, 0)), -EAGAIN);
  ASSERT_EQ(send_to(sender, "de", last), 2);
  ASSERT_EQ(::recv(receiver, bytes, sizeof bytes, 0), 25);
  EXPECT_EQ(std::string(bytes + 20, 5), "abcde");
  EXPECT_EQ(bytes[8], ttl);
  in_addr destination{};
  memcpy(&destination, bytes + 16, sizeof destination);
  EXPECT_EQ(destination.s_addr, last.sin_addr.s_addr);
  // What fails throws all away.
  ASSERT_EQ(send_to(sender, "abc", last, MSG_MORE), 3);
  ASSERT_EQ(answer(::sendto(sender, bad_pointer(), 5, 0, reinterpret_cast<const sockaddr*>(&last), sizeof last)), -EFAULT);
  ASSERT_EQ(send_to(sender, "f", last), 1);
  EXPECT_EQ(::recv(receiver, bytes, sizeof bytes, 0), 21);
}

TEST(WalkedWideTest, AnIcmpMessageWithoutAWholeHeaderIsNobodys) {
  const Fd sender = raw4(IPPROTO_ICMP), receiver = raw4(IPPROTO_ICMP);
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  char byte;
  EXPECT_EQ(send_to(sender, "", loopback4()), -EFAULT);
  EXPECT_EQ(send_to(sender, "x", loopback4()), -EFAULT);
  ASSERT_EQ(send_to(sender, "1234567", loopback4()), 7);
  EXPECT_EQ(answer(::recv(receiver, &byte, 1, 0)), -EAGAIN);
  ASSERT_EQ(send_to(sender, "12345678", loopback4()), 8);
  EXPECT_EQ(::recv(receiver, &byte, 1, 0), 1);
}

TEST(WalkedWideTest, OptionsDoNotGoWithAHeaderOfTheProgramsAlsoNone) {
  const Fd raw = raw4(IPPROTO_RAW);
  if (raw < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  const std::string header = "\x45" + std::string(19, '\0');
  EXPECT_EQ(send_to(raw, header, loopback4()), 20);
  EXPECT_EQ(send_to(raw, "", loopback4(), kProbe), -EINVAL);
  EXPECT_EQ(send_to(raw, "", loopback4(), MSG_CONFIRM | kProbe), 0);
  ASSERT_EQ(::setsockopt(raw, IPPROTO_IP, IP_OPTIONS, "", 0), 0);
  EXPECT_EQ(send_to(raw, header, loopback4()), -EINVAL);
  EXPECT_EQ(send_to(raw, "", loopback4(), MSG_CONFIRM | kProbe), -EINVAL);
}

TEST(WalkedWideTest, ExtensionHeadersBesideAHeaderOfTheProgramsAreLeftOut) {
  const Fd sender = raw6(IPPROTO_RAW), receiver = raw6(253);
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  constexpr int kHopOptions = 54;                                    // IPV6_HOPOPTS
  constexpr unsigned char kJumbo[8] = {59, 0, 0xc2, 4, 0, 1, 0, 0};  // longer than the packet is
  std::string packet("\x60\0\0\0\0\x03\xfd\x40", 8);
  packet += std::string(15, '\0') + '\x01' + std::string(15, '\0') + '\x01' + "abc";
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof kJumbo)] = {};
  sockaddr_in6 to = loopback6();
  iovec vector{packet.data(), packet.size()};
  msghdr message{&to, sizeof to, &vector, 1, control, sizeof control, 0};
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  *header = {CMSG_LEN(sizeof kJumbo), IPPROTO_IPV6, kHopOptions};
  memcpy(CMSG_DATA(header), kJumbo, sizeof kJumbo);
  ASSERT_EQ(::sendmsg(sender, &message, 0), 43);
  char bytes[64];
  ASSERT_EQ(::recv(receiver, bytes, sizeof bytes, 0), 3);
  vector.iov_len = 10;
  EXPECT_EQ(answer(::sendmsg(sender, &message, 0)), -EINVAL);
}

TEST(WalkedWideTest, AForeignSourceThatSendsToNobodySendsToItself) {
  const Fd raw = raw4(253), datagram(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  if (raw < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  for (const int fd : {raw.get(), datagram.get()}) {
    in_pktinfo from{};
    ::inet_pton(AF_INET, "10.9.8.7", &from.ipi_spec_dst);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof from)] = {};
    sockaddr_in nobody{};
    nobody.sin_family = AF_INET;
    nobody.sin_port = fd == raw ? 0 : htons(4711);
    char byte = 'x';
    iovec vector{&byte, 1};
    msghdr message{&nobody, sizeof nobody, &vector, 1, control, sizeof control, 0};
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    *header = {CMSG_LEN(sizeof from), IPPROTO_IP, IP_PKTINFO};
    memcpy(CMSG_DATA(header), &from, sizeof from);
    EXPECT_EQ(answer(::sendmsg(fd, &message, 0)), -ENETUNREACH);
    ASSERT_EQ(set_option(fd, IPPROTO_IP, IP_TRANSPARENT, 1), 0);
    ASSERT_EQ(answer(::sendmsg(fd, &message, 0)), 1);
  }
  unsigned char bytes[64];
  ASSERT_EQ(::recv(raw, bytes, sizeof bytes, 0), 21);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(bytes) + 12, 8), "\x0a\x09\x08\x07\x0a\x09\x08\x07");
}

// Whatever the program's header says that it is: to the link it is IPv4's.
TEST(WalkedWideTest, AHeaderOfAnotherVersionIsReadAsIpv4sAndReceivedByNobody) {
  const Fd sender = raw4(IPPROTO_RAW), receiver4 = raw4(253), receiver6 = raw6(253);
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  const int flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_CMSG;
  ASSERT_EQ(set_option(sender, SOL_SOCKET, SO_TIMESTAMPING, flags), 0);
  std::string packet("\x65\0\0\0\0\x03\xfd\x40", 8);
  packet += std::string(4, '\0') + std::string("\x0a\x09\x08\x07", 4) + std::string(7, '\0') + '\x01' + std::string(15, '\0') +
            '\x01' + "abc";
  ASSERT_EQ(send_to(sender, packet, loopback4()), 43);
  char bytes[128];
  EXPECT_EQ(answer(::recv(receiver4, bytes, sizeof bytes, 0)), -EAGAIN);
  EXPECT_EQ(answer(::recv(receiver6, bytes, sizeof bytes, 0)), -EAGAIN);
  alignas(cmsghdr) char control[512];
  iovec vector{bytes, sizeof bytes};
  msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
  ASSERT_GT(::recvmsg(sender, &message, MSG_ERRQUEUE), 0);
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level != IPPROTO_IP || one->cmsg_type != IP_RECVERR) continue;
    sockaddr_in offender{};
    memcpy(&offender, CMSG_DATA(one) + sizeof(sock_extended_err), sizeof offender);
    EXPECT_EQ(offender.sin_family, AF_INET);
    EXPECT_EQ(offender.sin_addr.s_addr, htonl(0x0a090807));
  }
}

TEST(WalkedWideTest, PiecesThatGoHomeReachAGroupsAddressToo) {
  const Fd sender = raw4(253), receiver = raw4(253);
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  sockaddr_in group = loopback4();
  group.sin_addr.s_addr = htonl(0xe00000fb);
  const ip_mreqn through_loopback{{}, {}, 1};
  ASSERT_EQ(set_option(sender, IPPROTO_IP, IP_MULTICAST_IF, through_loopback), 0);
  ASSERT_EQ(send_to(sender, "abc", loopback4(), MSG_MORE), 3);
  ASSERT_EQ(send_to(sender, "de", group), 2);
  char bytes[64];
  EXPECT_EQ(answer(::recv(receiver, bytes, sizeof bytes, 0)), 25);
  // Nobody is in it.
  ASSERT_EQ(send_to(sender, "abc", group), 3);
  EXPECT_EQ(answer(::recv(receiver, bytes, sizeof bytes, 0)), -EAGAIN);
}

TEST(WalkedWideTest, OfDestinationOptionsTheLastCount) {
  constexpr int kBeforeRouting = 55, kDestination = 59, kOldDestination = 4, kReceive = 58;  // IPV6_RTHDRDSTOPTS and so on
  const Fd sender = raw6(253), receiver = raw6(253);
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(set_option(receiver, IPPROTO_IPV6, kReceive, 1), 0);
  const struct {
    int first, second;
    long sent;
    int told;  // the padding's byte of the header that came
  } rows[] = {{kDestination, kDestination, 1, 2},
              {kOldDestination, kDestination, 1, 2},
              {kDestination, kOldDestination, -EINVAL, 0},
              {kBeforeRouting, kBeforeRouting, 1, 0},
              {kDestination, kBeforeRouting, 1, 1}};
  for (const auto& row : rows) {
    alignas(cmsghdr) char control[2 * CMSG_SPACE(8)] = {};
    sockaddr_in6 to = loopback6();
    char byte = 'x';
    iovec vector{&byte, 1};
    msghdr message{&to, sizeof to, &vector, 1, control, sizeof control, 0};
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    for (const int type : {row.first, row.second}) {
      const unsigned char padding[8] = {0, 0, 0x1e, 4, static_cast<unsigned char>(type == row.first ? 1 : 2), 0, 0, 0};
      *header = {CMSG_LEN(sizeof padding), IPPROTO_IPV6, type};
      memcpy(CMSG_DATA(header), padding, sizeof padding);
      if (row.first == row.second && header != CMSG_FIRSTHDR(&message)) CMSG_DATA(header)[4] = 2;
      header = CMSG_NXTHDR(&message, header);
    }
    ASSERT_EQ(answer(::sendmsg(sender, &message, 0)), row.sent) << row.first << ' ' << row.second;
    if (row.sent < 0) continue;
    message.msg_name = nullptr;
    message.msg_controllen = sizeof control;
    ASSERT_EQ(::recvmsg(receiver, &message, 0), 1);
    header = CMSG_FIRSTHDR(&message);
    EXPECT_EQ(header == nullptr ? 0 : CMSG_DATA(header)[4], row.told) << row.first << ' ' << row.second;
  }
}

TEST(WalkedWideTest, AHeaderThatNamesNobodyIsAnswered) {
  const Fd sender = raw4(IPPROTO_RAW), hearer = raw4(IPPROTO_ICMP);
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  std::string header = "\x45" + std::string(19, '\0');
  header[8] = 64;
  header[9] = static_cast<char>(253);
  ASSERT_EQ(send_to(sender, header, loopback4()), 20);
  char bytes[100];
  ASSERT_EQ(::recv(hearer, bytes, sizeof bytes, 0), 48);
  EXPECT_EQ(bytes[20], 3);  // destination unreachable
  EXPECT_EQ(bytes[21], 2);  // protocol
}

TEST(WalkedWideTest, ASourceRouteNeedsADestination) {
  const Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
  const uint8_t route[8] = {131, 7, 4, 127, 0, 0, 1, 0};
  if (::setsockopt(udp, IPPROTO_IP, IP_OPTIONS, route, sizeof route) != 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  sockaddr_in any = loopback4(9);
  any.sin_addr.s_addr = INADDR_ANY;
  EXPECT_EQ(send_to(udp, "x", any), -EINVAL);
}

TEST(WalkedWideTest, DestinationOptionsMakeARawSocketWaitAsOthersDo) {
  const Fd raw = raw6(253);
  if (raw < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(answer(::shutdown(raw, SHUT_WR)), -ENOTCONN);
  EXPECT_EQ(send_to(raw, "x", loopback6()), 1);
  const uint8_t options[8] = {0, 0, 1, 4, 0, 0, 0, 0};
  ASSERT_EQ(set_option(raw, IPPROTO_IPV6, IPV6_DSTOPTS, options), 0);
  EXPECT_EQ(send_to(raw, "x", loopback6()), -EPIPE);
}

TEST(WalkedWideTest, ARawSocketDoesNotLeaveByTheInterfaceOfItsPacketInformation) {
  const Fd raw = raw6(253);
  if (raw < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  in6_pktinfo info{};
  info.ipi6_ifindex = 60000;
  ASSERT_EQ(::inet_pton(AF_INET6, "::ffff:127.0.0.1", &info.ipi6_addr), 1);
  if (set_option(raw, IPPROTO_IPV6, IPV6_PKTINFO, info) != 0) GTEST_SKIP();
  EXPECT_EQ(send_to(raw, "x", loopback6()), 1);
}

struct GroupRequest {
  uint32_t interface;
  sockaddr_storage group;
};
GroupRequest group_on_lo(const char* text) {
  GroupRequest request{1, {}};
  auto* address = reinterpret_cast<sockaddr_in*>(&request.group);
  address->sin_family = AF_INET;
  ::inet_pton(AF_INET, text, &address->sin_addr);
  return request;
}

TEST(WalkedWideTest, ASourceRouteToNobodyIsFoundBeforeTheMessage) {
  const Fd raw = raw4(IPPROTO_ICMP);
  if (raw < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  const uint8_t route[8] = {131, 7, 4, 127, 0, 0, 1, 0};
  ASSERT_EQ(set_option(raw, IPPROTO_IP, IP_OPTIONS, route), 0);
  sockaddr_in any = loopback4();
  any.sin_addr.s_addr = INADDR_ANY;
  EXPECT_EQ(send_to(raw, "x", any), -EINVAL);
  EXPECT_EQ(send_to(raw, "x", loopback4()), -EFAULT);
}

TEST(WalkedWideTest, AFilterThatCannotBeReadIsEmpty) {
  const Fd raw = raw4(IPPROTO_ICMP);
  if (raw < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(set_option(raw, 255 /* SOL_RAW */, 1 /* ICMP_FILTER */, 0x109), 0);
  EXPECT_EQ(answer(::setsockopt(raw, 255, 1, bad_pointer<const void>(), 4)), -EFAULT);
  uint32_t filter = 1;
  socklen_t length = sizeof filter;
  ASSERT_EQ(::getsockopt(raw, 255, 1, &filter, &length), 0);
  EXPECT_EQ(filter, 0u);
}

TEST(WalkedWideTest, NoDelayLetsOutWhatACorkHolds) {
  TcpPair pair = tcp_pair();
  const int on = 1;
  ASSERT_EQ(set_option(pair.client, IPPROTO_TCP, 3 /* TCP_CORK */, on), 0);
  ASSERT_EQ(::send(pair.client, "held", 4, 0), 4);
  EXPECT_EQ(poll_now(pair.server, POLLIN), 0);
  ASSERT_EQ(set_option(pair.client, IPPROTO_TCP, 1 /* TCP_NODELAY */, on), 0);
  EXPECT_EQ(poll_now(pair.server, POLLIN, 1000), POLLIN);
}

TEST(WalkedWideTest, TheFormOfAnAddressIsAnEstablishedStreams) {
  Fd listener(::socket(AF_INET6, SOCK_STREAM, 0)), client(::socket(AF_INET6, SOCK_STREAM, 0));
  ASSERT_EQ(bind_to(listener, loopback6()), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  sockaddr_in6 to{};
  socklen_t length = sizeof to;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&to), &length);
  ASSERT_EQ(connect_to(client, to), 0);
  const auto form = [&] {
    int family = 0;
    socklen_t size = sizeof family;
    return ::getsockopt(client, IPPROTO_IPV6, 1 /* IPV6_ADDRFORM */, &family, &size) == 0 ? family : -errno;
  };
  EXPECT_EQ(form(), AF_INET6);
  Fd(::accept(listener, nullptr, nullptr)).reset();
  poll_now(client, POLLRDHUP, 1000);
  EXPECT_EQ(form(), -ENOTCONN);
}

TEST(WalkedWideTest, AFilesEndIsNotToldToUdpOverIpv6) {
  for (const int family : {AF_INET, AF_INET6}) {
    const Fd receiver(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0)), sender(::socket(family, SOCK_DGRAM, 0)),
        file = file_of("hello");
    sockaddr_in6 to{};
    socklen_t length = sizeof to;
    ASSERT_EQ(family == AF_INET ? bind_to(receiver, loopback4()) : bind_to(receiver, loopback6()), 0);
    ::getsockname(receiver, reinterpret_cast<sockaddr*>(&to), &length);
    ASSERT_EQ(::connect(sender, reinterpret_cast<const sockaddr*>(&to), length), 0);
    off_t offset = 0;
    ASSERT_EQ(::sendfile(sender, file, &offset, 100), 5);
    char bytes[16];
    EXPECT_EQ(answer(::recv(receiver, bytes, sizeof bytes, 0)), family == AF_INET ? 5 : -EAGAIN);
    ASSERT_EQ(::send(sender, "!", 1, 0), 1);
    EXPECT_EQ(::recv(receiver, bytes, sizeof bytes, 0), family == AF_INET ? 1 : 6);
  }
}

TEST(WalkedWideTest, AStreamJoinsGroupsByTheNewerOptions) {
  const Fd stream(::socket(AF_INET, SOCK_STREAM, 0));
  const GroupRequest request = group_on_lo("239.1.1.1");
  EXPECT_EQ(set_option(stream, IPPROTO_IP, kJoinGroup, request), 0);
  EXPECT_EQ(answer(set_option(stream, IPPROTO_IP, kJoinGroup, request)), -EADDRINUSE);
  EXPECT_EQ(set_option(stream, IPPROTO_IP, kLeaveGroup, request), 0);
  ip_mreq old{};
  old.imr_multiaddr.s_addr = htonl(0xef010101);
  old.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(answer(set_option(stream, IPPROTO_IP, IP_ADD_MEMBERSHIP, old)), -EPROTO);
}

TEST(WalkedWideTest, AGroupIsLeftByTheInterfaceThatAnAddressMeans) {
  const Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(set_option(udp, IPPROTO_IP, kJoinGroup, group_on_lo("239.1.1.1")), 0);
  ip_mreq by_address{};
  by_address.imr_multiaddr.s_addr = htonl(0xef010101);
  by_address.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(set_option(udp, IPPROTO_IP, IP_DROP_MEMBERSHIP, by_address), 0);
}

TEST(WalkedWideTest, AKnownGroupOfIpv6IsInUseWhateverTheInterface) {
  const Fd udp(::socket(AF_INET6, SOCK_DGRAM, 0));
  ipv6_mreq request{};
  ASSERT_EQ(::inet_pton(AF_INET6, "ff02::fb", &request.ipv6mr_multiaddr), 1);
  request.ipv6mr_interface = 1;
  ASSERT_EQ(set_option(udp, IPPROTO_IPV6, IPV6_JOIN_GROUP, request), 0);
  request.ipv6mr_interface = 0;
  EXPECT_EQ(answer(set_option(udp, IPPROTO_IPV6, IPV6_JOIN_GROUP, request)), -EADDRINUSE);
}

TEST(WalkedWideTest, ABoundSocketChoosesNoInterfaceForIpv4) {
  const Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(set_option(udp, SOL_SOCKET, kBindInterface, 1), 0);
  EXPECT_EQ(answer(set_option(udp, IPPROTO_IP, kUnicastInterface, htonl(1))), -EINVAL);
}

TEST(WalkedWideTest, TimeoutsAreRoundedUpToTicks) {
  const Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
  timeval time{0, 999'999};
  ASSERT_EQ(set_option(udp, SOL_SOCKET, SO_RCVTIMEO, time), 0);
  socklen_t length = sizeof time;
  ASSERT_EQ(::getsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &time, &length), 0);
  EXPECT_EQ(time.tv_sec, 1);
  EXPECT_EQ(time.tv_usec, 0);
}

TEST(WalkedWideTest, WhatCannotBePositionedIsNoFileToSendFrom) {
  const Fd out(::socket(AF_INET, SOCK_DGRAM, 0)), socket(::socket(AF_INET, SOCK_DGRAM, 0));
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd read_end(ends[0]), write_end(ends[1]), file = file_of("hello");
  off_t offset = -1;
  EXPECT_EQ(answer(::sendfile(out, socket, &offset, 1)), -ESPIPE);
  EXPECT_EQ(answer(::sendfile(out, socket, nullptr, 1)), -EINVAL);
  EXPECT_EQ(answer(::sendfile(out, read_end, &offset, 1)), -ESPIPE);
  EXPECT_EQ(answer(::sendfile(out, write_end, nullptr, 0)), -EBADF);
  EXPECT_EQ(answer(::sendfile(out, file, &offset, 1)), -EINVAL);
  ASSERT_EQ(::fcntl(out, F_SETFL, O_APPEND), 0);
  EXPECT_EQ(answer(::sendfile(out, file, nullptr, 0)), -EINVAL);
}

TEST(WalkedWideTest, AFilesEndIsNotToldToARawSocket) {
  const Fd sender = raw6(253), receiver = raw6(253), file = file_of("hello");
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(connect_to(sender, loopback6()), 0);
  off_t offset = 0;
  ASSERT_EQ(::sendfile(sender, file, &offset, 100), 5);
  char bytes[16];
  EXPECT_EQ(answer(::recv(receiver, bytes, sizeof bytes, 0)), -EAGAIN);
  ASSERT_EQ(::send(sender, "!", 1, 0), 1);
  EXPECT_EQ(::recv(receiver, bytes, sizeof bytes, 0), 6);
}

// The offender's family in the record that a stamped datagram leaves; -1: no record.
int offender_of_stamp(int fd) {
  const int sent_and_reported = 0x12;
  set_option(fd, SOL_SOCKET, SO_TIMESTAMPING, sent_and_reported);
  if (::send(fd, "12345678", 8, 0) != 8) return -1;
  poll_now(fd, POLLERR, 1000);
  char bytes[200], control[512];
  iovec vector{bytes, sizeof bytes};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(fd, &message, MSG_ERRQUEUE) < 0) return -1;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    const bool is_error = (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR) ||
                          (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR);
    if (is_error) return SO_EE_OFFENDER(reinterpret_cast<sock_extended_err*>(CMSG_DATA(header)))->sa_family;
  }
  return -1;
}

TEST(WalkedWideTest, ARecordOfWhatWasSentOverIpv6NamesTheSender) {
  const Fd six(::socket(AF_INET6, SOCK_DGRAM, 0)), four(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(connect_to(six, loopback6(9)), 0);
  ASSERT_EQ(connect_to(four, loopback4(9)), 0);
  EXPECT_EQ(offender_of_stamp(six), AF_INET6);
  EXPECT_EQ(offender_of_stamp(four), AF_UNSPEC);
}

}  // namespace
}  // namespace conformance
