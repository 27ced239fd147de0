#include <gtest/gtest.h>

#include "netdev/packet_pool.hh"
#include "stack/bpf/bpf_check.hh"
#include "stack/bpf/bpf_program.hh"
#include "tests/stack/bpf/programs.hh"
#include "tests/stack/wire/hex.hh"
#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using namespace bpf;

constexpr uint32_t kDropped = 0;

uint32_t run(const Program& program, const BpfPacket& packet) {
  std::vector<uint16_t> cells(program.size());
  EXPECT_TRUE(check_bpf(program, cells).is_ok());
  return run_bpf(program, packet);
}
uint32_t run(const Program& program, const Bytes& bytes) {
  return run(program, BpfPacket{.linear = bytes, .size = static_cast<uint32_t>(bytes.size())});
}
// What the accumulator holds after the instructions.
uint32_t result_of(Program program, const Bytes& bytes = {}) {
  program.push_back(op(kRetA));
  return run(program, bytes);
}

// Frames Linux sent: TCP SYN to port 7777, UDP over IPv6 to port 9, an ARP request.
const char kSynFrame[] =
    "525400000002525400000001 0800 4500003c56ee40004006cfb90a0900010a090002"
    "e5141e616a14f90b00000000a002faf014430000020405b40402080a0a60b50e000000000103030a";
const char kUdp6Frame[] =
    "525400000002525400000001 86dd 6008a5dc000e114020010db800000000000000000000000120010db8000000000000000000000002"
    "e0a90009000e5b9468656c6c6f36";
const char kArpFrame[] = "ffffffffffff525400000001 0806 0001080006040001 5254000000010a090001 000000000000 0a090002";

// tcpdump -ddd 'tcp port 7777 and not host 10.0.0.1'
const char kTcpPort[] =
    "24\n40 0 0 12\n21 0 6 34525\n48 0 0 20\n21 0 19 6\n40 0 0 54\n21 16 0 7777\n40 0 0 56\n21 14 15 7777\n21 0 14 2048\n"
    "48 0 0 23\n21 0 12 6\n40 0 0 20\n69 10 0 8191\n177 0 0 14\n72 0 0 14\n21 2 0 7777\n72 0 0 16\n21 0 5 7777\n32 0 0 26\n"
    "21 3 0 167772161\n32 0 0 30\n21 1 0 167772161\n6 0 0 262144\n6 0 0 0\n";
// tcpdump -ddd 'icmp or (ip6 and udp port 9)'
const char kUdp6Port[] =
    "13\n40 0 0 12\n21 0 2 2048\n48 0 0 23\n21 7 8 1\n21 0 7 34525\n48 0 0 20\n21 0 5 17\n40 0 0 54\n21 2 0 9\n40 0 0 56\n"
    "21 0 1 9\n6 0 0 262144\n6 0 0 0\n";

TEST(BpfRunTest, ProgramsOfTcpdumpTellFramesApart) {
  const Bytes syn = from_hex(kSynFrame), udp6 = from_hex(kUdp6Frame), arp = from_hex(kArpFrame);
  const Program tcp_port = from_ddd(kTcpPort), udp6_port = from_ddd(kUdp6Port);
  EXPECT_EQ(run(tcp_port, syn), 262144u);
  EXPECT_EQ(run(tcp_port, udp6), kDropped);
  EXPECT_EQ(run(tcp_port, arp), kDropped);
  EXPECT_EQ(run(udp6_port, udp6), 262144u);
  EXPECT_EQ(run(udp6_port, syn), kDropped);
  Bytes from_excluded_host = syn;
  from_excluded_host[27] = 0;  // 10.0.0.1
  EXPECT_EQ(run(tcp_port, from_excluded_host), kDropped);
  Bytes fragment = syn;
  fragment[21] = 1;
  EXPECT_EQ(run(tcp_port, fragment), kDropped);
}

