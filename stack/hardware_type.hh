// ARPHRD_*: what programs are told an interface is, by ioctl, netlink and packet sockets alike.
#pragma once

#include "netdev/virtual_device.hh"
#include "stack/interface.hh"

namespace lxnet {

inline constexpr uint16_t kHardwareEthernet = 1, kHardwareLoopback = 772, kHardwareNone = 0xfffe;

inline uint16_t hardware_type_of(const Interface& interface) {
  if (VirtualDevice* made = interface.device().as_virtual(); made != nullptr && made->hardware_type() != 0) {
    return made->hardware_type();
  }
  switch (interface.link_kind()) {
    case LinkKind::Loopback:
      return kHardwareLoopback;
    case LinkKind::Ethernet:
      return kHardwareEthernet;
    case LinkKind::Ip:
      break;
  }
  return kHardwareNone;
}

}  // namespace lxnet
