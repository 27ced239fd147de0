// SO_TIMESTAMPING: records of what was sent and stamps of what came; SO_ZEROCOPY and SO_TXTIME, which use the same queue.
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <time.h>

#include "tests/conformance/options/tools.hh"

#ifndef SO_TIMESTAMPING_NEW
#define SO_TIMESTAMPING_NEW 65
#endif
#ifndef SCM_TS_OPT_ID
#define SCM_TS_OPT_ID 81
#endif

namespace conformance {
namespace {

constexpr unsigned kSoftware = SOF_TIMESTAMPING_SOFTWARE;

struct Record {
  sock_extended_err error{};
  scm_timestamping stamps{};
  Received received;
};

// The oldest record, or one whose errno says why there is none.
Record take_record(int fd, int family = AF_INET) {
  Record record;
  record.received = receive_message(fd, MSG_ERRQUEUE);
  if (record.received.size < 0) return record;
  record.error = family == AF_INET ? record.received.get<sock_extended_err>(SOL_IP, IP_RECVERR)
                                   : record.received.get<sock_extended_err>(SOL_IPV6, IPV6_RECVERR);
  record.stamps = record.received.get<scm_timestamping>(SOL_SOCKET, SCM_TIMESTAMPING);
  return record;
}

bool is_recent(const timespec& stamp) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const double age = static_cast<double>(now.tv_sec - stamp.tv_sec) + static_cast<double>(now.tv_nsec - stamp.tv_nsec) / 1e9;
  return age >= 0 && age < 60;
}

void set_stamping(int fd, unsigned flags) { ASSERT_EQ(set_option(fd, SOL_SOCKET, SO_TIMESTAMPING, flags), 0); }

TEST(TimestampingTest, ASentDatagramIsReportedWithItsFrame) {
  const UdpPair pair = udp_pair();
  set_stamping(pair.sender, SOF_TIMESTAMPING_TX_SOFTWARE | kSoftware);
  ASSERT_EQ(::send(pair.sender, "hello", 5, 0), 5);
  EXPECT_EQ(poll_now(pair.sender, POLLIN, 1000) & POLLERR, POLLERR);
  const Record record = take_record(pair.sender);
  // The loopback's Ethernet header, IPv4's, UDP's.
  ASSERT_EQ(record.received.size, 14 + 20 + 8 + 5);
  EXPECT_EQ(record.received.data.substr(42), "hello");
  EXPECT_EQ(record.received.data.substr(0, 14), std::string(12, '\0') + "\x08" + std::string(1, '\0'));
  EXPECT_EQ(record.received.data[14], 0x45);
  EXPECT_EQ(record.received.flags, MSG_ERRQUEUE);
  EXPECT_EQ(record.received.name, "");
  EXPECT_EQ(record.error.ee_errno, static_cast<unsigned>(ENOMSG));
  EXPECT_EQ(record.error.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
  EXPECT_EQ(record.error.ee_type, 0);
  EXPECT_EQ(record.error.ee_code, 0);
  EXPECT_EQ(record.error.ee_info, static_cast<unsigned>(SCM_TSTAMP_SND));
  EXPECT_EQ(record.error.ee_data, 0u);
  EXPECT_TRUE(is_recent(record.stamps.ts[0]));
  EXPECT_EQ(record.stamps.ts[2].tv_sec, 0);
  const std::vector<std::pair<int, int>> order{{SOL_SOCKET, SCM_TIMESTAMPING}, {SOL_IP, IP_RECVERR}};
  EXPECT_EQ(record.received.order, order);
  EXPECT_EQ(take_record(pair.sender).received.size, -EAGAIN);
  EXPECT_EQ(get_int(pair.sender, SOL_SOCKET, SO_ERROR), 0);
}

TEST(TimestampingTest, SchedulingAndSendingAreTwoRecords) {
  const UdpPair pair = udp_pair();
  set_stamping(pair.sender, SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | kSoftware | SOF_TIMESTAMPING_OPT_TSONLY);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(take_record(pair.sender).error.ee_info, static_cast<unsigned>(SCM_TSTAMP_SCHED));
  const Record second = take_record(pair.sender);
  EXPECT_EQ(second.error.ee_info, static_cast<unsigned>(SCM_TSTAMP_SND));
  EXPECT_EQ(second.received.size, 0);
  EXPECT_EQ(take_record(pair.sender).received.size, -EAGAIN);
}

TEST(TimestampingTest, WithoutReportingARecordHasNoStamp) {
  const UdpPair pair = udp_pair();
  set_stamping(pair.sender, SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  const Record record = take_record(pair.sender);
  EXPECT_EQ(record.received.size, 0);
  EXPECT_FALSE(record.received.has(SOL_SOCKET, SCM_TIMESTAMPING));
  EXPECT_TRUE(record.received.has(SOL_IP, IP_RECVERR));
}

TEST(TimestampingTest, DatagramsAreNumberedFromZero) {
  const UdpPair pair = udp_pair();
  const unsigned flags = SOF_TIMESTAMPING_TX_SOFTWARE | kSoftware | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
  set_stamping(pair.sender, flags);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(take_record(pair.sender).error.ee_data, i);
  set_stamping(pair.sender, flags);  // it was on: the numbers go on
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(take_record(pair.sender).error.ee_data, 3u);
  set_stamping(pair.sender, 0);
  set_stamping(pair.sender, flags);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(take_record(pair.sender).error.ee_data, 0u);
}

TEST(TimestampingTest, AControlMessageChoosesForOnePacket) {
  const UdpPair pair = udp_pair();
  set_stamping(pair.sender, kSoftware | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(take_record(pair.sender).received.size, -EAGAIN);
  const unsigned wanted = SOF_TIMESTAMPING_TX_SOFTWARE;
  SentControl control;
  control.add(SOL_SOCKET, SO_TIMESTAMPING, wanted);
  ASSERT_EQ(send_message<sockaddr_in>(pair.sender, "x", nullptr, control), 1);
  EXPECT_EQ(take_record(pair.sender).error.ee_info, static_cast<unsigned>(SCM_TSTAMP_SND));
  const unsigned too_much = SOF_TIMESTAMPING_OPT_ID;
  SentControl refused;
  refused.add(SOL_SOCKET, SO_TIMESTAMPING, too_much);
  EXPECT_EQ(send_message<sockaddr_in>(pair.sender, "x", nullptr, refused), -EINVAL);
}

TEST(TimestampingTest, AProgramMayGiveTheNumberItself) {
  const UdpPair pair = udp_pair();
  const unsigned key = 1234567;
  SentControl control;
  control.add(SOL_SOCKET, SCM_TS_OPT_ID, key);
  EXPECT_EQ(send_message<sockaddr_in>(pair.sender, "x", nullptr, control), -EINVAL);  // not numbered
  set_stamping(pair.sender, SOF_TIMESTAMPING_TX_SOFTWARE | kSoftware | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID);
  ASSERT_EQ(send_message<sockaddr_in>(pair.sender, "x", nullptr, control), 1);
  EXPECT_EQ(take_record(pair.sender).error.ee_data, key);
  SentControl short_one;
  short_one.add(SOL_SOCKET, SCM_TS_OPT_ID, uint8_t{1});
  EXPECT_EQ(send_message<sockaddr_in>(pair.sender, "x", nullptr, short_one), -EINVAL);
}

TEST(TimestampingTest, OptCmsgAddsWhatIsKnownOfThePacket) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(set_option(pair.sender, IPPROTO_IP, IP_PKTINFO, 1), 0);
  set_stamping(pair.sender, SOF_TIMESTAMPING_TX_SOFTWARE | kSoftware);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_FALSE(take_record(pair.sender).received.has(SOL_IP, IP_PKTINFO));
  set_stamping(pair.sender, SOF_TIMESTAMPING_TX_SOFTWARE | kSoftware | SOF_TIMESTAMPING_OPT_CMSG);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  const Record record = take_record(pair.sender);
  ASSERT_TRUE(record.received.has(SOL_IP, IP_PKTINFO));
  EXPECT_EQ(record.received.get<in_pktinfo>(SOL_IP, IP_PKTINFO).ipi_ifindex, 1);
}

TEST(TimestampingTest, ItIsTheSameOverIpv6) {
  const UdpPair pair = udp_pair(AF_INET6);
  set_stamping(pair.sender, SOF_TIMESTAMPING_TX_SOFTWARE | kSoftware | SOF_TIMESTAMPING_OPT_ID);
  ASSERT_EQ(::send(pair.sender, "hello", 5, 0), 5);
  const Record record = take_record(pair.sender, AF_INET6);
  ASSERT_EQ(record.received.size, 14 + 40 + 8 + 5);
  EXPECT_EQ(record.received.data.substr(62), "hello");
  EXPECT_EQ(record.error.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
  EXPECT_TRUE(is_recent(record.stamps.ts[0]));
}

TEST(TimestampingTest, TheNewNumberUsesTheNewLayout) {
  const UdpPair pair = udp_pair();
  const unsigned flags = SOF_TIMESTAMPING_TX_SOFTWARE | kSoftware | SOF_TIMESTAMPING_OPT_TSONLY;
  ASSERT_EQ(set_option(pair.sender, SOL_SOCKET, SO_TIMESTAMPING_NEW, flags), 0);
  EXPECT_EQ(get_int(pair.sender, SOL_SOCKET, SO_TIMESTAMPING_NEW), static_cast<long>(flags));
  EXPECT_EQ(get_int(pair.sender, SOL_SOCKET, SO_TIMESTAMPING), static_cast<long>(flags));
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  const Received received = receive_message(pair.sender, MSG_ERRQUEUE);
  EXPECT_TRUE(received.has(SOL_SOCKET, SO_TIMESTAMPING_NEW));
  EXPECT_FALSE(received.has(SOL_SOCKET, SO_TIMESTAMPING));
  ASSERT_EQ(set_option(pair.sender, SOL_SOCKET, SO_TIMESTAMPING, flags), 0);
  EXPECT_EQ(get_int(pair.sender, SOL_SOCKET, SO_TIMESTAMPING_NEW), 0);
}

TEST(TimestampingTest, ReceivedDatagramsCarryTheirTime) {
  const UdpPair pair = udp_pair();
  set_stamping(pair.receiver, SOF_TIMESTAMPING_RX_SOFTWARE | kSoftware);
  // Where nobody had asked for stamps, Linux begins a moment after the call (docs/linux_notes/tcp.md).
  Received received;
  for (int tries = 0; tries < 200 && !received.has(SOL_SOCKET, SCM_TIMESTAMPING); ++tries) {
    if (tries != 0) ::usleep(5000);
    ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
    received = receive_message(pair.receiver);
  }
  ASSERT_TRUE(received.has(SOL_SOCKET, SCM_TIMESTAMPING));
  EXPECT_TRUE(is_recent(received.get<scm_timestamping>(SOL_SOCKET, SCM_TIMESTAMPING).ts[0]));
}

TEST(TimestampingTest, BothKindsOfStampsComeTogether) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(set_option(pair.receiver, SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
  set_stamping(pair.receiver, SOF_TIMESTAMPING_RX_SOFTWARE | kSoftware);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  const Received received = receive_message(pair.receiver);
  const std::vector<std::pair<int, int>> order{{SOL_SOCKET, SCM_TIMESTAMPNS}, {SOL_SOCKET, SCM_TIMESTAMPING}};
  EXPECT_EQ(received.order, order);
  const auto plain = received.get<timespec>(SOL_SOCKET, SCM_TIMESTAMPNS);
  const auto software = received.get<scm_timestamping>(SOL_SOCKET, SCM_TIMESTAMPING).ts[0];
  EXPECT_EQ(plain.tv_sec, software.tv_sec);
  EXPECT_EQ(plain.tv_nsec, software.tv_nsec);
}

TEST(TimestampingTest, AStreamIsToldOfSendingAndOfTheAcknowledgment) {
  TcpPair pair = tcp_pair();
  set_stamping(pair.client, SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK | kSoftware |
                                SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY);
  ASSERT_EQ(::send(pair.client, "hello", 5, 0), 5);
  ASSERT_EQ(poll_now(pair.client, 0, 1000), POLLERR);
  char buffer[8];
  ASSERT_EQ(::recv(pair.server, buffer, sizeof buffer, 0), 5);
  std::map<unsigned, unsigned> seen;  // kind -> number
  for (int i = 0; i < 3; ++i) {
    poll_now(pair.client, 0, 1000);
    const Record record = take_record(pair.client);
    ASSERT_EQ(record.received.size, 0);
    EXPECT_EQ(record.error.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
    EXPECT_TRUE(is_recent(record.stamps.ts[0]));
    seen[record.error.ee_info] = record.error.ee_data;
  }
  const std::map<unsigned, unsigned> expected{{SCM_TSTAMP_SND, 4}, {SCM_TSTAMP_SCHED, 4}, {SCM_TSTAMP_ACK, 4}};
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(take_record(pair.client).received.size, -EAGAIN);
  ASSERT_EQ(::send(pair.client, "more", 4, 0), 4);
  poll_now(pair.client, 0, 1000);
  EXPECT_EQ(take_record(pair.client).error.ee_data, 8u);
}

TEST(TimestampingTest, AStreamsFrameIsShownToo) {
  TcpPair pair = tcp_pair();
  set_stamping(pair.client, SOF_TIMESTAMPING_TX_SOFTWARE | kSoftware);
  ASSERT_EQ(::send(pair.client, "hello", 5, 0), 5);
  poll_now(pair.client, 0, 1000);
  const Record record = take_record(pair.client);
  ASSERT_EQ(record.received.size, 14 + 20 + 32 + 5);
  EXPECT_EQ(record.received.data.substr(66), "hello");
}

TEST(TimestampingTest, AStreamsStatisticsComeWithTheRecord) {
  TcpPair pair = tcp_pair();
  set_stamping(pair.client, SOF_TIMESTAMPING_TX_ACK | kSoftware | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_STATS);
  ASSERT_EQ(::send(pair.client, "hello", 5, 0), 5);
  poll_now(pair.client, 0, 1000);
  const Received received = receive_message(pair.client, MSG_ERRQUEUE);
  const auto found = received.control.find({SOL_SOCKET, SCM_TIMESTAMPING_OPT_STATS});
  ASSERT_NE(found, received.control.end());
  // Netlink attributes: how many bytes were sent is one of them (TCP_NLA_BYTES_SENT).
  uint64_t sent = 0;
  for (size_t at = 0; at + 4 <= found->second.size();) {
    uint16_t head[2];
    memcpy(head, found->second.data() + at, sizeof head);
    if (head[1] == 18) memcpy(&sent, found->second.data() + at + 4, sizeof sent);
    if (head[0] == 0) break;
    at += (head[0] + 3u) & ~3u;
  }
  EXPECT_EQ(sent, 5u);
}

TEST(TimestampingTest, AStreamCountsFromWhereItStandsOrFromWhatIsAcknowledged) {
  const Fd unconnected(::socket(AF_INET, SOCK_STREAM, 0));
  const unsigned keys = SOF_TIMESTAMPING_OPT_ID, stream_keys = keys | 1u << 16;  // SOF_TIMESTAMPING_OPT_ID_TCP
  EXPECT_EQ(set_option(unconnected, SOL_SOCKET, SO_TIMESTAMPING, keys), -EINVAL);
  EXPECT_EQ(set_option(unconnected, SOL_SOCKET, SO_TIMESTAMPING, stream_keys), -EINVAL);
  const unsigned base_alone = stream_keys & ~keys;
  EXPECT_EQ(set_option(unconnected, SOL_SOCKET, SO_TIMESTAMPING, base_alone), -EINVAL);
  TcpPair pair = tcp_pair();
  ASSERT_EQ(::send(pair.client, "12345678", 8, 0), 8);
  set_stamping(pair.client, SOF_TIMESTAMPING_TX_SOFTWARE | kSoftware | SOF_TIMESTAMPING_OPT_TSONLY | stream_keys);
  ASSERT_EQ(::send(pair.client, "9", 1, 0), 1);
  poll_now(pair.client, 0, 1000);
  EXPECT_EQ(take_record(pair.client).error.ee_data, 0u);
}

TEST(TimestampingTest, WhatMayNotBeSet) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  const unsigned unknown = 1u << 25, statistics = SOF_TIMESTAMPING_OPT_STATS, clock = SOF_TIMESTAMPING_BIND_PHC;
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_TIMESTAMPING, unknown), -EINVAL);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_TIMESTAMPING, statistics), -EINVAL);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_TIMESTAMPING, clock), -EOPNOTSUPP);
  struct {
    unsigned flags;
    int clock;
  } both{SOF_TIMESTAMPING_SOFTWARE, 0};
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_TIMESTAMPING, both), 0);
  EXPECT_EQ(get_int(fd, SOL_SOCKET, SO_TIMESTAMPING), SOF_TIMESTAMPING_SOFTWARE);
}

