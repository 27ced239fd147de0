#include "compat/afpacket/packet_address.hh"

#include "stack/wire/ethernet.hh"

namespace lxnet {

size_t address_size_of(const Interface& interface) { return interface.link_kind() == LinkKind::Ip ? 0 : MacAddress::kSize; }

size_t header_size_of(const Interface& interface) { return interface.link_kind() == LinkKind::Ip ? 0 : sizeof(EthernetHeader); }

}  // namespace lxnet
