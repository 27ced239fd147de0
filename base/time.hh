// Instant and Duration: signed 64-bit nanoseconds. An Instant is on the HAL's monotonic clock unless its name says wall.
//
// Rule kept: `now` is a parameter. The clock is read once where the core is entered (stack/entry.hh).
#pragma once

#include <compare>
#include <cstdint>

namespace lxnet {

class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration nanos(int64_t n) { return Duration(n); }
  static constexpr Duration micros(int64_t n) { return Duration(n * 1'000); }
  static constexpr Duration millis(int64_t n) { return Duration(n * 1'000'000); }
  static constexpr Duration seconds(int64_t n) { return Duration(n * 1'000'000'000); }
  static constexpr Duration minutes(int64_t n) { return seconds(n * 60); }
  static constexpr Duration max() { return Duration(INT64_MAX); }

  constexpr int64_t in_nanos() const { return nanos_; }
  constexpr int64_t in_micros() const { return nanos_ / 1'000; }
  constexpr int64_t in_millis() const { return nanos_ / 1'000'000; }
  constexpr int64_t in_seconds() const { return nanos_ / 1'000'000'000; }

  constexpr Duration operator+(Duration other) const { return Duration(nanos_ + other.nanos_); }
  constexpr Duration operator-(Duration other) const { return Duration(nanos_ - other.nanos_); }
  constexpr Duration operator*(int64_t factor) const { return Duration(nanos_ * factor); }
  constexpr Duration operator/(int64_t divisor) const { return Duration(nanos_ / divisor); }
  constexpr auto operator<=>(const Duration&) const = default;

 private:
  constexpr explicit Duration(int64_t nanos) : nanos_(nanos) {}

  int64_t nanos_ = 0;
};

// A Duration kept in four bytes, in units of so many nanoseconds and cut to whole ones: what an object of which there are many
// remembers. Not negative; what does not fit is max().
template <int64_t kUnit>
class BriefDuration {
 public:
  constexpr BriefDuration() = default;
  constexpr BriefDuration(Duration d)
      : units_(d.in_nanos() / kUnit >= kMax ? kMax : static_cast<uint32_t>(d.in_nanos() / kUnit)) {}
  constexpr operator Duration() const { return get(); }
  constexpr Duration get() const { return units_ == kMax ? Duration::max() : Duration::nanos(units_ * kUnit); }
  constexpr bool operator==(const BriefDuration&) const = default;
  constexpr bool operator==(Duration other) const { return get() == other; }

 private:
  static constexpr uint32_t kMax = UINT32_MAX;

  uint32_t units_ = 0;
};
using BriefMicros = BriefDuration<1'000>;      // up to 71 minutes
using BriefMillis = BriefDuration<1'000'000>;  // up to 49 days
using BriefSeconds = BriefDuration<1'000'000'000>;

class Instant {
 public:
  constexpr Instant() = default;
  static constexpr Instant from_nanos(int64_t n) { return Instant(n); }
  // Later than every instant: the deadline of what never expires.
  static constexpr Instant never() { return Instant(INT64_MAX); }

  constexpr int64_t in_nanos() const { return nanos_; }
  constexpr bool is_never() const { return nanos_ == INT64_MAX; }
  // Saturates, so that a deadline computed from a user's largest timeout is never() and not the past.
  constexpr Instant operator+(Duration d) const {
    int64_t sum = 0;
    if (__builtin_add_overflow(nanos_, d.in_nanos(), &sum)) return d.in_nanos() > 0 ? never() : Instant(INT64_MIN);
    return Instant(sum);
  }
  constexpr Instant operator-(Duration d) const { return Instant(nanos_ - d.in_nanos()); }
  constexpr Duration operator-(Instant earlier) const { return Duration::nanos(nanos_ - earlier.nanos_); }
  constexpr auto operator<=>(const Instant&) const = default;

 private:
  constexpr explicit Instant(int64_t nanos) : nanos_(nanos) {}

  int64_t nanos_ = 0;
};

// An Instant kept in four bytes, in units of so many nanoseconds, for what is only asked how long ago it was. The count wraps: an
// age is right below 2^32 units and begins anew there, as the ages do that Linux keeps in 32 bits. By default it is none.
template <int64_t kUnit>
class BriefInstant {
 public:
  constexpr BriefInstant() = default;
  // The one whose count is none's is taken for the one before.
  constexpr BriefInstant(Instant at) : count_(count(at) != 0 ? count(at) : UINT32_MAX) {}

  constexpr bool is_none() const { return count_ == 0; }
  // In whole units. Of none it is the age of the clock's beginning.
  constexpr Duration age(Instant now) const { return Duration::nanos((count(now) - count_) * kUnit); }
  // The low bits of the number of units since the clock began.
  constexpr uint32_t count() const { return count_; }

 private:
  static constexpr uint32_t count(Instant at) { return static_cast<uint32_t>(at.in_nanos() / kUnit); }

  uint32_t count_ = 0;
};
using InstantInMicros = BriefInstant<1'000>;      // ages up to 71 minutes
using InstantInMillis = BriefInstant<1'000'000>;  // ages up to 49 days

}  // namespace lxnet
