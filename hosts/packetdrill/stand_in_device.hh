// StandInDevice: a device `tun0` of the host's, for commands in scripts that configure it (tc, ip, ethtool, sysctl). packetdrill
// makes one where it tests a kernel; nothing is sent or received here, and what is configured does not reach lxnet.
#pragma once

namespace lxnet::packetdrill {

class StandInDevice {
 public:
  // Without the right to make it, or where there is one, commands find what there is.
  StandInDevice();
  ~StandInDevice();
  StandInDevice(const StandInDevice&) = delete;
  StandInDevice& operator=(const StandInDevice&) = delete;

 private:
  int fd_;  // the device goes with it
};

}  // namespace lxnet::packetdrill
