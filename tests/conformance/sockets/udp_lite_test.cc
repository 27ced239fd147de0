// UDP-Lite: ports of its own, and a checksum that covers what the sender says and the receiver demands.
#include <gtest/gtest.h>
#include <netinet/udp.h>

#include <algorithm>
#include <string>

#include "tests/conformance/sockets/posix.hh"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

namespace conformance {
namespace {

constexpr int kSendCoverage = 10, kReceiveCoverage = 11;

class UdpLiteTest : public testing::Test {
 protected:
  UdpLiteTest()
      : sender_(::socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE)), receiver_(::socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE)) {}
  void SetUp() override {
    if (sender_ < 0 && errno == EPROTONOSUPPORT) GTEST_SKIP() << "this kernel has no UDP-Lite";
    bind_receiver(receiver_);
  }
  void bind_receiver(int fd) {
    name_ = loopback4();
    socklen_t size = sizeof name_;
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&name_), size), 0);
    ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&name_), &size), 0);
  }
  long send(const std::string& text) {
    return answer(::sendto(sender_, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&name_), sizeof name_));
  }
  std::string received() {
    char text[64];
    const ssize_t size = ::recv(receiver_, text, sizeof text, MSG_DONTWAIT);
    return size < 0 ? "none" : std::string(text, static_cast<size_t>(size));
  }
  static long set(int fd, int option, int value) {
    return answer(::setsockopt(fd, IPPROTO_UDPLITE, option, &value, sizeof value));
  }
  static long get(int fd, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    const long result = answer(::getsockopt(fd, IPPROTO_UDPLITE, option, &value, &size));
    return result < 0 ? result : value;
  }

  Fd sender_, receiver_;
  sockaddr_in name_{};
};

TEST_F(UdpLiteTest, CarriesDatagrams) {
  EXPECT_EQ(send("hello"), 5);
  EXPECT_EQ(received(), "hello");
  int protocol = 0;
  socklen_t size = sizeof protocol;
  ASSERT_EQ(::getsockopt(receiver_, SOL_SOCKET, SO_PROTOCOL, &protocol, &size), 0);
  EXPECT_EQ(protocol, IPPROTO_UDPLITE);
}

