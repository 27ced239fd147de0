#include "compat/afunix/unix_identity.hh"

#include "hal/memory.hh"

namespace lxnet {
namespace {

constexpr uint32_t kCloseOnExec = 02000000;

}  // namespace

UnixProcess UnixProcess::of(const Hal& hal, int32_t tgid) {
  UnixProcess process;
  if (!is_offered(hal)) return process;
  process.hal_ = &hal;
  process.file_ = hal.table().process_file(hal.context(), tgid);
  return process;
}

Result<int> UnixProcess::open() const {
  if (file_ == nullptr) return Errno::ESRCH;
  const int fd = hal_->table().foreign_install_fd(hal_->context(), file_, kCloseOnExec);
  if (fd < 0) return static_cast<Errno>(-fd);
  return fd;
}

Result<Ref<UnixIdentity>> UnixIdentity::of_current_task(const Hal& hal) {
  Ref<UnixIdentity> identity = TRY(make_ref<UnixIdentity>(hal, hal));
  hal.credentials(identity->credentials_);
  identity->process_ = UnixProcess::of(hal, identity->credentials_.tgid);
  return identity;
}

}  // namespace lxnet
