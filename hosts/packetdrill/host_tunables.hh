// HostTunables: a script sets tunables by running sysctl or by writing to /proc/sys. Both change the network namespace that
// packetdrill runs in; the stack takes its values over from there, so that such scripts run unchanged.
#pragma once

#include <map>
#include <string>

#include "hal/lxnet.h"

namespace lxnet::packetdrill {

class HostTunables {
 public:
  explicit HostTunables(lxnet_stack* stack) : stack_(stack) {}

  // Takes over what has changed since a child process was last seen to end: only those change tunables.
  void follow();
  void stop() { is_stopped_ = true; }

 private:
  void follow_folder(const std::string& folder);
  bool has_new_child();

  lxnet_stack* stack_;
  bool is_stopped_ = false, is_first_ = true;
  long child_faults_ = 0;
  std::map<std::string, std::string> seen_;
};

}  // namespace lxnet::packetdrill
