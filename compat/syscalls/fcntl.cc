// fcntl on files of lxnet's: status flags and who gets SIGIO. Descriptor commands (F_DUPFD, F_SETFD…) are the host's: ENOSYS.
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/descriptors.hh"

namespace lxnet {
namespace {

constexpr uint32_t kGetFlags = 3, kSetFlags = 4, kSetOwner = 8, kGetOwner = 9, kSetSignal = 10, kGetSignal = 11, kSetOwnerEx = 15,
                   kGetOwnerEx = 16;
constexpr int kSignalCount = 64;

struct OwnerEx {
  int32_t kind;  // F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP: LXNET_SIGNAL_*
  int32_t id;
};

Result<int64_t> set_status_flags(File& file, int fd, uint64_t argument) {
  const auto flags = static_cast<uint32_t>(argument);
  if ((flags & kOpenDirect) != 0) return Errno::EINVAL;
  // An epoll set signals nobody, and F_GETFL does not show that it was asked to. First, so that want of memory changes nothing.
  if (file.kind() != FileKind::Epoll) TRY(file.set_async((flags & kOpenAsync) != 0, fd));
  // O_APPEND and O_NOATIME mean nothing to a socket, but F_GETFL shows them.
  file.set_status_flags(kOpenAppend | kOpenNonBlock | kOpenNoAccessTime, flags);
  return 0;
}

// A negative id is a process group.
Result<int64_t> set_owner(File& file, int32_t who) {
  if (who == INT32_MIN) return Errno::EINVAL;
  TRY(file.set_owner(who < 0 ? LXNET_SIGNAL_GROUP : LXNET_SIGNAL_PROCESS, who < 0 ? -who : who));
  return 0;
}

Result<int64_t> set_owner_ex(SyscallContext& context, File& file, UserAddress from) {
  const OwnerEx owner = TRY(read_user<OwnerEx>(context.hal(), from));
  if (owner.kind < LXNET_SIGNAL_THREAD || owner.kind > LXNET_SIGNAL_GROUP) return Errno::EINVAL;
  TRY(file.set_owner(owner.kind, owner.id));
  return 0;
}

Result<int64_t> get_owner_ex(SyscallContext& context, File& file, UserAddress to) {
  const AsyncOwner* async_owner = file.async_owner();
  const OwnerEx owner = async_owner == nullptr ? OwnerEx{} : OwnerEx{async_owner->owner_kind(), async_owner->owner_id()};
  TRY(write_user(context.hal(), to, owner));
  return 0;
}

Result<int64_t> set_signal(File& file, uint64_t argument) {
  if (argument > kSignalCount) return Errno::EINVAL;
  TRY(file.set_signal(static_cast<int32_t>(argument)));
  return 0;
}

}  // namespace

Result<int64_t> sys_fcntl(SyscallContext& context, int fd, uint32_t command, uint64_t argument) {
  const Ref<File> file = TRY(find_file_or_leave(context, fd));
  const AsyncOwner* owner = file->async_owner();
  switch (command) {
    case kGetFlags:
      return static_cast<int64_t>(file->status_flags());
    case kSetFlags:
      return set_status_flags(*file, fd, argument);
    case kSetOwner:
      return set_owner(*file, static_cast<int32_t>(argument));
    case kGetOwner:
      return int64_t{owner == nullptr ? 0 : owner->signed_owner_id()};
    case kSetSignal:
      return set_signal(*file, argument);
    case kGetSignal:
      return int64_t{owner == nullptr ? 0 : owner->signal()};
    case kSetOwnerEx:
      return set_owner_ex(context, *file, UserAddress(argument));
    case kGetOwnerEx:
      return get_owner_ex(context, *file, UserAddress(argument));
    default:
      return Errno::ENOSYS;
  }
}

}  // namespace lxnet
