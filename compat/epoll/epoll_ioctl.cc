// EPIOCSPARAMS and EPIOCGPARAMS: busy polling of a set.
#include "compat/epoll/epoll_set.hh"

namespace lxnet {
namespace {

constexpr uint32_t kSetParameters = 0x40088a01, kGetParameters = 0x80088a02;
constexpr uint16_t kUnprivilegedBudget = 64;  // NAPI_POLL_WEIGHT

struct Parameters {
  uint32_t micros;
  uint16_t budget;
  uint8_t prefer;
  uint8_t padding;
};

}  // namespace

Result<int64_t> EpollSet::ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  if (command == kGetParameters) {
    TRY(write_user(context.hal(), argument, Parameters{busy_poll_micros_, busy_poll_budget_, prefer_busy_poll_, 0}));
    return 0;
  }
  if (command != kSetParameters) return Errno::ENOTTY;
  const Parameters parameters = TRY(read_user<Parameters>(context.hal(), argument));
  if (parameters.padding != 0 || parameters.micros > INT32_MAX || parameters.prefer > 1) return Errno::EINVAL;
  if (parameters.budget > kUnprivilegedBudget && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  busy_poll_micros_ = parameters.micros;
  busy_poll_budget_ = parameters.budget;
  prefer_busy_poll_ = parameters.prefer;
  return 0;
}

}  // namespace lxnet
