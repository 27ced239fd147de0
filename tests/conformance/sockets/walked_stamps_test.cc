// What random walks found of stamps: who makes them, who keeps the last one, and what a record tells of addresses.
#include <gtest/gtest.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

constexpr int kTimestamping = 37;  // SO_TIMESTAMPING
constexpr auto kDatagram = SOCK_DGRAM | SOCK_NONBLOCK;

int set_option(int fd, int level, int name, int value) { return ::setsockopt(fd, level, name, &value, sizeof value); }

Fd bound_socket() {
  Fd fd(::socket(AF_INET, kDatagram, 0));
  EXPECT_EQ(bind_to(fd, loopback4()), 0);
  return fd;
}
void send_to_itself(int fd) {
  const sockaddr_in own = name_of(fd);
  ASSERT_EQ(::sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&own), sizeof own), 1);
}
// The type of the first control message; -1: there is none.
int control_type(int fd, int flags = 0) {
  char byte[64];
  alignas(cmsghdr) char control[256];
  iovec vector{byte, sizeof byte};
  msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
  EXPECT_GE(::recvmsg(fd, &message, flags), 0);
  const cmsghdr* first = CMSG_FIRSTHDR(&message);
  return first == nullptr ? -1 : first->cmsg_type;
}
long kept_stamp(int fd) {
  timeval stamp{};
  return answer(::ioctl(fd, SIOCGSTAMP, &stamp));
}

// Linux begins a moment after it was asked.
void wait_for_stamps() { ::usleep(50'000); }

TEST(WalkedStampsTest, WhatOneSocketWantsIsMadeForAll) {
  const Fd wants = bound_socket(), other = bound_socket();
  const int on = 1;
  ASSERT_EQ(set_option(wants, SOL_SOCKET, SO_TIMESTAMP, on), 0);
  wait_for_stamps();
  send_to_itself(other);
  ASSERT_EQ(set_option(other, SOL_SOCKET, kTimestamping, SOF_TIMESTAMPING_SOFTWARE), 0);
  EXPECT_EQ(control_type(other), kTimestamping);
}

TEST(WalkedStampsTest, WhoIsToldOfStampsKeepsNone) {
  const Fd wants = bound_socket();
  ASSERT_EQ(set_option(wants, SOL_SOCKET, SO_TIMESTAMP, 1), 0);
  wait_for_stamps();
  for (const int flags : {SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_RAW_HARDWARE, int{SOF_TIMESTAMPING_SOFTWARE}}) {
    const Fd fd = bound_socket();
    ASSERT_EQ(set_option(fd, SOL_SOCKET, kTimestamping, flags), 0);
    send_to_itself(fd);
    control_type(fd);
    EXPECT_EQ(kept_stamp(fd), -ENOENT);
  }
  // Who asks only for the drops that came before has it kept.
  const Fd fd = bound_socket();
  ASSERT_EQ(set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1), 0);
  send_to_itself(fd);
  control_type(fd);
  EXPECT_EQ(kept_stamp(fd), 0);
}

// struct in_pktinfo of the record of what was sent from 127.0.0.2 to 127.0.0.3.
in_pktinfo recorded_addresses(int family) {
  const Fd fd(::socket(family, kDatagram, 0));
  sockaddr_in from4 = loopback4(), to4 = loopback4(4711);
  sockaddr_in6 from6 = loopback6(), to6 = loopback6(4711);
  from4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  to4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 2);
  ::inet_pton(AF_INET6, "::ffff:127.0.0.2", &from6.sin6_addr);
  ::inet_pton(AF_INET6, "::ffff:127.0.0.3", &to6.sin6_addr);
  EXPECT_EQ(family == AF_INET ? bind_to(fd, from4) : bind_to(fd, from6), 0);
  EXPECT_EQ(family == AF_INET ? connect_to(fd, to4) : connect_to(fd, to6), 0);
  EXPECT_EQ(set_option(fd, IPPROTO_IP, IP_PKTINFO, 1), 0);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, kTimestamping,
                       SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_CMSG),
            0);
  EXPECT_EQ(::send(fd, "x", 1, 0), 1);
  char bytes[128];
  alignas(cmsghdr) char control[512];
  iovec vector{bytes, sizeof bytes};
  msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
  EXPECT_GE(::recvmsg(fd, &message, MSG_ERRQUEUE), 0);
  in_pktinfo info{};
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) memcpy(&info, CMSG_DATA(one), sizeof info);
  }
  return info;
}

