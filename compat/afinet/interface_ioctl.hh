// The SIOC* calls about interfaces and their IPv4 addresses: what ifconfig and libc's if_nametoindex() use.
#pragma once

#include "compat/syscalls/context.hh"
#include "stack/ip_address.hh"

namespace lxnet {

// ENOTTY for a command that is not about interfaces. IPv4 addresses are an AF_INET socket's business only.
Result<int64_t> interface_ioctl(SyscallContext& context, IpFamily socket_family, uint32_t command, UserAddress argument);

}  // namespace lxnet
