// What a sweep over all calls found to differ once, a sentence each.
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

struct Stream {
  Fd client, server;
};
Stream connected_stream() {
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  bind_to(listener, loopback4());
  ::listen(listener, 1);
  Stream stream{Fd(::socket(AF_INET, SOCK_STREAM, 0)), Fd()};
  connect_to(stream.client, name_of(listener));
  stream.server = Fd(::accept(listener, nullptr, nullptr));
  return stream;
}

void wait_for_data(int fd) {
  pollfd entry{fd, POLLIN, 0};
  ::poll(&entry, 1, 5000);
}

// Without privileges while it lives, where there were some.
class Nobody {
 public:
  Nobody() : had_(::geteuid() == 0) {
    if (had_ && ::seteuid(65534) != 0) abort();
  }
  ~Nobody() {
    if (had_ && ::seteuid(0) != 0) abort();
  }

 private:
  bool had_;
};

TEST(SweptOptionTest, BusyPollingAndMarksAreEverybodys) {
  const Nobody nobody;
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(set_option(fd, SOL_SOCKET, 46 /* SO_BUSY_POLL */, 50), 0);
  EXPECT_EQ(get_int(fd, SOL_SOCKET, 46), 50);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, 75 /* SO_RCVMARK */, 1), 0);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, 70 /* SO_BUSY_POLL_BUDGET */, 1), -EPERM);
}

TEST(SweptOptionTest, LengthsThatNoOptionHasAreWrong) {
  const Fd fd(::socket(AF_INET6, SOCK_STREAM, 0));
  const std::string bytes(70'000, '\0');
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, bytes.data(), static_cast<socklen_t>(bytes.size()))),
            -EINVAL);
  char name[64];
  auto length = static_cast<socklen_t>(-1);
  const long redirected = answer(::getsockopt(fd, IPPROTO_IPV6, 80 /* IP6T_SO_ORIGINAL_DST */, name, &length));
  EXPECT_TRUE(redirected == -EINVAL || redirected == -ENOPROTOOPT) << redirected;
}

TEST(SweptOptionTest, AFilterOnAStreamIsThePrivilegeds) {
  const Nobody nobody;
  sock_filter pass = BPF_STMT(BPF_RET | BPF_K, 0xffff);
  const sock_fprog program{1, &pass};
  const Fd stream(::socket(AF_INET, SOCK_STREAM, 0)), datagram(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(set_option(stream, SOL_SOCKET, SO_ATTACH_FILTER, program), -EPERM);
  EXPECT_EQ(set_option(datagram, SOL_SOCKET, SO_ATTACH_FILTER, program), 0);
}

TEST(SweptOptionTest, AllBitsOfTheLowWaterMarkOfUnsentBytesAreReadBack) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, -1), 0);
  EXPECT_EQ(get_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), -1);
}

