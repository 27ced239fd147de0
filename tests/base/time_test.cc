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
