// Handing a signal mask to the host.
#include "compat/syscalls/signal_mask.hh"

namespace lxnet {

Result<> apply_signal_mask(SyscallContext& context, UserAddress user_mask, uint64_t mask_size) {
  if (user_mask.is_null()) return ok();
  if (mask_size != sizeof(uint64_t)) return Errno::EINVAL;
  const uint64_t mask = TRY(read_user<uint64_t>(context.hal(), user_mask));
  const lxnet_hal& table = context.hal().table();
  if (table.swap_signal_mask == nullptr) return Errno::ENOSYS;
  const int answer = table.swap_signal_mask(context.hal().context(), mask);
  if (answer < 0) return static_cast<Errno>(-answer);
  return ok();
}

}  // namespace lxnet
