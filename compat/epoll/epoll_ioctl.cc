// ioctl on an epoll set: how it polls busily. Every other command is EINVAL, not ENOTTY.
//
// Linux polls a set busily for the receive queue (NAPI id) that its sockets' packets come from. Drivers here deliver packets by
// themselves, as they do for Linux's loopback and every driver without NAPI: there no socket has such an id, and the parameters
// are kept, told and change nothing.
#include "compat/epoll/epoll_set.hh"

namespace lxnet {
namespace {

constexpr uint32_t kSetParameters = 0x40088a01, kGetParameters = 0x80088a02;  // EPIOCSPARAMS, EPIOCGPARAMS
constexpr uint16_t kUsualBudget = 64;                                         // NAPI_POLL_WEIGHT

}  // namespace

Result<int64_t> EpollSet::ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  if (command == kGetParameters) {
    TRY(write_user(context.hal(), argument, get_busy_poll()));
    return 0;
  }
  if (command != kSetParameters) return Errno::EINVAL;
  BusyPoll wanted = TRY(read_user<BusyPoll>(context.hal(), argument));
  if (wanted.padding != 0 || wanted.micros > INT32_MAX || wanted.prefer > 1) return Errno::EINVAL;
  if (wanted.budget > kUsualBudget && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  __atomic_store(&busy_poll_, &wanted, __ATOMIC_RELAXED);
  return 0;
}

EpollSet::BusyPoll EpollSet::get_busy_poll() const {
  BusyPoll now;
  __atomic_load(&busy_poll_, &now, __ATOMIC_RELAXED);
  return now;
}

}  // namespace lxnet
