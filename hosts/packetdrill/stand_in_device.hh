// StandInDevice: a device `tun0` of the host's, for commands in scripts that configure it (tc, ip, ethtool, sysctl), with the
// addresses and routes that packetdrill gives it where it tests a kernel. Nothing is sent or received here.
#pragma once

#include "hosts/packetdrill/settings.hh"

namespace lxnet::packetdrill {

class StandInDevice {
 public:
  // Without the right to make it, or where there is one, commands find what there is.
  explicit StandInDevice(const Settings& settings);
  ~StandInDevice();
  StandInDevice(const StandInDevice&) = delete;
  StandInDevice& operator=(const StandInDevice&) = delete;

 private:
  int fd_;  // the device goes with it
};

}  // namespace lxnet::packetdrill
