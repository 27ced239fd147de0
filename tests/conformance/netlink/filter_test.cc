// SO_ATTACH_FILTER on a netlink socket: a program sees each datagram from its first header on, answers and news alike.
#include <linux/filter.h>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {
namespace {

long attach(int fd, const std::vector<sock_filter>& code) {
  const sock_fprog program{static_cast<unsigned short>(code.size()), const_cast<sock_filter*>(code.data())};
  return answer(::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}
std::vector<sock_filter> keep(unsigned size) { return {BPF_STMT(BPF_RET | BPF_K, size)}; }
// A load is in network byte order, which a header's fields are not.
std::vector<sock_filter> keep_type(unsigned short type) {
  return {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(type), 0, 1), BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
          BPF_STMT(BPF_RET | BPF_K, 0)};
}
// A socket without a port hears nothing.
void hear_of_addresses(const Route& listener) {
  sockaddr_nl name{};
  name.nl_family = AF_NETLINK;
  name.nl_groups = RTMGRP_IPV4_IFADDR;
  ASSERT_EQ(::bind(listener.fd(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
}

TEST(NetlinkFilter, AnAnswerThatItDropsIsLostWithoutAWord) {
  Route netlink;
  ASSERT_EQ(attach(netlink.fd(), keep(0)), 0);
  netlink.send(RTM_GETLINK, NLM_F_ACK, link(1));
  char buffer[1024];
  EXPECT_EQ(answer(::recv(netlink.fd(), buffer, sizeof buffer, MSG_DONTWAIT)), -EAGAIN);
  int error = 4711;
  socklen_t length = sizeof error;
  ASSERT_EQ(::getsockopt(netlink.fd(), SOL_SOCKET, SO_ERROR, &error, &length), 0);
  EXPECT_EQ(error, 0);
  ASSERT_EQ(answer(::setsockopt(netlink.fd(), SOL_SOCKET, SO_DETACH_FILTER, nullptr, 0)), -EINVAL);
  ASSERT_EQ(::setsockopt(netlink.fd(), SOL_SOCKET, SO_DETACH_FILTER, &error, sizeof error), 0);
  netlink.send(RTM_GETLINK, NLM_F_ACK, link(4711));
  EXPECT_GT(::recv(netlink.fd(), buffer, sizeof buffer, MSG_DONTWAIT), 0);
}

TEST(NetlinkFilter, WhatItDoesNotKeepIsCutOff) {
  Route netlink;
  ASSERT_EQ(attach(netlink.fd(), keep(20)), 0);
  netlink.send(RTM_GETLINK, 0, link(1));
  char buffer[1024];
  ASSERT_EQ(::recv(netlink.fd(), buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC), 20);
  nlmsghdr head;
  memcpy(&head, buffer, sizeof head);
  EXPECT_EQ(head.nlmsg_type, RTM_NEWLINK);
  EXPECT_GT(head.nlmsg_len, 20u);
}

TEST(NetlinkFilter, NewsAreChosenByTheirHeader) {
  in_new_network([] {
    Route netlink, listener;
    bring_up(netlink);
    ASSERT_NO_FATAL_FAILURE(hear_of_addresses(listener));
    ASSERT_EQ(attach(listener.fd(), keep_type(RTM_DELADDR)), 0);
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.1", 24)), 0);
    EXPECT_TRUE(listener.receive(MSG_DONTWAIT).empty());
    EXPECT_EQ(errno, EAGAIN);
    ASSERT_EQ(netlink.request(RTM_DELADDR, 0, address("10.0.0.1", 24)), 0);
    const auto heard = listener.receive(MSG_DONTWAIT);
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(heard[0].type, RTM_DELADDR);
  });
}

TEST(NetlinkFilter, NewsAreChosenByAnAttribute) {
  in_new_network([] {
    Route netlink, listener;
    bring_up(netlink);
    ASSERT_NO_FATAL_FAILURE(hear_of_addresses(listener));
    // A is where attributes begin, X the one looked for, and A then where it is.
    const auto find = [](unsigned type) {
      return std::vector<sock_filter>{BPF_STMT(BPF_LDX | BPF_IMM, type),
                                      BPF_STMT(BPF_LD | BPF_IMM, sizeof(nlmsghdr) + sizeof(ifaddrmsg)),
                                      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(SKF_AD_OFF + SKF_AD_NLATTR)),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
                                      BPF_STMT(BPF_RET | BPF_K, 0),
                                      BPF_STMT(BPF_RET | BPF_K, 0xffffffff)};
    };
    ASSERT_EQ(attach(listener.fd(), find(IFA_MULTICAST)), 0);
    ASSERT_EQ(netlink.request(RTM_NEWADDR, kNew, address("10.0.0.1", 24)), 0);
    EXPECT_TRUE(listener.receive(MSG_DONTWAIT).empty());
    ASSERT_EQ(attach(listener.fd(), find(IFA_LOCAL)), 0);
    ASSERT_EQ(netlink.request(RTM_DELADDR, 0, address("10.0.0.1", 24)), 0);
    EXPECT_EQ(listener.receive(MSG_DONTWAIT).size(), 1u);
  });
}

TEST(NetlinkFilter, IsLockedAndReadBack) {
  Route netlink;
  ASSERT_EQ(attach(netlink.fd(), keep(0xffffffff)), 0);
  sock_filter code[4] = {};
  socklen_t count = 4;
  ASSERT_EQ(::getsockopt(netlink.fd(), SOL_SOCKET, SO_GET_FILTER, code, &count), 0);
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(code[0].k, 0xffffffffu);
  int on = 1;
  ASSERT_EQ(::setsockopt(netlink.fd(), SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on), 0);
  EXPECT_EQ(attach(netlink.fd(), keep(0)), -EPERM);
  EXPECT_EQ(answer(::setsockopt(netlink.fd(), SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof on)), -EPERM);
}

}  // namespace
}  // namespace conformance
