// The text form of ImpairConfig. Numbers are decimal with up to nine digits of fraction, kept as a count of 10^-9: there is no
// floating point in the core.
#include "netdev/impair/impair_config.hh"

#include <cstring>

namespace lxnet {
namespace {

constexpr uint64_t kUnit = 1'000'000'000;  // of a Number

struct Unit10 {
  const char* suffix;
  uint64_t factor;
};

class Parser {
 public:
  explicit Parser(const char* text) : at_(text) {}

  Result<ImpairConfig> parse() {
    ImpairConfig config;
    for (skip_separators(); *at_ != '\0'; skip_separators()) {
      TRY(parse_setting(config));
      if (*at_ != '\0' && *at_ != ' ' && *at_ != ',') return fail("a setting ends with a space or a comma");
    }
    if (config.jitter > config.delay) return fail("the jitter is larger than the delay");
    return config;
  }
  const ImpairParseError& error() const { return error_; }

 private:
  Errno fail(const char* message) {
    error_ = {.message = message, .where = at_};
    return Errno::EINVAL;
  }
  void skip_separators() {
    while (*at_ == ' ' || *at_ == ',') ++at_;
  }
  // Whether `word` stands here; steps over it.
  bool take(const char* word) {
    size_t size = 0;
    for (; word[size] != '\0'; ++size) {
      if (at_[size] != word[size]) return false;
    }
    at_ += size;
    return true;
  }

  Result<> parse_setting(ImpairConfig& config) {
    if (take("delay=")) return set(config.delay, time());
    if (take("jitter=")) return set(config.jitter, time());
    if (take("rate=")) return set(config.rate, rate());
    if (take("limit=")) return set(config.limit, integer(UINT32_MAX));
    if (take("seed=")) return set(config.seed, integer(UINT64_MAX));
    if (take("loss=")) return loss(config);
    if (take("reorder=")) return set(config.reorder, probability());
    if (take("duplicate=")) return set(config.duplicate, probability());
    if (take("corrupt=")) return set(config.corrupt, probability());
    return fail("not a setting: delay= jitter= loss= rate= reorder= duplicate= corrupt= limit= seed=");
  }
  template <typename Field, typename T>
  Result<> set(Field& field, Result<T> value) {
    if (!value.is_ok()) return value.error();
    field = static_cast<Field>(value.take());
    return ok();
  }

  Result<> loss(ImpairConfig& config) {
    const Probability first = TRY(probability());
    if (!take(":")) {
      config.loss = first;
      return ok();
    }
    config.good_to_bad = first;
    TRY(set(config.bad_to_good, probability()));
    config.bad_loss = Probability::percent(100);
    config.loss = Probability();
    if (take(":")) TRY(set(config.bad_loss, probability()));
    if (take(":")) TRY(set(config.loss, probability()));
    return ok();
  }

  Result<uint64_t> integer(uint64_t maximum) {
    if (*at_ < '0' || *at_ > '9') return fail("a number is expected");
    uint64_t value = 0;
    for (; *at_ >= '0' && *at_ <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, 10u, &value) ||
          __builtin_add_overflow(value, static_cast<uint64_t>(*at_ - '0'), &value) || value > maximum) {
        return fail("the number is too large");
      }
    }
    return value;
  }
  // In units of 10^-9.
  Result<uint64_t> number() {
    uint64_t value = TRY(integer(UINT64_MAX / kUnit - 1)) * kUnit;
    if (!take(".")) return value;
    if (*at_ < '0' || *at_ > '9') return fail("a digit is expected after the point");
    for (uint64_t place = kUnit / 10; *at_ >= '0' && *at_ <= '9'; ++at_, place /= 10) {
      value += static_cast<uint64_t>(*at_ - '0') * place;
    }
    return value;
  }
  // A number times the factor of the unit that follows it.
  Result<uint64_t> scaled(const Unit10* units, size_t count, const char* message) {
    const uint64_t value = TRY(number());
    for (size_t i = 0; i < count; ++i) {
      if (!take(units[i].suffix)) continue;
      // A number is below 2^64 and a factor at most 10^9, so the quotient fits.
      return divide(static_cast<unsigned __int128>(value) * units[i].factor);
    }
    return fail(message);
  }
  // product / 10^9 by long division in 32-bit digits: a 128-bit division is a library call that a kernel lacks.
  static uint64_t divide(unsigned __int128 product) {
    uint64_t remainder = 0, quotient = 0;
    for (int shift = 96; shift >= 0; shift -= 32) {
      const uint64_t digit = remainder << 32 | static_cast<uint32_t>(product >> shift);
      quotient = quotient << 32 | digit / kUnit;
      remainder = digit % kUnit;
    }
    return quotient;
  }

  Result<Duration> time() {
    static constexpr Unit10 kUnits[] = {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
    const uint64_t nanos = TRY(scaled(kUnits, 4, "a time ends with ns, us, ms or s"));
    if (nanos > static_cast<uint64_t>(Duration::minutes(60).in_nanos())) return fail("more than an hour");
    return Duration::nanos(static_cast<int64_t>(nanos));
  }
  Result<uint64_t> rate() {
    static constexpr Unit10 kUnits[] = {{"bit", 1}, {"kbit", 1'000}, {"mbit", 1'000'000}, {"gbit", 1'000'000'000}};
    const uint64_t bits = TRY(scaled(kUnits, 4, "a rate ends with bit, kbit, mbit or gbit"));
    if (bits == 0) return fail("a rate of nothing passes nothing");
    return bits;
  }
  Result<Probability> probability() {
    const uint64_t value = TRY(number());
    if (!take("%")) return fail("a probability ends with %");
    if (value > 100 * kUnit) return fail("more than 100%");
    return Probability::parts_of(value, 100 * kUnit);
  }

  const char* at_;
  ImpairParseError error_;
};

}  // namespace

Result<ImpairConfig> parse_impair_config(const char* text, ImpairParseError* error) {
  Parser parser(text);
  auto config = parser.parse();
  if (!config.is_ok() && error != nullptr) *error = parser.error();
  return config;
}

}  // namespace lxnet
