// Answers that a random walk over the calls found to differ: edges of epoll, errors that stay for the next call, and what small
// corners of the families say.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/net_tstamp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

constexpr int kStamp = 0x8906;    // SIOCGSTAMP
constexpr int kNoWaitFlag = 0x8;  // RWF_NOWAIT
constexpr int kProbe = 0x10;      // MSG_PROBE
constexpr int kNoSentLowAt = 25;  // TCP_NOTSENT_LOWAT
constexpr int kAddressForm = 1;   // IPV6_ADDRFORM
constexpr int kOriginalTo = 20;   // IP_ORIGDSTADDR
constexpr int kCork = 1;          // UDP_CORK

// The last `size` bytes before a page that faults.
char* before_fault(size_t size) {
  static char* const pages = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  static const int is_set = mprotect(pages + 4096, 4096, PROT_NONE);
  static_cast<void>(is_set);
  return pages + 4096 - size;
}

// A set that watches `fd` for edges of `events` and has told all it had.
Fd watch_edges(int fd, uint32_t events) {
  Fd set(::epoll_create1(0));
  epoll_event event{};
  event.events = events | EPOLLET;
  ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
  ::epoll_wait(set, &event, 1, 0);
  return set;
}
int edges(int set) {
  epoll_event event{};
  return ::epoll_wait(set, &event, 1, 0);
}
int option_of(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, level, name, &value, &length) == 0 ? value : -errno;
}
long set_option(int fd, int level, int name, int value) { return answer(::setsockopt(fd, level, name, &value, sizeof value)); }

TEST(WalkedTest, ADatagramThatLeavesIsAnEdgeToWrite) {
  Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0)), sender(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(bind_to(receiver, loopback4()), 0);
  ASSERT_EQ(connect_to(sender, name_of(receiver)), 0);
  const Fd set = watch_edges(sender, EPOLLOUT);
  ASSERT_EQ(edges(set), 0);
  ASSERT_EQ(::send(sender, "x", 1, 0), 1);
  EXPECT_EQ(edges(set), 1);
  EXPECT_EQ(edges(set), 0);
}

TEST(WalkedTest, ADatagramGivenUpForItsPointerIsAnEdgeToWrite) {
  for (int family : {AF_INET, AF_UNIX}) {
    int ends[2];
    Fd receiver, sender;
    if (family == AF_UNIX) {
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
      receiver = Fd(ends[0]), sender = Fd(ends[1]);
    } else {
      receiver = Fd(::socket(AF_INET, SOCK_DGRAM, 0)), sender = Fd(::socket(AF_INET, SOCK_DGRAM, 0));
      ASSERT_EQ(bind_to(receiver, loopback4()), 0);
      ASSERT_EQ(connect_to(sender, name_of(receiver)), 0);
    }
    const Fd set = watch_edges(sender, EPOLLOUT);
    EXPECT_EQ(answer(::send(sender, before_fault(10), 20, 0)), -EFAULT) << family;
    EXPECT_EQ(edges(set), 1) << family;
  }
}

TEST(WalkedTest, ADisconnectedStreamTellsWhoWatchesIt) {
  Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::listen(listener, 1), 0);
  const Fd set = watch_edges(listener, EPOLLOUT);
  ASSERT_EQ(edges(set), 0);
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  ASSERT_EQ(::connect(listener, &none, sizeof none), 0);
  EXPECT_EQ(edges(set), 1);
}

TEST(WalkedTest, AnEventWithoutRoomForItsDataLeavesThatUntouched) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  Fd one(ends[0]), other(ends[1]);
  Fd set(::epoll_create1(0));
  for (const Fd* end : {&one, &other}) {
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.u64 = 0x1122334455667788;
    ASSERT_EQ(::epoll_ctl(set, EPOLL_CTL_ADD, *end, &event), 0);
  }
  char* room = before_fault(18);
  memset(room, 0x5a, 18);
  EXPECT_EQ(::epoll_wait(set, reinterpret_cast<epoll_event*>(room), 2, 0), 1);
  EXPECT_EQ(room[12], static_cast<char>(EPOLLOUT));
  EXPECT_EQ(room[16], 0x5a);
  EXPECT_EQ(room[17], 0x5a);
}

