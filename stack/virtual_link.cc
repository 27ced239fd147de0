#include "stack/virtual_link.hh"

#include "netdev/dummy/dummy_device.hh"
#include "netdev/veth/veth_end.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

HardwareAddress hardware_address(MacAddress mac) {
  HardwareAddress address;
  copy_bytes(MutableByteSpan(address.bytes), mac.bytes());
  return address;
}

Result<Ref<Interface>> register_device(Entry& entry, const VirtualLink& link, Ref<VirtualDevice> device) {
  EntryInto into(entry, link.stack);
  Ref<Interface> made = TRY(link.stack.interfaces().add(
      into.get(), {.device = *device, .name = link.name, .index = link.index, .release = &VirtualDevice::release}));
  static_cast<void>(device.leak());  // the interface's
  return made;
}

void remove_one(Entry& entry, Interface& interface) {
  EntryInto into(entry, interface.stack());
  interface.stack().interfaces().remove(into.get(), interface);
}

}  // namespace

MacAddress random_mac(const Hal& hal) {
  uint8_t bytes[MacAddress::kSize];
  hal.random_bytes(bytes);
  bytes[0] = static_cast<uint8_t>((bytes[0] & 0xfe) | 0x02);
  return MacAddress::from_bytes(bytes);
}

Result<Ref<Interface>> add_veth_pair(Entry& entry, const VirtualLink& link, const VirtualLink& peer,
                                     const LinkSetup& peer_setup) {
  const auto end_of = [](const VirtualLink& of) {
    return VethEnd::End{
        .home = {.timers = of.stack.timers(), .pool = of.stack.pool()}, .address = hardware_address(of.address), .mtu = of.mtu};
  };
  Ref<VethEnd> ends[2];
  TRY(VethEnd::create(entry.stack().hal(), {end_of(link), end_of(peer)}, ends));
  const Ref<Interface> made_peer = TRY(register_device(entry, peer, ends[1]));
  const auto finish = [&]() -> Result<Ref<Interface>> {
    EntryInto into(entry, peer.stack);
    TRY(peer_setup.run(peer_setup.context, into.get(), *made_peer));
    return register_device(entry, link, ends[0]);
  };
  Result<Ref<Interface>> made = finish();
  if (!made.is_ok()) remove_one(entry, *made_peer);
  return made;
}

Result<Ref<Interface>> add_dummy(Entry& entry, const VirtualLink& link) {
  return register_device(entry, link, TRY(DummyDevice::create(entry.stack().hal(), hardware_address(link.address), link.mtu)));
}

Ref<Interface> peer_of(const Interface& interface) {
  VirtualDevice* device = interface.is_registered() ? interface.device().as_virtual() : nullptr;
  const Ref<VirtualDevice> peer = device == nullptr ? nullptr : device->peer();
  Ref<Interface> found;
  if (peer == nullptr) return found;
  // As long as the device has it for a client, the registry has a count of it.
  peer->with_client(
      [](void* context, const DeviceClient& client) {
        *static_cast<Ref<Interface>*>(context) = Ref<Interface>::share(*static_cast<Interface*>(client.owner));
      },
      &found);
  return found;
}

void remove_link(Entry& entry, Interface& interface) {
  const Ref<Interface> peer = peer_of(interface);
  remove_one(entry, interface);
  if (peer != nullptr) remove_one(entry, *peer);
}

}  // namespace lxnet
