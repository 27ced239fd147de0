// What stands in a ring's memory, as a host maps it.
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <string>

#include "tests/compat/afpacket/packet_machine.hh"

namespace lxnet::testing {
namespace {

constexpr uint16_t kOurs = 0x88b5;
constexpr size_t kBlock = 4096, kBlocks = 2;

class PacketRingTest : public ::testing::Test {
 protected:
  uint8_t* make(int version, unsigned frame_size, unsigned private_size = 0) {
    raw = static_cast<int>(machine.call(SYS_socket, AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(kOurs)));
    EXPECT_EQ(machine.call(SYS_setsockopt, raw, SOL_PACKET, PACKET_VERSION, &version, sizeof version), 0);
    tpacket_req3 request{};
    request.tp_block_size = kBlock;
    request.tp_block_nr = kBlocks;
    request.tp_frame_size = frame_size;
    request.tp_frame_nr = static_cast<unsigned>(kBlocks * kBlock / frame_size);
    request.tp_sizeof_priv = private_size;
    EXPECT_EQ(machine.call(SYS_setsockopt, raw, SOL_PACKET, PACKET_RX_RING, &request, sizeof request), 0);
    void* memory = nullptr;
    EXPECT_EQ(lxnet_packet_ring_map(machine.hal.files.at(raw), kBlock, &memory), -static_cast<int>(Errno::EINVAL));
    EXPECT_EQ(lxnet_packet_ring_map(machine.hal.files.at(raw), kBlocks * kBlock, &memory), 0);
    return static_cast<uint8_t*>(memory);
  }
  void send(const std::string& payload) {
    const int sender = static_cast<int>(machine.call(SYS_socket, AF_PACKET, SOCK_DGRAM, 0));
    sockaddr_ll to{};
    to.sll_protocol = htons(kOurs);
    to.sll_ifindex = 1;
    EXPECT_EQ(machine.call(SYS_sendto, sender, payload.data(), payload.size(), 0, &to, sizeof to),
              static_cast<int64_t>(payload.size()));
    machine.close(sender);
  }
  template <typename T>
  static T& at(uint8_t* memory, size_t offset) {
    return *reinterpret_cast<T*>(memory + offset);
  }

  PacketMachine machine{1};
  int raw = -1;
};

TEST_F(PacketRingTest, ASlotHasItsHeaderItsAddressAndItsFrame) {
  uint8_t* memory = make(TPACKET_V2, 2048);
  send("pay");
  const auto& header = at<tpacket2_hdr>(memory, 0);
  EXPECT_EQ(header.tp_status, unsigned{TP_STATUS_USER | TP_STATUS_TS_SOFTWARE});
  EXPECT_EQ(header.tp_len, 17u);
  EXPECT_EQ(header.tp_snaplen, 17u);
  EXPECT_EQ(header.tp_net, 80);  // TPACKET_ALIGN(TPACKET2_HDRLEN + 16)
  EXPECT_EQ(header.tp_mac, 66);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(memory) + header.tp_net, 3), "pay");
  const auto& from = at<sockaddr_ll>(memory, TPACKET_ALIGN(sizeof header));
  EXPECT_EQ(from.sll_family, AF_PACKET);
  EXPECT_EQ(from.sll_protocol, htons(kOurs));
  EXPECT_EQ(from.sll_pkttype, PACKET_HOST);
  for (int i = 0; i < 4; ++i) send("more");
  // The fifth found the first slot still the program's.
  EXPECT_EQ(at<tpacket2_hdr>(memory, 0).tp_len, 17u);
  at<tpacket2_hdr>(memory, 0).tp_status = TP_STATUS_KERNEL;
  send("again");
  EXPECT_EQ(at<tpacket2_hdr>(memory, 0).tp_len, 19u);
  EXPECT_EQ(at<tpacket2_hdr>(memory, 0).tp_status, unsigned{TP_STATUS_USER | TP_STATUS_TS_SOFTWARE | TP_STATUS_LOSING});
}

TEST_F(PacketRingTest, ARingThatIsMappedDoesNotChange) {
  make(TPACKET_V1, 2048);
  const tpacket_req none{};
  const auto end = [&] { return machine.call(SYS_setsockopt, raw, SOL_PACKET, PACKET_RX_RING, &none, sizeof none); };
  EXPECT_EQ(end(), -static_cast<int64_t>(Errno::EBUSY));
  lxnet_packet_ring_unmap(machine.hal.files.at(raw));
  EXPECT_EQ(end(), 0);
}

TEST_F(PacketRingTest, AllRingsTogetherStayBelowTheStacksLimit) {
  const auto ask = [&](unsigned megabytes) {
    const int fd = static_cast<int>(machine.call(SYS_socket, AF_PACKET, SOCK_RAW, 0));
    const tpacket_req request{1u << 20, megabytes, 1u << 20, megabytes};
    const int64_t answer = machine.call(SYS_setsockopt, fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request);
    if (answer < 0) machine.close(fd);
    return answer;
  };
  EXPECT_EQ(ask(257), -static_cast<int64_t>(Errno::ENOMEM));
  EXPECT_EQ(ask(2000), -static_cast<int64_t>(Errno::ENOMEM));
  EXPECT_EQ(ask(6), 0);
  EXPECT_EQ(ask(251), -static_cast<int64_t>(Errno::ENOMEM));
}

TEST_F(PacketRingTest, ABlockIsHandedOverWhenTheNextFrameDoesNotFit) {
  uint8_t* memory = make(TPACKET_V3, 2048, 10);
  auto& block = at<tpacket_block_desc>(memory, 0);
  EXPECT_EQ(block.version, 2u);
  EXPECT_EQ(block.offset_to_priv, 48u);
  EXPECT_EQ(block.hdr.bh1.offset_to_first_pkt, 64u);
  send(std::string(1500, 'a'));
  send(std::string(1500, 'b'));
  EXPECT_EQ(block.hdr.bh1.block_status, unsigned{TP_STATUS_KERNEL});
  send(std::string(1500, 'c'));
  EXPECT_EQ(block.hdr.bh1.block_status, unsigned{TP_STATUS_USER});
  EXPECT_EQ(block.hdr.bh1.num_pkts, 2u);
  EXPECT_EQ(block.hdr.bh1.seq_num, 1u);
  const auto& first = at<tpacket3_hdr>(memory, 64);
  EXPECT_EQ(first.tp_len, 1514u);
  EXPECT_EQ(memory[64 + first.tp_net], 'a');
  const auto& second = at<tpacket3_hdr>(memory, 64 + first.tp_next_offset);
  EXPECT_EQ(second.tp_next_offset, 0u);
  EXPECT_EQ(memory[64 + first.tp_next_offset + second.tp_net], 'b');
  // Both blocks the program's: what comes is lost, until one is given back.
  for (int i = 0; i < 3; ++i) send(std::string(1500, 'd'));
  tpacket_stats_v3 statistics{};
  socklen_t size = sizeof statistics;
  EXPECT_EQ(machine.call(SYS_getsockopt, raw, SOL_PACKET, PACKET_STATISTICS, &statistics, &size), 0);
  EXPECT_EQ(statistics.tp_packets, 6u);
  EXPECT_EQ(statistics.tp_drops, 2u);
  EXPECT_EQ(statistics.tp_freeze_q_cnt, 1u);
  block.hdr.bh1.block_status = TP_STATUS_KERNEL;
  send("e");
  EXPECT_EQ(block.hdr.bh1.seq_num, 3u);
  EXPECT_EQ(memory[64 + at<tpacket3_hdr>(memory, 64).tp_net], 'e');
}

}  // namespace
}  // namespace lxnet::testing
