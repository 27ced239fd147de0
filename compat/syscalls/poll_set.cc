// Waiting on several files at once.
#include "compat/syscalls/poll_set.hh"

namespace lxnet {

Result<PollSet> PollSet::create(SyscallContext& context, size_t count) {
  return PollSet(context, TRY(HeapArray<PollEntry>::create(context.hal(), count)));
}

PollSet::~PollSet() {
  const lxnet_hal& table = context_->hal().table();
  for (PollEntry& entry : entries_) {
    if (is_registered_ && entry.file) entry.file->wait_queue().remove(entry.waiter);
    if (entry.foreign == nullptr) continue;
    if (is_registered_) table.foreign_poll_cancel(context_->hal().context(), entry.foreign, &entry.waiter);
    table.foreign_unref(context_->hal().context(), entry.foreign);
  }
}

void PollSet::add_nothing() { ++count_; }

void PollSet::add(int fd, PollEvents events) {
  PollEntry& entry = entries_[count_++];
  entry.interest = events;
  auto file = find_file(*context_, fd);
  if (file.is_ok()) {
    entry.file = file.take();
    ++own_count_;
    return;
  }
  const lxnet_hal& table = context_->hal().table();
  if (file.is_error(Errno::ENOTSOCK) && table.foreign_get != nullptr)
    entry.foreign = table.foreign_get(context_->hal().context(), fd);
  if (entry.foreign != nullptr || file.is_error(Errno::ENOTSOCK)) {
    ++foreign_count_;
    return;
  }
  entry.ready = kPollInvalid;
  ++invalid_count_;
}

bool PollSet::EntryWaiter::wake_task(Waiter& waiter, PollEvents) {
  auto& self = static_cast<EntryWaiter&>(waiter);
  self.hal->unpark(self.task);
  return true;
}

bool PollSet::EntryWaiter::wake_for_foreign(lxnet_poll_waiter* waiter, PollEvents) {
  auto* self = static_cast<EntryWaiter*>(waiter);
  self->hal->unpark(self->task);
  return false;
}

// Asks every file; registered already, so that nothing that changes from now on is missed.
size_t PollSet::scan() {
  const lxnet_hal& table = context_->hal().table();
  size_t ready_count = 0;
  for (size_t i = 0; i < count_; ++i) {
    PollEntry& entry = entries_[i];
    if (entry.file) {
      entry.ready = entry.file->poll(context_->entry()) & entry.interest;
    } else if (entry.foreign != nullptr) {
      const int64_t events = table.foreign_poll(context_->hal().context(), entry.foreign, nullptr);
      // A file that has no poll of its own is always ready to be read and written.
      const PollEvents now =
          events < 0 ? kPollIn | kPollOut | kPollReadNormal | kPollWriteNormal : static_cast<PollEvents>(events);
      entry.ready = now & entry.interest;
    }
    if (entry.ready != 0) ++ready_count;
  }
  return ready_count;
}

void PollSet::register_all() {
  const Hal& hal = context_->hal();
  lxnet_task* task = hal.current_task();
  for (size_t i = 0; i < count_; ++i) {
    PollEntry& entry = entries_[i];
    entry.waiter.hal = &hal;
    entry.waiter.task = task;
    entry.waiter.set_interest(entry.interest);
    if (entry.file) entry.file->wait_queue().add(entry.waiter);
    if (entry.foreign != nullptr) static_cast<void>(hal.table().foreign_poll(hal.context(), entry.foreign, &entry.waiter));
  }
  is_registered_ = true;
}

Result<size_t> PollSet::wait(Instant deadline) {
  Entry& entry = context_->entry();
  entry.flush();
  size_t ready_count = scan();
  if (ready_count != 0 || deadline <= entry.now()) return ready_count;
  register_all();
  for (;;) {
    ready_count = scan();
    if (ready_count != 0 || deadline <= entry.now()) return ready_count;
    entry.flush();
    const ParkResult parked = context_->hal().park(deadline, Interruptible::Yes);
    entry.refresh_clock();
    if (parked == ParkResult::Interrupted) {
      ready_count = scan();
      if (ready_count != 0) return ready_count;
      return Errno::ERESTARTNOHAND;
    }
  }
}

}  // namespace lxnet

extern "C" int lxnet_foreign_ready(lxnet_poll_waiter* waiter, uint32_t events) { return waiter->ready(waiter, events) ? 1 : 0; }
extern "C" int lxnet_foreign_is_exclusive(const lxnet_poll_waiter* waiter) { return waiter->is_exclusive ? 1 : 0; }
