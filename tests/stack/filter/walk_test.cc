// How a packet goes through rules: jumps, returns, the end of every walk.
#include "tests/stack/filter/filter_bench.hh"

namespace lxnet::testing {
namespace {

using Action = FilterRule::Action;

TEST_F(FilterBench, TheFirstRuleThatAgreesDecides) {
  const auto rules = table({verdict(FilterVerdict::Drop), verdict(FilterVerdict::Accept)}, 1);
  EXPECT_EQ(verdict_of(*rules), FilterVerdict::Drop);
  EXPECT_EQ(packets(*rules, 0), 1u);
  EXPECT_EQ(packets(*rules, 1), 0u);
  EXPECT_EQ(rules->counters_of(0).bytes, 28u);
}

TEST_F(FilterBench, AChainReturnsBehindTheJump) {
  // 0: jump 4. 1: jump 4. 2: drop. 3: policy. 4: return.
  const auto rules = table({jump(4), jump(4), verdict(FilterVerdict::Drop), verdict(FilterVerdict::Accept), returns()}, 3);
  EXPECT_EQ(verdict_of(*rules), FilterVerdict::Drop);
  EXPECT_EQ(packets(*rules, 4), 2u);
}

TEST_F(FilterBench, AReturnOfABuiltInChainAndOneAfterAGotoIsThePolicy) {
  const auto from_hook = table({returns(), verdict(FilterVerdict::Accept), verdict(FilterVerdict::Drop)}, 2);
  EXPECT_EQ(verdict_of(*from_hook), FilterVerdict::Drop);
  const auto gone = table({jump(3, Action::Goto), verdict(FilterVerdict::Accept), verdict(FilterVerdict::Drop), returns()}, 2);
  EXPECT_EQ(verdict_of(*gone), FilterVerdict::Drop);
  // 0: jump 3. 1: accept. 2: policy. 3: goto 5. 4: drop. 5: return, to behind the jump.
  const auto gone_inside = table({jump(3), verdict(FilterVerdict::Accept), verdict(FilterVerdict::Drop), jump(5, Action::Goto),
                                  verdict(FilterVerdict::Drop), returns()},
                                 2);
  EXPECT_EQ(verdict_of(*gone_inside), FilterVerdict::Accept);
}

TEST_F(FilterBench, AJumpToTheNextRuleIsNotRemembered) {
  const auto rules = table({jump(1), returns(), verdict(FilterVerdict::Accept)}, 2, 0);
  EXPECT_EQ(verdict_of(*rules), FilterVerdict::Accept);
}

TEST_F(FilterBench, MoreJumpsThanChainsDrop) {
  const std::vector<FilterRule> nested = {jump(2), verdict(FilterVerdict::Accept), jump(4), returns(), returns()};
  EXPECT_EQ(verdict_of(*table(nested, 1, 2)), FilterVerdict::Accept);
  EXPECT_EQ(verdict_of(*table(nested, 1, 1)), FilterVerdict::Drop);
}

TEST_F(FilterBench, WhatRunsPastTheEndOrIntoAChainsNameDrops) {
  EXPECT_EQ(verdict_of(*table({jump(1)}, 0)), FilterVerdict::Drop);
  FilterRule name;
  name.action = Action::Error;
  EXPECT_EQ(verdict_of(*table({jump(2), verdict(FilterVerdict::Accept), name}, 1)), FilterVerdict::Drop);
}

TEST_F(FilterBench, AQueueIsAVerdictOfItsOwn) {
  EXPECT_EQ(verdict_of(*table({verdict(FilterVerdict::Queue)}, 0)), FilterVerdict::Queue);
}

TEST_F(FilterBench, ProtocolsOfIpv6AreFoundBehindExtensions) {
  FilterRule udp = verdict(FilterVerdict::Accept);
  udp.protocol = 17;
  udp.looks_behind = true;
  const auto rules = table({udp, verdict(FilterVerdict::Drop)}, 1);
  const Bytes datagram(8);
  const auto behind = [&](std::initializer_list<uint8_t> extensions) {
    Bytes payload(extensions);
    payload.insert(payload.end(), datagram.begin(), datagram.end());
    return payload;
  };
  EXPECT_EQ(walk(*rules, v6(17, datagram), IpFamily::V6).verdict, FilterVerdict::Accept);
  EXPECT_EQ(walk(*rules, v6(6, datagram), IpFamily::V6).verdict, FilterVerdict::Drop);
  // Hop-by-hop, 8 bytes; destination options, 16 bytes; authentication, 12 bytes.
  EXPECT_EQ(walk(*rules, v6(0, behind({17, 0, 1, 4, 0, 0, 0, 0})), IpFamily::V6).verdict, FilterVerdict::Accept);
  EXPECT_EQ(walk(*rules, v6(60, behind({17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})), IpFamily::V6).verdict,
            FilterVerdict::Accept);
  EXPECT_EQ(walk(*rules, v6(51, behind({17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})), IpFamily::V6).verdict, FilterVerdict::Accept);
  // The first piece, and a later one, of which only the number is known.
  EXPECT_EQ(walk(*rules, v6(44, behind({17, 0, 0, 1, 0, 0, 0, 1})), IpFamily::V6).verdict, FilterVerdict::Accept);
  EXPECT_EQ(walk(*rules, v6(44, behind({17, 0, 0, 9, 0, 0, 0, 1})), IpFamily::V6).verdict, FilterVerdict::Accept);
  EXPECT_EQ(walk(*rules, v6(59, datagram), IpFamily::V6).verdict, FilterVerdict::Drop) << "no next header is none";
}

TEST_F(FilterBench, AChainOfHeadersThatEndsTooSoonIsDroppedWhateverTheRulesSay) {
  FilterRule udp = verdict(FilterVerdict::Accept);
  udp.protocol = 17;
  udp.looks_behind = true;
  const auto rules = table({udp, verdict(FilterVerdict::Accept)}, 1);
  const Walk cut = walk(*rules, v6(0, {17}), IpFamily::V6);
  EXPECT_TRUE(cut.is_broken);
  EXPECT_EQ(cut.verdict, FilterVerdict::Drop);
  EXPECT_TRUE(walk(*rules, v6(44, {17, 0, 0}), IpFamily::V6).is_broken);
  // A later piece of something that goes on with extensions says nothing, and that is no fault.
  const Walk later = walk(*rules, v6(44, {60, 0, 0, 9, 0, 0, 0, 1}), IpFamily::V6);
  EXPECT_FALSE(later.is_broken);
  EXPECT_EQ(later.verdict, FilterVerdict::Accept);
}

}  // namespace
}  // namespace lxnet::testing
