// The questions and announcements of ARP, and which of our addresses asks.
#include "stack/arp/arp_internal.hh"
#include "stack/link.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

// arp_announce 0: as the packet that waits, if its source is ours. 1: that only if the target is in its subnet. 2: always the
// best.
Ipv4Address choose_source(Interface& interface, Ipv4Address target, const IpAddress& wanted) {
  Stack& stack = interface.stack();
  const Ipv4Settings& all = stack.interfaces().settings_of_all().v4;
  const int32_t announce = setting_max(all.arp_announce, interface.settings().v4.arp_announce);
  const bool is_ours = wanted.is_v4() && !wanted.is_unspecified() && stack.routes().address_type(wanted) == RouteType::Local;
  if (announce == 0 && is_ours) return wanted.v4();
  if (announce == 1 && is_ours) {
    const bool is_in_subnet = stack.interfaces().any_address(
        interface, [&](const InterfaceAddress& address) { return address.address == wanted && address.covers(target); });
    if (is_in_subnet) return wanted.v4();
  }
  Result<Ipv4Address> selected = stack.routes().select_source(interface, target, AddressScope::Link);
  return selected.is_ok() ? selected.take() : Ipv4Address();
}

}  // namespace

void arp_send(Entry& entry, Interface& interface, const ArpMessage& message, MacAddress destination) {
  if ((interface.flags() & kInterfaceNoArp) != 0 || interface.link_kind() != LinkKind::Ethernet) return;
  Result<Ref<Packet>> created = Packet::create(entry.stack().pool());
  if (!created.is_ok()) return;  // as good as lost on the wire: asked again
  Ref<Packet> packet = created.take();
  message.emit(packet->append(ArpMessage::encoded_size()));
  packet->link_protocol = static_cast<uint16_t>(EtherType::Arp);
  interface.output_to(entry, std::move(packet), destination);
}

void arp_solicit(Entry& entry, Interface& interface, Ipv4Address target, const MacAddress* known,
                 const IpAddress& wanted_source) {
  const ArpMessage request{.operation = ArpOperation::Request,
                           .sender_mac = interface.mac(),
                           .sender_address = choose_source(interface, target, wanted_source),
                           .target_mac = known != nullptr ? *known : MacAddress(),
                           .target_address = target};
  arp_send(entry, interface, request, known != nullptr ? *known : MacAddress::broadcast());
}

void arp_announce(Entry& entry, Interface& interface, Ipv4Address address) {
  const ArpMessage announcement{.operation = ArpOperation::Request,
                                .sender_mac = interface.mac(),
                                .sender_address = address,
                                .target_mac = interface.mac(),
                                .target_address = address};
  arp_send(entry, interface, announcement, MacAddress::broadcast());
}

void arp_interface_changed(Entry& entry, Interface& interface) {
  InterfaceRegistry& interfaces = entry.stack().interfaces();
  if (!setting_or(interfaces.settings_of_all().v4.arp_notify, interface.settings().v4.arp_notify)) return;
  InterfaceAddress address;
  for (size_t position = 0; interfaces.copy_address(interface, position, address); ++position) {
    if (address.address.is_v4()) arp_announce(entry, interface, address.address.v4());
  }
}

}  // namespace lxnet