// ---------------------------------------------------------------------------------------------------------------- the queue

TEST(ErrorQueueTest, ItIsPriorityInputWhereAskedFor) {
  const UdpPair pair = udp_pair();
  set_stamping(pair.sender, SOF_TIMESTAMPING_TX_SOFTWARE | kSoftware | SOF_TIMESTAMPING_OPT_TSONLY);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(poll_now(pair.sender, POLLPRI), POLLERR);
  ASSERT_EQ(set_option(pair.sender, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1), 0);
  EXPECT_EQ(poll_now(pair.sender, POLLPRI), POLLERR | POLLPRI);
  take_record(pair.sender);
  EXPECT_EQ(poll_now(pair.sender, POLLPRI), 0);
}

TEST(ErrorQueueTest, ItSharesTheReceiveBuffer) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(set_option(pair.sender, SOL_SOCKET, SO_RCVBUF, 1), 0);  // the least there is
  set_stamping(pair.sender, SOF_TIMESTAMPING_TX_SOFTWARE | kSoftware | SOF_TIMESTAMPING_OPT_TSONLY);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  int count = 0;
  while (take_record(pair.sender).received.size >= 0) ++count;
  EXPECT_GT(count, 0);
  EXPECT_LT(count, 50);
}

// ---------------------------------------------------------------------------------------------------------------- zero copy

