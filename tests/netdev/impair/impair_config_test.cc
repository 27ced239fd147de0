#include "netdev/impair/impair_config.hh"

#include <gmock/gmock.h>

#include <string>

#include "base/hosted_errno.hh"

namespace lxnet {
namespace {

TEST(ImpairConfigTest, EverySettingIsRead) {
  const ImpairConfig config =
      parse_impair_config("delay=20ms jitter=2.5ms,loss=1% rate=10.5mbit reorder=0.5% duplicate=100% corrupt=0% seed=7 limit=50",
                          nullptr)
          .take();
  EXPECT_EQ(config.delay, Duration::millis(20));
  EXPECT_EQ(config.jitter, Duration::micros(2500));
  EXPECT_EQ(config.loss, Probability::percent(1));
  EXPECT_EQ(config.rate, 10'500'000u);
  EXPECT_EQ(config.reorder, Probability::parts_of(5, 1000));
  EXPECT_TRUE(config.duplicate.is_hit_by(UINT32_MAX));
  EXPECT_FALSE(config.corrupt.is_hit_by(0));
  EXPECT_EQ(config.seed, 7u);
  EXPECT_EQ(config.limit, 50u);
}

TEST(ImpairConfigTest, LossWithFourNumbersIsGilbertElliott) {
  const ImpairConfig config = parse_impair_config("loss=1%:30%:80%:0.1%", nullptr).take();
  EXPECT_EQ(config.good_to_bad, Probability::percent(1));
  EXPECT_EQ(config.bad_to_good, Probability::percent(30));
  EXPECT_EQ(config.bad_loss, Probability::percent(80));
  EXPECT_EQ(config.loss, Probability::parts_of(1, 1000));
  EXPECT_EQ(parse_impair_config("loss=1%:30%", nullptr).take().bad_loss, Probability::percent(100));
}

TEST(ImpairConfigTest, OnePercentHitsOneInAHundred) {
  EXPECT_EQ(Probability::percent(1).value(), (uint64_t{1} << 32) / 100);
  EXPECT_EQ(Probability::percent(50).value(), uint64_t{1} << 31);
  EXPECT_TRUE(parse_impair_config("", nullptr).take().loss.is_zero());
}

TEST(ImpairConfigTest, AMistakeIsNamedAndShown) {
  const struct {
    const char* text;
    const char* where;
    const char* message;
  } cases[] = {
      {"delay=20", "", "a time ends with ns, us, ms or s"},
      {"delay=20min", "min", "a time ends with ns, us, ms or s"},
      {"delay=ms", "ms", "a number is expected"},
      {"delay=2h", "h", "a time ends with ns, us, ms or s"},
      {"delay=99999s", "", "more than an hour"},
      {"loss=1", "", "a probability ends with %"},
      {"loss=101%", "", "more than 100%"},
      {"loss=1.%", "%", "a digit is expected after the point"},
      {"loss=1%:", "", "a number is expected"},
      {"rate=0mbit", "", "a rate of nothing passes nothing"},
      {"rate=10mb", "mb", "a rate ends with bit, kbit, mbit or gbit"},
      {"rate=99999999999gbit", "9gbit", "the number is too large"},
      {"limit=4294967296", "6", "the number is too large"},
      {"lose=1%", "lose=1%", "not a setting: delay= jitter= loss= rate= reorder= duplicate= corrupt= limit= seed="},
      {"delay=1msloss=1%", "loss=1%", "a setting ends with a space or a comma"},
      {"jitter=1ms", "", "the jitter is larger than the delay"},
  };
  for (const auto& row : cases) {
    SCOPED_TRACE(row.text);
    ImpairParseError error;
    EXPECT_TRUE(parse_impair_config(row.text, &error).is_error(Errno::EINVAL));
    EXPECT_STREQ(error.message, row.message);
    EXPECT_STREQ(error.where, row.where);
  }
}

}  // namespace
}  // namespace lxnet
