// UDP over loopback: datagrams, errors, truncation, ancillary data.
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

class UdpTest : public testing::Test {
 protected:
  void SetUp() override {
    receiver_ = Fd(::socket(AF_INET, SOCK_DGRAM, 0));
    sender_ = Fd(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(bind_to(receiver_, loopback4()), 0);
    to_ = name_of(receiver_);
  }
  long send_text(const char* text) {
    return answer(::sendto(sender_, text, strlen(text), 0, reinterpret_cast<sockaddr*>(&to_), sizeof to_));
  }

  Fd receiver_, sender_;
  sockaddr_in to_{};
};

TEST_F(UdpTest, ADatagramComesWithItsSource) {
  ASSERT_EQ(send_text("hello"), 5);
  char buffer[16];
  sockaddr_in from{};
  socklen_t length = sizeof from;
  EXPECT_EQ(::recvfrom(receiver_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &length), 5);
  EXPECT_EQ(length, sizeof from);
  EXPECT_EQ(from.sin_port, name_of(sender_).sin_port);
}

TEST_F(UdpTest, WhatDoesNotFitIsCutAndSaidSo) {
  ASSERT_EQ(send_text("truncated"), 9);
  char buffer[4];
  iovec vector{buffer, sizeof buffer};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  EXPECT_EQ(::recvmsg(receiver_, &message, MSG_TRUNC), 9);
  EXPECT_EQ(message.msg_flags, MSG_TRUNC);
}

TEST_F(UdpTest, APeekLeavesTheDatagramAndFionreadTellsItsSize) {
  ASSERT_EQ(send_text("abc"), 3);
  ASSERT_EQ(send_text("defgh"), 5);
  char buffer[16];
  EXPECT_EQ(::recv(receiver_, buffer, sizeof buffer, MSG_PEEK), 3);
  int size = 0;
  EXPECT_EQ(::ioctl(receiver_, FIONREAD, &size), 0);
  EXPECT_EQ(size, 3);
  EXPECT_EQ(::recv(receiver_, buffer, sizeof buffer, 0), 3);
  EXPECT_EQ(::recv(receiver_, buffer, sizeof buffer, 0), 5);
  EXPECT_EQ(answer(::recv(receiver_, buffer, sizeof buffer, MSG_DONTWAIT)), -EAGAIN);
}

TEST_F(UdpTest, AnEmptyDatagramIsADatagram) {
  EXPECT_EQ(send_text(""), 0);
  char byte;
  EXPECT_EQ(::recv(receiver_, &byte, 1, MSG_DONTWAIT), 0);
}

TEST_F(UdpTest, SendingWithoutAnAddressOrPortIsRefused) {
  EXPECT_EQ(answer(::send(sender_, "x", 1, 0)), -EDESTADDRREQ);
  sockaddr_in nowhere = loopback4(0);
  EXPECT_EQ(answer(::sendto(sender_, "x", 1, 0, reinterpret_cast<sockaddr*>(&nowhere), sizeof nowhere)), -EINVAL);
  EXPECT_EQ(answer(::sendto(sender_, "x", 1, 0, reinterpret_cast<sockaddr*>(&to_), 8)), -EINVAL);
  EXPECT_EQ(answer(::sendto(sender_, "x", 1, MSG_OOB, reinterpret_cast<sockaddr*>(&to_), sizeof to_)), -EOPNOTSUPP);
  sockaddr_in foreign = to_;
  foreign.sin_family = AF_UNIX;
  EXPECT_EQ(answer(::sendto(sender_, "x", 1, 0, reinterpret_cast<sockaddr*>(&foreign), sizeof foreign)), -EAFNOSUPPORT);
}

TEST_F(UdpTest, ADatagramTooLongIsRefused) {
  const std::string large(65508, 'x');
  EXPECT_EQ(send_text(large.c_str()), -EMSGSIZE);
  EXPECT_EQ(send_text(large.c_str() + 1), 65507);
}

TEST_F(UdpTest, AClosedPortIsReportedToAConnectedSender) {
  receiver_.reset();
  ASSERT_EQ(connect_to(sender_, to_), 0);
  EXPECT_EQ(answer(::send(sender_, "x", 1, 0)), 1);
  EXPECT_EQ(poll_now(sender_, POLLIN, 1000) & POLLERR, POLLERR);
  char byte;
  EXPECT_EQ(answer(::recv(sender_, &byte, 1, 0)), -ECONNREFUSED);
  EXPECT_EQ(answer(::recv(sender_, &byte, 1, MSG_DONTWAIT)), -EAGAIN);
}

TEST_F(UdpTest, AConnectedSocketHearsOnlyItsPeer) {
  const Fd stranger(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(bind_to(sender_, loopback4()), 0);
  ASSERT_EQ(connect_to(receiver_, name_of(sender_)), 0);
  EXPECT_EQ(::sendto(stranger, "no", 2, 0, reinterpret_cast<sockaddr*>(&to_), sizeof to_), 2);
  char buffer[8];
  EXPECT_EQ(answer(::recv(receiver_, buffer, sizeof buffer, MSG_DONTWAIT)), -EAGAIN);
  EXPECT_EQ(send_text("yes"), 3);
  EXPECT_EQ(::recv(receiver_, buffer, sizeof buffer, MSG_DONTWAIT), 3);
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  EXPECT_EQ(::connect(receiver_, &nobody, sizeof nobody), 0);
  // The port was chosen by bind(), not by the program: it goes with the connection.
  EXPECT_EQ(name_of(receiver_).sin_port, 0);
}

// docs/linux_notes/udp_disconnect_port.md
TEST_F(UdpTest, ADisconnectedIpv6SocketHearsOfIpv6OnlyItsFormerPeer) {
  struct Peer {
    const char* address;
    bool hears_v6;
  };
  for (const Peer& peer : {Peer{"::1", true}, Peer{"::ffff:127.0.0.1", false}}) {
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM, 0));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(static_cast<uint16_t>(30000 + getpid() % 20000));
    ASSERT_EQ(bind_to(socket, any), 0);
    sockaddr_in6 remote = any;
    remote.sin6_port = htons(9);
    ASSERT_EQ(inet_pton(AF_INET6, peer.address, &remote.sin6_addr), 1);
    ASSERT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&remote), sizeof remote), 0);
    const sockaddr unspecified{};
    ASSERT_EQ(::connect(socket, &unspecified, sizeof unspecified), 0);
    const Fd other(::socket(AF_INET6, SOCK_DGRAM, 0));
    const auto hears_from = [&](const char* here) {
      sockaddr_in6 to = any;
      EXPECT_EQ(inet_pton(AF_INET6, here, &to.sin6_addr), 1);
      EXPECT_EQ(::sendto(other, "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 1);
      char byte = 0;
      return ::recv(socket, &byte, 1, MSG_DONTWAIT) == 1;
    };
    EXPECT_TRUE(hears_from("::ffff:127.0.0.1")) << peer.address;
    EXPECT_EQ(hears_from("::1"), peer.hears_v6) << peer.address;
    ASSERT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);  // :: is ::1
    ASSERT_EQ(::connect(socket, &unspecified, sizeof unspecified), 0);
    EXPECT_TRUE(hears_from("::1")) << peer.address;
  }
}

