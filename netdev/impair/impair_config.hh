// What an impaired link does to packets, and the text that says it:
//
//     delay=20ms jitter=2ms loss=1% rate=10mbit reorder=0.5% duplicate=0.1% corrupt=0.01% limit=1000 seed=7
//     loss=1%:30%:80%:0.1%    Gilbert-Elliott: good->bad, bad->good, loss while bad, loss while good
//
// Times: ns us ms s. Rates: bit kbit mbit gbit, per second. The settings are separated by spaces or commas.
#pragma once

#include "base/result.hh"
#include "base/time.hh"

namespace lxnet {

// Out of 2^32, so that a random 32-bit number decides; Certain is one more than all of them.
class Probability {
 public:
  constexpr Probability() = default;
  // parts_of(1, 100) is one percent. `whole` is below 2^63.
  static constexpr Probability parts_of(uint64_t parts, uint64_t whole) {
    if (parts >= whole) return Probability(kOne);
    // Long division bit by bit: a kernel has no library call for 128 bits.
    uint64_t value = 0;
    for (int bit = 0; bit < 32; ++bit) {
      parts *= 2;
      value = value << 1 | (parts >= whole ? 1 : 0);
      if (parts >= whole) parts -= whole;
    }
    return Probability(value);
  }
  static constexpr Probability percent(uint64_t n) { return parts_of(n, 100); }
  constexpr bool is_hit_by(uint32_t random) const { return random < value_; }
  constexpr bool is_zero() const { return value_ == 0; }
  constexpr uint64_t value() const { return value_; }
  constexpr bool operator==(const Probability&) const = default;

 private:
  static constexpr uint64_t kOne = uint64_t{1} << 32;
  explicit constexpr Probability(uint64_t value) : value_(value) {}
  uint64_t value_ = 0;
};

struct ImpairConfig {
  Duration delay;
  Duration jitter;          // uniform in delay ± jitter; packets do not overtake each other by it
  uint64_t rate = 0;        // bits per second; 0 has no limit
  uint32_t limit = 1000;    // packets waiting for the rate, or altogether when there is none; the next one is dropped
  Probability loss;         // in the good state, when there are two
  Probability bad_loss;     // in the bad state
  Probability good_to_bad;  // Gilbert-Elliott, asked once per packet; zero has one state
  Probability bad_to_good;
  Probability reorder;  // sent without the delay, and so before those that wait
  Probability duplicate;
  Probability corrupt;  // one bit, anywhere
  uint64_t seed = 1;
};

struct ImpairParseError {
  const char* message = nullptr;  // static
  const char* where = nullptr;    // into the text
};

// EINVAL, and what is wrong and where, when `text` is not of the form above. Settings not named keep their defaults.
Result<ImpairConfig> parse_impair_config(const char* text, ImpairParseError* error);

}  // namespace lxnet
