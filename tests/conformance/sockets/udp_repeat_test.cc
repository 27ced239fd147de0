// Sending to one place again and again: whatever changes between two datagrams is obeyed by the second.
#include <gtest/gtest.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

// One call for both families and both ways of naming the receiver.
struct Way {
  int family;
  bool is_connected;
};

class RepeatTest : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    receiver_ = Fd(::socket(GetParam().family, SOCK_DGRAM, 0));
    sender_ = Fd(::socket(GetParam().family, SOCK_DGRAM, 0));
    ASSERT_EQ(bind_and_name(receiver_, to_, 0), 0);
    if (GetParam().is_connected) {
      ASSERT_EQ(::connect(sender_, reinterpret_cast<sockaddr*>(&to_), sizeof to_), 0);
    }
    // What is kept from one datagram to the next is there by now.
    for (int i = 0; i < 3; ++i) ASSERT_EQ(exchange(), "x");
  }

  bool is_v6() const { return GetParam().family == AF_INET6; }
  static int bind_and_name(int fd, sockaddr_storage& name, uint16_t port) {
    memset(&name, 0, sizeof name);
    int domain = 0;
    socklen_t length = sizeof domain;
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length);
    name.ss_family = static_cast<sa_family_t>(domain);
    if (domain == AF_INET6) {
      reinterpret_cast<sockaddr_in6&>(name).sin6_addr = in6addr_loopback;
      reinterpret_cast<sockaddr_in6&>(name).sin6_port = port;
    } else {
      reinterpret_cast<sockaddr_in&>(name).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      reinterpret_cast<sockaddr_in&>(name).sin_port = port;
    }
    length = domain == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&name), length) != 0) return -errno;
    length = sizeof name;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length);
  }
  uint16_t port() const { return reinterpret_cast<const sockaddr_in&>(to_).sin_port; }
  socklen_t name_size() const { return is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }

  long send(const std::string& text, int flags = 0) {
    if (GetParam().is_connected) return answer(::send(sender_, text.data(), text.size(), flags));
    return answer(::sendto(sender_, text.data(), text.size(), flags, reinterpret_cast<sockaddr*>(&to_), name_size()));
  }
  std::string receive(int fd) {
    std::vector<char> buffer(70000);
    const long size = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size < 0 ? "nothing" : std::string(buffer.data(), static_cast<size_t>(size));
  }
  std::string exchange() { return send("x") == 1 ? receive(receiver_) : "not sent"; }
  // The number in the one control message that comes with the next datagram.
  int control_of_next() {
    if (send("c") != 1) return -1000;
    char byte = 0, control[256];
    iovec vector{&byte, 1};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(receiver_, &message, MSG_DONTWAIT) != 1) return -1001;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr) return -1002;
    int value = 0;
    memcpy(&value, CMSG_DATA(header), std::min<size_t>(sizeof value, header->cmsg_len - CMSG_LEN(0)));
    return value;
  }
  int set(int level, int name, int value, int fd = -1) {
    return ::setsockopt(fd < 0 ? int{sender_} : fd, level, name, &value, sizeof value) == 0 ? 0 : -errno;
  }
  int level() const { return is_v6() ? int{IPPROTO_IPV6} : int{IPPROTO_IP}; }

  Fd receiver_, sender_;
  sockaddr_storage to_{};
};

TEST_P(RepeatTest, AnotherTimeToLiveIsTheNextDatagrams) {
  ASSERT_EQ(set(level(), is_v6() ? IPV6_RECVHOPLIMIT : IP_RECVTTL, 1, receiver_), 0);
  EXPECT_EQ(control_of_next(), 64);
  ASSERT_EQ(set(level(), is_v6() ? IPV6_UNICAST_HOPS : IP_TTL, 17), 0);
  EXPECT_EQ(control_of_next(), 17);
  ASSERT_EQ(set(level(), is_v6() ? IPV6_UNICAST_HOPS : IP_TTL, -1), 0);
  EXPECT_EQ(control_of_next(), 64);
}

