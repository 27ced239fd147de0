#include "compat/afpacket/packet_address.hh"

#include "stack/wire/ethernet.hh"

namespace lxnet {

uint16_t hardware_type_of(const Interface& interface) {
  constexpr uint16_t kEthernet = 1, kLoopback = 772, kNone = 0xfffe;
  switch (interface.link_kind()) {
    case LinkKind::Loopback:
      return kLoopback;
    case LinkKind::Ethernet:
      return kEthernet;
    case LinkKind::Ip:
      break;
  }
  return kNone;
}

size_t address_size_of(const Interface& interface) { return interface.link_kind() == LinkKind::Ip ? 0 : MacAddress::kSize; }

size_t header_size_of(const Interface& interface) { return interface.link_kind() == LinkKind::Ip ? 0 : sizeof(EthernetHeader); }

}  // namespace lxnet
