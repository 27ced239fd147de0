// PollSet: waiting on several files at once, ours and the host's, for poll and select.
//
// add() every descriptor, then wait(): it asks each file, registers on each while asking the first time, and sleeps until one
// calls. Cost is that of the set, as on Linux; epoll is for more.
#pragma once

#include "compat/syscalls/descriptors.hh"
#include "compat/syscalls/foreign_waiter.hh"

namespace lxnet {

class PollSet {
 public:
  // Room for `count` descriptors. ENOMEM.
  static Result<PollSet> create(SyscallContext& context, size_t count);
  PollSet(PollSet&&) = default;
  ~PollSet();

  // Ready when one of `events` is. A number that is not open becomes kPollInvalid.
  void add(int fd, PollEvents events);
  // A hole: poll()'s negative descriptor.
  void add_nothing();
  bool is_all_foreign() const { return own_count_ == 0 && foreign_count_ != 0; }
  bool has_invalid() const { return invalid_count_ != 0; }

  // How many entries have events; 0 after the deadline. ERESTARTNOHAND when interrupted.
  Result<size_t> wait(Instant deadline);
  PollEvents events(size_t index) const { return entries_[index].ready; }

 private:
  struct EntryWaiter : Waiter, lxnet_poll_waiter {
    EntryWaiter() : Waiter(&wake_task, 0, Mode::Shared), lxnet_poll_waiter{&wake_for_foreign, false} {}
    static bool wake_task(Waiter& waiter, PollEvents events);
    static bool wake_for_foreign(lxnet_poll_waiter* waiter, PollEvents events);
    const Hal* hal = nullptr;
    lxnet_task* task = nullptr;
  };
  struct PollEntry {
    Ref<File> file;
    lxnet_foreign_file* foreign = nullptr;
    PollEvents interest = 0;
    PollEvents ready = 0;
    EntryWaiter waiter;
  };

  PollSet(SyscallContext& context, HeapArray<PollEntry> entries) : context_(&context), entries_(std::move(entries)) {}
  size_t scan();
  void register_all();

  SyscallContext* context_;
  HeapArray<PollEntry> entries_;
  size_t count_ = 0;
  size_t own_count_ = 0, foreign_count_ = 0, invalid_count_ = 0;
  bool is_registered_ = false;
};

}  // namespace lxnet