TEST_P(RepeatTest, AnotherTypeOfServiceIsTheNextDatagrams) {
  ASSERT_EQ(set(level(), is_v6() ? IPV6_RECVTCLASS : IP_RECVTOS, 1, receiver_), 0);
  EXPECT_EQ(control_of_next(), 0);
  ASSERT_EQ(set(level(), is_v6() ? IPV6_TCLASS : IP_TOS, 0x48), 0);
  EXPECT_EQ(control_of_next(), 0x48);
}

TEST_P(RepeatTest, WhoBindsCloserReceivesTheNextDatagram) {
  // The first one is bound to any address; the second, to this very one.
  Fd wide(::socket(GetParam().family, SOCK_DGRAM, 0)), close(::socket(GetParam().family, SOCK_DGRAM, 0));
  ASSERT_EQ(set(SOL_SOCKET, SO_REUSEADDR, 1, wide), 0);
  ASSERT_EQ(set(SOL_SOCKET, SO_REUSEADDR, 1, close), 0);
  sockaddr_storage any{};
  any.ss_family = static_cast<sa_family_t>(GetParam().family);
  ASSERT_EQ(::bind(wide, reinterpret_cast<sockaddr*>(&any), name_size()), 0);
  socklen_t length = sizeof any;
  ASSERT_EQ(::getsockname(wide, reinterpret_cast<sockaddr*>(&any), &length), 0);
  reinterpret_cast<sockaddr_in&>(to_).sin_port = reinterpret_cast<sockaddr_in&>(any).sin_port;
  if (GetParam().is_connected) {
    ASSERT_EQ(::connect(sender_, reinterpret_cast<sockaddr*>(&to_), name_size()), 0);
  }
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(send("wide"), 4);
    EXPECT_EQ(receive(wide), "wide");
  }
  sockaddr_storage name{};
  ASSERT_EQ(bind_and_name(close, name, port()), 0);
  ASSERT_EQ(send("close"), 5);
  EXPECT_EQ(receive(wide), "nothing");
  EXPECT_EQ(receive(close), "close");
  close = Fd();
  ASSERT_EQ(send("again"), 5);
  EXPECT_EQ(receive(wide), "again");
}

TEST_P(RepeatTest, AnotherPeerReceivesTheNextDatagram) {
  Fd other(::socket(GetParam().family, SOCK_DGRAM, 0));
  sockaddr_storage name{};
  ASSERT_EQ(bind_and_name(other, name, 0), 0);
  ASSERT_EQ(::connect(sender_, reinterpret_cast<sockaddr*>(&name), name_size()), 0);
  ASSERT_EQ(::send(sender_, "y", 1, 0), 1);
  EXPECT_EQ(receive(receiver_), "nothing");
  EXPECT_EQ(receive(other), "y");
  // By name once, and then to the peer again.
  ASSERT_EQ(::sendto(sender_, "z", 1, 0, reinterpret_cast<sockaddr*>(&to_), name_size()), 1);
  EXPECT_EQ(receive(receiver_), "z");
  ASSERT_EQ(::send(sender_, "y", 1, 0), 1);
  EXPECT_EQ(receive(other), "y");
}

TEST_P(RepeatTest, NobodyThereIsToldTheNextTime) {
  receiver_ = Fd();
  EXPECT_EQ(send("x"), 1);
  EXPECT_EQ(send("x"), GetParam().is_connected ? -ECONNREFUSED : 1);
  EXPECT_EQ(send("x"), 1);
}

TEST_P(RepeatTest, SizesKeepTheirLimits) {
  const size_t largest = is_v6() ? 65527 : 65507;
  EXPECT_EQ(send(std::string(largest, 'a')), static_cast<long>(largest));
  EXPECT_EQ(receive(receiver_).size(), largest);
  EXPECT_EQ(send(std::string(largest + 1, 'a')), -EMSGSIZE);
  EXPECT_EQ(send(""), 0);
  EXPECT_EQ(receive(receiver_), "");
  EXPECT_EQ(exchange(), "x");
}