TEST(BpfRunTest, ArithmeticWrapsAtThirtyTwoBits) {
  const auto compute = [](uint32_t a, unsigned operation, uint32_t k) {
    const uint32_t with_k = result_of({op(kLdImm, a), op(kAlu | operation | kK, k)});
    EXPECT_EQ(result_of({op(kLdImm, a), op(kLdxImm, k), op(kAlu | operation | kX)}), with_k);
    return with_k;
  };
  EXPECT_EQ(compute(0xffff'ffff, kAdd, 2), 1u);
  EXPECT_EQ(compute(1, kSub, 2), 0xffff'ffffu);
  EXPECT_EQ(compute(0x1'0001, kMul, 0x1'0001), 0x2'0001u);
  EXPECT_EQ(compute(0xffff'ffff, kDiv, 2), 0x7fff'ffffu);
  EXPECT_EQ(compute(17, kMod, 5), 2u);
  EXPECT_EQ(compute(0xf0f0, kAnd, 0xff00), 0xf000u);
  EXPECT_EQ(compute(0xf0f0, kOr, 0x0f0f), 0xffffu);
  EXPECT_EQ(compute(0xf0f0, kXor, 0xffff), 0x0f0fu);
  EXPECT_EQ(compute(1, kLsh, 31), 0x8000'0000u);
  EXPECT_EQ(compute(0x8000'0000, kRsh, 31), 1u);
  EXPECT_EQ(result_of({op(kLdImm, 5), op(kAlu | kNeg)}), 0xffff'fffbu);
  EXPECT_EQ(result_of({op(kLdImm, 5), op(kLdxImm, 33), op(kAlu | kLsh | kX)}), 10u);
}

TEST(BpfRunTest, DividingByAZeroIndexDropsThePacket) {
  for (unsigned operation : {kDiv, kMod}) {
    EXPECT_EQ(run({op(kLdImm, 5), op(kAlu | operation | kX), op(kRetK, 9)}, Bytes{}), kDropped);
  }
}

TEST(BpfRunTest, LoadsAreBigEndianAndStopAtThePacketsEnd) {
  const Bytes bytes = from_hex("0102030405");
  EXPECT_EQ(result_of({op(kLdW, 1)}, bytes), 0x02030405u);
  EXPECT_EQ(result_of({op(kLdH, 3)}, bytes), 0x0405u);
  EXPECT_EQ(result_of({op(kLdB, 4)}, bytes), 0x05u);
  EXPECT_EQ(run({op(kLdW, 2), op(kRetK, 9)}, bytes), kDropped);
  EXPECT_EQ(run({op(kLdH, 4), op(kRetK, 9)}, bytes), kDropped);
  EXPECT_EQ(run({op(kLdB, 5), op(kRetK, 9)}, bytes), kDropped);
  EXPECT_EQ(run({op(kLdB, 0x7fff'ffff), op(kRetK, 9)}, bytes), kDropped);
  EXPECT_EQ(result_of({op(kLdxImm, 2), op(kLd | kB | kInd, 1)}, bytes), 0x04u);
  EXPECT_EQ(result_of({op(kLdxImm, 0xffff'ffff), op(kLd | kB | kInd, 1)}, bytes), 0x01u);
  EXPECT_EQ(result_of({op(kLd | kLen)}, bytes), 5u);
  EXPECT_EQ(result_of({op(kLdx | kLen), op(kMisc | kTxa)}, bytes), 5u);
  EXPECT_EQ(result_of({op(kLdx | kB | kMsh, 4), op(kMisc | kTxa)}, bytes), 20u);
  EXPECT_EQ(run({op(kLdx | kB | kMsh, 5), op(kRetK, 9)}, bytes), kDropped);
}

TEST(BpfRunTest, MemoryCellsKeepWhatIsStored) {
  EXPECT_EQ(result_of({op(kLdImm, 7), op(kSt, 15), op(kLdImm, 0), op(kLd | kMem, 15)}), 7u);
  EXPECT_EQ(result_of({op(kLdxImm, 8), op(kStx, 0), op(kLdxImm, 0), op(kLdx | kMem, 0), op(kMisc | kTxa)}), 8u);
  EXPECT_EQ(result_of({op(kLdImm, 9), op(kMisc | kTax), op(kLdImm, 0), op(kMisc | kTxa)}), 9u);
}

TEST(BpfRunTest, ComparisonsAreUnsigned) {
  const auto holds = [](uint32_t a, unsigned comparison, uint32_t k) {
    return run({op(kLdImm, a), op(kJmp | comparison | kK, k, 0, 1), op(kRetK, 1), op(kRetK, 2)}, Bytes{}) == 1;
  };
  EXPECT_TRUE(holds(5, kJeq, 5));
  EXPECT_FALSE(holds(5, kJeq, 6));
  EXPECT_TRUE(holds(0xffff'ffff, kJgt, 1));
  EXPECT_FALSE(holds(1, kJgt, 1));
  EXPECT_TRUE(holds(1, kJge, 1));
  EXPECT_TRUE(holds(6, kJset, 2));
  EXPECT_FALSE(holds(6, kJset, 8));
  EXPECT_EQ(run({op(kJmp | kJa, 1), op(kRetK, 1), op(kRetK, 2)}, Bytes{}), 2u);
}

TEST(BpfRunTest, AncillaryLoadsSayWhatIsKnownOfThePacket) {
  const BpfPacket packet{.protocol = 0x0800,
                         .packet_type = 3,
                         .interface_index = 7,
                         .interface_type = 1,
                         .mark = 0xdead'beef,
                         .queue = 4,
                         .receive_hash = 0x1234'5678,
                         .cpu = 2,
                         .vlan_tag = 0x2007,
                         .vlan_protocol = 0x8100,
                         .random = [](const void*) { return 99u; }};
  const auto load = [&](Ancillary which) { return run({load_ancillary(which), op(kRetA)}, packet); };
  EXPECT_EQ(load(Ancillary::Protocol), 0x0800u);
  EXPECT_EQ(load(Ancillary::PacketType), 3u);
  EXPECT_EQ(load(Ancillary::InterfaceIndex), 7u);
  EXPECT_EQ(load(Ancillary::HardwareType), 1u);
  EXPECT_EQ(load(Ancillary::Mark), 0xdead'beefu);
  EXPECT_EQ(load(Ancillary::Queue), 4u);
  EXPECT_EQ(load(Ancillary::ReceiveHash), 0x1234'5678u);
  EXPECT_EQ(load(Ancillary::Cpu), 2u);
  EXPECT_EQ(load(Ancillary::VlanTag), 0x2007u);
  EXPECT_EQ(load(Ancillary::VlanTagPresent), 1u);
  EXPECT_EQ(load(Ancillary::VlanProtocol), 0x8100u);
  EXPECT_EQ(load(Ancillary::Random), 99u);
  EXPECT_EQ(result_of({op(kLdImm, 6), op(kLdxImm, 3), load_ancillary(Ancillary::XorX)}), 5u);
}

TEST(BpfRunTest, WithoutAnInterfaceTheProgramEndsWithTheAccumulator) {
  EXPECT_EQ(run({op(kLdImm, 5), load_ancillary(Ancillary::InterfaceIndex), op(kRetK, 100)}, Bytes{}), 5u);
}

TEST(BpfRunTest, NetlinkAttributesAreFound) {
  // 8 bytes of type 1, 5 of type 2 with its padding, 12 of type 3 (nested) that hold 8 of type 9; the machine's byte order.
  const Bytes bytes = from_hex("0800010011223344 0500020055000000 0c000380 0800090066778899");
  const auto find = [&](Ancillary which, uint32_t offset, uint32_t type) {
    return result_of({op(kLdImm, offset), op(kLdxImm, type), load_ancillary(which)}, bytes);
  };
  EXPECT_EQ(find(Ancillary::NetlinkAttribute, 0, 2), 8u);
  EXPECT_EQ(find(Ancillary::NetlinkAttribute, 0, 3), 16u);
  EXPECT_EQ(find(Ancillary::NetlinkAttribute, 0, 4), 0u);
  EXPECT_EQ(find(Ancillary::NetlinkAttribute, 1000, 2), 0u);
  EXPECT_EQ(find(Ancillary::NestedNetlinkAttribute, 16, 9), 20u);
  EXPECT_EQ(find(Ancillary::NestedNetlinkAttribute, 16, 8), 0u);
}

class BpfOfPacketTest : public ::testing::Test {
 protected:
  // The frame with its Ethernet and `consumed` more bytes passed, the last `in_fragment` of it by reference.
  Ref<Packet> received(const Bytes& frame, size_t consumed, size_t in_fragment) {
    Ref<Packet> packet = Packet::create(pool_).take();
    const size_t linear = frame.size() - in_fragment;
    copy_bytes(packet->append(linear), ByteSpan(frame).first(linear));
    if (in_fragment != 0) {
      Ref<DataBlock> block = DataBlock::create(pool_, in_fragment).take();
      copy_bytes(MutableByteSpan(block->bytes(), in_fragment), ByteSpan(frame).subspan(linear));
      EXPECT_TRUE(packet->append_fragment(std::move(block), 0, static_cast<uint32_t>(in_fragment)).is_ok());
    }
    packet->link_protocol = static_cast<uint16_t>(frame[12] << 8 | frame[13]);
    packet->mark_link_header();
    packet->consume(14);
    packet->mark_network_header();
    packet->consume(consumed);
    return packet;
  }

  testing::TestHal host_;
  PacketPool pool_{host_, 1 << 20};
};

TEST_F(BpfOfPacketTest, NegativeOffsetsReachTheHeadersThatWerePassed) {
  const Ref<Packet> packet = received(from_hex(kSynFrame), 20, 0);
  const BpfPacket view = BpfPacket::of(*packet);
  const auto load = [&](unsigned code, int32_t offset) {
    return run({op(code, static_cast<uint32_t>(offset)), op(kRetA)}, view);
  };
  EXPECT_EQ(load(kLdH, 2), 7777u);
  EXPECT_EQ(load(kLdB, kNetworkOffset + 9), 6u);
  EXPECT_EQ(load(kLdW, kNetworkOffset + 16), 0x0a090002u);
  EXPECT_EQ(load(kLdH, kNetworkOffset + 22), 7777u);
  EXPECT_EQ(load(kLdH, kLinkOffset + 12), 0x0800u);
  EXPECT_EQ(load(kLdW, kNetworkOffset + 18), 0x0002e514u);  // half of it was passed
  EXPECT_EQ(load(kLdW, kNetworkOffset + 58), kDropped);
  EXPECT_EQ(load(kLdW, kLinkOffset - 1), kDropped);
  EXPECT_EQ(run({op(kLdx | kB | kMsh, static_cast<uint32_t>(kNetworkOffset)), op(kMisc | kTxa), op(kRetA)}, view), 20u);
  EXPECT_EQ(run({load_ancillary(Ancillary::PayloadOffset), op(kRetA)}, view), 40u);
}

TEST_F(BpfOfPacketTest, FragmentsAreReadWhereverTheyBegin) {
  const Bytes frame = from_hex(kSynFrame);
  for (size_t in_fragment = 0; in_fragment <= 40; ++in_fragment) {
    const Ref<Packet> packet = received(frame, 20, in_fragment);
    const BpfPacket view = BpfPacket::of(*packet);
    EXPECT_EQ(run({op(kLd | kLen), op(kRetA)}, view), 40u);
    for (uint32_t at = 0; at + 4 <= 40; ++at) {
      const uint8_t* bytes = frame.data() + 34 + at;
      const uint32_t expected = static_cast<uint32_t>(bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]);
      ASSERT_EQ(run({op(kLdW, at), op(kRetA)}, view), expected) << in_fragment << " " << at;
      ASSERT_EQ(run({op(kLdW, static_cast<uint32_t>(kNetworkOffset) + 20 + at), op(kRetA)}, view), expected);
    }
    EXPECT_EQ(run({op(kLdW, 37), op(kRetK, 9)}, view), kDropped);
    EXPECT_EQ(run({load_ancillary(Ancillary::PayloadOffset), op(kRetA)}, view), 40u);
  }
}

TEST_F(BpfOfPacketTest, ThePayloadOfUdpOverIpv6IsFound) {
  const Ref<Packet> packet = received(from_hex(kUdp6Frame), 0, 0);
  EXPECT_EQ(run({load_ancillary(Ancillary::PayloadOffset), op(kRetA)}, BpfPacket::of(*packet)), 48u);
  const Ref<Packet> arp = received(from_hex(kArpFrame), 0, 0);
  EXPECT_EQ(run({load_ancillary(Ancillary::PayloadOffset), op(kRetA)}, BpfPacket::of(*arp)), 0u);
}

TEST_F(BpfOfPacketTest, WhatThePacketKnowsIsHandedOn) {
  const Ref<Packet> packet = received(from_hex(kSynFrame), 0, 0);
  packet->mark = 5;
  packet->interface_index = 3;
  packet->flow_hash = 77;
  packet->is_link_multicast = true;
  const BpfPacket view = BpfPacket::of(*packet);
  EXPECT_EQ(view.protocol, 0x0800);
  EXPECT_EQ(view.mark, 5u);
  EXPECT_EQ(view.interface_index, 3u);
  EXPECT_EQ(view.receive_hash, 77u);
  EXPECT_EQ(view.packet_type, 2);
}

}  // namespace
}  // namespace lxnet
