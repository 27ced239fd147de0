// poll and ppoll. A set without a single file of lxnet's is left to the host (ENOSYS).
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/poll_set.hh"
#include "compat/syscalls/signal_mask.hh"
#include "compat/syscalls/user_time.hh"

namespace lxnet {
namespace {

constexpr int kLimitOpenFiles = 7;  // RLIMIT_NOFILE

struct UserPoll {
  int32_t fd;
  uint16_t events, revents;
};

Result<HeapArray<UserPoll>> read_entries(SyscallContext& context, UserAddress entries, uint32_t count) {
  const lxnet_hal& table = context.hal().table();
  if (table.resource_limit != nullptr && count > table.resource_limit(context.hal().context(), kLimitOpenFiles))
    return Errno::EINVAL;
  HeapArray<UserPoll> polls = TRY(HeapArray<UserPoll>::create(context.hal(), count));
  TRY(copy_in(context.hal(), MutableByteSpan(reinterpret_cast<uint8_t*>(polls.data()), count * sizeof(UserPoll)), entries));
  return polls;
}

Result<int64_t> poll_until(SyscallContext& context, UserAddress user_entries, uint32_t count, Instant deadline) {
  HeapArray<UserPoll> polls = TRY(read_entries(context, user_entries, count));
  PollSet set = TRY(PollSet::create(context, count));
  for (const UserPoll& poll : polls) {
    if (poll.fd < 0) {
      set.add_nothing();
    } else {
      set.add(poll.fd, poll.events | kPollError | kPollHangUp);
    }
  }
  if (set.is_all_foreign()) return Errno::ENOSYS;
  auto ready = set.wait(set.has_invalid() ? Instant::from_nanos(INT64_MIN) : deadline);
  if (!ready.is_ok() && !ready.is_error(Errno::ERESTARTNOHAND)) return ready.error();
  // Linux stores them also when a signal ended the wait: none.
  for (uint32_t i = 0; i < count; ++i) {
    const auto revents = static_cast<uint16_t>(set.events(i));
    TRY(write_user(context.hal(), user_entries + i * sizeof(UserPoll) + offsetof(UserPoll, revents), revents));
  }
  return ready.is_ok() ? Result<int64_t>(static_cast<int64_t>(ready.take())) : Result<int64_t>(ready.error());
}

Result<int64_t> poll_with_mask(SyscallContext& context, UserAddress entries, uint32_t count, UserAddress user_timeout,
                               UserAddress mask, uint64_t mask_size, TimeWidth width) {
  Instant deadline = Instant::never();
  if (!user_timeout.is_null()) {
    deadline = context.entry().now() + TRY(timeout_from_timespec(TRY(read_time_pair(context, user_timeout, width))));
  }
  TRY(apply_signal_mask(context, mask, mask_size));
  return finish_timed_wait(context, {user_timeout, width}, deadline, poll_until(context, entries, count, deadline));
}

}  // namespace

Result<int64_t> sys_poll(SyscallContext& context, UserAddress entries, uint32_t count, int timeout_millis) {
  const Instant deadline = timeout_millis < 0 ? Instant::never() : context.entry().now() + Duration::millis(timeout_millis);
  auto ready = poll_until(context, entries, count, deadline);
  // Linux restarts poll() with the time that is left, if no handler ran.
  if (ready.is_error(Errno::ERESTARTNOHAND)) return Errno::ERESTART_RESTARTBLOCK;
  return ready;
}

Result<int64_t> sys_ppoll(SyscallContext& context, UserAddress entries, uint32_t count, UserAddress timeout, UserAddress mask,
                          uint64_t mask_size) {
  return poll_with_mask(context, entries, count, timeout, mask, mask_size, TimeWidth::Bits64);
}

Result<int64_t> sys_ppoll_time32(SyscallContext& context, UserAddress entries, uint32_t count, UserAddress timeout,
                                 UserAddress mask, uint64_t mask_size) {
  return poll_with_mask(context, entries, count, timeout, mask, mask_size, TimeWidth::Bits32);
}

}  // namespace lxnet