TEST_P(RepeatTest, AShutDirectionIsShutForTheNext) {
  if (!GetParam().is_connected) GTEST_SKIP() << "shutdown() is for who is connected";
  ASSERT_EQ(::shutdown(sender_, SHUT_WR), 0);
  EXPECT_EQ(answer(::send(sender_, "x", 1, MSG_NOSIGNAL)), -EPIPE);
}

TEST_P(RepeatTest, FlagsAreEachDatagramsOwn) {
  EXPECT_EQ(send("first ", MSG_MORE), 6);
  EXPECT_EQ(receive(receiver_), "nothing");
  EXPECT_EQ(send("second"), 6);
  EXPECT_EQ(receive(receiver_), "first second");
  EXPECT_EQ(send("d", MSG_DONTROUTE), 1);
  EXPECT_EQ(receive(receiver_), "d");
  EXPECT_EQ(send("n", MSG_DONTWAIT | MSG_NOSIGNAL), 1);
  EXPECT_EQ(receive(receiver_), "n");
  EXPECT_EQ(send("o", MSG_OOB), is_v6() ? 1 : -EOPNOTSUPP);
  static_cast<void>(receive(receiver_));
  EXPECT_EQ(exchange(), "x");
}

TEST_P(RepeatTest, ACorkHoldsTheNextDatagram) {
  ASSERT_EQ(set(IPPROTO_UDP, UDP_CORK, 1), 0);
  EXPECT_EQ(send("a"), 1);
  EXPECT_EQ(send("b"), 1);
  EXPECT_EQ(receive(receiver_), "nothing");
  ASSERT_EQ(set(IPPROTO_UDP, UDP_CORK, 0), 0);
  EXPECT_EQ(receive(receiver_), "ab");
  EXPECT_EQ(exchange(), "x");
}

TEST_P(RepeatTest, SegmentsAreCutFromTheNextDatagram) {
  ASSERT_EQ(set(IPPROTO_UDP, UDP_SEGMENT, 2), 0);
  EXPECT_EQ(send("aabbc"), 5);
  EXPECT_EQ(receive(receiver_), "aa");
  EXPECT_EQ(receive(receiver_), "bb");
  EXPECT_EQ(receive(receiver_), "c");
  ASSERT_EQ(set(IPPROTO_UDP, UDP_SEGMENT, 0), 0);
  EXPECT_EQ(send("aabbc"), 5);
  EXPECT_EQ(receive(receiver_), "aabbc");
}

INSTANTIATE_TEST_SUITE_P(Ways, RepeatTest,
                         testing::Values(Way{AF_INET, true}, Way{AF_INET, false}, Way{AF_INET6, true}, Way{AF_INET6, false}),
                         [](const auto& info) {
                           return std::string(info.param.family == AF_INET6 ? "V6" : "V4") +
                                  (info.param.is_connected ? "Connected" : "ByName");
                         });

// Linux's inet_id: a connected socket counts its own identifications, one up with each datagram.
TEST(RepeatIdentificationTest, AConnectedSocketCountsItsOwn) {
  Fd raw(::socket(AF_INET, SOCK_RAW, IPPROTO_UDP));
  if (raw < 0) GTEST_SKIP() << "needs a raw socket";
  Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0)), sender(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(bind_to(receiver, loopback4()), 0);
  sockaddr_in to = name_of(receiver);
  ASSERT_EQ(::connect(sender, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  uint16_t last = 0;
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(::send(sender, "x", 1, 0), 1);
    uint8_t packet[64] = {};
    // Others may send on loopback too.
    do {
      ASSERT_GT(::recv(raw, packet, sizeof packet, 0), 28 - 1);
    } while (memcmp(packet + 22, &to.sin_port, 2) != 0);
    const auto identification = static_cast<uint16_t>(packet[4] << 8 | packet[5]);
    if (i != 0) {
      EXPECT_EQ(identification, static_cast<uint16_t>(last + 1));
    }
    last = identification;
  }
}

}  // namespace
}  // namespace conformance
