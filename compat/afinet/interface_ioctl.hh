// ioctl's interface family: SIOCGIFCONF, SIOCGIFADDR and their kin.
#pragma once

#include "compat/syscalls/context.hh"

namespace lxnet {

// On sockets of every family: what concerns devices. ENOTTY for commands that are none of these.
Result<int64_t> device_ioctl(SyscallContext& context, uint32_t command, UserAddress argument);
// On AF_INET sockets: IPv4 addresses, and flags, which may be an alias's.
Result<int64_t> address_ioctl(SyscallContext& context, uint32_t command, UserAddress argument);

// All that an AF_INET socket knows of the network: routes, ARP and addresses. ENOTTY: for the devices to answer (inet_ioctl.cc).
Result<int64_t> network4_ioctl(SyscallContext& context, uint32_t command, UserAddress argument);

}  // namespace lxnet
