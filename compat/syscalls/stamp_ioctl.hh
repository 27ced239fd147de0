// SIOCGSTAMP and SIOCGSTAMPNS, old and new: when the last packet that was received came in (sock_gettstamp).
#pragma once

#include "compat/syscalls/context.hh"
#include "compat/syscalls/socket_file.hh"

namespace lxnet {

bool is_stamp_command(uint32_t command);
// From then on packets are stamped. `last`: of the last one, as ErrorQueue has it. ENOENT: none was received.
Result<int64_t> receive_stamp(SyscallContext& context, SocketFile& socket, int64_t* last, uint32_t command, UserAddress argument);

}  // namespace lxnet