TEST(WalkedStampsTest, ARecordTellsWhereItWentAndToIpv4AloneFromWhere) {
  const in_pktinfo four = recorded_addresses(AF_INET), six = recorded_addresses(AF_INET6);
  EXPECT_EQ(four.ipi_addr.s_addr, htonl(INADDR_LOOPBACK + 2));
  EXPECT_EQ(four.ipi_spec_dst.s_addr, htonl(INADDR_LOOPBACK + 1));
  EXPECT_EQ(six.ipi_addr.s_addr, htonl(INADDR_LOOPBACK + 2));
  EXPECT_EQ(six.ipi_spec_dst.s_addr, 0u);
}

TEST(WalkedStampsTest, OfADatagramThatIsCutTheFirstFragmentIsRecorded) {
  const Fd fd(::socket(AF_INET6, kDatagram, 0));
  ASSERT_EQ(connect_to(fd, loopback6(4711)), 0);
  ASSERT_EQ(set_option(fd, IPPROTO_IPV6, IPV6_MTU, 1300), 0);
  ASSERT_EQ(set_option(fd, SOL_SOCKET, kTimestamping,
                       SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY),
            0);
  // Larger than the link's MTU.
  const std::string bytes(65507, 'x');
  ASSERT_EQ(::send(fd, bytes.data(), bytes.size(), 0), 65507);
  EXPECT_EQ(control_type(fd, MSG_ERRQUEUE), kTimestamping);
}

// The number of the oldest record.
long key_of_record(int fd) {
  char bytes[128];
  alignas(cmsghdr) char control[512];
  iovec vector{bytes, sizeof bytes};
  msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
  if (::recvmsg(fd, &message, MSG_ERRQUEUE) < 0) return -errno;
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if ((one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_RECVERR) ||
        (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_RECVERR)) {
      sock_extended_err error{};
      memcpy(&error, CMSG_DATA(one), sizeof error);
      return error.ee_data;
    }
  }
  return -1;
}

constexpr int kNumbered =
    SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;

// What cannot be read, is too large or is only tried takes no number, and of pieces the first alone.
TEST(WalkedStampsTest, WhatIsNotSentTakesNoNumber) {
  const std::string large(65508, 'x');
  for (const int family : {AF_INET, AF_INET6}) {
    for (const int type : {SOCK_DGRAM, SOCK_RAW}) {
      const Fd fd(::socket(family, type | SOCK_NONBLOCK, type == SOCK_RAW ? 253 : 0));
      if (fd < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
      const Fd receiver(::socket(family, type | SOCK_NONBLOCK, type == SOCK_RAW ? 253 : 0));
      ASSERT_EQ(family == AF_INET ? bind_to(receiver, loopback4()) : bind_to(receiver, loopback6()), 0);
      const uint16_t port = ntohs(name_of(receiver).sin_port);
      ASSERT_EQ(family == AF_INET ? connect_to(fd, loopback4(port)) : connect_to(fd, loopback6(port)), 0);
      ASSERT_EQ(set_option(fd, SOL_SOCKET, kTimestamping, kNumbered), 0);
      EXPECT_EQ(answer(::send(fd, bad_pointer<const void>(), 1, 0)), -EFAULT);
      EXPECT_EQ(answer(::send(fd, large.data(), large.size() + 28, 0)), -EMSGSIZE);
      EXPECT_EQ(::send(fd, "x", 1, 0x10 /* MSG_PROBE */), 1);
      EXPECT_EQ(::send(fd, "x", 1, MSG_MORE), 1);
      EXPECT_EQ(answer(::send(fd, bad_pointer<const void>(), 1, MSG_MORE)), -EFAULT);
      EXPECT_EQ(::send(fd, "x", 1, MSG_MORE), 1);
      EXPECT_EQ(::send(fd, "x", 1, MSG_MORE), 1);
      EXPECT_EQ(::send(fd, "x", 1, 0), 1);
      EXPECT_EQ(::send(fd, "x", 1, 0), 1);
      // The first of the pieces that were thrown away had one.
      EXPECT_EQ(key_of_record(fd), 1) << "family " << family << " type " << type;
      EXPECT_EQ(key_of_record(fd), 2);
    }
  }
}

TEST(WalkedStampsTest, AHeaderThatCannotBeReadTookANumber) {
  const Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_RAW));
  if (fd < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(connect_to(fd, loopback4()), 0);
  ASSERT_EQ(set_option(fd, SOL_SOCKET, kTimestamping, kNumbered), 0);
  EXPECT_EQ(answer(::send(fd, bad_pointer<const void>(), 20, 0)), -EFAULT);
  const std::string header = "\x45" + std::string(19, '\0');
  ASSERT_EQ(::send(fd, header.data(), header.size(), 0), 20);
  EXPECT_EQ(key_of_record(fd), 1);
}

