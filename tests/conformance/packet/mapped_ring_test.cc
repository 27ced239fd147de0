// PACKET_RX_RING as a program maps it: what stands in it, how slots come and go, and who may map what.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/conformance/packet/mapped.hh"

namespace conformance {
namespace {

constexpr unsigned kBlocks = 2, kSlots = kBlocks * kSlotsPerBlock;
constexpr size_t kRing = size_t{kBlocks} * kPage;

class MappedRing {
 public:
  explicit MappedRing(int version = TPACKET_V2) : sender_(packet_socket(SOCK_RAW, 0)), raw(packet_socket(SOCK_RAW, kOurs)) {
    EXPECT_EQ(bind_to(sender_, link_name(1, 0)), 0);
    EXPECT_EQ(set_option(raw, PACKET_VERSION, version), 0);
    EXPECT_EQ(request(kBlocks), 0);
  }
  long request(unsigned blocks) const {
    tpacket_req3 request = ring_of(blocks);
    if (blocks != 0) request.tp_retire_blk_tov = 10;
    return set_ring(raw, PACKET_RX_RING, request);
  }
  void send(const std::string& payload) const {
    const std::string whole = frame(kZero, payload);
    EXPECT_EQ(answer(::send(sender_, whole.data(), whole.size(), 0)), static_cast<long>(whole.size()));
  }

 private:
  Fd sender_;

