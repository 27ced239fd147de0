// The signal mask of ppoll, pselect6 and epoll_pwait, handed to the host.
#pragma once

#include "compat/syscalls/context.hh"

namespace lxnet {

// A null mask changes nothing. EINVAL for a size that is not that of a sigset, EFAULT, ENOSYS from a host without masks.
Result<> apply_signal_mask(SyscallContext& context, UserAddress mask, uint64_t mask_size);

}  // namespace lxnet
