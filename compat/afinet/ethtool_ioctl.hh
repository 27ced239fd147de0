// SIOCETHTOOL: the queries every device answers.
#pragma once

#include "compat/syscalls/context.hh"
#include "stack/interface.hh"

namespace lxnet {

// `data` is where the command and its answer lie. EOPNOTSUPP for what devices here do not have.
Result<int64_t> ethtool_ioctl(SyscallContext& context, const Interface& interface, UserAddress data);

}  // namespace lxnet