TEST(WalkedStampsTest, WhoReadsAReportWithoutItsStampKeepsThat) {
  const Fd wants = bound_socket();
  ASSERT_EQ(set_option(wants, SOL_SOCKET, SO_TIMESTAMP, 1), 0);
  wait_for_stamps();
  const Fd fd = bound_socket();
  Fd gone = bound_socket();
  const sockaddr_in nowhere = name_of(gone);
  gone.reset();
  const auto send_nowhere = [&] { return ::sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&nowhere), sizeof nowhere); };
  ASSERT_EQ(set_option(fd, IPPROTO_IP, IP_RECVERR, 1), 0);
  EXPECT_EQ(kept_stamp(fd), -ENOENT);
  ASSERT_EQ(send_nowhere(), 1);
  EXPECT_EQ(control_type(fd, MSG_ERRQUEUE), IP_RECVERR);
  EXPECT_EQ(kept_stamp(fd), 0);
  ASSERT_EQ(set_option(fd, SOL_SOCKET, kTimestamping, SOF_TIMESTAMPING_SOFTWARE), 0);
  ASSERT_EQ(send_nowhere(), 1);
  EXPECT_EQ(control_type(fd, MSG_ERRQUEUE), kTimestamping) << "it is told of an error, too";
}

TEST(WalkedStampsTest, AnEchoToEverybodyIsNotAnsweredOnLoopbackEither) {
  const Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP));
  if (fd < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(set_option(fd, SOL_SOCKET, SO_BROADCAST, 1), 0);
  sockaddr_in all = loopback4();
  all.sin_addr.s_addr = htonl(0x7fffffff);
  const char request[8] = {8, 0, static_cast<char>(0xf7), static_cast<char>(0xff)};
  ASSERT_EQ(::sendto(fd, request, sizeof request, 0, reinterpret_cast<const sockaddr*>(&all), sizeof all), 8);
  unsigned char bytes[64] = {};
  EXPECT_EQ(::recv(fd, bytes, sizeof bytes, 0), 28);
  EXPECT_EQ(bytes[20], 8);  // the request itself
  EXPECT_EQ(answer(::recv(fd, bytes, sizeof bytes, 0)), -EAGAIN);
}

TEST(WalkedStampsTest, AStreamJoinsNoGroupWhateverItPointsAt) {
  const Fd fd(::socket(AF_INET6, SOCK_STREAM, 0));
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, nullptr, 20)), -EPROTO);
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, nullptr, 19)), -EINVAL);
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, bad_pointer<const void>(), 20)), -EFAULT);
}

// A record of statistics takes the smallest buffer of SO_RCVBUF, whatever it tells.
TEST(WalkedStampsTest, RecordsOfStatisticsAreSmall) {
  const auto records = [](int room) {
    const Fd listener(::socket(AF_INET, SOCK_STREAM, 0)), client(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(bind_to(listener, loopback4()), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(connect_to(client, name_of(listener)), 0);
    const Fd accepted(::accept(listener, nullptr, nullptr));
    EXPECT_EQ(set_option(client, SOL_SOCKET, SO_RCVBUF, room / 2), 0);
    EXPECT_EQ(set_option(client, SOL_SOCKET, kTimestamping, 0x3ffa), 0);
    EXPECT_EQ(::send(client, std::string(1500, 'x').data(), 1500, 0), 1500);
    ::usleep(20'000);  // the acknowledgment's record
    int count = 0;
    for (char bytes[64]; ::recv(client, bytes, sizeof bytes, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0;) ++count;
    return count;
  };
  EXPECT_EQ(records(2304), 2);
  EXPECT_EQ(records(2600), 3);
}

}  // namespace
}  // namespace conformance
