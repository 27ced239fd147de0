// epoll_create, epoll_create1, epoll_ctl, epoll_wait, epoll_pwait, epoll_pwait2, and the archive's registration.
#include "compat/epoll/epoll_set.hh"
#include "compat/syscalls/compat_state.hh"
#include "compat/syscalls/signal_mask.hh"
#include "compat/syscalls/user_time.hh"

namespace lxnet {
namespace {

// What EPOLLEXCLUSIVE may be combined with.
constexpr PollEvents kExclusiveCompanions =
    kPollIn | kPollOut | kPollError | kPollHangUp | kEpollWakeUp | kEpollEdgeTriggered | kEpollExclusive;

Result<int64_t> create_set(SyscallContext& context, uint32_t flags) {
  Ref<File> set = TRY(EpollSet::create(context));
  NewDescriptor descriptor = TRY(NewDescriptor::install(context, set, flags));
  return descriptor.keep();
}

Result<int64_t> sys_epoll_create(SyscallContext& context, int size) {
  if (size <= 0) return Errno::EINVAL;
  return create_set(context, 0);
}

Result<int64_t> sys_epoll_create1(SyscallContext& context, int flags) {
  if ((flags & ~static_cast<int>(kOpenCloseOnExec)) != 0) return Errno::EINVAL;
  return create_set(context, static_cast<uint32_t>(flags));
}

Result<EpollEvent> read_event(SyscallContext& context, UserAddress from) {
  const bool is_packed = context.abi() != Abi::Generic;
  uint8_t bytes[16] = {};
  TRY(copy_in(context.hal(), MutableByteSpan(bytes, is_packed ? 12 : 16), from));
  EpollEvent event;
  copy_bytes(mutable_bytes_of(event.events), ByteSpan(bytes));
  copy_bytes(mutable_bytes_of(event.data), ByteSpan(bytes).subspan(is_packed ? 4 : 8));
  return event;
}

// A count of the host's file, given back at the end of the call.
class TargetHolder {
 public:
  explicit TargetHolder(const Hal& hal) : hal_(hal) {}
  ~TargetHolder() {
    if (target.foreign != nullptr) hal_.table().foreign_unref(hal_.context(), target.foreign);
  }
  TargetHolder(const TargetHolder&) = delete;
  TargetHolder& operator=(const TargetHolder&) = delete;

  // EBADF, and EPERM for a file that cannot be polled.
  Result<> find(SyscallContext& context, int fd) {
    target.fd = fd;
    auto file = find_file(context, fd);
    if (file.is_ok()) {
      target.file = file.take();
      return ok();
    }
    if (!file.is_error(Errno::ENOTSOCK)) return file.error();
    if (hal_.table().foreign_get != nullptr) target.foreign = hal_.table().foreign_get(hal_.context(), fd);
    if (target.foreign == nullptr) return Errno::EPERM;
    const int64_t events = hal_.table().foreign_poll(hal_.context(), target.foreign, nullptr);
    if (events < 0) return Errno::EPERM;
    return ok();
  }

  EpollTarget target;

