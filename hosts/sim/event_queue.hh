// EventQueue: the virtual clock, and everything that is to happen on it.
//
// Time stands still while an event runs and jumps from one event to the next. Events of one instant run in the order in which
// they were scheduled, or, to explore what depends on that, in an order drawn from a seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <utility>

#include "base/time.hh"

namespace lxnet::sim {

class EventQueue {
 public:
  // Names an event until it has run; the default names none.
  struct Id {
    int64_t time = 0;
    uint64_t order = 0;
    bool operator<(const Id& other) const { return std::pair(time, order) < std::pair(other.time, other.order); }
    explicit operator bool() const { return order != 0; }
  };

  Instant now() const { return now_; }
  // A time that has passed means now.
  Id schedule(Instant when, std::function<void()> action);
  // No harm if it ran already.
  void cancel(Id& id);
  Instant next_time() const;
  // Moves the clock to the next event and runs it; false when there is none at or before `until`.
  bool run_next(Instant until = Instant::from_nanos(INT64_MAX - 1));
  void advance_to(Instant when);
  void shuffle_ties(uint64_t seed) { shuffle_.emplace(seed); }

 private:
  Instant now_ = Instant::from_nanos(1'000'000'000);  // so that no host sees its clock at zero
  uint64_t last_order_ = 0;
  std::map<Id, std::function<void()>> events_;
  std::optional<std::mt19937_64> shuffle_;
};

}  // namespace lxnet::sim
