// Addresses that end: deprecated when their preferred lifetime is over, removed when the valid one is.
#include "stack/interface_registry.hh"
#include "stack/stack.hh"

namespace lxnet {

Result<> InterfaceRegistry::update_address(Entry& entry, Interface& interface, const InterfaceAddress& address) {
  MutexLock configuration(configuration_);
  return change_address(entry, interface, address);
}

Result<> InterfaceRegistry::change_address(Entry& entry, Interface& interface, const InterfaceAddress& address) {
  // What changes; the rest of an address stays as it was added.
  constexpr uint32_t kFlags = kAddressDeprecated | kAddressPermanent | kAddressHome | kAddressManageTemporary |
                              kAddressTentative | kAddressDadFailed | kAddressNoPrefixRoute;
  if (!interface.is_registered()) return Errno::ENODEV;
  if (address.valid_until <= entry.now() || address.preferred_until > address.valid_until) return Errno::EINVAL;
  AddressNode* node = find_node(interface, address.address, address.address.is_v4() ? address.prefix_length : -1);
  if (node == nullptr) return Errno::EADDRNOTAVAIL;
  {
    MutexLock lock(mutex_);
    node->value.flags = (node->value.flags & ~kFlags) | (address.flags & kFlags);
    node->value.valid_until = address.valid_until;
    node->value.preferred_until = address.preferred_until;
    if (address.preferred_until > entry.now()) node->value.flags &= ~kAddressDeprecated;
    if (!address.valid_until.is_never()) node->value.flags &= ~kAddressPermanent;
    node->value.updated_nanos = entry.now().in_nanos();
  }
  // The subnet's route lives as long as the address does.
  if (!address.address.is_v4()) static_cast<void>(stack_.routes().add_address_routes(entry, interface, node->value));
  stack_.routes().bump_generation();
  schedule_lifetimes();
  notify(entry, {.kind = NetworkEvent::Kind::AddressChanged, .interface = &interface, .address = &node->value});
  return ok();
}

bool InterfaceRegistry::finish_detection_locked(Entry& entry, AddressNode& node, uint32_t failure) {
  const uint32_t before = node.value.flags;
  {
    MutexLock lock(mutex_);
    node.value.flags = failure == 0 ? before & ~(kAddressTentative | kAddressOptimistic) : before | failure;
  }
  if (failure == 0 && !stack_.routes().add_address_routes(entry, node.interface, node.value).is_ok()) {
    MutexLock lock(mutex_);
    node.value.flags = before;
    return false;
  }
  stack_.routes().bump_generation();
  notify(entry, {.kind = NetworkEvent::Kind::AddressChanged, .interface = &node.interface, .address = &node.value});
  return true;
}

// One timer for all: addresses that end are few, and it is armed for the first of them.
void InterfaceRegistry::schedule_lifetimes() {
  Instant first = Instant::never();
  MutexLock lock(mutex_);
  for (const Interface& interface : in_order_) {
    for (const AddressNode& node : interface.addresses_) {
      const InterfaceAddress& value = node.value;
      if (value.valid_until < first) first = value.valid_until;
      const bool is_deprecated = (value.flags & kAddressDeprecated) != 0;
      if (!is_deprecated && value.preferred_until < first) first = value.preferred_until;
    }
  }
  if (first.is_never()) {
    stack_.timers().cancel(lifetime_timer_);
  } else {
    stack_.timers().arm(lifetime_timer_, first);
  }
}

void InterfaceRegistry::lifetimes_expired(Entry& entry, Timer&) {
  InterfaceRegistry& self = entry.stack().interfaces();
  MutexLock configuration(self.configuration_);
  for (Interface& interface : self.interfaces_in_order()) self.end_lifetimes(entry, interface);
  self.schedule_lifetimes();
}

void InterfaceRegistry::end_lifetimes(Entry& entry, Interface& interface) {
  AddressNode* next = nullptr;
  for (AddressNode* node = interface.addresses_.front(); node != nullptr; node = next) {
    next = interface.addresses_.next(*node);
    if (node->value.valid_until <= entry.now()) {
      if (!node->value.address.is_v4()) {
        erase_address(entry, *node);
        continue;
      }
      // May take others along: begin again.
      remove_ipv4(entry, *node);
      next = interface.addresses_.front();
      continue;
    }
    if (node->value.preferred_until > entry.now() || (node->value.flags & kAddressDeprecated) != 0) continue;
    {
      MutexLock lock(mutex_);
      node->value.flags |= kAddressDeprecated;
    }
    stack_.routes().bump_generation();
    notify(entry, {.kind = NetworkEvent::Kind::AddressChanged, .interface = &interface, .address = &node->value});
  }
}

}  // namespace lxnet
