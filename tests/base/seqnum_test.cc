#include "base/seqnum.hh"

#include <gtest/gtest.h>

namespace lxnet {
namespace {

constexpr SeqNum kBeforeWrap(0xffff'fff0);
constexpr SeqNum kAfterWrap(0x10);

TEST(SeqNum, OrderSurvivesTheWrap) {
  EXPECT_TRUE(kBeforeWrap.is_before(kAfterWrap));
  EXPECT_TRUE(kAfterWrap.is_after(kBeforeWrap));
  EXPECT_FALSE(kAfterWrap.is_before(kBeforeWrap));
  EXPECT_EQ(0x20u, kAfterWrap.bytes_since(kBeforeWrap));
  EXPECT_EQ(kAfterWrap, kBeforeWrap + 0x20);
  EXPECT_EQ(kBeforeWrap, kAfterWrap - 0x20);
}

TEST(SeqNum, EqualNumbersAreAtEachOther) {
  EXPECT_TRUE(kAfterWrap.is_at_or_before(kAfterWrap));
  EXPECT_TRUE(kAfterWrap.is_at_or_after(kAfterWrap));
  EXPECT_FALSE(kAfterWrap.is_before(kAfterWrap));
  EXPECT_FALSE(kAfterWrap.is_after(kAfterWrap));
}

TEST(SeqNum, HalfTheSpaceAwayIsTheLastThatIsBefore) {
  const SeqNum start(1000);
  EXPECT_TRUE(start.is_before(start + 0x7fff'ffff));
  EXPECT_FALSE(start.is_before(start + 0x8000'0001));
}

TEST(SeqNum, WindowHoldsItsFirstButNotTheOnePastItsLast) {
  EXPECT_TRUE(kBeforeWrap.is_in_window(kBeforeWrap, 0x20));
  EXPECT_TRUE((kBeforeWrap + 0x1f).is_in_window(kBeforeWrap, 0x20));
  EXPECT_FALSE((kBeforeWrap + 0x20).is_in_window(kBeforeWrap, 0x20));
  EXPECT_FALSE((kBeforeWrap - 1).is_in_window(kBeforeWrap, 0x20));
  EXPECT_FALSE(kBeforeWrap.is_in_window(kBeforeWrap, 0));
}

TEST(SeqNum, ChoosesTheEarlierAndTheLater) {
  EXPECT_EQ(kBeforeWrap, earlier_of(kAfterWrap, kBeforeWrap));
  EXPECT_EQ(kAfterWrap, later_of(kAfterWrap, kBeforeWrap));
}

}  // namespace
}  // namespace lxnet
