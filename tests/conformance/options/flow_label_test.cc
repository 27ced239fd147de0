// IPV6_FLOWLABEL_MGR: labels that are leased, with whom they are shared, and who may send with them.
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

constexpr int kManage = 32, kSendFlowInfo = 33;
enum : uint8_t { kGet, kPut, kRenew };
enum : uint16_t { kCreate = 1, kMustBeNew = 2, kReflect = 4, kRemote = 8 };
enum : uint8_t { kNobody = 0, kExclusive = 1, kProcess = 2, kUser = 3, kAnybody = 255 };

struct Request {
  in6_addr destination = in6addr_loopback;
  uint32_t label = 0;
  uint8_t action = kGet, share = kAnybody;
  uint16_t flags = kCreate, expires = 0, linger = 0;
  uint32_t pad = 0;
};

Fd datagram() { return Fd(::socket(AF_INET6, SOCK_DGRAM, 0)); }
long manage(int fd, Request& request) { return set_option(fd, IPPROTO_IPV6, kManage, request); }
long manage(int fd, uint8_t action, uint32_t label, uint8_t share = kAnybody, uint16_t flags = kCreate) {
  Request request{.label = htonl(label), .action = action, .share = share, .flags = flags};
  return manage(fd, request);
}
long ask(int fd, Request& request) {
  socklen_t size = sizeof request;
  return answer(::getsockopt(fd, IPPROTO_IPV6, kManage, &request, &size));
}
long send_with(int fd, int to, uint32_t label) {
  sockaddr_in6 name = name6_of(to);
  name.sin6_flowinfo = htonl(label);
  return answer(::sendto(fd, "x", 1, 0, reinterpret_cast<sockaddr*>(&name), sizeof name));
}

// Leases are the namespace's, and others' would be in the way.
bool enter_namespace() {
  static const bool entered = [] {
    if (::unshare(::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
    ifreq request{};
    memcpy(request.ifr_name, "lo", 3);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    return ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  }();
  return entered;
}

class FlowLabelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!enter_namespace()) GTEST_SKIP() << "no namespace may be made here";
  }
};

TEST_F(FlowLabelTest, ALabelIsLeasedOnceAndGivenBack) {
  const Fd fd = datagram();
  EXPECT_EQ(manage(fd, kPut, 0x101), -ESRCH);
  EXPECT_EQ(manage(fd, kGet, 0x101, kAnybody, 0), -ENOENT);
  EXPECT_EQ(manage(fd, kGet, 0x101), 0);
  EXPECT_EQ(manage(fd, kGet, 0x101), 0);
  EXPECT_EQ(manage(fd, kGet, 0x101, kAnybody, kCreate | kMustBeNew), -EEXIST);
  EXPECT_EQ(manage(fd, kGet, 0x101, kUser), -EPERM);
  EXPECT_EQ(manage(fd, kPut, 0x101), 0);
  EXPECT_EQ(manage(fd, kPut, 0x101), 0);
  EXPECT_EQ(manage(fd, kPut, 0x101), -ESRCH);
}

TEST_F(FlowLabelTest, AnyLabelIsDrawnAndWrittenBack) {
  const Fd fd = datagram();
  Request request;
  EXPECT_EQ(manage(fd, request), 0);
  EXPECT_NE(request.label, 0u);
  EXPECT_EQ(ntohl(request.label) & ~0xfffffu, 0u);
  EXPECT_EQ(manage(fd, kPut, ntohl(request.label)), 0);
}

TEST_F(FlowLabelTest, WhatMakesNoSenseIsRefused) {
  const Fd fd = datagram();
  EXPECT_EQ(manage(fd, 3, 1), -EINVAL);
  EXPECT_EQ(manage(fd, kGet, 0x100000), -EINVAL);
  EXPECT_EQ(manage(fd, kGet, 0x102, 77), -EINVAL);
  EXPECT_EQ(manage(fd, kGet, 0x102, kNobody), -EINVAL);
  Request to_nobody{.destination = in6addr_any, .label = htonl(0x102)};
  EXPECT_EQ(manage(fd, to_nobody), -EINVAL);
  EXPECT_EQ(manage(fd, kGet, 0x102, kAnybody, kReflect), -EPERM);
  EXPECT_EQ(manage(fd, kPut, 0x102, kAnybody, kReflect), -ENOPROTOOPT);
  const Fd stream(::socket(AF_INET6, SOCK_STREAM, 0));
  EXPECT_EQ(manage(stream, kPut, 0x102, kAnybody, kReflect), -ESRCH);
  char little[16] = {};
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_IPV6, kManage, little, sizeof little)), -EINVAL);
}

