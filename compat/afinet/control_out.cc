// recvmsg()'s control messages on Internet sockets.
#include "compat/afinet/inet_socket.hh"
#include "compat/syscalls/control_message.hh"

namespace lxnet {

void encode_control(InetSocketFile&, const ReceiveRequest&, ControlWriter&) {}

}  // namespace lxnet
