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

  // Takes over what has changed.
  void follow();

 private:
  void follow_folder(const std::string& folder);

  lxnet_stack* stack_;
  std::map<std::string, std::string> seen_;
};

}  // namespace lxnet::packetdrill
