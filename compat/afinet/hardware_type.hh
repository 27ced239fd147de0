// ARPHRD_*: what programs are told an interface is, by ioctl, netlink and packet sockets alike.
#pragma once

#include "stack/interface.hh"

namespace lxnet {

inline constexpr uint16_t kHardwareEthernet = 1, kHardwareLoopback = 772, kHardwareNone = 0xfffe;

inline uint16_t hardware_type_of(const Interface& interface) {
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
