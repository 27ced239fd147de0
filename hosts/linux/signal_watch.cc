#include "hosts/linux/signal_watch.hh"

#include <algorithm>
#include <climits>
#include <optional>
#include <vector>

#include "hosts/linux/clock.hh"
#include "hosts/linux/process_status.hh"

namespace lxnet::host {
namespace {

constexpr int64_t kScanEvery = 4 * kMillisecond;
constexpr int64_t kScanAtLeastEvery = 100 * kMillisecond;
// Scanning takes at most a twentieth of a processor, however many threads are blocked.
constexpr int64_t kScanShare = 20;
// And when signals are expected all the time, at most a quarter.
constexpr int64_t kShareOfExpected = 3;
// A sender that is continued natively has usually sent its signal after the first of these.
constexpr int64_t kSoon[] = {50 * kMicrosecond, 300 * kMicrosecond, kMillisecond};
// A signal that another thread takes is gone from the process by then.
constexpr int kScansUntilSuspicion = 3;

}  // namespace

void SignalWatch::expect_soon(int64_t now) {
  soon_.clear();
  for (int64_t delay : kSoon) soon_.push_back(now + delay);
}

void SignalWatch::expect_timer(pid_t process, int timer, int64_t first, int64_t interval) {
  if (first == kNever) {
    timers_.erase({process, timer});
  } else {
    timers_[{process, timer}] = {first, interval};
  }
}

void SignalWatch::forget_timers_of(pid_t process) {
  timers_.erase(timers_.lower_bound({process, INT_MIN}), timers_.upper_bound({process, INT_MAX}));
}

int64_t SignalWatch::next_deadline() const {
  if (fibers_.interruptible().empty()) return kNever;
  int64_t next = next_scan_;
  if (!soon_.empty()) next = std::min(next, std::max(soon_.front(), earliest_));
  for (const auto& [key, timer] : timers_) next = std::min(next, timer.next);
  return next;
}

void SignalWatch::expire_timers(int64_t now) {
  for (auto at = timers_.begin(); at != timers_.end();) {
    Timer& timer = at->second;
    if (timer.next > now) {
      ++at;
      continue;
    }
    expect_soon(now);
    if (timer.interval == 0) {
      at = timers_.erase(at);
    } else {
      timer.next += timer.interval * ((now - timer.next) / timer.interval + 1);
      ++at;
    }
  }
}

void SignalWatch::scan(int64_t now) {
  if (now < next_deadline()) return;
  expire_timers(now);
  if (now < next_scan_ && (soon_.empty() || now < std::max(soon_.front(), earliest_))) return;
  while (!soon_.empty() && soon_.front() <= now) soon_.pop_front();
  interrupted_processes_.clear();
  const auto& interruptible = fibers_.interruptible();
  for (Fiber* fiber : std::vector<Fiber*>(interruptible.begin(), interruptible.end())) {
    if (fiber->call != nullptr && !fiber->call->serves_ring) check(*fiber);
  }
  int64_t end = now_nanos();
  earliest_ = end + (end - now) * kShareOfExpected;
  next_scan_ = end + std::clamp((end - now) * kScanShare, kScanEvery, kScanAtLeastEvery);
}

void SignalWatch::check(Fiber& fiber) {
  Call& call = *fiber.call;
  std::optional<ProcessStatus> status = read_process_status_at(call.task->status_fd());
  if (!status) return;  // ended: the pidfd says so
  on_look_(*call.task, *status);
  // A mask that holds only while the call waits can also hide what the thread itself would take.
  uint64_t masked = call.has_sigmask ? call.sigmask : status->blocked;
  uint64_t own = status->pending & ~status->blocked & ~masked;
  uint64_t shared = status->shared_pending & ~status->blocked & ~masked;
  if (((status->pending | status->shared_pending) & status->blocked & ~masked) != 0) {
    call.is_interruption_native = true;
  } else if (own == 0) {
    if (shared == 0) {
      call.task->suspected_scans = 0;
      return;
    }
    // The kernel prefers the first thread, and otherwise chose one that we cannot tell.
    bool is_certain = status->threads == 1 || call.tid() == status->tgid;
    if (!is_certain) {
      if (is_for_another_thread(call, shared)) return;
      if (++call.task->suspected_scans < kScansUntilSuspicion || !interrupted_processes_.insert(status->tgid).second) return;
      call.is_interruption_uncertain = true;
    }
  }
  call.task->suspected_scans = 0;
  fibers_.interrupt(&fiber);
}

bool SignalWatch::is_for_another_thread(const Call& call, uint64_t shared) const {
  std::optional<ProcessStatus> own = read_process_status(call.tid());
  std::optional<ProcessStatus> first = own ? read_process_status(own->tgid) : std::nullopt;
  return first && (shared & ~first->blocked) != 0;
}

}  // namespace lxnet::host