TEST_F(UdpTest, PacketInfoTtlAndTosComeAsControlMessages) {
  const int on = 1;
  ASSERT_EQ(::setsockopt(receiver_, IPPROTO_IP, IP_PKTINFO, &on, sizeof on), 0);
  ASSERT_EQ(::setsockopt(receiver_, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
  ASSERT_EQ(::setsockopt(receiver_, IPPROTO_IP, IP_RECVTOS, &on, sizeof on), 0);
  const int ttl = 42;
  ASSERT_EQ(::setsockopt(sender_, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl), 0);
  ASSERT_EQ(send_text("x"), 1);
  char buffer[8], control[256];
  iovec vector{buffer, sizeof buffer};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ASSERT_EQ(::recvmsg(receiver_, &message, 0), 1);
  std::string order;
  for (cmsghdr* cmsg = CMSG_FIRSTHDR(&message); cmsg != nullptr; cmsg = CMSG_NXTHDR(&message, cmsg)) {
    order += std::to_string(cmsg->cmsg_type) + ":" + std::to_string(cmsg->cmsg_len) + " ";
    if (cmsg->cmsg_type == IP_TTL) {
      EXPECT_EQ(*reinterpret_cast<int*>(CMSG_DATA(cmsg)), 42);
    }
    if (cmsg->cmsg_type == IP_PKTINFO) {
      EXPECT_EQ(reinterpret_cast<in_pktinfo*>(CMSG_DATA(cmsg))->ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
    }
  }
  EXPECT_EQ(order, "8:28 2:20 1:17 ");
  EXPECT_EQ(message.msg_flags, 0);
}

TEST_F(UdpTest, AControlBufferTooSmallIsTruncated) {
  const int on = 1;
  ASSERT_EQ(::setsockopt(receiver_, IPPROTO_IP, IP_PKTINFO, &on, sizeof on), 0);
  ASSERT_EQ(send_text("x"), 1);
  char buffer[8], control[20];
  iovec vector{buffer, sizeof buffer};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ASSERT_EQ(::recvmsg(receiver_, &message, 0), 1);
  EXPECT_EQ(message.msg_flags, MSG_CTRUNC);
  EXPECT_EQ(message.msg_controllen, sizeof control);
}

TEST_F(UdpTest, BadPointersAreFaults) {
  ASSERT_EQ(send_text("x"), 1);
  EXPECT_EQ(answer(::recv(receiver_, bad_pointer<void>(), 1, 0)), -EFAULT);
  EXPECT_EQ(answer(::sendto(sender_, bad_pointer<void>(), 1, 0, reinterpret_cast<sockaddr*>(&to_), sizeof to_)), -EFAULT);
  EXPECT_EQ(answer(::bind(sender_, bad_pointer<sockaddr>(), sizeof to_)), -EFAULT);
  EXPECT_EQ(answer(::sendmsg(sender_, bad_pointer<msghdr>(), 0)), -EFAULT);
}

TEST_F(UdpTest, AReceiveTimeoutEndsInEagain) {
  timeval timeout{0, 50'000};
  ASSERT_EQ(::setsockopt(receiver_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
  char byte;
  EXPECT_EQ(answer(::recv(receiver_, &byte, 1, 0)), -EAGAIN);
}

TEST_F(UdpTest, ManyMessagesGoAndComeInOneCall) {
  ASSERT_EQ(connect_to(sender_, to_), 0);
  char out[3] = {'a', 'b', 'c'};
  iovec vectors[3];
  mmsghdr messages[3]{};
  for (int i = 0; i < 3; ++i) {
    vectors[i] = {&out[i], 1};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  EXPECT_EQ(::sendmmsg(sender_, messages, 3, 0), 3);
  EXPECT_EQ(::recvmmsg(receiver_, messages, 3, MSG_WAITFORONE, nullptr), 3);
  EXPECT_EQ(messages[2].msg_len, 1u);
  EXPECT_EQ(answer(::recvmmsg(receiver_, messages, 3, MSG_DONTWAIT, nullptr)), -EAGAIN);
}

}  // namespace
}  // namespace conformance
