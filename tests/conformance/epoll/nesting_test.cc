// Sets that watch sets: cycles, depth, the number of ways a wake-up may take, and what goes through.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/conformance/epoll/blocked.hh"
#include "tests/conformance/epoll/set.hh"

namespace conformance {
namespace {

TEST(NestingTest, FiveSetsMayStandInARowAndSixMayNot) {
  const Set sets[6];
  for (int i = 0; i < 4; ++i) ASSERT_EQ(sets[i].add(sets[i + 1], EPOLLIN), 0) << i;
  EXPECT_EQ(sets[4].add(sets[5], EPOLLIN), -ELOOP);
  EXPECT_EQ(sets[5].add(sets[0], EPOLLIN), -ELOOP);
  const LocalPair pair;
  ASSERT_EQ(sets[4].add(pair.b, EPOLLIN), 0);
  EXPECT_EQ(sets[0].wait_one(), 0);
  pair.send();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sets[i].wait_one(), EPOLLIN) << i;
  pair.receive();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sets[i].wait_one(), 0) << i;
}

TEST(NestingTest, JoiningTwoRowsCountsBoth) {
  const Set upper[3], lower[3];
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(upper[i].add(upper[i + 1], EPOLLIN), 0);
    ASSERT_EQ(lower[i].add(lower[i + 1], EPOLLIN), 0);
  }
  // 2 links above, 2 below, and this one.
  EXPECT_EQ(upper[2].add(lower[0], EPOLLIN), -ELOOP);
  EXPECT_EQ(upper[2].add(lower[1], EPOLLIN), 0);
  EXPECT_EQ(upper[1].add(lower[0], EPOLLIN), 0);
}

TEST(NestingTest, CyclesOfEveryLengthAreRefused) {
  const Set sets[4];
  for (int length = 2; length <= 4; ++length) {
    for (int i = 0; i + 1 < length; ++i) sets[i].add(sets[i + 1], EPOLLIN);
    EXPECT_EQ(sets[length - 1].add(sets[0], EPOLLIN), -ELOOP) << length;
  }
  // A cycle that is refused leaves nothing, and one that is opened again may be closed elsewhere.
  EXPECT_EQ(sets[3].remove(sets[0]), -ENOENT);
  EXPECT_EQ(sets[0].remove(sets[1]), 0);
  EXPECT_EQ(sets[1].add(sets[0], EPOLLIN), 0);
}

TEST(NestingTest, TheCycleComesBeforeWhatIsThereAlready) {
  const Set outer, inner;
  ASSERT_EQ(outer.add(inner, EPOLLIN), 0);
  EXPECT_EQ(outer.add(inner, EPOLLIN), -EEXIST);
  EXPECT_EQ(inner.add(outer, EPOLLIN), -ELOOP);
}

TEST(NestingTest, AClosedSetLeavesTheOneThatWatchedIt) {
  const Set outer;
  const LocalPair pair;
  {
    const Set inner;
    ASSERT_EQ(inner.add(pair.b, EPOLLIN), 0);
    ASSERT_EQ(outer.add(inner, EPOLLIN), 0);
    pair.send();
    EXPECT_EQ(outer.wait_one(), EPOLLIN);
  }
  EXPECT_EQ(outer.wait_one(), 0);
}

TEST(NestingTest, ASetThatIsNoLongerReadyIsForgotten) {
  const Set outer, inner;
  const LocalPair pair;
  ASSERT_EQ(inner.add(pair.b, EPOLLIN | EPOLLET), 0);
  ASSERT_EQ(outer.add(inner, EPOLLIN), 0);
  pair.send();
  EXPECT_EQ(outer.wait_one(), EPOLLIN);
  // Whoever takes the inner set's edge takes the outer one's event too.
  EXPECT_EQ(inner.wait_one(), EPOLLIN);
  EXPECT_EQ(outer.wait_one(), 0);
  pair.receive();
  pair.send();
  EXPECT_EQ(outer.wait_one(), EPOLLIN);
}

TEST(NestingTest, AnEdgeOfASetIsEachArrivalInIt) {
  const Set outer, inner;
  const LocalPair pair;
  ASSERT_EQ(inner.add(pair.b, EPOLLIN), 0);
  ASSERT_EQ(outer.add(inner, EPOLLIN | EPOLLET), 0);
  for (int i = 0; i < 3; ++i) {
    pair.send();
    EXPECT_EQ(outer.wait_one(), EPOLLIN) << i;
    EXPECT_EQ(outer.wait_one(), 0) << i;
  }
}

