// ioctl on an epoll set. EPIOCSPARAMS and EPIOCGPARAMS are not served: there is no busy polling for them to steer, and they fail
// as on a Linux built without it.
#include "compat/epoll/epoll_set.hh"

namespace lxnet {

Result<int64_t> EpollSet::ioctl(SyscallContext&, uint32_t, UserAddress) { return Errno::ENOTTY; }

}  // namespace lxnet
