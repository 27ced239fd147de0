// A bounded part of the goodput grid: whole streams, and no less than the paths should give.
#include "hosts/sim/goodput.hh"

#include <gtest/gtest.h>

namespace lxnet::sim {
namespace {

constexpr TransferLimits kShort = {.bytes = 4'000'000, .seconds = 20};

TEST(Goodput, FillsACleanLink) {
  for (const char* congestion : {"cubic", "reno", "bbr"}) {
    const Goodput goodput = measure_goodput({.rtt_millis = 0.1, .congestion = congestion}, kShort, 1);
    EXPECT_TRUE(goodput.is_whole) << congestion;
    EXPECT_GT(goodput.megabits_per_second, 700) << congestion;
  }
}

// RFC 9438, figure 5; the first seconds of slow start are counted too.
TEST(Goodput, IsWhatTheFormulaOfCubicGives) {
  const Goodput goodput = measure_goodput({.loss_percent = 1, .rtt_millis = 100}, {.bytes = 8'000'000, .seconds = 60}, 1);
  EXPECT_TRUE(goodput.is_whole);
  EXPECT_GE(goodput.megabits_per_second, cubic_formula(1, 100, 1448));
}

TEST(Goodput, LosesNoByteToReorderingDuplicationAndLoss) {
  for (const char* impairment : {"reorder", "duplicate"}) {
    for (const char* congestion : {"cubic", "reno", "bbr"}) {
      const Goodput goodput =
          measure_goodput({.loss_percent = 1, .rtt_millis = 10, .congestion = congestion, .impairment = impairment},
                          {.bytes = 2'000'000, .seconds = 20}, 1);
      EXPECT_TRUE(goodput.is_whole) << impairment << " " << congestion;
      EXPECT_GT(goodput.megabits_per_second, 1) << impairment << " " << congestion;
    }
  }
}

}  // namespace
}  // namespace lxnet::sim
