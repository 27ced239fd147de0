// Who a socket's peer or a message's sender is: ids as they were recorded, and where the host has such a thing a file that stands
// for the process (a pidfd), which outlives the process.
#pragma once

#include "compat/syscalls/context.hh"

namespace lxnet {

class UnixProcess {
 public:
  UnixProcess() = default;
  // Empty when there is no such process (any more), or the host gives none out.
  static UnixProcess of(const Hal& hal, int32_t tgid);
  UnixProcess(const UnixProcess& other) : hal_(other.hal_), file_(other.file_) {
    if (file_ != nullptr) hal_->table().foreign_ref(hal_->context(), file_);
  }
  UnixProcess(UnixProcess&& other) noexcept : hal_(other.hal_), file_(std::exchange(other.file_, nullptr)) {}
  UnixProcess& operator=(UnixProcess other) noexcept {
    std::swap(hal_, other.hal_);
    std::swap(file_, other.file_);
    return *this;
  }
  ~UnixProcess() {
    if (file_ != nullptr) hal_->table().foreign_unref(hal_->context(), file_);
  }

  static bool is_offered(const Hal& hal) { return hal.table().process_file != nullptr && hal.table().foreign_ref != nullptr; }
  bool is_known() const { return file_ != nullptr; }
  // A new descriptor of it in the current task. EMFILE and its kin; ESRCH when the process is not known.
  Result<int> open() const;

 private:
  const Hal* hal_ = nullptr;
  lxnet_foreign_file* file_ = nullptr;
};

// Of listen(), connect() and socketpair(): shared by the sockets that show it.
class UnixIdentity : public RefCounted<UnixIdentity> {
 public:
  // The current task. ENOMEM.
  static Result<Ref<UnixIdentity>> of_current_task(const Hal& hal);
  static void destroy(UnixIdentity* identity) { dispose(identity->hal_, identity); }

  const lxnet_credentials& credentials() const { return credentials_; }
  const UnixProcess& process() const { return process_; }

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  explicit UnixIdentity(const Hal& hal) : hal_(hal) {}
  ~UnixIdentity() = default;

  const Hal& hal_;
  lxnet_credentials credentials_{};
  UnixProcess process_;
};

}  // namespace lxnet
