// From a blob to a table and back: what a program's numbers become. What is refused, and how, is compared with Linux in
// tests/conformance/filter.
#include <gtest/gtest.h>

#include <vector>

#include "compat/xtables/filter_tables.hh"
#include "compat/xtables/narrow_sizes.hh"
#include "compat/xtables/table_image.hh"
#include "compat/xtables/table_maker.hh"
#include "tests/support/test_stack.hh"

namespace lxnet::testing {
namespace {

using namespace xtables;

std::vector<ChainMark> marks(size_t count) { return std::vector<ChainMark>(count); }

TEST(Chains, WhatIsReachedIsMarkedWithItsHook) {
  // 0: jump 3. 1: end. 2: nobody comes here. 3: on. 4: end.
  auto chain = marks(5);
  chain[0].jumps = true;
  chain[0].next = 3;
  chain[1].ends = chain[4].ends = true;
  EXPECT_TRUE(mark_chains(chain, FilterHook::LocalIn, 0));
  EXPECT_TRUE(mark_chains(chain, FilterHook::LocalOut, 1));
  const uint8_t in = hook_bit(FilterHook::LocalIn), out = hook_bit(FilterHook::LocalOut);
  const uint8_t expected[] = {in, static_cast<uint8_t>(in | out), 0, in, in};
  for (size_t i = 0; i < chain.size(); ++i) EXPECT_EQ(chain[i].came_from, expected[i]) << i;
}

TEST(Chains, LoopsAndRunsPastTheEndAreFound) {
  auto self = marks(2);
  self[0].jumps = true;
  self[0].next = 0;
  EXPECT_FALSE(mark_chains(self, FilterHook::LocalIn, 0));
  auto two = marks(5);
  two[0].jumps = two[2].jumps = two[3].jumps = true;
  two[0].next = 2;
  two[2].next = 3;
  two[3].next = 2;
  two[1].ends = two[4].ends = true;
  EXPECT_FALSE(mark_chains(two, FilterHook::LocalIn, 0));
  auto open = marks(2);
  EXPECT_FALSE(mark_chains(open, FilterHook::LocalIn, 0));
  auto nowhere = marks(2);
  nowhere[0].jumps = true;
  nowhere[0].next = ChainMark::kNowhere;
  EXPECT_FALSE(mark_chains(nowhere, FilterHook::LocalIn, 0));
}

TEST(Chains, AChainThatManyJumpToIsWalkedOnceForAHook) {
  // Each of 1,000 rules jumps to one chain of 1,000; the walk is no product of the two.
  auto chain = marks(2002);
  for (size_t i = 0; i < 1000; ++i) {
    chain[i].jumps = true;
    chain[i].next = 1001;
  }
  chain[1000].ends = chain[2001].ends = true;
  EXPECT_TRUE(mark_chains(chain, FilterHook::Forward, 0));
  EXPECT_EQ(chain[2000].came_from, hook_bit(FilterHook::Forward));
}

TEST(Narrow, JumpsMoveByWhatStandsBeforeThem) {
  const Displacement entries[] = {{0, 4}, {148, 8}, {296, 20}};
  EXPECT_EQ(displacement_before(entries, 0), 0u);
  EXPECT_EQ(displacement_before(entries, 1), 4u);
  EXPECT_EQ(displacement_before(entries, 148), 4u);
  EXPECT_EQ(displacement_before(entries, 296), 8u);
  EXPECT_EQ(displacement_before(entries, 5000), 20u);
  EXPECT_EQ(displacement_before({}, 7), 0u);
}

TEST(InitialTable, OfEachNameAndFamilyIsLinuxs) {
  TestStack bench;
  Entry entry(*bench.stack);
  struct {
    const char* name;
    size_t rules, size4, size6, narrow4, narrow6;
  } const tables[] = {{"filter", 4, 632, 856, 620, 828},
                      {"mangle", 6, 936, 1272, 916, 1228},
                      {"nat", 5, 784, 1064, 768, 1028},
                      {"raw", 3, 480, 648, 472, 628},
                      {"security", 4, 632, 856, 620, 828}};
  for (const auto& one : tables) {
    for (const IpFamily family : {IpFamily::V4, IpFamily::V6}) {
      const TableRow& row = *find_table_row(one.name);
      const Ref<FilterTable> table = find_or_create_table(entry, family, row).take();
      EXPECT_EQ(table->rules().size(), one.rules);
      EXPECT_EQ(table->hooks(), row.hooks);
      for (const Width width : {Width::Wide, Width::Narrow}) {
        TableImage image(*table, family, width);
        ASSERT_TRUE(image.measure(bench.stack->hal()).is_ok());
        const size_t wide = family == IpFamily::V4 ? one.size4 : one.size6;
        const size_t narrow = family == IpFamily::V4 ? one.narrow4 : one.narrow6;
        EXPECT_EQ(image.shape().size, width == Width::Wide ? wide : narrow) << one.name;
      }
    }
  }
  EXPECT_EQ(find_table_row("broute"), nullptr);
  FilterTableKind kinds[kFilterTableCount];
  ASSERT_EQ(bench.stack->filter().list(IpFamily::V6, kinds), 5u);
  EXPECT_STREQ(table_name(kinds[0]), "security") << "the newest first";
}

TEST(InitialTable, AStackWithoutOneIsNotActive) {
  TestStack bench;
  constexpr uint8_t kAll = 0x1f;
  EXPECT_FALSE(bench.stack->hooks().is_active(IpFamily::V4, kAll));
  Entry entry(*bench.stack);
  ASSERT_TRUE(find_or_create_table(entry, IpFamily::V4, *find_table_row("filter")).is_ok());
  EXPECT_TRUE(bench.stack->hooks().is_active(IpFamily::V4, hook_bit(FilterHook::LocalOut)));
  EXPECT_FALSE(bench.stack->hooks().is_active(IpFamily::V4, hook_bit(FilterHook::PreRouting)));
  EXPECT_FALSE(bench.stack->hooks().is_active(IpFamily::V6, kAll));
}

TEST(FindExtension, IsByNameRevisionAndFamily) {
  EXPECT_TRUE(find_match(IpFamily::V4, "icmp", 0).is_ok());
  EXPECT_EQ(error_of(find_match(IpFamily::V6, "icmp", 0)), Errno::ENOENT);
  EXPECT_EQ(error_of(find_match(IpFamily::V4, "udp", 1)), Errno::ENOENT);
  EXPECT_EQ(error_of(find_match(IpFamily::V4, "mark", 0)), Errno::EPROTOTYPE);
  EXPECT_TRUE(find_target(IpFamily::V4, "", 0).is_ok()) << "the standard target has no name";
}

}  // namespace
}  // namespace lxnet::testing
