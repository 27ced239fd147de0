// AsyncOwner: who gets SIGIO and SIGURG for a file: F_SETOWN, F_SETOWN_EX, F_SETSIG, FIOASYNC.
//
// A file has one from the first of these on. It joins the file's wait queue while there is an owner or O_ASYNC is set, and sends
// a signal for each wake-up, as kill_fasync() does. SIGURG needs only an owner, not O_ASYNC.
#pragma once

#include "compat/syscalls/context.hh"
#include "stack/wait_queue.hh"

namespace lxnet {

class File;

class AsyncOwner {
 public:
  explicit AsyncOwner(const Hal& hal) : hal_(hal), waiter_(*this) {}

  // Whether there is such a process, thread or group (LXNET_SIGNAL_*), or it is 0: nobody.
  static bool may_be(const Hal& hal, int32_t kind, int32_t id);
  // The current task's ids are what a later signal is checked against.
  void set_owner(WaitQueue& queue, int32_t kind, int32_t id);
  int32_t owner_kind() const { return kind_; }
  // 0 once it is gone.
  int32_t owner_id() const;
  // As F_GETOWN and its like have it: a group's is negative.
  int32_t signed_owner_id() const { return kind_ == LXNET_SIGNAL_GROUP ? -owner_id() : owner_id(); }
  void set_signal(int32_t signo) { signo_ = signo; }
  int32_t signal() const { return signo_; }
  // Somebody found no room to send: the next that there is will be told of. Room that nobody missed is not.
  void note_no_room() {
    if (is_async_) __atomic_store_n(&misses_room_, 1u, __ATOMIC_RELAXED);
  }
  // F_SETFL's or FIOASYNC's change of O_ASYNC.
  void enable(WaitQueue& queue, int32_t fd);
  void disable(WaitQueue& queue);
  // The file goes, and with it whoever could join the queue.
  void leave(WaitQueue& queue) {
    if (waiter_.is_queued()) queue.remove(waiter_);
  }

 private:
  struct SignalWaiter : Waiter {
    explicit SignalWaiter(AsyncOwner& async_owner) : Waiter(&wake, ~0u, Mode::Shared), owner(async_owner) {}
    static bool wake(Waiter& waiter, PollEvents events);
    AsyncOwner& owner;
  };

  void settle(WaitQueue& queue);
  void tell(PollEvents events);
  void tell_of_mark();
  void send(int32_t signo, int32_t code, PollEvents band);

  const Hal& hal_;
  SignalWaiter waiter_;
  int32_t kind_ = LXNET_SIGNAL_THREAD;
  int32_t id_ = 0;
  int32_t signo_ = 0;
  int32_t fd_ = -1;
  bool is_async_ = false;     // O_ASYNC
  uint32_t misses_room_ = 0;  // a word: not every processor exchanges less
  uint32_t uid_ = 0, euid_ = 0;
};

}  // namespace lxnet
