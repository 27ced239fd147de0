#include "bench/support/measure.hh"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <ctime>
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

double processor_nanos() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

struct Times {
  double wall, processor;
};

// The median of the runs, and half the distance between their quartiles as a share of it.
Figure summary_of(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<size_t>(std::lround(share * static_cast<double>(values.size() - 1)))];
  };
  const double median = at(0.5);
  return {.median = median, .spread = median == 0 ? 0 : (at(0.75) - at(0.25)) / 2 / median};
}

// One side of a case, set up.
class Contender {
 public:
  Contender(const Case& measured, Work work, int64_t count)
      : case_(measured), work_(std::move(work)), count_(count), attempts_(count == 0 ? kAttempts : 1) {
    if (work_.repeat && count_ == 0) calibrate();
  }

  void run() {
    if (work_.value) return wall_.push_back(work_.value());
    const Times times = slice();
    wall_.push_back(in_unit(times.wall));
    processor_.push_back(in_unit(times.processor));
  }

  Figure figure() { return summary_of(wall_); }
  std::optional<Figure> processor_figure() { return processor_.empty() ? std::nullopt : std::optional(summary_of(processor_)); }

 private:
  // As many operations as fill a slice; which also warms the caches.
  void calibrate() {
    double nanos = 0;
    for (count_ = 1;; count_ *= 2) {
      nanos = timed().wall;
      if (nanos > kSliceNanos / 4 || count_ > (int64_t{1} << 40)) break;
    }
    count_ = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(count_) * kSliceNanos / nanos));
  }

  Times timed() {
    const double before = processor_nanos();
    const double wall = nanos_of([this] { work_.repeat(count_); });
    return {.wall = wall, .processor = processor_nanos() - before};
  }

  // A slice in which the scheduler gave the processor to somebody else says nothing: it is measured again.
  Times slice() {
    Times best{};
    for (int attempt = 0; attempt < attempts_; ++attempt) {
      const long before = preemptions();
      const Times times = timed();
      if (attempt == 0 || times.wall < best.wall) best = times;
      if (preemptions() == before) return times;
    }
    return best;
  }

  double in_unit(double nanos) const {
    const double items = static_cast<double>(count_) * case_.items;
    return case_.unit == Unit::BytesPerSecond ? items / nanos : nanos / items;
  }

  const Case& case_;
  Work work_;
  int64_t count_;
  const int attempts_;
  std::vector<double> wall_, processor_;
};

std::optional<double> ratio_of(Unit unit, const std::optional<Figure>& own, const std::optional<Figure>& other) {
  if (!own || !other || own->median == 0 || other->median == 0) return std::nullopt;
  return unit == Unit::BytesPerSecond ? own->median / other->median : other->median / own->median;
}

}  // namespace

std::optional<double> advantage_over(const Row& row, Side side) {
  return ratio_of(row.unit, row.figures[static_cast<size_t>(Side::Lxnet)], row.figures[static_cast<size_t>(side)]);
}

std::optional<double> processor_advantage_over(const Row& row, Side side) {
  return ratio_of(row.unit, row.processor[static_cast<size_t>(Side::Lxnet)], row.processor[static_cast<size_t>(side)]);
}

Row measure(const Case& measured, int runs, const WantedSides& wanted, int64_t count) {
  const std::array<const std::function<Work()>*, kSides> sides = {&measured.lxnet, &measured.linux, &measured.lwip,
                                                                  &measured.openssl, &measured.floor};
  std::array<std::unique_ptr<Contender>, kSides> contenders;
  for (size_t side = 0; side < kSides; ++side) {
    if (*sides[side] && wanted[side]) contenders[side] = std::make_unique<Contender>(measured, (*sides[side])(), count);
  }
  for (int run = 0; run < runs; ++run) {
    for (auto& contender : contenders) {
      if (contender != nullptr) contender->run();
    }
  }
  Row row{.name = measured.name, .unit = measured.unit, .figures = {}, .processor = {}};
  for (size_t side = 0; side < kSides; ++side) {
    if (contenders[side] == nullptr) continue;
    row.figures[side] = contenders[side]->figure();
    row.processor[side] = contenders[side]->processor_figure();
  }
  return row;
}

}  // namespace lxnet::bench
