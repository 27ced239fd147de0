// Interfaces going up and down, their carrier, MTU and hardware address, and who follows that.
#include "stack/arp/arp.hh"
#include "stack/interface_registry.hh"
#include "stack/ndp/ndp_interface.hh"
#include "stack/stack.hh"

namespace lxnet {

Result<> InterfaceRegistry::set_state(Entry& entry, Interface& interface, LinkState state) {
  MutexLock configuration(configuration_);
  if (!interface.is_registered_) return Errno::ENODEV;
  if (interface.is_up() == (state == LinkState::Up)) return ok();
  if (state == LinkState::Up) return bring_up(entry, interface);
  take_down(entry, interface);
  return ok();
}

Result<> InterfaceRegistry::bring_up(Entry& entry, Interface& interface) {
  TRY(interface.device_->start());
  const bool has_carrier = interface.device_->is_link_up();
  interface.set_flags(kInterfaceUp | (has_carrier ? kInterfaceRunning | kInterfaceLowerUp : 0), 0);
  for (AddressNode& node : interface.addresses_) {
    if (!node.value.address.is_v4()) continue;
    const Result<> added = stack_.routes().add_address_routes(entry, interface, node.value);
    if (added.is_ok()) continue;
    stack_.routes().interface_down(entry, interface);
    interface.set_flags(0, kInterfaceUp | kInterfaceRunning | kInterfaceLowerUp);
    interface.device_->stop();
    return added.error();
  }
  if (interface.is_loopback()) add_loopback_addresses(entry, interface);
  notify(entry, {.kind = NetworkEvent::Kind::InterfaceUp, .interface = &interface});
  interface.ndp_->link_up(entry);
  if (has_carrier) interface.ndp_->link_ready(entry);
  arp_interface_changed(entry, interface);
  return ok();
}

// As Linux does when lo comes up without addresses. What has no memory now is missing then, as there; Stack::create() looks.
void InterfaceRegistry::add_loopback_addresses(Entry& entry, Interface& interface) {
  const bool has_ipv4 = any_address(interface, [](const InterfaceAddress& address) { return address.address.is_v4(); });
  const Ipv4Address v4 = Ipv4Address::loopback();
  if (!has_ipv4) {
    static_cast<void>(
        insert_address(entry, interface,
                       {.address = v4, .peer = v4, .prefix_length = 8, .scope = AddressScope::Host, .flags = kAddressPermanent}));
  }
  if (find_node(interface, Ipv6Address::loopback(), -1) != nullptr || interface.settings_.v6.disable_ipv6 != 0) return;
  static_cast<void>(insert_address(entry, interface,
                                   {.address = Ipv6Address::loopback(),
                                    .peer = Ipv6Address::loopback(),
                                    .prefix_length = 128,
                                    .scope = AddressScope::Host,
                                    .origin = AddressOrigin::KernelLoopback,
                                    .flags = kAddressPermanent}));
}

void InterfaceRegistry::take_down(Entry& entry, Interface& interface) {
  interface.set_flags(0, kInterfaceUp | kInterfaceRunning | kInterfaceLowerUp);
  interface.ndp_->link_down(entry);
  stack_.neighbours().forget_interface(entry, interface);
  // IPv6 addresses go with the link, but for those somebody gave and asked to keep.
  const bool keeps = setting_or(all_.v6.keep_addr_on_down, interface.settings_.v6.keep_addr_on_down);
  erase_addresses(entry, interface, IpFamily::V6, keeps ? uint32_t{kAddressPermanent} : 0u);
  stack_.routes().interface_down(entry, interface);
  interface.device_->stop();
  notify(entry, {.kind = NetworkEvent::Kind::InterfaceDown, .interface = &interface});
}

void InterfaceRegistry::change_flags(Entry& entry, Interface& interface, uint32_t flags, uint32_t mask) {
  constexpr uint32_t kChangeable = kInterfaceNoArp | kInterfacePromiscuous | kInterfaceAllMulticast;
  MutexLock configuration(configuration_);
  mask &= kChangeable;
  if (((interface.flags_ ^ flags) & mask) == 0) return;
  interface.set_flags(flags & mask, ~flags & mask);
  stack_.neighbours().forget_interface(entry, interface);
  notify(entry, {.kind = NetworkEvent::Kind::InterfaceChanged, .interface = &interface});
}

// Every device of ours hands on all that it hears, so there is nobody to tell but who watches the counts.
void InterfaceRegistry::change_curiosity(Entry& entry, Interface& interface, Curiosity about, Count count) {
  const bool was_promiscuous = interface.promiscuity() != 0;
  uint32_t& counter = about == Curiosity::Everything ? interface.promiscuity_ : interface.all_multicast_;
  __atomic_store_n(&counter, counter + (count == Count::Up ? 1u : ~0u), __ATOMIC_RELAXED);
  if (was_promiscuous == (interface.promiscuity() != 0)) return;
  notify(entry, {.kind = NetworkEvent::Kind::InterfaceChanged, .interface = &interface});
}

Result<> InterfaceRegistry::set_mtu(Entry& entry, Interface& interface, uint32_t mtu) {
  MutexLock configuration(configuration_);
  if (!interface.is_registered_) return Errno::ENODEV;
  if (mtu == interface.mtu_) return ok();
  if (!interface.device_->capabilities().takes_mtu(mtu)) return Errno::EINVAL;
  TRY(interface.device_->set_mtu(mtu));
  __atomic_store_n(&interface.mtu_, mtu, __ATOMIC_RELAXED);
  stack_.routes().bump_generation();
  notify(entry, {.kind = NetworkEvent::Kind::InterfaceChanged, .interface = &interface});
  interface.ndp_->mtu_changed(entry);
  return ok();
}

Result<> InterfaceRegistry::set_queue_length(Entry& entry, Interface& interface, uint32_t length) {
  MutexLock configuration(configuration_);
  if (!interface.is_registered_) return Errno::ENODEV;
  if (length == interface.queue_length_) return ok();
  TRY(interface.device_->set_queue_length(length));
  __atomic_store_n(&interface.queue_length_, length, __ATOMIC_RELAXED);
  notify(entry, {.kind = NetworkEvent::Kind::InterfaceChanged, .interface = &interface});
  return ok();
}

Result<> InterfaceRegistry::set_mac(Entry& entry, Interface& interface, MacAddress mac) {
  MutexLock configuration(configuration_);
  if (!interface.is_registered_) return Errno::ENODEV;
  if (interface.link_kind_ != LinkKind::Ethernet) return Errno::EOPNOTSUPP;
  if (!mac.is_valid_unicast()) return Errno::EADDRNOTAVAIL;
  interface.set_mac(mac);
  stack_.neighbours().forget_interface(entry, interface);
  notify(entry, {.kind = NetworkEvent::Kind::InterfaceChanged, .interface = &interface});
  if (interface.is_up()) arp_interface_changed(entry, interface);
  return ok();
}

void InterfaceRegistry::tell_changed(Entry& entry, Interface& interface) {
  MutexLock configuration(configuration_);
  if (!interface.is_registered_) return;
  notify(entry, {.kind = NetworkEvent::Kind::InterfaceChanged, .interface = &interface});
}

void InterfaceRegistry::update_carrier(Entry& entry, Interface& interface) {
  MutexLock configuration(configuration_);
  if (!interface.is_registered_ || !interface.is_up()) return;
  const bool has_carrier = interface.device_->is_link_up();
  if (has_carrier == interface.is_running()) return;
  constexpr uint32_t kCarrier = kInterfaceRunning | kInterfaceLowerUp;
  interface.set_flags(has_carrier ? kCarrier : 0, has_carrier ? 0 : kCarrier);
  stack_.routes().bump_generation();
  notify(entry, {.kind = NetworkEvent::Kind::CarrierChanged, .interface = &interface});
  if (has_carrier) {
    interface.ndp_->link_ready(entry);
  } else if (setting_and(all_.v4.arp_evict_nocarrier, interface.settings_.v4.arp_evict_nocarrier)) {
    stack_.neighbours().forget_interface(entry, interface);
  }
}

void InterfaceRegistry::carrier_timer_expired(Entry& entry, Timer& timer) {
  if (timer.claim()) entry.stack().interfaces().update_carrier(entry, OwnedTimer<Interface>::owner_of(timer));
}

}  // namespace lxnet
