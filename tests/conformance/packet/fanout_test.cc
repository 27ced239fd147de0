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

}  // namespace
}  // namespace conformance
