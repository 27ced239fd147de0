// HostTunables: a script sets tunables by running sysctl or by writing to /proc/sys. Both change the network namespace that
// packetdrill runs in; the stack takes its values over from there, so that such scripts run unchanged.
//
// A namespace of the host's refuses congestion controls that only its first one may choose, and those that it has not got. That
// file is a file of our own therefore, for this process and its children; what it names is lxnet's.
#pragma once

#include <map>
#include <string>

#include "hal/lxnet.h"

namespace lxnet::packetdrill {

class HostTunables {
 public:
  explicit HostTunables(lxnet_stack* stack) : stack_(stack) {}

  // Puts our own file in its place. Where that is not allowed the host's stays.
  static void stand_in_for_congestion_control();

  // Takes over what has changed.
  void follow();

 private:
  void follow_folder(const std::string& folder);

  lxnet_stack* stack_;
  std::map<std::string, std::string> seen_;
};

}  // namespace lxnet::packetdrill
