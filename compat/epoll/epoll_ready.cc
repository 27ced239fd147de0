// The ready list: how wake-ups fill it and how epoll_wait empties it.
//
// While a scan holds the list, items that become ready wait on the stack and join afterwards, so that a report never takes an
// item twice and loses none.
#include "compat/epoll/epoll_set.hh"
#include "compat/syscalls/wait_until.hh"

namespace lxnet {
namespace {

constexpr PollEvents kReadable = kPollIn | kPollReadNormal;
constexpr PollEvents kReadOrWrite = kPollIn | kPollOut;

// Where an event stands in the user's array: packed on x86 of both widths, 16 bytes elsewhere.
struct EventLayout {
  size_t data_at, size;
};
EventLayout event_layout(const SyscallContext& context) {
  return context.abi() == Abi::Generic ? EventLayout{8, 16} : EventLayout{4, 12};
}

Result<> write_event(SyscallContext& context, UserAddress to, const EpollEvent& event) {
  const EventLayout layout = event_layout(context);
  uint8_t bytes[16] = {};
  copy_bytes(MutableByteSpan(bytes), bytes_of(event.events));
  copy_bytes(MutableByteSpan(bytes).subspan(layout.data_at), bytes_of(event.data));
  // Linux writes the events and then the data, each whole or not at all. What lies within a page goes in one copy.
  constexpr uint64_t kPage = 4096;
  if (to.value() % kPage + layout.size > kPage) {
    TRY(copy_out(context.hal(), to, ByteSpan(bytes, layout.data_at)));
    const UserAddress data = to + layout.data_at;
    const size_t size = layout.size - layout.data_at;
    TRY(copy_out(context.hal(), data + (size - 1), ByteSpan(bytes + layout.size - 1, 1)));
    return copy_out(context.hal(), data, ByteSpan(bytes + layout.data_at, size));
  }
  return copy_out(context.hal(), to, ByteSpan(bytes, layout.size));
}

}  // namespace

bool EpollSet::wake_item(Waiter& waiter, PollEvents events) {
  auto& item = static_cast<EpollItem&>(waiter);
  return item.set.item_became_ready(item, events);
}

bool EpollSet::wake_foreign(lxnet_poll_waiter* waiter, PollEvents events) {
  auto* item = static_cast<EpollItem*>(waiter);
  return item->set.item_became_ready(*item, events) && item->is_exclusive;
}

// Inside a wake-up of the item's file. The answer is for exclusive waiters: whether somebody was woken for what they want.
bool EpollSet::item_became_ready(EpollItem& item, PollEvents events) {
  const PollEvents wanted = __atomic_load_n(&item.event.events, __ATOMIC_RELAXED);
  // A one-shot item that has fired, until it is armed again.
  if ((wanted & ~kEpollPrivate) == 0) return false;
  if ((events & kPollKeyless) != 0) events = 0;
  if (events != 0 && (events & wanted) == 0) return false;
  static_cast<void>(push_newly_ready(item));
  bool has_taker = (wanted & kEpollExclusive) == 0;
  if (!has_taker && waiters_.has_waiters()) {
    const PollEvents cause = events & kReadOrWrite;
    has_taker = cause == kPollIn ? (wanted & kPollIn) != 0 : cause == kPollOut ? (wanted & kPollOut) != 0 : cause == 0;
  }
  wake_waiters();
  return has_taker;
}

// False when it is there already.
bool EpollSet::push_newly_ready(EpollItem& item) {
  if (__atomic_exchange_n(&item.is_newly_ready, 1u, __ATOMIC_ACQ_REL) != 0) return false;
  EpollItem* top = __atomic_load_n(&newly_ready_, __ATOMIC_RELAXED);
  do {
    item.newly_ready_next = top;
  } while (!__atomic_compare_exchange_n(&newly_ready_, &top, &item, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
  return true;
}

// To the end of the list, in the order of their wake-ups. From here on another wake-up pushes the item anew: its file must be
// asked after this.
void EpollSet::collect_newly_ready() {
  if (__atomic_load_n(&newly_ready_, __ATOMIC_RELAXED) == nullptr) return;
  // Seen by who sees the stack empty: until the scan's end nobody falls asleep.
  __atomic_store_n(&may_be_ready_, 1u, __ATOMIC_RELAXED);
  EpollItem* newest = __atomic_exchange_n(&newly_ready_, nullptr, __ATOMIC_ACQ_REL);
  EpollItem* oldest = nullptr;
  while (newest != nullptr) {
    EpollItem* item = std::exchange(newest, newest->newly_ready_next);
    item->newly_ready_next = std::exchange(oldest, item);
  }
  while (oldest != nullptr) {
    EpollItem* item = std::exchange(oldest, oldest->newly_ready_next);
    static_cast<void>(__atomic_exchange_n(&item->is_newly_ready, 0u, __ATOMIC_ACQ_REL));
    if (!item->ready_link.is_linked()) ready_.push_back(*item);
  }
}

void EpollSet::wake_waiters() {
  waiters_.wake(kPollIn);
  // Who watches the set for EPOLLRDNORM alone is not woken on Linux either.
  outer_waiters_.wake(kPollIn);
}

// After a change of what is wanted: a wake-up that comes later sees the change, and one that came before is seen here.
void EpollSet::queue_if_ready(Entry& entry, EpollItem& item) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (poll_item(entry, item) == 0 || item.ready_link.is_linked()) return;
  if (push_newly_ready(item)) wake_waiters();
}

void EpollSet::set_events(EpollItem& item, PollEvents events) { __atomic_store_n(&item.event.events, events, __ATOMIC_RELAXED); }

// While somebody scans the list nothing is known: who asks then waits for the scan's end.
bool EpollSet::has_ready() const {
  return __atomic_load_n(&newly_ready_, __ATOMIC_SEQ_CST) != nullptr || __atomic_load_n(&may_be_ready_, __ATOMIC_SEQ_CST) != 0;
}

void EpollSet::begin_scan(Scan& scan) {
  collect_newly_ready();
  scan.rest.append(ready_);
}

// What the scan did not get to stays in front; what became ready meanwhile comes behind it, and before what was told already and
// has queued again.
void EpollSet::end_scan(Scan& scan) {
  ready_.append(scan.rest);
  collect_newly_ready();
  ready_.append(scan.told);
  if (ready_.is_empty()) {
    __atomic_store_n(&may_be_ready_, 0u, __ATOMIC_RELEASE);
  } else {
    waiters_.wake(kPollIn);
  }
}

// One item of a scan: true when an event was stored. Level-triggered items go back to the tail of the ready list.
Result<bool> EpollSet::report_item(SyscallContext& context, Scan& scan, EpollItem& item, UserAddress to) {
  const PollEvents now = poll_item(context.entry(), item);
  if (now == 0) return false;
  TRY(write_event(context, to, {now, item.event.data}));
  if ((item.event.events & kEpollOneShot) != 0) {
    set_events(item, item.event.events & kEpollPrivate);
  } else if ((item.event.events & kEpollEdgeTriggered) == 0) {
    scan.told.push_back(item);
  }
  return true;
}

Result<int64_t> EpollSet::report_ready(SyscallContext& context, UserAddress events, int capacity) {
  TaskMutexLock lock(entries_mutex_, context.entry());
  const size_t event_size = event_layout(context).size;
  Scan scan;
  begin_scan(scan);
  int64_t stored = 0;
  while (stored < capacity) {
    EpollItem* item = scan.rest.take_front();
    if (item == nullptr) break;
    auto reported = report_item(context, scan, *item, events + static_cast<uint64_t>(stored) * event_size);
    if (!reported.is_ok()) {
      // Nothing of it is lost: it is the first again.
      scan.rest.push_front(*item);
      end_scan(scan);
      return stored != 0 ? Result<int64_t>(stored) : Result<int64_t>(reported.error());
    }
    if (reported.take()) ++stored;
  }
  end_scan(scan);
  return stored;
}

Result<int64_t> EpollSet::wait(SyscallContext& context, UserAddress events, int capacity, Duration timeout) {
  Entry& entry = context.entry();
  entry.flush();
  Instant deadline = Instant::never();
  for (bool is_first = true, is_interrupted = false;; is_first = false) {
    if (has_ready()) {
      const int64_t stored = TRY(report_ready(context, events, capacity));
      if (stored != 0) return stored;
    }
    if (timeout <= Duration()) return 0;
    // The clock is read by who must wait.
    if (is_first && timeout != Duration::max()) deadline = entry.now() + timeout;
    if (deadline <= entry.now()) return 0;
    if (is_interrupted) return Errno::EINTR;
    RegisteredWaiter waiter(hal(), waiters_, kPollIn, Waiter::Mode::ExclusiveNewestFirst);
    if (has_ready()) continue;
    entry.flush();
    if (has_ready()) continue;
    is_interrupted = hal().park(deadline, Interruptible::Yes) == ParkResult::Interrupted;
    entry.refresh_clock();
  }
}

// As a watched file: readable when some item truly is. Items that turn out not to be leave the list.
PollEvents EpollSet::poll(Entry& entry) {
  if (!has_ready()) return 0;
  TaskMutexLock lock(entries_mutex_, entry);
  Scan scan;
  begin_scan(scan);
  PollEvents result = 0;
  while (EpollItem* item = scan.rest.front()) {
    if (poll_item(entry, *item) != 0) {
      result = kReadable;
      break;
    }
    scan.rest.remove(*item);
  }
  end_scan(scan);
  return result;
}

}  // namespace lxnet
