// Registering families and calls.
#include "compat/syscalls/compat_state.hh"

namespace lxnet {

Result<> CompatState::add_family(const SocketFamily& family) {
  if (find_family(family.number) != nullptr) return Errno::EEXIST;
  if (family_count_ == kMaxFamilies) return Errno::ENOMEM;
  families_[family_count_++] = family;
  return ok();
}

Result<> CompatState::add_syscalls(std::span<const SyscallRow> rows) {
  if (extension_count_ == kMaxExtensions) return Errno::ENOMEM;
  extensions_[extension_count_++] = rows;
  return ok();
}

const SocketFamily* CompatState::find_family(int number) const {
  for (size_t i = 0; i < family_count_; ++i) {
    if (families_[i].number == number) return &families_[i];
  }
  return nullptr;
}

}  // namespace lxnet