TEST(ZeroCopyTest, EachSendIsNumberedAndRunsAreReportedTogether) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(set_option(pair.sender, SOL_SOCKET, SO_ZEROCOPY, 1), 0);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(::send(pair.sender, "hello", 5, MSG_ZEROCOPY), 5);
  EXPECT_EQ(receive_message(pair.receiver).data, "hello");
  EXPECT_EQ(receive_message(pair.receiver).data, "hello");
  EXPECT_EQ(receive_message(pair.receiver).data, "hello");
  unsigned next = 0;
  while (next < 3) {
    ASSERT_EQ(poll_now(pair.sender, 0, 1000), POLLERR);
    const Record record = take_record(pair.sender);
    ASSERT_EQ(record.received.size, 0);
    EXPECT_EQ(record.error.ee_errno, 0u);
    EXPECT_EQ(record.error.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
    EXPECT_EQ(record.error.ee_code, SO_EE_CODE_ZEROCOPY_COPIED);
    EXPECT_EQ(record.error.ee_info, next);
    next = record.error.ee_data + 1;
  }
  EXPECT_EQ(next, 3u);
  EXPECT_EQ(take_record(pair.sender).received.size, -EAGAIN);
}

TEST(ZeroCopyTest, AStreamReportsTheSame) {
  TcpPair pair = tcp_pair();
  ASSERT_EQ(set_option(pair.client, SOL_SOCKET, SO_ZEROCOPY, 1), 0);
  ASSERT_EQ(::send(pair.client, "a", 1, MSG_ZEROCOPY), 1);
  char byte;
  ASSERT_EQ(::recv(pair.server, &byte, 1, 0), 1);
  ASSERT_EQ(poll_now(pair.client, 0, 1000), POLLERR);
  const Record record = take_record(pair.client);
  EXPECT_EQ(record.error.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
  EXPECT_EQ(record.error.ee_info, 0u);
  EXPECT_EQ(record.error.ee_data, 0u);
}

TEST(ZeroCopyTest, WithoutTheOptionTheFlagMeansNothing) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(::send(pair.sender, "x", 1, MSG_ZEROCOPY), 1);
  EXPECT_EQ(take_record(pair.sender).received.size, -EAGAIN);
  EXPECT_EQ(receive_message(pair.receiver).data, "x");
}

