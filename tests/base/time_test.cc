#include "base/time.hh"

#include <gtest/gtest.h>

namespace lxnet {
namespace {

TEST(Duration, ConvertsBetweenUnits) {
  EXPECT_EQ(1'500'000, Duration::micros(1500).in_nanos());
  EXPECT_EQ(1, Duration::micros(1500).in_millis());
  EXPECT_EQ(120, Duration::minutes(2).in_seconds());
  EXPECT_EQ(Duration::seconds(3), Duration::millis(1000) * 3);
  EXPECT_EQ(Duration::millis(500), Duration::seconds(1) / 2);
}

TEST(BriefDuration, KeepsWholeUnitsAndNothingBeyondItsRange) {
  EXPECT_EQ(Duration::micros(1500), BriefMicros(Duration::nanos(1'500'999)).get());
  EXPECT_EQ(Duration(), BriefSeconds(Duration::millis(999)).get());
  EXPECT_EQ(Duration::max(), BriefSeconds(Duration::max()).get());
  EXPECT_EQ(Duration::max(), BriefMicros(Duration::seconds(5000)).get());
  EXPECT_EQ(Duration::micros(4'294'967'294), BriefMicros(Duration::micros(4'294'967'294)).get());
  static_assert(sizeof(BriefMillis) == 4);
}

TEST(BriefInstant, TellsAgesInWholeUnits) {
  const InstantInMillis at = Instant::from_nanos(5'900'000);
  EXPECT_EQ(Duration(), at.age(Instant::from_nanos(5'999'999)));
  EXPECT_EQ(Duration::millis(1), at.age(Instant::from_nanos(6'000'000)));
  EXPECT_EQ(5u, at.count());
  static_assert(sizeof(InstantInMillis) == 4);
}

TEST(BriefInstant, AgesAreRightAcrossTheWrapOfTheCount) {
  const Instant wrap = Instant() + Duration::millis(int64_t{1} << 32);
  const InstantInMillis before = wrap - Duration::seconds(2);
  EXPECT_EQ(Duration::seconds(5), before.age(wrap + Duration::seconds(3)));
  const Duration longest = Duration::millis(UINT32_MAX);
  EXPECT_EQ(longest, before.age(wrap - Duration::seconds(2) + longest));
  EXPECT_EQ(Duration::millis(7), before.age(wrap - Duration::seconds(2) + longest + Duration::millis(8))) << "and begin anew";
}

TEST(BriefInstant, NoInstantIsTakenForNone) {
  EXPECT_TRUE(InstantInMicros().is_none());
  EXPECT_EQ(Duration::seconds(3), InstantInMicros().age(Instant() + Duration::seconds(3)));
  const Instant wrap = Instant() + Duration::micros(int64_t{1} << 32);
  const InstantInMicros at = wrap;
  EXPECT_FALSE(at.is_none());
  EXPECT_EQ(Duration::micros(1), at.age(wrap));
}

TEST(Instant, MovesByDurationsAndMeasuresThem) {
  const Instant start = Instant::from_nanos(100);
  EXPECT_EQ(150, (start + Duration::nanos(50)).in_nanos());
  EXPECT_EQ(50, (start - Duration::nanos(50)).in_nanos());
  EXPECT_EQ(Duration::nanos(50), Instant::from_nanos(150) - start);
  EXPECT_LT(start, Instant::from_nanos(101));
}

TEST(Instant, AFarDeadlineIsNeverAndNotThePast) {
  EXPECT_TRUE((Instant::from_nanos(1) + Duration::max()).is_never());
  EXPECT_TRUE((Instant::never() + Duration::seconds(1)).is_never());
  EXPECT_LT(Instant::from_nanos(INT64_MIN) + Duration::nanos(-1), Instant::from_nanos(0));
}

}  // namespace
}  // namespace lxnet
