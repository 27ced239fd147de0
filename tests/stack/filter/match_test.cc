// Matches on packets that no program of ours would send, and the limit on a clock of its own.
#include "stack/filter/match_packet.hh"
#include "stack/filter/match_transport.hh"
#include "tests/stack/filter/filter_bench.hh"

namespace lxnet::testing {
namespace {

constexpr TcpMatchSettings kAnyTcp{{0, 0xffff}, {0, 0xffff}, 0, 0, 0, 0};

FilterRule of_protocol(uint16_t protocol) {
  FilterRule rule;
  rule.protocol = protocol;
  return rule;
}
Bytes segment(const Bytes& options = {}) {
  Bytes bytes(20);
  bytes[12] = static_cast<uint8_t>((20 + options.size()) / 4 << 4);
  bytes.insert(bytes.end(), options.begin(), options.end());
  return bytes;
}

TEST_F(FilterBench, ATcpHeaderThatIsCutBreaksThePacket) {
  const auto rules = table_of("tcp", 0, kAnyTcp, of_protocol(6), IpFamily::V4);
  EXPECT_EQ(walk(*rules, v4(6, segment())).verdict, FilterVerdict::Accept);
  for (size_t size = 0; size < 20; ++size) {
    Bytes cut = segment();
    cut.resize(size);
    EXPECT_TRUE(walk(*rules, v4(6, cut)).is_broken) << size;
  }
}

TEST_F(FilterBench, APieceThatBeginsInsideATcpHeaderBreaksThePacketAndOthersDoNot) {
  const auto rules = table_of("tcp", 0, kAnyTcp, of_protocol(6), IpFamily::V4);
  EXPECT_TRUE(walk(*rules, v4(6, segment(), 1)).is_broken);
  const Walk later = walk(*rules, v4(6, segment(), 2));
  EXPECT_FALSE(later.is_broken);
  EXPECT_EQ(later.verdict, FilterVerdict::Drop) << "it does not agree, and meets the policy";
}

TEST_F(FilterBench, OptionsOfTcpAreWalkedToTheirEndWhateverTheySay) {
  TcpMatchSettings wanted = kAnyTcp;
  wanted.option = 8;
  const auto rules = table_of("tcp", 0, wanted, of_protocol(6), IpFamily::V4);
  EXPECT_EQ(walk(*rules, v4(6, segment({1, 1, 8, 10}))).verdict, FilterVerdict::Accept);
  EXPECT_EQ(walk(*rules, v4(6, segment({2, 4, 8, 8}))).verdict, FilterVerdict::Drop) << "inside another's value";
  EXPECT_EQ(walk(*rules, v4(6, segment({5, 0, 8, 10}))).verdict, FilterVerdict::Accept) << "a size of zero is one byte";
  EXPECT_EQ(walk(*rules, v4(6, segment({5, 200, 8, 10}))).verdict, FilterVerdict::Drop);
  EXPECT_EQ(walk(*rules, v4(6, segment({1, 1, 1, 5}))).verdict, FilterVerdict::Drop) << "the last has no size";
  Bytes cut = segment({1, 1, 8, 10});
  cut.resize(22);
  EXPECT_TRUE(walk(*rules, v4(6, cut)).is_broken);
  Bytes tiny = segment();
  tiny[12] = 4 << 4;
  EXPECT_TRUE(walk(*rules, v4(6, tiny)).is_broken) << "a header shorter than one";
}

TEST_F(FilterBench, PortsAndIcmpNeedTheirHeaders) {
  const auto udp = table_of("udp", 0, UdpMatchSettings{{0, 0xffff}, {0, 0xffff}, 0}, of_protocol(17), IpFamily::V4);
  EXPECT_TRUE(walk(*udp, v4(17, Bytes(7))).is_broken);
  EXPECT_FALSE(walk(*udp, v4(17, Bytes(8))).is_broken);
  EXPECT_FALSE(walk(*udp, v4(17, Bytes(1), 7)).is_broken) << "a later piece has none";
  const auto icmp = table_of("icmp", 0, IcmpMatchSettings{0, 0, 255, 0}, of_protocol(1), IpFamily::V4);
  EXPECT_TRUE(walk(*icmp, v4(1, Bytes(7))).is_broken);
  EXPECT_EQ(walk(*icmp, v4(1, Bytes(8))).verdict, FilterVerdict::Accept);
  MultiportSettings settings{};
  settings.count = 1;
  const auto ports = table_of("multiport", 1, settings, of_protocol(17), IpFamily::V4);
  EXPECT_TRUE(walk(*ports, v4(17, Bytes(3))).is_broken);
  EXPECT_FALSE(walk(*ports, v4(17, Bytes(4))).is_broken);
}

TEST_F(FilterBench, ALimitIsABucketThatFillsWithTime) {
  // Ten a second, three at once.
  const auto rules = table_of("limit", 0, LimitSettings{1000, 3, 0, 0, 0, 0, 0}, FilterRule(), IpFamily::V4);
  const auto passes = [&] { return verdict_of(*rules) == FilterVerdict::Accept; };
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(passes()) << i;
  EXPECT_FALSE(passes());
  bench.hal.advance(Duration::millis(99));
  EXPECT_FALSE(passes());
  bench.hal.advance(Duration::millis(1));
  EXPECT_TRUE(passes());
  EXPECT_FALSE(passes());
  bench.hal.advance(Duration::seconds(100 * 365 * 86400LL));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(passes()) << "no more than the burst, however long it was still";
  EXPECT_FALSE(passes());
}

TEST_F(FilterBench, WhatALimitCannotCountIsRefused) {
  Entry entry(*bench.stack);
  const RuleFacts facts{entry, IpFamily::V4, 0, 0, true, false};
  const auto check = [&](uint32_t average, uint32_t burst) {
    return error_of(check_limit(facts, bytes_of(LimitSettings{average, burst, 0, 0, 0, 0, 0})));
  };
  EXPECT_EQ(check(1000, 0), Errno::ERANGE);
  EXPECT_EQ(check(0x8000'0000, 2), Errno::ERANGE);
  EXPECT_EQ(check(1000, 5), Errno{});
}

}  // namespace
}  // namespace lxnet::testing
