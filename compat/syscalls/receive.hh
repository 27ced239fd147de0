// What recvmsg and recvmmsg share.
#pragma once

#include "compat/syscalls/descriptors.hh"

namespace lxnet {

// ___sys_recvmsg() of one header.
Result<size_t> receive_header(SyscallContext& context, SocketFile& socket, UserAddress user_header, uint32_t flags,
                              uint32_t* result_flags = nullptr);

}  // namespace lxnet
