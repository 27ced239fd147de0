// What confines the task that made a socket (hal.h: confinement): who is confined so that he may not reach sockets of others by
// abstract names is compared with it.
#pragma once

#include "hal/hal.hh"

namespace lxnet {

class UnixConfinement {
 public:
  // The current task's.
  explicit UnixConfinement(const Hal& hal)
      : hal_(hal), confinement_(hal.has_confinement() ? hal.table().confinement(hal.context()) : nullptr) {}
  ~UnixConfinement() {
    if (confinement_ != nullptr) hal_.table().confinement_unref(hal_.context(), confinement_);
  }
  UnixConfinement(const UnixConfinement&) = delete;
  UnixConfinement& operator=(const UnixConfinement&) = delete;

  // No lock is held.
  bool is_reached_by_current_task() const { return hal_.may_reach(confinement_); }

 private:
  const Hal& hal_;
  lxnet_confinement* confinement_;
};

}  // namespace lxnet
