// accept and accept4.
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/descriptors.hh"

namespace lxnet {

Result<int64_t> sys_accept(SyscallContext& context, int fd, UserAddress address, UserAddress length) {
  return sys_accept4(context, fd, address, length, 0);
}

// Linux's order: EBADF, EINVAL for flags, EMFILE, ENOTSOCK, then accepting itself.
Result<int64_t> sys_accept4(SyscallContext& context, int fd, UserAddress address, UserAddress length, int flags) {
  auto socket = find_socket(context, fd);
  if (socket.is_error(Errno::EBADF)) return Errno::EBADF;
  if ((flags & ~(kSockCloseOnExec | kSockNonBlock)) != 0) return Errno::EINVAL;
  // Before a connection is taken off the queue for which there would be no number.
  TRY(check_descriptor_room(context));
  if (!socket.is_ok()) return socket.error();

  Ref<SocketFile> accepted = TRY(socket.take()->accept(context));
  if ((flags & kSockNonBlock) != 0) accepted->set_status_flags(kOpenNonBlock, kOpenNonBlock);
  // The name first: a host may be unable to take a number back that nobody may write the name for.
  if (!address.is_null()) {
    SockAddr name;
    // A connection that was reset while it waited in the queue still has its peer's name.
    if (!accepted->name(context, SocketFile::NameOf::LastPeer, name).is_ok()) return Errno::ECONNABORTED;
    TRY(name.write(context, address, length));
  }
  NewDescriptor descriptor =
      TRY(NewDescriptor::install(context, accepted, (flags & kSockCloseOnExec) != 0 ? uint32_t{kOpenCloseOnExec} : 0));
  return descriptor.keep();
}

}  // namespace lxnet
