// sendmsg()'s control messages on Internet sockets.
#include "compat/afinet/inet_socket.hh"
#include "compat/syscalls/control_message.hh"

namespace lxnet {

Result<> decode_control(SyscallContext&, InetSocketFile&, ControlReader& reader, SendControl&) {
  ControlMessage message;
  while (TRY(reader.next(message))) {
    // SOL_SOCKET's generic ones and the levels' own are refused until they are understood.
    return Errno::EINVAL;
  }
  return ok();
}

}  // namespace lxnet