TEST(NestingTest, WhoBlocksInTheOuterSetIsWokenFromTheInnermost) {
  const Set sets[3];
  const LocalPair pair;
  ASSERT_EQ(sets[0].add(sets[1], EPOLLIN), 0);
  ASSERT_EQ(sets[1].add(sets[2], EPOLLIN), 0);
  ASSERT_EQ(sets[2].add(pair.b, EPOLLIN), 0);
  BlockedThread waiter([&] { return sets[0].wait_one(-1); });
  waiter.await_sleep();
  pair.send();
  EXPECT_EQ(waiter.result(), EPOLLIN);
}

TEST(NestingTest, AnEntryAddedReadyWakesTheOuterSet) {
  const Set outer, inner;
  const LocalPair pair;
  ASSERT_EQ(outer.add(inner, EPOLLIN), 0);
  BlockedThread waiter([&] { return outer.wait_one(-1); });
  waiter.await_sleep();
  ASSERT_EQ(inner.add(pair.b, EPOLLOUT), 0);
  EXPECT_EQ(waiter.result(), EPOLLIN);
}

// As many ways as Linux lets a wake-up take: 500 of two links, 100 of three, 50 of four, 10 of five; of one, any number.
class PathTest : public testing::Test {
 protected:
  // Sets that all watch `below`; how many could be added, at most `most`.
  size_t fan_out(int below, size_t most, long* refusal) {
    for (size_t i = 0; i < most; ++i) {
      auto above = std::make_unique<Set>();
      if (static_cast<int>(*above) < 0) ADD_FAILURE() << "no descriptor";
      *refusal = above->add(below, EPOLLIN);
      if (*refusal != 0) return i;
      above_.push_back(std::move(above));
    }
    return most;
  }
  LocalPair pair_;
  std::vector<std::unique_ptr<Set>> above_;
};

TEST_F(PathTest, AnyNumberOfSetsMayWatchAFile) {
  long refusal = 0;
  EXPECT_EQ(fan_out(pair_.b, 600, &refusal), 600u);
}

TEST_F(PathTest, FiveHundredMayWatchASetThatWatchesAFile) {
  const Set inner;
  long refusal = 0;
  // Nothing is counted before there is a file to come from.
  ASSERT_EQ(inner.add(pair_.b, EPOLLIN), 0);
  EXPECT_EQ(fan_out(inner, 600, &refusal), 500u);
  EXPECT_EQ(refusal, -EINVAL);
  above_.pop_back();
  EXPECT_EQ(fan_out(inner, 2, &refusal), 1u);
}

TEST_F(PathTest, AHundredMayWatchTwoLevels) {
  const Set inner[2];
  long refusal = 0;
  ASSERT_EQ(inner[0].add(pair_.b, EPOLLIN), 0);
  ASSERT_EQ(inner[1].add(inner[0], EPOLLIN), 0);
  EXPECT_EQ(fan_out(inner[1], 200, &refusal), 100u);
  EXPECT_EQ(refusal, -EINVAL);
}

TEST_F(PathTest, FiftyMayWatchThreeLevelsAndTenFour) {
  const Set inner[4];
  long refusal = 0;
  ASSERT_EQ(inner[0].add(pair_.b, EPOLLIN), 0);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(inner[i + 1].add(inner[i], EPOLLIN), 0);
  EXPECT_EQ(fan_out(inner[2], 60, &refusal), 50u);
  EXPECT_EQ(refusal, -EINVAL);
  above_.clear();
  ASSERT_EQ(inner[3].add(inner[2], EPOLLIN), 0);
  EXPECT_EQ(fan_out(inner[3], 20, &refusal), 10u);
  EXPECT_EQ(refusal, -EINVAL);
}

TEST_F(PathTest, TheFileThatMakesThemTooManyIsRefused) {
  const Set inner;
  long refusal = 0;
  EXPECT_EQ(fan_out(inner, 501, &refusal), 501u);
  EXPECT_EQ(inner.add(pair_.b, EPOLLIN), -EINVAL);
  EXPECT_EQ(inner.remove(pair_.b), -ENOENT);
  above_.pop_back();
  EXPECT_EQ(inner.add(pair_.b, EPOLLIN), 0);
}

}  // namespace
}  // namespace conformance
