// The ready list: how wake-ups fill it and how epoll_wait empties it.
//
// While a scan holds the list, items that become ready are noted on an overflow list and join afterwards, so that a report never
// takes an item twice and loses none.
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
  bool has_taker = false;
  {
    MutexLock lock(ready_mutex_);
    const PollEvents wanted = item.event.events;
    // A one-shot item that has fired, until it is armed again.
    if ((wanted & ~kEpollPrivate) == 0) return false;
    if (events != 0 && (events & wanted) == 0) return false;
    if (is_scanned_) {
      if (!item.overflow_link.is_linked()) overflow_.push_back(item);
    } else if (!item.ready_link.is_linked()) {
      ready_.push_back(item);
    }
    if ((wanted & kEpollExclusive) != 0 && waiters_.has_waiters()) {
      const PollEvents cause = events & kReadOrWrite;
      has_taker = cause == kPollIn ? (wanted & kPollIn) != 0 : cause == kPollOut ? (wanted & kPollOut) != 0 : cause == 0;
    }
  }
  wake_waiters();
  return (item.event.events & kEpollExclusive) == 0 || has_taker;
}

void EpollSet::wake_waiters() {
  waiters_.wake(kPollIn);
  // Who watches the set for EPOLLRDNORM alone is not woken on Linux either.
  outer_waiters_.wake(kPollIn);
}

void EpollSet::queue_if_ready(Entry& entry, EpollItem& item) {
  if (poll_item(entry, item) == 0) return;
  {
    MutexLock lock(ready_mutex_);
    if (item.ready_link.is_linked()) return;
    ready_.push_back(item);
  }
  wake_waiters();
}

bool EpollSet::has_ready() {
  MutexLock lock(ready_mutex_);
  // While somebody scans the list nothing is known: who asks then waits for the scan's end.
  return !ready_.is_empty() || is_scanned_;
}

void EpollSet::begin_scan(ReadyList& taken) {
  MutexLock lock(ready_mutex_);
  taken.append(ready_);
  is_scanned_ = true;
}

// What the scan did not get to stays in front; what became ready meanwhile comes behind it, and before what was told already and
// has queued again.
void EpollSet::end_scan(ReadyList& rest) {
  bool has_left = false;
  {
    MutexLock lock(ready_mutex_);
    is_scanned_ = false;
    while (EpollItem* item = overflow_.take_front()) {
      if (!item->ready_link.is_linked()) rest.push_back(*item);
    }
    rest.append(ready_);
    ready_.append(rest);
    has_left = !ready_.is_empty();
  }
  if (has_left) waiters_.wake(kPollIn);
}

// One item of a scan: true when an event was stored. Level-triggered items go back to the tail of the ready list.
Result<bool> EpollSet::report_item(SyscallContext& context, EpollItem& item, UserAddress to) {
  const PollEvents now = poll_item(context.entry(), item);
  if (now == 0) return false;
  TRY(write_event(context, to, {now, item.event.data}));
  MutexLock lock(ready_mutex_);
  if ((item.event.events & kEpollOneShot) != 0) {
    item.event.events &= kEpollPrivate;
  } else if ((item.event.events & kEpollEdgeTriggered) == 0) {
    ready_.push_back(item);
  }
  return true;
}

Result<int64_t> EpollSet::report_ready(SyscallContext& context, UserAddress events, int capacity) {
  TaskMutexLock lock(entries_mutex_, context.entry());
  const size_t event_size = event_layout(context).size;
  ReadyList taken;
  begin_scan(taken);
  int64_t stored = 0;
  while (stored < capacity) {
    EpollItem* item = taken.take_front();
    if (item == nullptr) break;
    auto reported = report_item(context, *item, events + static_cast<uint64_t>(stored) * event_size);
    if (!reported.is_ok()) {
      // Nothing of it is lost: it is the first again.
      taken.push_front(*item);
      end_scan(taken);
      return stored != 0 ? Result<int64_t>(stored) : Result<int64_t>(reported.error());
    }
    if (reported.take()) ++stored;
  }
  end_scan(taken);
  return stored;
}

Result<int64_t> EpollSet::wait(SyscallContext& context, UserAddress events, int capacity, Instant deadline) {
  Entry& entry = context.entry();
  entry.flush();
  for (;;) {
    if (has_ready()) {
      const int64_t stored = TRY(report_ready(context, events, capacity));
      if (stored != 0) return stored;
    }
    if (deadline <= entry.now()) return 0;
    RegisteredWaiter waiter(hal(), waiters_, kPollIn, Waiter::Mode::ExclusiveNewestFirst);
    if (has_ready()) continue;
    entry.flush();
    if (has_ready()) continue;
    const ParkResult parked = hal().park(deadline, Interruptible::Yes);
    entry.refresh_clock();
    if (parked == ParkResult::Interrupted && !has_ready()) return Errno::EINTR;
  }
}

// As a watched file: readable when some item truly is. Items that turn out not to be leave the list.
PollEvents EpollSet::poll(Entry& entry) {
  if (!has_ready()) return 0;
  TaskMutexLock lock(entries_mutex_, entry);
  ReadyList taken;
  begin_scan(taken);
  PollEvents result = 0;
  while (EpollItem* item = taken.front()) {
    if (poll_item(entry, *item) != 0) {
      result = kReadable;
      break;
    }
    taken.remove(*item);
  }
  end_scan(taken);
  return result;
}

}  // namespace lxnet
