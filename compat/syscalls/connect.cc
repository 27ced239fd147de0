// connect, shutdown, getsockname and getpeername.
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/descriptors.hh"

namespace lxnet {
namespace {

Result<int64_t> write_name(SyscallContext& context, int fd, UserAddress address, UserAddress length, SocketFile::NameOf which) {
  const CalledSocket socket = TRY(find_socket(context, fd));
  SockAddr name;
  TRY(socket->name(context, which, name));
  TRY(name.write(context, address, length));
  return 0;
}

}  // namespace

Result<int64_t> sys_connect(SyscallContext& context, int fd, UserAddress user_address, int length) {
  auto socket = find_socket(context, fd);
  if (socket.is_error(Errno::EBADF)) return Errno::EBADF;
  const SockAddr address = TRY(SockAddr::read(context, user_address, length));
  if (!socket.is_ok()) return socket.error();
  const CalledSocket found = socket.take();
  TRY(found->connect(context, address));
  return 0;
}

Result<int64_t> sys_shutdown(SyscallContext& context, int fd, int how) {
  const CalledSocket socket = TRY(find_socket(context, fd));
  if (how < 0 || how > 2) {
    // Families without the call do not look at how.
    const uint16_t family = socket->address_family();
    const bool is_looked_at = family == kFamilyInet || family == kFamilyInet6 || family == kFamilyUnix;
    return is_looked_at ? Errno::EINVAL : Errno::EOPNOTSUPP;
  }
  TRY(socket->shutdown(context, static_cast<ShutdownHow>(how)));
  return 0;
}

Result<int64_t> sys_getsockname(SyscallContext& context, int fd, UserAddress address, UserAddress length) {
  return write_name(context, fd, address, length, SocketFile::NameOf::Self);
}

Result<int64_t> sys_getpeername(SyscallContext& context, int fd, UserAddress address, UserAddress length) {
  return write_name(context, fd, address, length, SocketFile::NameOf::Peer);
}

}  // namespace lxnet
