// A bounded part of the goodput grid: whole streams, and no less than the paths should give.
#include "hosts/sim/goodput.hh"

#include <gtest/gtest.h>

namespace lxnet::sim {
namespace {

constexpr TransferLimits kShort = {.bytes = 4'000'000, .seconds = 20};

TEST(Goodput, FillsACleanLink) {
  for (const char* congestion : {"cubic", "cubic_hystartpp", "reno", "bbr"}) {
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

// Who is paced never fills the window, and its send buffer must grow all the same.
TEST(Goodput, IsNotHeldDownByTheSendBuffer) {
  for (const char* congestion : {"cubic", "cubic_hystartpp", "reno", "bbr"}) {
    const Goodput goodput =
        measure_goodput({.rtt_millis = 10, .congestion = congestion}, {.bytes = 12'000'000, .seconds = 20}, 1);
    EXPECT_TRUE(goodput.is_whole) << congestion;
    EXPECT_GT(goodput.megabits_per_second, 300) << congestion;
  }
}

double mean_goodput(const char* congestion, double loss_percent) {
  constexpr uint64_t kSeeds = 4;
  double sum = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    sum += measure_goodput({.loss_percent = loss_percent, .rtt_millis = 0.1, .congestion = congestion},
                           {.bytes = 8'000'000, .seconds = 20}, seed)
               .megabits_per_second;
  }
  return sum / kSeeds;
}

// RFC 9438, 4.3: where Reno does well CUBIC does no worse. With more loss than that both wait for timeouts of two thousand round
// trips, and how many it takes is chance.
TEST(Goodput, OfCubicKeepsUpWithRenoOnShortPaths) {
  for (const double loss : {0.5, 1.0, 2.0}) EXPECT_GT(mean_goodput("cubic", loss), 0.95 * mean_goodput("reno", loss)) << loss;
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