 public:
  Fd raw;
};

TEST(MappedRingTest, FramesStandInSlotsUntilTheyAreGivenBack) {
  in_own_network([] {
    const MappedRing ring;
    const Mapped memory(ring.raw, kRing);
    ASSERT_EQ(memory.error(), 0);
    for (size_t i = 0; i < kSlots; ++i) EXPECT_EQ(memory.slot(i).tp_status, 0u);
    for (const char* payload : {"one", "two", "three", "four", "lost"}) ring.send(payload);
    EXPECT_EQ(poll_now(ring.raw, POLLIN), POLLIN);
    for (size_t i = 0; const char* payload : {"one", "two", "three", "four"}) {
      EXPECT_EQ(memory.slot(i).tp_status & TP_STATUS_USER, TP_STATUS_USER);
      EXPECT_EQ(memory.slot(i).tp_len, memory.slot(i).tp_snaplen);
      EXPECT_EQ(memory.payload(i++), payload);
    }
    const auto& from = memory.at<sockaddr_ll>(TPACKET_ALIGN(sizeof(tpacket2_hdr)));
    EXPECT_EQ(from.sll_family, AF_PACKET);
    EXPECT_EQ(from.sll_ifindex, 1);
    EXPECT_EQ(from.sll_protocol, htons(kOurs));
    EXPECT_EQ(from.sll_pkttype, PACKET_HOST);
    memory.slot(0).tp_status = TP_STATUS_KERNEL;
    ring.send("again");
    EXPECT_EQ(memory.slot(0).tp_status & (TP_STATUS_USER | TP_STATUS_LOSING), TP_STATUS_USER | TP_STATUS_LOSING);
    EXPECT_EQ(memory.payload(0), "again");
    for (size_t i = 0; i < kSlots; ++i) memory.slot(i).tp_status = TP_STATUS_KERNEL;
    EXPECT_EQ(poll_now(ring.raw, POLLIN), 0);
  });
}

TEST(MappedRingTest, BlocksHaveTheirFramesInARow) {
  in_own_network([] {
    const MappedRing ring(TPACKET_V3);
    const Mapped memory(ring.raw, kRing);
    ASSERT_EQ(memory.error(), 0);
    ring.send("first");
    ring.send("second");
    EXPECT_EQ(poll_now(ring.raw, POLLIN, 10'000), POLLIN);
    const auto& block = memory.at<tpacket_block_desc>(0);
    EXPECT_EQ(block.hdr.bh1.block_status & TP_STATUS_USER, unsigned{TP_STATUS_USER});
    ASSERT_GE(block.hdr.bh1.num_pkts, 1u);
    const size_t at = block.hdr.bh1.offset_to_first_pkt;
    const auto& header = memory.at<tpacket3_hdr>(at);
    EXPECT_EQ(std::string(&memory.at<char>(at + header.tp_net), header.tp_snaplen - 14), "first");
  });
}

TEST(MappedRingTest, OnlyTheWholeRingIsMapped) {
  in_own_network([] {
    const MappedRing ring;
    EXPECT_EQ(Mapped(ring.raw, kPage).error(), -EINVAL);
    EXPECT_EQ(Mapped(ring.raw, kRing + kPage).error(), -EINVAL);
    EXPECT_EQ(Mapped(ring.raw, kPage, kPage).error(), -EINVAL);
    EXPECT_EQ(Mapped(ring.raw, kRing, kPage).error(), -EINVAL);
    EXPECT_EQ(Mapped(ring.raw, kRing - 1).error(), 0);
    const Fd none = packet_socket(SOCK_RAW, 0), other(::socket(AF_INET, SOCK_DGRAM, 0));
    EXPECT_EQ(Mapped(none, kRing).error(), -EINVAL);
    EXPECT_EQ(Mapped(other, kRing).error(), -ENODEV);
  });
}

TEST(MappedRingTest, ARingThatIsMappedStaysAsItIs) {
  in_own_network([] {
    const MappedRing ring;
    {
      const Mapped memory(ring.raw, kRing), twice(ring.raw, kRing);
      ASSERT_EQ(memory.error(), 0);
      ASSERT_EQ(twice.error(), 0);
      EXPECT_EQ(ring.request(0), -EBUSY);
      EXPECT_EQ(ring.request(kBlocks), -EBUSY);
      ring.send("both");
      EXPECT_EQ(memory.payload(0), "both");
      EXPECT_EQ(twice.payload(0), "both");
    }
    EXPECT_EQ(ring.request(0), 0);
    EXPECT_EQ(ring.request(kBlocks), 0);
    const Mapped memory(ring.raw, kRing);
    ASSERT_EQ(memory.error(), 0);
    EXPECT_EQ(memory.slot(0).tp_status, 0u);
    ring.send("new");
    EXPECT_EQ(memory.payload(0), "new");
  });
}

TEST(MappedRingTest, TheDescriptorStaysASocket) {
  in_own_network([] {
    const MappedRing ring;
    ASSERT_EQ(::fcntl(ring.raw, F_SETFD, FD_CLOEXEC), 0);
    const Fd before(::dup(ring.raw));
    const Mapped memory(ring.raw, kRing);
    ASSERT_EQ(memory.error(), 0);
    const Fd after(::dup(ring.raw));
    for (int fd : {ring.raw.get(), before.get(), after.get()}) {
      int type = 0;
      socklen_t size = sizeof type;
      EXPECT_EQ(answer(::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size)), 0);
      EXPECT_EQ(type, SOCK_RAW);
      EXPECT_EQ(poll_now(fd, POLLIN), 0);
    }
    struct stat status {};
    ASSERT_EQ(::fstat(ring.raw, &status), 0);
    EXPECT_TRUE(S_ISSOCK(status.st_mode));
    EXPECT_EQ(::fcntl(ring.raw, F_GETFD), FD_CLOEXEC);
    ring.send("here");
    EXPECT_EQ(poll_now(before, POLLIN), POLLIN);
    EXPECT_EQ(memory.payload(0), "here");
  });
}

TEST(MappedRingTest, AChildSharesTheMapping) {
  in_own_network([] {
    const MappedRing ring;
    const Mapped memory(ring.raw, kRing);
    ASSERT_EQ(memory.error(), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ring.send("from the child");
      ::_exit(memory.payload(0) == "from the child" && poll_now(ring.raw, POLLIN) == POLLIN ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(memory.payload(0), "from the child");
  });
}

TEST(MappedRingTest, TheMemoryOutlivesTheSocket) {
  in_own_network([] {
    Fd raw;
    {
      MappedRing ring;
      raw = std::move(ring.raw);
      const Mapped memory(raw, kRing);
      ASSERT_EQ(memory.error(), 0);
      ring.send("kept");
      raw = Fd();
      EXPECT_EQ(memory.payload(0), "kept");
    }
  });
}

}  // namespace
}  // namespace conformance
