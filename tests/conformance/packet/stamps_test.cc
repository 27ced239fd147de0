// When what a packet socket sent has left: SO_TIMESTAMPING's records, from its error queue.
#include <time.h>
// The kernel's header does not say what it needs.
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <poll.h>

#include <optional>

#include "tests/conformance/packet/packet.hh"

namespace conformance {
namespace {

constexpr uint32_t kSoftware = SOF_TIMESTAMPING_SOFTWARE, kSent = SOF_TIMESTAMPING_TX_SOFTWARE,
                   kScheduled = SOF_TIMESTAMPING_TX_SCHED, kKeys = SOF_TIMESTAMPING_OPT_ID, kAlone = SOF_TIMESTAMPING_OPT_TSONLY;

struct Record {
  long size = 0;  // or the negative errno
  std::string bytes;
  int flags = 0;
  socklen_t name_size = 0;
  std::vector<std::pair<int, int>> messages;
  std::optional<sock_extended_err> error;
  bool has_time = false;
};

Record take_record(int fd, size_t room = 300, int flags = 0) {
  Record record;
  record.bytes.resize(room);
  sockaddr_ll name{};
  char control[256];
  iovec data{record.bytes.data(), room};
  msghdr message{};
  message.msg_name = &name;
  message.msg_namelen = sizeof name;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  record.size = ::recvmsg(fd, &message, MSG_ERRQUEUE | flags);
  if (record.size < 0) {
    record.size = -errno;
    return record;
  }
  record.bytes.resize(std::min(room, static_cast<size_t>(record.size)));
  record.flags = message.msg_flags;
  record.name_size = message.msg_namelen;
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    record.messages.emplace_back(one->cmsg_level, one->cmsg_type);
    if (one->cmsg_level == kPacketLevel && one->cmsg_len == CMSG_LEN(sizeof(sock_extended_err))) {
      sock_extended_err error;
      memcpy(&error, CMSG_DATA(one), sizeof error);
      record.error = error;
    }
    if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == SCM_TIMESTAMPING) {
      scm_timestamping times;
      memcpy(&times, CMSG_DATA(one), sizeof times);
      record.has_time = times.ts[0].tv_sec != 0;
    }
  }
  return record;
}

int wants(int fd, uint32_t flags) { return ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags); }

void send_frame(int fd, const std::string& bytes) {
  sockaddr_ll to = link_name(1, kOurs);
  to.sll_halen = 6;
  ASSERT_EQ(::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
            static_cast<ssize_t>(bytes.size()));
}

short ready(int fd) {
  pollfd one{.fd = fd, .events = POLLIN | POLLPRI, .revents = 0};
  ::poll(&one, 1, 0);
  return one.revents;
}

