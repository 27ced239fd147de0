// ioctl: what every socket and every file of lxnet's understands; the rest goes to the file's own.
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/descriptors.hh"

namespace lxnet {
namespace {

constexpr uint32_t kSetCloseOnExec = 0x5451, kClearCloseOnExec = 0x5450;  // FIOCLEX, FIONCLEX: the host's
constexpr uint32_t kBlockSize = 2;                                        // FIGETBSZ: of its file system
constexpr uint32_t kSetNonBlocking = 0x5421, kSetAsync = 0x5452;          // FIONBIO, FIOASYNC
constexpr uint32_t kSetOwnerA = 0x8901, kSetOwnerB = 0x8902, kGetOwnerA = 0x8903, kGetOwnerB = 0x8904;  // FIOSETOWN, SIOCSPGRP, …

Result<int64_t> set_flag(SyscallContext& context, File& file, int fd, uint32_t flag, UserAddress argument) {
  const int value = TRY(read_user<int>(context.hal(), argument));
  // An epoll set signals nobody.
  if (flag == kOpenAsync && file.kind() == FileKind::Epoll)
    return value != 0 ? Result<int64_t>(Errno::ENOTTY) : Result<int64_t>(0);
  if (flag == kOpenAsync) {
    TRY(file.set_async(value != 0, fd));
  } else {
    file.set_status_flags(flag, value != 0 ? flag : 0);
  }
  return 0;
}

Result<int64_t> socket_owner(SyscallContext& context, File& file, uint32_t command, UserAddress argument) {
  if (command == kSetOwnerA || command == kSetOwnerB) {
    const int32_t who = TRY(read_user<int32_t>(context.hal(), argument));
    if (who == INT32_MIN) return Errno::EINVAL;
    TRY(file.set_owner(who < 0 ? LXNET_SIGNAL_GROUP : LXNET_SIGNAL_PROCESS, who < 0 ? -who : who));
    return 0;
  }
  const AsyncOwner* owner = file.async_owner();
  const int32_t who = owner == nullptr ? 0 : owner->signed_owner_id();
  TRY(write_user(context.hal(), argument, who));
  return 0;
}

}  // namespace

Result<int64_t> sys_ioctl(SyscallContext& context, int fd, uint32_t command, UserAddress argument) {
  const Ref<File> file = TRY(find_file_or_leave(context, fd));
  switch (command) {
    case kSetCloseOnExec:
    case kClearCloseOnExec:
    case kBlockSize:
      return Errno::ENOSYS;
    case kSetNonBlocking:
      return set_flag(context, *file, fd, kOpenNonBlock, argument);
    case kSetAsync:
      return set_flag(context, *file, fd, kOpenAsync, argument);
    case kSetOwnerA:
    case kSetOwnerB:
    case kGetOwnerA:
    case kGetOwnerB:
      if (file->kind() == FileKind::Socket) return socket_owner(context, *file, command, argument);
      if (file->kind() == FileKind::Epoll) return Errno::ENOTTY;
      return file->ioctl(context, command, argument);
    default:
      return file->ioctl(context, command, argument);
  }
}

}  // namespace lxnet