 private:
  const Hal& hal_;
};

// do_epoll_ctl()'s rules for EPOLLEXCLUSIVE.
Result<> check_exclusive(int operation, const EpollTarget& target, PollEvents events) {
  if ((events & kEpollExclusive) == 0) return ok();
  if (operation == static_cast<int>(EpollOperation::Modify)) return Errno::EINVAL;
  const bool is_set = target.file && EpollSet::from(*target.file) != nullptr;
  if (operation == static_cast<int>(EpollOperation::Add) && (is_set || (events & ~kExclusiveCompanions) != 0))
    return Errno::EINVAL;
  return ok();
}

Result<int64_t> sys_epoll_ctl(SyscallContext& context, int epoll_fd, int operation, int fd, UserAddress user_event) {
  const bool has_event = operation != static_cast<int>(EpollOperation::Remove);
  EpollEvent event;
  if (has_event) event = TRY(read_event(context, user_event));
  auto file = find_file(context, epoll_fd);
  if (file.is_error(Errno::EBADF)) return Errno::EBADF;
  TargetHolder holder(context.hal());
  TRY(holder.find(context, fd));
  if (!file.is_ok()) return Errno::EINVAL;  // a file of the host's is no epoll set of ours
  const Ref<File> own = file.take();
  EpollSet* set = EpollSet::from(*own);
  if (set == nullptr || own == holder.target.file) return Errno::EINVAL;
  // Linux clears it where there is no suspend to block, and lxnet has none.
  event.events &= ~kEpollWakeUp;
  if (has_event) TRY(check_exclusive(operation, holder.target, event.events));
  switch (static_cast<EpollOperation>(operation)) {
    case EpollOperation::Add:
      TRY(set->add(context, holder.target, event));
      return 0;
    case EpollOperation::Remove:
      TRY(set->remove(context, holder.target));
      return 0;
    case EpollOperation::Modify:
      TRY(set->modify(context, holder.target, event));
      return 0;
  }
  return Errno::EINVAL;
}

Result<int64_t> wait_on(SyscallContext& context, int epoll_fd, UserAddress events, int capacity, Duration timeout) {
  const size_t event_size = context.abi() == Abi::Generic ? 16 : 12;
  auto file = find_file(context, epoll_fd);
  if (file.is_error(Errno::EBADF)) return Errno::EBADF;
  if (capacity <= 0 || static_cast<size_t>(capacity) > INT32_MAX / event_size) return Errno::EINVAL;
  if (!context.is_user_range(events, static_cast<uint64_t>(capacity) * event_size)) return Errno::EFAULT;
  // An epoll set that the host made itself is the host's to wait on.
  if (!file.is_ok()) return Errno::ENOSYS;
  const Ref<File> own = file.take();
  EpollSet* set = EpollSet::from(*own);
  if (set == nullptr) return Errno::EINVAL;
  return set->wait(context, events, capacity, timeout);
}

Duration timeout_in_millis(int timeout) { return timeout < 0 ? Duration::max() : Duration::millis(timeout); }

Result<int64_t> sys_epoll_wait(SyscallContext& context, int epoll_fd, UserAddress events, int capacity, int timeout) {
  return wait_on(context, epoll_fd, events, capacity, timeout_in_millis(timeout));
}

Result<int64_t> sys_epoll_pwait(SyscallContext& context, int epoll_fd, UserAddress events, int capacity, int timeout,
                                UserAddress mask, uint64_t mask_size) {
  TRY(apply_signal_mask(context, mask, mask_size));
  return wait_on(context, epoll_fd, events, capacity, timeout_in_millis(timeout));
}

Result<int64_t> sys_epoll_pwait2(SyscallContext& context, int epoll_fd, UserAddress events, int capacity, UserAddress timeout,
                                 UserAddress mask, uint64_t mask_size) {
  Duration wait = Duration::max();
  if (!timeout.is_null()) wait = TRY(timeout_from_timespec(TRY(read_time_pair(context, timeout, TimeWidth::Bits64))));
  TRY(apply_signal_mask(context, mask, mask_size));
  return wait_on(context, epoll_fd, events, capacity, wait);
}

constexpr int16_t kNone = kNoNumber;
constexpr SyscallRow kRows[] = {
    syscall_row<&sys_epoll_create>("epoll_create", 213, 254, kNone, Support::Full),
    syscall_row<&sys_epoll_wait>("epoll_wait", 232, 256, kNone, Support::Full),
    syscall_row<&sys_epoll_ctl>("epoll_ctl", 233, 255, 21, Support::Full),
    syscall_row<&sys_epoll_pwait>("epoll_pwait", 281, 319, 22, Support::Full),
    syscall_row<&sys_epoll_create1>("epoll_create1", 291, 329, 20, Support::Full),
    syscall_row<&sys_epoll_pwait2>("epoll_pwait2", 441, 441, 441, Support::Full),
};

}  // namespace
}  // namespace lxnet

extern "C" int lxnet_enable_epoll(lxnet_stack* stack) {
  using namespace lxnet;
  CompatState& state = CompatState::of(*reinterpret_cast<Stack*>(stack));
  auto installed = WatchAccounts::install(state, reinterpret_cast<Stack*>(stack)->hal());
  if (!installed.is_ok()) return -static_cast<int>(installed.error());
  auto added = state.add_syscalls(kRows);
  return added.is_ok() ? 0 : -static_cast<int>(added.error());
}
