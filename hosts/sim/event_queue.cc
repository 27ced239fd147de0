#include "hosts/sim/event_queue.hh"

#include <algorithm>

namespace lxnet::sim {

EventQueue::Id EventQueue::schedule(Instant when, std::function<void()> action) {
  // The lower half keeps orders distinct, the upper half decides.
  const uint64_t order = ++last_order_ | (shuffle_ ? (*shuffle_)() << 40 : 0);
  const Id id{.time = std::max(when, now_).in_nanos(), .order = order};
  events_.emplace(id, std::move(action));
  return id;
}

void EventQueue::cancel(Id& id) {
  if (id) events_.erase(id);
  id = Id();
}

Instant EventQueue::next_time() const {
  return events_.empty() ? Instant::never() : Instant::from_nanos(events_.begin()->first.time);
}

bool EventQueue::run_next(Instant until) {
  if (events_.empty() || next_time() > until) return false;
  auto first = events_.extract(events_.begin());
  now_ = Instant::from_nanos(first.key().time);
  first.mapped()();
  return true;
}

void EventQueue::advance_to(Instant when) { now_ = std::max(now_, when); }

}  // namespace lxnet::sim