TEST_F(UdpLiteTest, CarriesDatagramsOverIpv6) {
  const Fd six(::socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE)), other(::socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE));
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_addr = in6addr_loopback;
  socklen_t size = sizeof name;
  ASSERT_EQ(::bind(six, reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(::getsockname(six, reinterpret_cast<sockaddr*>(&name), &size), 0);
  ASSERT_EQ(::sendto(other, "abc", 3, 0, reinterpret_cast<sockaddr*>(&name), size), 3);
  char text[8];
  EXPECT_EQ(::recv(six, text, sizeof text, MSG_DONTWAIT), 3);
}

TEST_F(UdpLiteTest, ItsPortsAreNotUdps) {
  const Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(::bind(udp, reinterpret_cast<sockaddr*>(&name_), sizeof name_), 0);
  EXPECT_EQ(send("lite"), 4);
  char byte;
  EXPECT_EQ(answer(::recv(udp, &byte, 1, MSG_DONTWAIT)), -EAGAIN);
  EXPECT_EQ(received(), "lite");
}

TEST_F(UdpLiteTest, NobodyThereIsReportedToAConnectedSocket) {
  ASSERT_EQ(::connect(sender_, reinterpret_cast<sockaddr*>(&name_), sizeof name_), 0);
  receiver_.reset();
  ASSERT_EQ(::send(sender_, "a", 1, 0), 1);
  EXPECT_EQ(answer(::send(sender_, "a", 1, 0)), -ECONNREFUSED);
}

TEST_F(UdpLiteTest, CoverageIsAtLeastTheHeaderAndAtMostAll) {
  EXPECT_EQ(get(sender_, kSendCoverage), 0);
  for (const auto& [value, expected] :
       {std::pair{0, 0}, {1, 8}, {7, 8}, {8, 8}, {20, 20}, {65535, 65535}, {70000, 65535}, {-1, 8}}) {
    EXPECT_EQ(set(sender_, kSendCoverage, value), 0);
    EXPECT_EQ(get(sender_, kSendCoverage), expected) << value;
  }
  int value = 0;
  EXPECT_EQ(answer(::setsockopt(sender_, IPPROTO_UDP, kSendCoverage, &value, sizeof value)), 0);
  const Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(set(udp, kSendCoverage, 8), -ENOPROTOOPT);
  EXPECT_EQ(get(udp, kReceiveCoverage), 0);
}

TEST_F(UdpLiteTest, AReceiverTakesNoLessThanItAskedFor) {
  ASSERT_EQ(set(sender_, kSendCoverage, 12), 0);
  EXPECT_EQ(send("0123456789"), 10);
  EXPECT_EQ(received(), "0123456789") << "who asks for nothing takes everything";
  ASSERT_EQ(set(receiver_, kReceiveCoverage, 12), 0);
  EXPECT_EQ(send("0123456789"), 10);
  EXPECT_EQ(received(), "0123456789");
  ASSERT_EQ(set(receiver_, kReceiveCoverage, 13), 0);
  EXPECT_EQ(send("0123456789"), 10);
  EXPECT_EQ(received(), "none");
  ASSERT_EQ(set(receiver_, kReceiveCoverage, 0), 0);
  EXPECT_EQ(send("0123456789"), 10);
  EXPECT_EQ(received(), "none") << "0 asks for all";
  EXPECT_EQ(send("0123"), 4);
  EXPECT_EQ(received(), "0123") << "12 bytes are all of it";
}

TEST_F(UdpLiteTest, ACoveredLengthBeyondTheDatagramCoversAll) {
  ASSERT_EQ(set(sender_, kSendCoverage, 1000), 0);
  ASSERT_EQ(set(receiver_, kReceiveCoverage, 0), 0);
  EXPECT_EQ(send("0123456789"), 10);
  EXPECT_EQ(received(), "0123456789");
}

TEST_F(UdpLiteTest, IsNeverSentWithoutChecksum) {
  const int yes = 1;
  ASSERT_EQ(::setsockopt(sender_, SOL_SOCKET, SO_NO_CHECK, &yes, sizeof yes), 0);
  EXPECT_EQ(send("hello"), 5);
  EXPECT_EQ(received(), "hello");
}

TEST_F(UdpLiteTest, IsPeekedAtFromAnOffset) {
  int offset = 2;
  ASSERT_EQ(::setsockopt(receiver_, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset), 0);
  EXPECT_EQ(send("0123456789"), 10);
  char bytes[4] = {};
  EXPECT_EQ(::recv(receiver_, bytes, 3, MSG_PEEK), 3);
  EXPECT_STREQ(bytes, "234");
}

TEST_F(UdpLiteTest, CannotBeCutIntoSegments) {
  const int size = 4;
  ASSERT_EQ(::setsockopt(sender_, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size), 0);
  EXPECT_EQ(send("0123456789"), -EIO);
}

// The sum of what no device checked: made at once where it is short and covered whole, else where it is not read whole.
TEST_F(UdpLiteTest, TellsTheSumsThatWereMade) {
  const int on = 1;
  ASSERT_EQ(::setsockopt(receiver_, IPPROTO_IP, 23 /* IP_CHECKSUM */, &on, sizeof on), 0);
  const auto told = [&](size_t size, size_t room, int flags = 0) -> std::string {
    std::string sent(size, 0);
    for (size_t i = 0; i < size; ++i) sent[i] = static_cast<char>(i * 7);
    EXPECT_EQ(send(sent), static_cast<long>(size));
    char text[2000];
    alignas(cmsghdr) char control[64];
    iovec vector{text, room};
    msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
    EXPECT_EQ(::recvmsg(receiver_, &message, flags), static_cast<ssize_t>(std::min(size, room)));
    if (flags != 0) {
      EXPECT_EQ(::recv(receiver_, text, sizeof text, 0), static_cast<ssize_t>(size));
    }
    const cmsghdr* first = CMSG_FIRSTHDR(&message);
    if (first == nullptr) return "nothing";
    EXPECT_EQ(first->cmsg_type, 23);
    uint32_t sum;
    memcpy(&sum, CMSG_DATA(first), sizeof sum);
    char digits[16];
    snprintf(digits, sizeof digits, "%08x", sum);
    return digits;
  };
  EXPECT_EQ(told(0, 2000), "ffffffff");
  EXPECT_EQ(told(2, 2000), "00000700");
  EXPECT_EQ(told(10, 5), "46386954");
  EXPECT_EQ(told(68, 2000), "4cd55ee8");
  EXPECT_EQ(told(68, 2000, MSG_PEEK), "4cd55ee8");
  EXPECT_EQ(told(69, 2000), "nothing");
  EXPECT_EQ(told(69, 34), "4cd55fc4");
  EXPECT_EQ(told(69, 34, MSG_PEEK), "nothing");
  EXPECT_EQ(told(1000, 500), "4a759cc7");
  ASSERT_EQ(set(sender_, kSendCoverage, 8), 0);
  EXPECT_EQ(told(0, 2000), "ffffffff");
  EXPECT_EQ(told(10, 2000), "nothing");
  EXPECT_EQ(told(10, 5), "nothing");
}

}  // namespace
}  // namespace conformance