TEST(WalkedTest, AnEpollSetIsNotAsynchronous) {
  Fd set(::epoll_create1(0));
  ASSERT_EQ(::fcntl(set, F_SETFL, O_NONBLOCK | O_ASYNC), 0);
  EXPECT_EQ(::fcntl(set, F_GETFL), O_RDWR | O_NONBLOCK);
}

TEST(WalkedTest, UnixSocketsKnowNoStampOfTheLastPacket) {
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    Fd socket(::socket(AF_UNIX, type, 0));
    EXPECT_EQ(answer(::ioctl(socket, kStamp, bad_pointer())), -ENOTTY) << type;
  }
}

TEST(WalkedTest, WhatEndedABatchStaysForTheNextCall) {
  for (int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, type, 0, ends), 0);
    Fd one(ends[0]), other(ends[1]);
    ASSERT_EQ(::send(other, "x", 1, 0), 1);
    char byte;
    iovec vector{&byte, 1};
    mmsghdr batch[2]{};
    batch[0].msg_hdr.msg_iov = &vector;
    batch[0].msg_hdr.msg_iovlen = 1;
    batch[1].msg_hdr.msg_iovlen = 1025;
    EXPECT_EQ(::recvmmsg(one, batch, 2, MSG_DONTWAIT, nullptr), 1) << type;
    EXPECT_EQ(poll_now(one, POLLIN), POLLERR) << type;
    EXPECT_EQ(option_of(one, SOL_SOCKET, SO_ERROR), EMSGSIZE) << type;
    EXPECT_EQ(poll_now(one, POLLIN), 0) << type;
  }
}

TEST(WalkedTest, AnErrorAfterSomeBytesStaysForTheNextCall) {
  TcpPair pair = tcp_pair();
  ASSERT_EQ(::send(pair.client, "x", 1, 0), 1);
  ASSERT_EQ(::send(pair.server, "some", 4, 0), 4);
  pair.client.reset();  // with a byte unread: a reset
  char text[100] = {};
  ASSERT_EQ(poll_now(pair.server, POLLIN) & POLLERR, POLLERR);
  EXPECT_EQ(::recv(pair.server, text, sizeof text, MSG_WAITALL | MSG_DONTWAIT), 1);
  EXPECT_EQ(poll_now(pair.server, POLLIN) & POLLERR, POLLERR);
  EXPECT_EQ(option_of(pair.server, SOL_SOCKET, SO_ERROR), ECONNRESET);
}

volatile sig_atomic_t pipes = 0;

TEST(WalkedTest, AWriteThatDoesNotWaitSignalsABrokenPipeToo) {
  struct sigaction action {
  }, old{};
  action.sa_handler = [](int) { pipes = pipes + 1; };
  sigaction(SIGPIPE, &action, &old);
  Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  char byte = 'x';
  iovec vector{&byte, 1};
  pipes = 0;
  EXPECT_EQ(answer(::pwritev2(socket, &vector, 1, -1, kNoWaitFlag)), -EPIPE);
  EXPECT_EQ(pipes, 1);
  sigaction(SIGPIPE, &old, nullptr);
}