TEST(ZeroCopyTest, OnlyUdpAndTcpHaveIt) {
  const Fd unix_socket(::socket(AF_UNIX, SOCK_STREAM, 0)), udp(::socket(AF_INET6, SOCK_DGRAM, 0));
  EXPECT_EQ(set_option(unix_socket, SOL_SOCKET, SO_ZEROCOPY, 1), -EOPNOTSUPP);
  EXPECT_EQ(set_option(udp, SOL_SOCKET, SO_ZEROCOPY, 2), -EINVAL);
  EXPECT_EQ(set_option(udp, SOL_SOCKET, SO_ZEROCOPY, -1), -EINVAL);
  EXPECT_EQ(set_option(udp, SOL_SOCKET, SO_ZEROCOPY, 1), 0);
  EXPECT_EQ(get_int(udp, SOL_SOCKET, SO_ZEROCOPY), 1);
}

// ------------------------------------------------------------------------------------------------------------ times to send

struct TransmitTime {
  int clock;
  unsigned flags;
};

TEST(TransmitTimeTest, APacketMayHaveATimeWhereTheSocketSaysSo) {
  const UdpPair pair = udp_pair();
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const uint64_t when = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
  SentControl control;
  control.add(SOL_SOCKET, SCM_TXTIME, when);
  EXPECT_EQ(send_message<sockaddr_in>(pair.sender, "x", nullptr, control), -EINVAL);
  ASSERT_EQ(set_option(pair.sender, SOL_SOCKET, SO_TXTIME, TransmitTime{CLOCK_MONOTONIC, 0}), 0);
  ASSERT_EQ(send_message<sockaddr_in>(pair.sender, "x", nullptr, control), 1);
  EXPECT_EQ(receive_message(pair.receiver).data, "x");
  SentControl short_one;
  short_one.add(SOL_SOCKET, SCM_TXTIME, uint32_t{1});
  EXPECT_EQ(send_message<sockaddr_in>(pair.sender, "x", nullptr, short_one), -EINVAL);
}

TEST(TransmitTimeTest, ClocksAndFlagsAreChecked) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  const bool may = ::geteuid() == 0;
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_TXTIME, TransmitTime{CLOCK_MONOTONIC, 4}), -EINVAL);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_TXTIME, TransmitTime{CLOCK_BOOTTIME, 0}), may ? -EINVAL : -EPERM);
  if (may) {
    EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_TXTIME, TransmitTime{CLOCK_TAI, 3}), 0);
    TransmitTime got{};
    socklen_t length = sizeof got;
    ASSERT_EQ(answer(::getsockopt(fd, SOL_SOCKET, SO_TXTIME, &got, &length)), 0);
    EXPECT_EQ(got.clock, CLOCK_TAI);
    EXPECT_EQ(got.flags, 3u);
  }
}

}  // namespace
}  // namespace conformance
