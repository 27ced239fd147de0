#include "bench/support/measure.hh"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace lxnet::bench {
namespace {

constexpr double kSliceNanos = 3e6;  // about a time slice of the scheduler's
constexpr int kAttempts = 8;

long preemptions() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

// One side of a case, set up.
class Contender {
 public:
  Contender(const Case& measured, Work work) : case_(measured), work_(std::move(work)) {
    if (work_.repeat) calibrate();
  }

  void run() { values_.push_back(work_.value ? work_.value() : in_unit(slice())); }

  Figure figure() {
    std::sort(values_.begin(), values_.end());
    const auto at = [&](double share) {
      return values_[static_cast<size_t>(std::lround(share * static_cast<double>(values_.size() - 1)))];
    };
    const double median = at(0.5);
    return {.median = median, .spread = median == 0 ? 0 : (at(0.75) - at(0.25)) / 2 / median};
  }

 private:
  // As many operations as fill a slice; which also warms the caches.
  void calibrate() {
    double nanos = 0;
    for (count_ = 1;; count_ *= 2) {
      nanos = timed();
      if (nanos > kSliceNanos / 4 || count_ > (int64_t{1} << 40)) break;
    }
    count_ = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(count_) * kSliceNanos / nanos));
  }

  double timed() {
    return nanos_of([this] { work_.repeat(count_); });
  }

  // A slice in which the scheduler gave the processor to somebody else says nothing: it is measured again.
  double slice() {
    double best = 0;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const long before = preemptions();
      const double nanos = timed();
      if (attempt == 0 || nanos < best) best = nanos;
      if (preemptions() == before) return nanos;
    }
    return best;
  }

  double in_unit(double nanos) const {
    const double items = static_cast<double>(count_) * case_.items;
    return case_.unit == Unit::BytesPerSecond ? items / nanos : nanos / items;
  }

  const Case& case_;
  Work work_;
  int64_t count_ = 1;
  std::vector<double> values_;
};

}  // namespace

std::optional<double> advantage_over(const Row& row, Side side) {
  const auto& own = row.figures[static_cast<size_t>(Side::Lxnet)];
  const auto& other = row.figures[static_cast<size_t>(side)];
  if (!own || !other || own->median == 0 || other->median == 0) return std::nullopt;
  return row.unit == Unit::BytesPerSecond ? own->median / other->median : other->median / own->median;
}

Row measure(const Case& measured, int runs) {
  const std::array<const std::function<Work()>*, kSides> sides = {&measured.lxnet, &measured.linux, &measured.lwip,
                                                                  &measured.floor};
  std::array<std::unique_ptr<Contender>, kSides> contenders;
  for (size_t side = 0; side < kSides; ++side) {
    if (*sides[side]) contenders[side] = std::make_unique<Contender>(measured, (*sides[side])());
  }
  for (int run = 0; run < runs; ++run) {
    for (auto& contender : contenders) {
      if (contender != nullptr) contender->run();
    }
  }
  Row row{.name = measured.name, .unit = measured.unit, .figures = {}};
  for (size_t side = 0; side < kSides; ++side) {
    if (contenders[side] != nullptr) row.figures[side] = contenders[side]->figure();
  }
  return row;
}

}  // namespace lxnet::bench