TEST(SweptOptionTest, ADelayOfTransmissionLengthensTheRoundTripOfALiveConnection) {
  const Stream stream = connected_stream();
  constexpr int kTransmitDelay = 37, kMicros = 100'000;
  EXPECT_EQ(set_option(stream.client, IPPROTO_TCP, kTransmitDelay, -1), -EINVAL);
  EXPECT_EQ(set_option(stream.client, IPPROTO_TCP, kTransmitDelay, 1 << 28), -EINVAL);
  EXPECT_EQ(set_option(stream.client, IPPROTO_TCP, kTransmitDelay, kMicros), 0);
  EXPECT_EQ(get_int(stream.client, IPPROTO_TCP, kTransmitDelay), kMicros);
  tcp_info info{};
  socklen_t size = sizeof info;
  ASSERT_EQ(::getsockopt(stream.client, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  EXPECT_GE(info.tcpi_rtt, unsigned{kMicros});
  EXPECT_GE(info.tcpi_rto, 200'000u + kMicros);
}

struct ZeroCopyReceive {
  uint64_t address;
  uint32_t length, recv_skip_hint, inq;
  int32_t err;
  uint64_t copybuf_address;
  int32_t copybuf_len;
  uint32_t flags;
  uint64_t msg_control, msg_controllen;
  uint32_t msg_flags, reserved;
};
constexpr int kZeroCopyReceive = 35;

long receive_zero_copy(int fd, ZeroCopyReceive& call, socklen_t size = sizeof(ZeroCopyReceive)) {
  return answer(::getsockopt(fd, IPPROTO_TCP, kZeroCopyReceive, &call, &size));
}

TEST(SweptOptionTest, AReceiveWithoutCopiesCopiesWhatFitsTheBufferForTheRest) {
  const Stream stream = connected_stream();
  ::send(stream.client, "hello", 5, 0);
  wait_for_data(stream.server);
  ZeroCopyReceive call{};
  EXPECT_EQ(receive_zero_copy(stream.server, call, 8), -EINVAL);
  call.address = 1;
  EXPECT_EQ(receive_zero_copy(stream.server, call), -EINVAL);
  char bytes[8] = {};
  call = {};
  call.copybuf_address = reinterpret_cast<uint64_t>(bytes);
  call.copybuf_len = 4;
  EXPECT_EQ(receive_zero_copy(stream.server, call), 0);
  EXPECT_EQ(call.recv_skip_hint, 5u);
  EXPECT_EQ(call.copybuf_len, 0);
  EXPECT_EQ(call.inq, 5u);
  call.copybuf_len = 8;
  EXPECT_EQ(receive_zero_copy(stream.server, call), 0);
  EXPECT_EQ(call.copybuf_len, 5);
  EXPECT_STREQ(bytes, "hello");
  EXPECT_EQ(call.inq, 0u);
}

// What a longer struct has more must be zero, as far as it can be read.
TEST(SweptOptionTest, AReceiveWithoutCopiesMayBeAskedForByALaterProgram) {
  const Stream stream = connected_stream();
  constexpr size_t kPage = 4096;
  char* pages = static_cast<char*>(::mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_EQ(::mprotect(pages + 2 * kPage, kPage, PROT_NONE), 0);
  const auto ask = [&](size_t size) {
    auto length = static_cast<socklen_t>(size);
    const long result = answer(::getsockopt(stream.server, IPPROTO_TCP, kZeroCopyReceive, pages, &length));
    return result == 0 ? static_cast<long>(length) : result;
  };
  EXPECT_EQ(ask(2 * kPage), 64);
  EXPECT_EQ(ask(2 * kPage + 1), -EFAULT);
  pages[2 * kPage - 1] = 1;
  EXPECT_EQ(ask(2 * kPage), -EINVAL);
  EXPECT_EQ(ask(2 * kPage - 1), 64);
  EXPECT_EQ(ask(2 * kPage + 100), -EINVAL);
  ::munmap(pages, 3 * kPage);
}

TEST(SweptOptionTest, AReceiveWithoutCopiesAtTheEndIsAnError) {
  const Stream stream = connected_stream();
  ::shutdown(stream.client, SHUT_WR);
  wait_for_data(stream.server);
  ZeroCopyReceive call{};
  EXPECT_EQ(receive_zero_copy(stream.server, call), -EIO);
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  ::listen(listener, 1);
  EXPECT_EQ(receive_zero_copy(listener, call), -ENOTCONN);
}

TEST(SweptOptionTest, AStreamsBytesAreStamped) {
  const Stream stream = connected_stream();
  set_option(stream.server, SOL_SOCKET, SO_TIMESTAMP, 1);
  ::usleep(20'000);  // Linux begins to stamp a little later
  ::send(stream.client, "x", 1, 0);
  wait_for_data(stream.server);
  EXPECT_TRUE(receive_message(stream.server).has(SOL_SOCKET, SO_TIMESTAMP));
}

TEST(SweptOptionTest, AWriteMaySaveTheSignal) {
  static volatile sig_atomic_t signals;
  signals = 0;
  struct sigaction action {
  }, old;
  action.sa_handler = [](int) { signals = signals + 1; };
  ::sigaction(SIGPIPE, &action, &old);
  const Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  iovec piece{const_cast<char*>("x"), 1};
  constexpr int kNoSignal = 0x100;  // RWF_NOSIGNAL
  EXPECT_EQ(answer(::pwritev2(fd, &piece, 1, -1, kNoSignal)), -EPIPE);
  EXPECT_EQ(signals, 0);
  EXPECT_EQ(answer(::pwritev2(fd, &piece, 1, -1, 0)), -EPIPE);
  EXPECT_EQ(signals, 1);
  ::sigaction(SIGPIPE, &old, nullptr);
}

TEST(SweptOptionTest, ALowWaterMarkMakesRoomForItself) {
  const Stream stream = connected_stream();
  const long before = get_int(stream.server, SOL_SOCKET, SO_RCVBUF);
  EXPECT_EQ(set_option(stream.server, SOL_SOCKET, SO_RCVLOWAT, 400'000), 0);
  EXPECT_GE(get_int(stream.server, SOL_SOCKET, SO_RCVBUF), 800'000);
  EXPECT_LT(before, 800'000);
}

TEST(SweptOptionTest, TimeStampsTakeTheirPartOfTheSegmentThatIsAnnounced) {
  const Stream stream = connected_stream();
  for (const Fd* end : {&stream.client, &stream.server}) {
    tcp_info info{};
    socklen_t size = sizeof info;
    ASSERT_EQ(::getsockopt(*end, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    EXPECT_EQ(info.tcpi_advmss + ((info.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0 ? 12 : 0), 65495u);
  }
}

TEST(SweptOptionTest, AnAcknowledgmentIsNeverLaterThanTheShortestTimeout) {
  const Stream stream = connected_stream();
  set_option(stream.server, IPPROTO_TCP, 45 /* TCP_RTO_MIN_US */, 20'000);
  ::send(stream.client, "x", 1, 0);
  wait_for_data(stream.server);
  tcp_info info{};
  socklen_t size = sizeof info;
  ASSERT_EQ(::getsockopt(stream.server, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  EXPECT_LT(info.tcpi_ato, 20'000u);
}

TEST(SweptOptionTest, WhoDoesNotWaitFillsASmallBufferOnce) {
  const Stream stream = connected_stream();
  set_option(stream.client, SOL_SOCKET, SO_SNDBUF, 1);
  const std::string much(200'000, 'x');
  EXPECT_LT(answer(::send(stream.client, much.data(), much.size(), MSG_DONTWAIT)), 70'000);
}

TEST(SweptOptionTest, AFastOpenOfAListenerFindsItConnected) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  ::listen(listener, 1);
  EXPECT_EQ(answer(::send(listener, "x", 1, MSG_FASTOPEN)), -EISCONN);
}

TEST(SweptOptionTest, AnUnknownDestinationHeaderBeforeNoRoutingHeaderIsLeftOut) {
  if (::geteuid() != 0) GTEST_SKIP() << "headers are the privileged's";
  const UdpPair pair = udp_pair(AF_INET6);
  set_option(pair.receiver, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1);
  SentControl control;
  const uint64_t header = 0;
  control.add(IPPROTO_IPV6, IPV6_RTHDRDSTOPTS, header);
  EXPECT_EQ(send_message<sockaddr>(pair.sender, "x", nullptr, control), 1);
  wait_for_data(pair.receiver);
  EXPECT_FALSE(receive_message(pair.receiver).has(IPPROTO_IPV6, IPV6_DSTOPTS));
}

TEST(SweptOptionTest, OfAHopLimitSixteenBitsCount) {
  const UdpPair pair = udp_pair(AF_INET6);
  set_option(pair.receiver, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  SentControl control;
  control.add(IPPROTO_IPV6, IPV6_HOPLIMIT, 0x10007);
  EXPECT_EQ(send_message<sockaddr>(pair.sender, "x", nullptr, control), 1);
  wait_for_data(pair.receiver);
  EXPECT_EQ(receive_message(pair.receiver).get<int>(IPPROTO_IPV6, IPV6_HOPLIMIT), 7);
}

TEST(SweptOptionTest, NetlinkAsksTheDevicesAndDoesNotShutDown) {
  const Fd fd(::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  ifreq request{};
  memcpy(request.ifr_name, "lo", 3);
  EXPECT_EQ(answer(::ioctl(fd, SIOCGIFINDEX, &request)), 0);
  EXPECT_EQ(request.ifr_ifindex, 1);
  EXPECT_EQ(answer(::shutdown(fd, 77)), -EOPNOTSUPP);
  EXPECT_EQ(get_int(fd, SOL_SOCKET, SO_PEEK_OFF), -EOPNOTSUPP);
  socklen_t size = 0;
  EXPECT_EQ(answer(::getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, nullptr, &size)), 0);
  EXPECT_EQ(size, 0u);
}

TEST(SweptOptionTest, NetlinkRefusesControlMessagesThatItDoesNotKnow) {
  const Fd fd(::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  SentControl control;
  control.add(SOL_SOCKET, SO_MARK, 1);
  EXPECT_EQ(send_message<sockaddr>(fd, "12345678", nullptr, control), -EINVAL);
}

}  // namespace
}  // namespace conformance
