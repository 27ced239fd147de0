#include "stack/ndp/ndp_interface.hh"

#include "stack/ndp/ndp_output.hh"
#include "stack/stack.hh"

namespace lxnet {

void NdpInterface::link_ready(Entry&) {}
void NdpInterface::link_down(Entry&) {}
void NdpInterface::mtu_changed(Entry&) {}
bool NdpInterface::must_detect_duplicates(const InterfaceAddress&) const { return false; }
void NdpInterface::address_added(Entry&, AddressNode&) {}
void NdpInterface::address_removed(Entry&, AddressNode&) {}

void ndp_solicit(Entry&, Interface&, const Ipv6Address&, const MacAddress*, const IpAddress&) {}

}  // namespace lxnet
