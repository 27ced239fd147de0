#include "hosts/linux/signal_watch.hh"

#include <algorithm>
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
// A sender that is continued natively has usually sent its signal after the first of these.
constexpr int64_t kSoon[] = {50 * kMicrosecond, 300 * kMicrosecond, kMillisecond};
// A signal that another thread takes is gone from the process by then.
constexpr int kScansUntilSuspicion = 3;

}  // namespace

void SignalWatch::expect_soon(int64_t now) {
  soon_.clear();
  for (int64_t delay : kSoon) soon_.push_back(now + delay);
}

int64_t SignalWatch::next_deadline() const {
  if (fibers_.interruptible().empty()) return kNever;
  return soon_.empty() ? next_scan_ : std::min(next_scan_, soon_.front());
}

void SignalWatch::scan(int64_t now) {
  if (now < next_deadline()) return;
  while (!soon_.empty() && soon_.front() <= now) soon_.pop_front();
  interrupted_processes_.clear();
  const auto& interruptible = fibers_.interruptible();
  for (Fiber* fiber : std::vector<Fiber*>(interruptible.begin(), interruptible.end())) {
    if (fiber->call != nullptr) check(*fiber);
  }
  int64_t end = now_nanos();
  next_scan_ = end + std::clamp((end - now) * kScanShare, kScanEvery, kScanAtLeastEvery);
}

void SignalWatch::check(Fiber& fiber) {
  Call& call = *fiber.call;
  std::optional<ProcessStatus> status = read_process_status_at(call.task->status_fd());
  if (!status) return;  // ended: the pidfd says so
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
