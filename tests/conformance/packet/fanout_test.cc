// PACKET_FANOUT: groups, what they refuse, and whom a frame goes to.
#include "tests/conformance/packet/packet.hh"

namespace conformance {
namespace {

long join(int fd, int kind, int id = 7, int flags = 0) { return set_option(fd, PACKET_FANOUT, id | kind << 16 | flags << 16); }

struct Group {
  Fd sender = packet_socket(SOCK_RAW, 0);
  Fd members[3] = {packet_socket(SOCK_RAW, kOurs), packet_socket(SOCK_RAW, kOurs), packet_socket(SOCK_RAW, kOurs)};

  explicit Group(int kind, int flags = 0) {
    EXPECT_EQ(bind_to(sender, link_name(1, 0)), 0);
    for (Fd& member : members) {
      EXPECT_EQ(bind_to(member, link_name(1, kOurs)), 0);
      EXPECT_EQ(join(member, kind, 7, flags), 0);
    }
  }
  void send(int count) {
    const std::string whole = frame(kZero, "pay");
    for (int i = 0; i < count; ++i) EXPECT_EQ(answer(::send(sender, whole.data(), whole.size(), 0)), 17);
  }
  std::vector<size_t> counts() {
    std::vector<size_t> all;
    for (Fd& member : members) all.push_back(kinds(member).size());
    return all;
  }
};

TEST(PacketFanout, AGroupIsOneBindingAndOneRule) {
  in_own_network([] {
    Fd a = packet_socket(SOCK_RAW, kOurs), b = packet_socket(SOCK_RAW, kOurs), c = packet_socket(SOCK_RAW, 0);
    EXPECT_EQ(get_option(a, PACKET_FANOUT), 0);
    EXPECT_EQ(join(a, 8), -EINVAL);
    EXPECT_EQ(join(a, PACKET_FANOUT_ROLLOVER, 7, PACKET_FANOUT_FLAG_ROLLOVER), -EINVAL);
    EXPECT_EQ(join(c, PACKET_FANOUT_LB), -EINVAL);
    EXPECT_EQ(join(a, PACKET_FANOUT_LB), 0);
    EXPECT_EQ(join(a, PACKET_FANOUT_LB), -EALREADY);
    EXPECT_EQ(get_option(a, PACKET_FANOUT), 7 | PACKET_FANOUT_LB << 16);
    EXPECT_EQ(join(b, PACKET_FANOUT_HASH), -EINVAL);
    EXPECT_EQ(join(b, PACKET_FANOUT_LB, 7, PACKET_FANOUT_FLAG_ROLLOVER), -EINVAL);
    EXPECT_EQ(bind_to(a, link_name(1, kOurs)), -EINVAL);
    EXPECT_EQ(bind_to(b, link_name(1, kOurs)), 0);
    EXPECT_EQ(join(b, PACKET_FANOUT_LB), -EINVAL);
    EXPECT_EQ(join(b, PACKET_FANOUT_LB, 7, 0x2000 /* PACKET_FANOUT_FLAG_UNIQUEID */), -EINVAL);
    EXPECT_EQ(join(b, PACKET_FANOUT_LB, 0, 0x2000), 0);
    EXPECT_EQ(answer(::setsockopt(a, kPacketLevel, PACKET_FANOUT, bad_pointer(), 4)), -EFAULT);
    EXPECT_EQ(answer(::setsockopt(a, kPacketLevel, PACKET_FANOUT, bad_pointer(), 5)), -EINVAL);
    int word = 0;
    EXPECT_EQ(answer(::setsockopt(a, kPacketLevel, PACKET_FANOUT_DATA, &word, sizeof word)), -EINVAL);
    EXPECT_EQ(get_option(a, PACKET_ROLLOVER_STATS), -EINVAL);
  });
}

TEST(PacketFanout, InTurnEachHasItsShare) {
  in_own_network([] {
    Group group(PACKET_FANOUT_LB);
    group.send(9);
    EXPECT_EQ(group.counts(), std::vector<size_t>({3, 3, 3}));
  });
}

TEST(PacketFanout, AFlowStaysWithOneSocket) {
  in_own_network([] {
    Group group(PACKET_FANOUT_HASH);
    group.send(9);
    const std::vector<size_t> counts = group.counts();
    EXPECT_EQ(*std::max_element(counts.begin(), counts.end()), 9u);
  });
}

TEST(PacketFanout, AProgramChooses) {
  in_own_network([] {
    Group group(PACKET_FANOUT_CBPF);
    group.send(3);
    EXPECT_EQ(group.counts(), std::vector<size_t>({3, 0, 0}));
    sock_filter second[] = {BPF_STMT(BPF_RET | BPF_K, 4)};
    sock_fprog program{1, second};
    EXPECT_EQ(answer(::setsockopt(group.members[2], kPacketLevel, PACKET_FANOUT_DATA, &program, sizeof program)), 0);
    group.send(3);
    EXPECT_EQ(group.counts(), std::vector<size_t>({0, 3, 0}));
    // By the first byte behind the link header.
    sock_filter by_payload[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 'p' - 2),
                                BPF_STMT(BPF_RET | BPF_A, 0)};
    program = {3, by_payload};
    EXPECT_EQ(answer(::setsockopt(group.members[0], kPacketLevel, PACKET_FANOUT_DATA, &program, sizeof program)), 0);
    group.send(3);
    EXPECT_EQ(group.counts(), std::vector<size_t>({0, 0, 3}));
  });
}

TEST(PacketFanout, WhoIsFullIsPassedOver) {
  in_own_network([] {
    Group group(PACKET_FANOUT_ROLLOVER);
    const int small = 8192;
    for (Fd& member : group.members) ASSERT_EQ(::setsockopt(member, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    group.send(40);
    const std::vector<size_t> counts = group.counts();
    EXPECT_EQ(counts[0] + counts[1] + counts[2], 40u);
    EXPECT_GT(std::min({counts[0], counts[1], counts[2]}), 0u);
    uint64_t words[3] = {};
    socklen_t size = sizeof words;
    EXPECT_EQ(answer(::getsockopt(group.members[0], kPacketLevel, PACKET_ROLLOVER_STATS, words, &size)), 0);
    EXPECT_EQ(size, sizeof words);
    EXPECT_EQ(words[0], 40u);
  });
}

TEST(PacketFanout, WhoLeavesIsNoLongerChosen) {
  in_own_network([] {
    Group group(PACKET_FANOUT_LB);
    group.members[1].reset();
    group.send(4);
    const std::vector<size_t> counts = group.counts();
    EXPECT_EQ(counts[0] + counts[2], 4u);
  });
}

constexpr uint16_t kMore = 0x2000;
constexpr int kDefragment = 0x8000;

// Two in turn, of one kind of socket and one protocol, and who sends to them.
struct WholeGroup {
  Fd sender = packet_socket(SOCK_RAW, 0);
  Fd members[2];

  explicit WholeGroup(int protocol, int flags = kDefragment, int type = SOCK_RAW)
      : members{packet_socket(type, protocol), packet_socket(type, protocol)} {
    EXPECT_EQ(bind_to(sender, link_name(1, 0)), 0);
    for (Fd& member : members) {
      EXPECT_EQ(bind_to(member, link_name(1, protocol)), 0);
      EXPECT_EQ(join(member, PACKET_FANOUT_LB, 7, flags), 0);
    }
  }
  void send(const std::string& whole) {
    EXPECT_EQ(answer(::send(sender, whole.data(), whole.size(), 0)), static_cast<long>(whole.size()));
  }
};

TEST(PacketFanout, FragmentsAreShownAsTheDatagramTheyMake) {
  in_own_network([] {
    WholeGroup group(ETH_P_IP);
    EXPECT_EQ(get_option(group.members[0], PACKET_FANOUT), static_cast<int>(7u | PACKET_FANOUT_LB << 16 | 0x80u << 24));
    group.send(ip_frame(2, "the rest"));
    group.send(ip_frame(0, "whole", 2));
    Heard heard = hear(group.members[1]);
    EXPECT_EQ(heard.bytes, ip_frame(0, "whole", 2));
    group.send(ip_frame(kMore, "0123456789abcdef"));
    heard = hear(group.members[0]);
    EXPECT_EQ(heard.bytes, ip_frame(0, "0123456789abcdefthe rest"));
    EXPECT_EQ(heard.kind(), PACKET_HOST);
    EXPECT_EQ(heard.from.sll_protocol, htons(ETH_P_IP));
    EXPECT_EQ(hear(group.members[0]).size, -EAGAIN);
    EXPECT_EQ(hear(group.members[1]).size, -EAGAIN);
    // What overlaps ends the datagram.
    group.send(ip_frame(kMore, "0123456789abcdef", 3));
    group.send(ip_frame(kMore | 1, "89abcdef", 3));
    group.send(ip_frame(kMore | 1, "another one, too", 3));
    group.send(ip_frame(4, "end", 3));
    EXPECT_EQ(hear(group.members[0]).size, -EAGAIN);
  });
}

TEST(PacketFanout, WithoutTheFlagEachFragmentIsAFrame) {
  in_own_network([] {
    WholeGroup group(ETH_P_IP, 0);
    group.send(ip_frame(kMore, "01234567"));
    group.send(ip_frame(1, "rest"));
    EXPECT_EQ(hear(group.members[1]).bytes, ip_frame(kMore, "01234567"));
    EXPECT_EQ(hear(group.members[0]).bytes, ip_frame(1, "rest"));
  });
}

// What goes out through lo comes in again, and its fragments are duplicates of those seen before.
TEST(PacketFanout, FragmentsAreCollectedOnTheirWayOutToo) {
  in_own_network([] {
    WholeGroup group(ETH_P_ALL);
    group.send(ip_frame(kMore, "01234567"));
    group.send(ip_frame(1, "rest"));
    const Heard heard = hear(group.members[1]);
    EXPECT_EQ(heard.bytes, ip_frame(0, "01234567rest"));
    EXPECT_EQ(heard.kind(), PACKET_OUTGOING);
    EXPECT_EQ(hear(group.members[0]).size, -EAGAIN);
    EXPECT_EQ(hear(group.members[1]).size, -EAGAIN);
  });
}

// A datagram that the stack cuts and puts together again, for itself too: the pieces are not the group's.
TEST(PacketFanout, WhatTheStackCutsIsShownWholeWithoutLinkHeader) {
  in_own_network([] {
    ifreq request{};
    strcpy(request.ifr_name, "lo");
    request.ifr_mtu = 1500;
    Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0)), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(::ioctl(receiver, SIOCSIFMTU, &request), 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(5000);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(receiver, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    WholeGroup group(ETH_P_IP, kDefragment, SOCK_DGRAM);
    const std::string payload(4000, 'x');
    EXPECT_EQ(answer(::sendto(sender, payload.data(), payload.size(), 0, reinterpret_cast<sockaddr*>(&name), sizeof name)), 4000);
    std::string got(5000, 0);
    EXPECT_EQ(answer(::recv(receiver, got.data(), got.size(), MSG_DONTWAIT)), 4000);
    const Heard heard = hear(group.members[1], 0, 5000);
    ASSERT_EQ(heard.size, 4028);
    EXPECT_EQ(heard.bytes.substr(28), payload);
    EXPECT_EQ(sum_of(heard.bytes.substr(0, 20)), 0);
    EXPECT_EQ(heard.bytes.substr(6, 2), std::string(2, 0));
    EXPECT_EQ(heard.kind(), PACKET_HOST);
    EXPECT_EQ(hear(group.members[0]).size, -EAGAIN);
  });
}

}  // namespace
}  // namespace conformance