TEST_F(FlowLabelTest, AConnectionTellsTheLeaseOfItsLabel) {
  const Fd fd = datagram(), peer = datagram();
  bind_to(peer, loopback6());
  Request request;
  EXPECT_EQ(ask(fd, request), -ENOENT);
  Request wanted{.label = htonl(0x103), .expires = 100, .linger = 20};
  EXPECT_EQ(manage(fd, wanted), 0);
  set_option(fd, IPPROTO_IPV6, kSendFlowInfo, 1);
  sockaddr_in6 name = name6_of(peer);
  name.sin6_flowinfo = htonl(0x103);
  EXPECT_EQ(connect_to(fd, name), 0);
  EXPECT_EQ(ask(fd, request), 0);
  EXPECT_EQ(request.label, htonl(0x103));
  EXPECT_EQ(request.linger, 20);
  EXPECT_GE(request.expires, 98);
  EXPECT_EQ(manage(fd, kPut, 0x103), 0);
  request = {};
  EXPECT_EQ(ask(fd, request), -ENOENT);
  request = {.flags = kRemote};
  EXPECT_EQ(ask(fd, request), 0);
  EXPECT_EQ(request.label, 0u);
}

TEST_F(FlowLabelTest, WhereSomebodyLeasesForHimselfOthersSendWithTheirOwnAlone) {
  const Fd receiver = datagram(), one = datagram(), other = datagram();
  bind_to(receiver, loopback6());
  for (const Fd* fd : {&one, &other}) set_option(*fd, IPPROTO_IPV6, kSendFlowInfo, 1);
  EXPECT_EQ(manage(one, kGet, 0x104, kExclusive), 0);
  EXPECT_EQ(send_with(one, receiver, 0x104), 1);
  EXPECT_EQ(send_with(other, receiver, 0x104), -EINVAL);
  EXPECT_EQ(send_with(other, receiver, 0x105), -EINVAL);
  EXPECT_EQ(send_with(other, receiver, 0), 1);
  EXPECT_EQ(manage(other, kGet, 0x104, kExclusive), -EPERM);
  EXPECT_EQ(manage(other, kGet, 0x105), 0);
  EXPECT_EQ(send_with(other, receiver, 0x105), 1);
}

TEST_F(FlowLabelTest, ALeaseIsSharedWithinAProcessOrAUser) {
  const Fd one = datagram(), other = datagram();
  EXPECT_EQ(manage(one, kGet, 0x106, kProcess), 0);
  EXPECT_EQ(manage(other, kGet, 0x106, kProcess), 0);
  EXPECT_EQ(manage(other, kGet, 0x106, kUser), -EPERM);
  EXPECT_EQ(manage(one, kGet, 0x107, kUser), 0);
  EXPECT_EQ(manage(other, kGet, 0x107, kUser), 0);
}

TEST_F(FlowLabelTest, ALeaseIsRenewedByItsHolder) {
  const Fd one = datagram(), other = datagram();
  EXPECT_EQ(manage(one, kGet, 0x108), 0);
  EXPECT_EQ(manage(one, kRenew, 0x108), 0);
  EXPECT_EQ(manage(other, kRenew, 0x108, kAnybody), -ESRCH);
  EXPECT_EQ(manage(other, kRenew, 0x109, kNobody), -ESRCH);
}

TEST_F(FlowLabelTest, WhatAClosedSocketHeldLingers) {
  {
    const Fd fd = datagram();
    EXPECT_EQ(manage(fd, kGet, 0x10a, kExclusive), 0);
  }
  const Fd other = datagram();
  EXPECT_EQ(manage(other, kGet, 0x10a, kExclusive), -EPERM);
}

}  // namespace
}  // namespace conformance
