// bind and listen.
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/descriptors.hh"

namespace lxnet {

Result<int64_t> sys_bind(SyscallContext& context, int fd, UserAddress user_address, int length) {
  const CalledSocket socket = TRY(find_socket(context, fd));
  const SockAddr address = TRY(SockAddr::read(context, user_address, length));
  TRY(socket->bind(context, address));
  return 0;
}

Result<int64_t> sys_listen(SyscallContext& context, int fd, int backlog) {
  const CalledSocket socket = TRY(find_socket(context, fd));
  // Unsigned, so that a negative backlog means the most.
  const int limit = context.stack().tunables().values().somaxconn;
  if (static_cast<uint32_t>(backlog) > static_cast<uint32_t>(limit)) backlog = limit;
  TRY(socket->listen(context, backlog));
  return 0;
}

}  // namespace lxnet
