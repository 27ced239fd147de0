// Whether the current task may bind or connect a TCP socket, where it has forbidden itself ports (hal.h: check_port).
#pragma once

#include "compat/afinet/inet_socket.hh"

namespace lxnet {

// Before anything else of bind() and connect(). `use` is LXNET_PORT_*. EACCES; EINVAL and EAFNOSUPPORT of an address that the
// socket's family does not have, which Linux then looks at before the protocol does.
Result<> check_confined_port(SyscallContext& context, const InetSocketFile& file, const SockAddr& address, int use);

}  // namespace lxnet