int get_error(int fd) {
  int error = -1;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

TEST(PacketStamps, ARecordShowsTheFrameAndWhenItLeft) {
  in_own_network([] {
    Fd socket = packet_socket(SOCK_RAW, 0);
    ASSERT_EQ(wants(socket, kSoftware | kSent), 0);
    const std::string sent = frame(kZero, "when");
    send_frame(socket, sent);
    EXPECT_EQ(ready(socket), POLLERR);
    EXPECT_EQ(get_error(socket), 0);
    const Record record = take_record(socket);
    EXPECT_EQ(record.bytes, sent);
    EXPECT_EQ(record.flags, MSG_ERRQUEUE);
    EXPECT_EQ(record.name_size, 0u);
    EXPECT_EQ(record.messages,
              (std::vector<std::pair<int, int>>{{SOL_SOCKET, SCM_TIMESTAMPING}, {kPacketLevel, PACKET_TX_TIMESTAMP}}));
    EXPECT_TRUE(record.has_time);
    ASSERT_TRUE(record.error);
    EXPECT_EQ(record.error->ee_errno, unsigned{ENOMSG});
    EXPECT_EQ(record.error->ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
    EXPECT_EQ(record.error->ee_info, unsigned{SCM_TSTAMP_SND});
    EXPECT_EQ(take_record(socket).size, -EAGAIN);
    EXPECT_EQ(ready(socket), 0);
  });
}

TEST(PacketStamps, RecordsAreNumberedFromTheMomentThatIsAskedFor) {
  in_own_network([] {
    Fd socket = packet_socket(SOCK_RAW, 0);
    ASSERT_EQ(wants(socket, kSoftware | kSent | kScheduled | kKeys | kAlone), 0);
    send_frame(socket, frame(kZero, "one"));
    send_frame(socket, frame(kZero, "two"));
    for (const uint32_t number : {0u, 1u}) {
      for (const uint32_t kind : {uint32_t{SCM_TSTAMP_SCHED}, uint32_t{SCM_TSTAMP_SND}}) {
        const Record record = take_record(socket);
        EXPECT_EQ(record.size, 0);
        ASSERT_TRUE(record.error);
        EXPECT_EQ(record.error->ee_info, kind);
        EXPECT_EQ(record.error->ee_data, number);
      }
    }
    ASSERT_EQ(wants(socket, kSoftware), 0);
    send_frame(socket, frame(kZero, "unasked"));
    ASSERT_EQ(wants(socket, kSoftware | kSent | kKeys), 0);
    send_frame(socket, frame(kZero, "anew"));
    const Record record = take_record(socket);
    ASSERT_TRUE(record.error);
    EXPECT_EQ(record.error->ee_data, 0u);
    EXPECT_EQ(take_record(socket).size, -EAGAIN);
  });
}

TEST(PacketStamps, WhatPassesTheQueueByIsNotScheduled) {
  in_own_network([] {
    Fd socket = packet_socket(SOCK_RAW, 0);
    ASSERT_EQ(wants(socket, kSoftware | kSent | kScheduled), 0);
    const int on = 1;
    ASSERT_EQ(::setsockopt(socket, kPacketLevel, PACKET_QDISC_BYPASS, &on, sizeof on), 0);
    send_frame(socket, frame(kZero, "by"));
    const Record record = take_record(socket);
    ASSERT_TRUE(record.error);
    EXPECT_EQ(record.error->ee_info, uint32_t{SCM_TSTAMP_SND});
    EXPECT_EQ(take_record(socket).size, -EAGAIN);
  });
}

TEST(PacketStamps, AHeaderThatTheKernelMadeIsShownToo) {
  in_own_network([] {
    Fd socket = packet_socket(SOCK_DGRAM, 0);
    ASSERT_EQ(wants(socket, kSoftware | kSent), 0);
    send_frame(socket, "payload");
    const Record record = take_record(socket);
    EXPECT_EQ(record.size, 14 + 7);
    EXPECT_EQ(record.bytes.substr(12), std::string("\x88\xb5", 2) + "payload");
  });
}

TEST(PacketStamps, OneSendMayAskForItself) {
  in_own_network([] {
    Fd socket = packet_socket(SOCK_RAW, 0);
    ASSERT_EQ(wants(socket, kSoftware), 0);
    std::string bytes = frame(kZero, "by itself");
    sockaddr_ll to = link_name(1, kOurs);
    char control[CMSG_SPACE(sizeof(uint32_t))] = {};
    iovec data{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* one = CMSG_FIRSTHDR(&message);
    one->cmsg_level = SOL_SOCKET;
    one->cmsg_type = SO_TIMESTAMPING;
    one->cmsg_len = CMSG_LEN(sizeof kSent);
    memcpy(CMSG_DATA(one), &kSent, sizeof kSent);
    ASSERT_EQ(::sendmsg(socket, &message, 0), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(take_record(socket).bytes, bytes);
    send_frame(socket, bytes);
    EXPECT_EQ(take_record(socket).size, -EAGAIN);
  });
}

TEST(PacketStamps, LookingTakesAndWhatDoesNotFitIsCut) {
  in_own_network([] {
    Fd socket = packet_socket(SOCK_RAW, 0);
    ASSERT_EQ(wants(socket, kSoftware | kSent), 0);
    const std::string sent = frame(kZero, "a long one");
    send_frame(socket, sent);
    const Record cut = take_record(socket, 16, MSG_PEEK);
    EXPECT_EQ(cut.bytes, sent.substr(0, 16));
    EXPECT_EQ(cut.size, 16);
    EXPECT_EQ(cut.flags, MSG_ERRQUEUE | MSG_TRUNC);
    EXPECT_EQ(take_record(socket).size, -EAGAIN);
  });
}

TEST(PacketStamps, RecordsTakeTheRoomOfWhatIsReceived) {
  in_own_network([] {
    Fd socket = packet_socket(SOCK_RAW, 0);
    ASSERT_EQ(wants(socket, kSoftware | kSent), 0);
    const int least = 0;
    ASSERT_EQ(::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &least, sizeof least), 0);
    for (int i = 0; i < 50; ++i) send_frame(socket, frame(kZero, std::string(50, 'x')));
    int kept = 0;
    while (take_record(socket).size >= 0) ++kept;
    EXPECT_EQ(kept, 2);
  });
}

TEST(PacketStamps, WhoWantsThemUrgentlyIsToldSo) {
  in_own_network([] {
    Fd socket = packet_socket(SOCK_RAW, 0);
    ASSERT_EQ(wants(socket, kSoftware | kSent), 0);
    const int on = 1;
    ASSERT_EQ(::setsockopt(socket, SOL_SOCKET, SO_SELECT_ERR_QUEUE, &on, sizeof on), 0);
    send_frame(socket, frame(kZero, "now"));
    EXPECT_EQ(ready(socket), POLLERR | POLLPRI);
  });
}

}  // namespace
}  // namespace conformance
