// What a connection waits for, apart from the wheel.
#include "stack/tcp/deadlines.hh"

#include <gtest/gtest.h>

namespace lxnet {
namespace {

using Kind = Deadlines::Kind;

Instant at(int64_t nanos) { return Instant::from_nanos(nanos); }

TEST(DeadlinesTest, NothingIsSetAtFirst) {
  const Deadlines deadlines;
  EXPECT_TRUE(deadlines.earliest().is_never());
  EXPECT_FALSE(deadlines.is_set(Kind::Probe));
}

TEST(DeadlinesTest, TheEarliestIsOfThoseThatAreSet) {
  Deadlines deadlines;
  deadlines.set(Kind::KeepAlive, at(700));
  deadlines.set(Kind::Ack, at(40));
  EXPECT_EQ(deadlines.earliest(), at(40));
  deadlines.set(Kind::Ack, at(900));
  EXPECT_EQ(deadlines.earliest(), at(700));
  deadlines.clear(Kind::KeepAlive);
  EXPECT_EQ(deadlines.earliest(), at(900));
}

TEST(DeadlinesTest, OneThatHasComeIsTakenOnce) {
  Deadlines deadlines;
  deadlines.set(Kind::Pacing, at(10));
  EXPECT_FALSE(deadlines.take(Kind::Pacing, at(9)));
  EXPECT_FALSE(deadlines.take(Kind::Probe, at(10)));
  EXPECT_TRUE(deadlines.take(Kind::Pacing, at(10)));
  EXPECT_FALSE(deadlines.take(Kind::Pacing, at(11)));
}

}  // namespace
}  // namespace lxnet
