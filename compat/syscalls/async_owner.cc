// Sending SIGIO and SIGURG.
#include "compat/syscalls/async_owner.hh"

namespace lxnet {
namespace {

constexpr int32_t kSigUrg = 23;
constexpr int32_t kSigIo = 29;
constexpr int32_t kOfKernel = 0x80;  // SI_KERNEL

// si_code POLL_* and the si_band Linux pairs with it (fs/fcntl.c, band_table).
struct Band {
  PollEvents cause;
  int32_t code;
  int32_t band;
};
constexpr Band kBands[] = {
    {kPollHangUp, 6, 0x10 | 0x8},        // POLL_HUP: EPOLLHUP | EPOLLERR
    {kPollError, 4, 0x8},                // POLL_ERR
    {kPollIn, 1, 0x1 | 0x40},            // POLL_IN, whose wake-ups are for who waits for urgent data too
    {kPollPriority, 5, 0x2 | 0x80},      // POLL_PRI
    {kPollOut, 2, 0x4 | 0x100 | 0x200},  // POLL_OUT
};

bool exists(const Hal& hal, int32_t kind, int32_t id) {
  const lxnet_signal question{.signo = 0, .target_kind = kind, .target = id, .code = 0, .fd = -1, .band = 0, .uid = 0, .euid = 0};
  return hal.table().send_signal(hal.context(), &question) != -static_cast<int>(Errno::ESRCH);
}

}  // namespace

int32_t AsyncOwner::owner_id() const { return id_ != 0 && exists(hal_, kind_, id_) ? id_ : 0; }

// Linux looks for the number alone, not for what it is asked to stand for.
bool AsyncOwner::may_be(const Hal& hal, int32_t kind, int32_t id) {
  return id == 0 || (id > 0 && (exists(hal, kind, id) || exists(hal, LXNET_SIGNAL_THREAD, id)));
}

void AsyncOwner::set_owner(WaitQueue& queue, int32_t kind, int32_t id) {
  lxnet_credentials credentials{};
  hal_.credentials(credentials);
  uid_ = credentials.uid;
  euid_ = credentials.euid;
  kind_ = kind;
  id_ = id;
  settle(queue);
}

void AsyncOwner::enable(WaitQueue& queue, int32_t fd) {
  fd_ = fd;
  is_async_ = true;
  settle(queue);
}

void AsyncOwner::disable(WaitQueue& queue) {
  is_async_ = false;
  settle(queue);
}

void AsyncOwner::settle(WaitQueue& queue) {
  const bool listens = is_async_ || id_ != 0;
  if (listens == waiter_.is_queued()) return;
  if (listens) {
    queue.add(waiter_);
  } else {
    queue.remove(waiter_);
  }
}

bool AsyncOwner::SignalWaiter::wake(Waiter& waiter, PollEvents events) {
  AsyncOwner& owner = static_cast<SignalWaiter&>(waiter).owner;
  if ((events & kPollUrgentMark) != 0) owner.tell_of_mark();
  if (owner.is_async_) owner.tell(events & ~kPollUrgentMark);
  return false;
}

// sock_wake_async(): of room (sock_def_write_space(), and a stream's own only calls who waits) if it was missed.
void AsyncOwner::tell(PollEvents events) {
  constexpr PollEvents kRoom = kPollOut | kPollWriteNormal | kPollWriteBand;
  if (events == kRoom && __atomic_exchange_n(&misses_room_, 0u, __ATOMIC_RELAXED) == 0) return;
  for (const Band& row : kBands) {
    if ((events & row.cause) == 0) continue;
    // Without F_SETSIG the signal is SIGIO and carries nothing.
    return send(signo_ == 0 ? kSigIo : signo_, signo_ == 0 ? kOfKernel : row.code, static_cast<PollEvents>(row.band));
  }
}

// SIGURG has a way of its own; F_SETSIG's signal tells of the mark as well.
void AsyncOwner::tell_of_mark() {
  send(kSigUrg, kOfKernel, kPollPriority);
  if (is_async_ && signo_ != 0) tell(kPollPriority);
}

void AsyncOwner::send(int32_t signo, int32_t code, PollEvents band) {
  if (id_ == 0) return;
  const lxnet_signal signal{.signo = signo,
                            .target_kind = kind_,
                            .target = id_,
                            .code = code,
                            .fd = fd_,
                            .band = static_cast<int32_t>(band),
                            .uid = uid_,
                            .euid = euid_};
  // EPERM and ESRCH are the answer: nobody is told.
  static_cast<void>(hal_.table().send_signal(hal_.context(), &signal));
}

}  // namespace lxnet