TEST(WalkedTest, AHeaderShorterThanOneIsRefused) {
  Fd raw(::socket(AF_INET, SOCK_RAW, 253));
  if (raw < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(set_option(raw, IPPROTO_IP, IP_HDRINCL, 1), 0);
  const sockaddr_in to = loopback4();
  for (int words = 0; words < 16; ++words) {
    uint8_t packet[64] = {static_cast<uint8_t>(0x40 | words)};
    packet[9] = 253;
    memcpy(packet + 16, &to.sin_addr, 4);
    const long sent = answer(::sendto(raw, packet, 40, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    EXPECT_EQ(sent, words < 5 || words > 10 ? -EINVAL : 40) << words;
  }
}

TEST(WalkedTest, APacketTooShortForPortsHasNoOriginalDestination) {
  Fd receiver(::socket(AF_INET, SOCK_RAW, 253)), sender(::socket(AF_INET, SOCK_RAW, 253));
  if (receiver < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  ASSERT_EQ(set_option(receiver, IPPROTO_IP, kOriginalTo, 1), 0);
  const sockaddr_in to = loopback4();
  for (const size_t size : {size_t{0}, size_t{3}, size_t{4}, size_t{10}}) {
    ASSERT_EQ(::sendto(sender, "0123456789", size, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
              static_cast<long>(size));
    char bytes[64], control[64];
    iovec vector{bytes, sizeof bytes};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    ASSERT_EQ(::recvmsg(receiver, &header, 0), static_cast<long>(20 + size));
    EXPECT_EQ(header.msg_controllen, size < 4 ? 0 : CMSG_SPACE(sizeof(sockaddr_in))) << size;
  }
}

TEST(WalkedTest, AScopeThatIsNotThereWholeIsNone) {
  Fd socket(::socket(AF_INET6, SOCK_STREAM, 0));
  sockaddr_in6 address = loopback6();
  inet_pton(AF_INET6, "fe80::1", &address.sin6_addr);
  address.sin6_scope_id = 1;
  EXPECT_EQ(answer(::bind(socket, reinterpret_cast<sockaddr*>(&address), 27)), -EINVAL);
}

TEST(WalkedTest, AnyLoopbackAddressNamesTheInterfaceForGroups) {
  Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  in_addr address{};
  inet_pton(AF_INET, "127.1.224.0", &address);
  EXPECT_EQ(::setsockopt(socket, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address), 0);
}

TEST(WalkedTest, ADatagramSocketIsConnectedToPortZeroToo) {
  Fd socket(::socket(AF_INET6, SOCK_DGRAM, 0));
  EXPECT_EQ(option_of(socket, IPPROTO_IPV6, kAddressForm), -ENOTCONN);
  ASSERT_EQ(connect_to(socket, loopback6()), 0);
  EXPECT_EQ(option_of(socket, IPPROTO_IPV6, kAddressForm), AF_INET6);
}

TEST(WalkedTest, ADatagramBegunInOneFamilyIsNotContinuedInTheOther) {
  Fd socket(::socket(AF_INET6, SOCK_DGRAM, 0));
  ASSERT_EQ(set_option(socket, IPPROTO_UDP, kCork, 1), 0);
  const sockaddr_in6 six = loopback6(9);
  sockaddr_in6 mapped = six;
  inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
  const auto send_to = [&](const sockaddr_in6& to, int flags) {
    return answer(::sendto(socket, "x", 1, flags, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  };
  ASSERT_EQ(send_to(six, 0), 1);
  EXPECT_EQ(send_to(mapped, 0), -EINVAL);
  EXPECT_EQ(send_to(mapped, MSG_OOB), -EOPNOTSUPP);
  EXPECT_EQ(send_to(six, MSG_OOB), 1);
}

TEST(WalkedTest, AProbeAddsNothingToADatagramThatWasBegun) {
  Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0)), sender(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(bind_to(receiver, loopback4()), 0);
  ASSERT_EQ(connect_to(sender, name_of(receiver)), 0);
  ASSERT_EQ(set_option(sender, IPPROTO_UDP, kCork, 1), 0);
  EXPECT_EQ(::send(sender, "begun", 5, 0), 5);
  EXPECT_EQ(::send(sender, "xx", 2, kProbe), 2);
  ASSERT_EQ(set_option(sender, IPPROTO_UDP, kCork, 0), 0);
  char text[16];
  EXPECT_EQ(::recv(receiver, text, sizeof text, MSG_DONTWAIT), 5);
}

TEST(WalkedTest, HalfOfTheUnsentLimitMakesAStreamUnwritable) {
  for (int limit : {2, 3, 4, 5, 6}) {
    Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(set_option(socket, IPPROTO_TCP, kNoSentLowAt, limit), 0);
    ASSERT_EQ(::listen(socket, 1), 0);
    ASSERT_EQ(::shutdown(socket, SHUT_RD), 0);
    EXPECT_EQ(poll_now(socket, POLLOUT), limit > 4 ? POLLOUT | POLLHUP : POLLHUP) << limit;
  }
}

TEST(WalkedTest, UrgentDataEndsABatch) {
  TcpPair pair = tcp_pair();
  ASSERT_EQ(::send(pair.client, "abc", 3, MSG_OOB), 3);
  char bytes[2];
  iovec vector{bytes, 1};
  mmsghdr batch[2]{};
  for (mmsghdr& one : batch) one.msg_hdr.msg_iov = &vector, one.msg_hdr.msg_iovlen = 1;
  EXPECT_EQ(::recvmmsg(pair.server, batch, 2, MSG_OOB | MSG_DONTWAIT, nullptr), 1);
  EXPECT_EQ(option_of(pair.server, SOL_SOCKET, SO_ERROR), 0);
}

TEST(WalkedTest, ACorkHoldsARecordsEndToo) {
  TcpPair pair = tcp_pair();
  ASSERT_EQ(set_option(pair.client, IPPROTO_TCP, 3 /* TCP_CORK */, 1), 0);
  ASSERT_EQ(::send(pair.client, "abc", 3, MSG_EOR), 3);
  EXPECT_EQ(poll_now(pair.server, POLLIN), 0);
  ASSERT_EQ(set_option(pair.client, IPPROTO_TCP, 3, 0), 0);
  EXPECT_EQ(poll_now(pair.server, POLLIN), POLLIN);
}

TEST(WalkedTest, ZerosNetworkHoldsNoAddressOfOurs) {
  sockaddr_in address = loopback4();
  inet_pton(AF_INET, "0.1.35.69", &address.sin_addr);
  for (int type : {SOCK_STREAM, SOCK_DGRAM}) EXPECT_EQ(bind_to(Fd(::socket(AF_INET, type, 0)), address), -EADDRNOTAVAIL) << type;
}

// An echo to ourselves, and what came of it.
struct Echo {
  Fd socket{::socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)};
  char control[256] = {};
  msghdr header{};

  long receive() {
    static char bytes[64];
    static iovec vector{bytes, sizeof bytes};
    char request[16] = {8};
    const sockaddr_in to = loopback4();
    const long sent = answer(::sendto(socket, request, sizeof request, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    if (sent < 0) return sent;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    return answer(::recvmsg(socket, &header, 0));
  }
};

TEST(WalkedTest, AnEchoTellsItsChecksumAndNoSourceForAnswers) {
  Echo echo;
  if (echo.socket < 0) GTEST_SKIP() << "the group may not send echoes";
  ASSERT_EQ(set_option(echo.socket, IPPROTO_IP, IP_PKTINFO, 1), 0);
  ASSERT_EQ(set_option(echo.socket, IPPROTO_IP, 23 /* IP_CHECKSUM */, 1), 0);
  ASSERT_EQ(echo.receive(), 16);
  const cmsghdr* first = CMSG_FIRSTHDR(&echo.header);
  ASSERT_NE(first, nullptr);
  ASSERT_EQ(first->cmsg_type, IP_PKTINFO);
  in_pktinfo info{};
  memcpy(&info, CMSG_DATA(first), sizeof info);
  EXPECT_NE(info.ipi_ifindex, 0);
  EXPECT_EQ(info.ipi_spec_dst.s_addr, 0u);
  const cmsghdr* second = CMSG_NXTHDR(&echo.header, const_cast<cmsghdr*>(first));
  ASSERT_NE(second, nullptr);
  ASSERT_EQ(second->cmsg_type, 23);
  uint16_t halves[2];
  memcpy(halves, CMSG_DATA(second), sizeof halves);
  EXPECT_EQ((halves[0] + halves[1]) % 0xffff, 0);  // a valid packet's
}

TEST(WalkedTest, AnEchoCarriesNoMark) {
  Echo echo;
  if (echo.socket < 0) GTEST_SKIP() << "the group may not send echoes";
  ASSERT_EQ(set_option(echo.socket, SOL_SOCKET, 75 /* SO_RCVMARK */, 1), 0);
  ASSERT_EQ(echo.receive(), 16);
  EXPECT_EQ(echo.header.msg_controllen, 0u);
}

TEST(WalkedTest, MappedAnyIsAnAddressThatStays) {
  Fd socket(::socket(AF_INET6, SOCK_STREAM, 0));
  sockaddr_in6 address = loopback6();
  inet_pton(AF_INET6, "::ffff:0.0.0.0", &address.sin6_addr);
  ASSERT_EQ(bind_to(socket, address), 0);
  ASSERT_EQ(::listen(socket, 1), 0);
  ASSERT_EQ(::shutdown(socket, SHUT_RD), 0);
  sockaddr_in6 name{};
  socklen_t length = sizeof name;
  ASSERT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &length), 0);
  EXPECT_EQ(memcmp(&name.sin6_addr, &address.sin6_addr, 16), 0);
}

TEST(WalkedTest, SequencedPacketsObeySelectErrQueue) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  Fd one(ends[0]), other(ends[1]);
  ASSERT_EQ(set_option(one, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1), 0);
  ASSERT_EQ(::send(one, "x", 1, 0), 1);
  other.reset();
  EXPECT_EQ(poll_now(one, POLLPRI), POLLPRI | POLLERR | POLLHUP);
}

TEST(WalkedTest, AskedForInNanosecondsTheNewStampOptionReadsAsSet) {
  Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(set_option(socket, SOL_SOCKET, SO_TIMESTAMPNS_NEW, 1), 0);
  EXPECT_EQ(option_of(socket, SOL_SOCKET, SO_TIMESTAMP_NEW), 1);
  EXPECT_EQ(option_of(socket, SOL_SOCKET, SO_TIMESTAMP_OLD), 0);
  EXPECT_EQ(option_of(socket, SOL_SOCKET, SO_TIMESTAMPNS_NEW), 1);
}

// A connection to itself, which both ends open: the first data is acknowledged at once, and what Nagle held back goes.
TEST(WalkedTest, WhatIsSentToItselfArrivesAtOnce) {
  const Fd self(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  sockaddr_in name = loopback4();
  ASSERT_EQ(bind_to(self, name), 0);
  name = name_of(self);
  ASSERT_EQ(connect_to(self, name), -EINPROGRESS);
  char bytes[2000] = {};
  ASSERT_EQ(answer(::send(self, bytes, 1500, 0)), 1500);
  ASSERT_EQ(answer(::send(self, bytes, 9, 0)), 9);
  EXPECT_EQ(answer(::recv(self, bytes, sizeof bytes, 0)), 1509);
}

// Time stamps keep the segments of two connections apart, so a port that was named may meet the same peer again at once.
TEST(WalkedTest, ABoundPortConnectsAgainWithoutWaiting) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(bind_to(listener, loopback4()), 0);
  ASSERT_EQ(::listen(listener, 5), 0);
  sockaddr_in own = loopback4();
  for (int i = 0; i < 3; ++i) {
    Fd client(::socket(AF_INET, SOCK_STREAM, 0));
    const int on = 1;
    ASSERT_EQ(::setsockopt(client, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    ASSERT_EQ(bind_to(client, own), 0);
    own = name_of(client);
    ASSERT_EQ(connect_to(client, name_of(listener)), 0) << i;
    const Fd accepted(::accept(listener, nullptr, nullptr));
    client = Fd();
  }
}

}  // namespace
}  // namespace conformance
