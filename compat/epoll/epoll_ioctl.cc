// ioctl on an epoll set. There is no busy polling for EPIOCSPARAMS and EPIOCGPARAMS to steer, and they fail as on a Linux built
// without it; every other command is EINVAL, not ENOTTY.
#include "compat/epoll/epoll_set.hh"

namespace lxnet {
namespace {

constexpr uint32_t kSetParameters = 0x40088a01, kGetParameters = 0x80088a02;

}  // namespace

Result<int64_t> EpollSet::ioctl(SyscallContext&, uint32_t command, UserAddress) {
  return command == kSetParameters || command == kGetParameters ? Errno::EOPNOTSUPP : Errno::EINVAL;
}

}  // namespace lxnet
