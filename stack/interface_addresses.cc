// The addresses of interfaces: what may be added (Linux's devinet.c and addrconf.c decide), in which order they stand, and the
// table of all of them.
#include "stack/interface_registry.hh"
#include "stack/ndp/ndp_interface.hh"
#include "stack/stack.hh"

namespace lxnet {

namespace {

uint64_t hash_address(const IpAddress& address, uint64_t key) {
  uint64_t mixed = (address.v6().high() ^ key) * 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ address.v6().low() ^ mixed >> 32) * 0xd6e8feb86659fd93u;
  return mixed ^ mixed >> 29;
}

bool same_prefix(const InterfaceAddress& a, const InterfaceAddress& b) {
  return a.prefix_length == b.prefix_length && a.covers(b.peer);
}

}  // namespace

// ---- finding

// visit(const AddressNode&) for each node with this address.
template <typename Visitor>
void InterfaceRegistry::for_each_node(const IpAddress& address, Visitor&& visit) const {
  const uint64_t hash = hash_address(address, hash_key_);
  for (AddressNode* node = by_address_.first(hash); node != nullptr; node = by_address_.next(*node)) {
    if (node->value.address == address) visit(*node);
  }
}

bool InterfaceRegistry::is_local_address(const IpAddress& address, uint32_t interface_index) const {
  MutexLock lock(mutex_);
  bool is_found = false;
  for_each_node(address, [&](const AddressNode& node) {
    if (node.value.is_usable() && (interface_index == 0 || node.interface.index() == interface_index)) is_found = true;
  });
  if (is_found) return true;
  // Linux makes the whole prefix of lo's IPv4 addresses local: 127.9.9.9 is us.
  if (!address.is_v4() || loopback_ == nullptr) return false;
  if (interface_index != 0 && interface_index != loopback_->index()) return false;
  for (const AddressNode& node : loopback_->addresses_) {
    if (node.value.covers(address)) return true;
  }
  return false;
}

Ref<Interface> InterfaceRegistry::find_by_address(const IpAddress& address) const {
  MutexLock lock(mutex_);
  Interface* found = nullptr;
  for_each_node(address, [&](const AddressNode& node) {
    if (found == nullptr || node.interface.index() < found->index()) found = &node.interface;
  });
  return found == nullptr ? nullptr : Ref<Interface>::share(*found);
}

Ref<Interface> InterfaceRegistry::find_by_local_address(const IpAddress& address) const {
  Ref<Interface> found = find_by_address(address);
  if (!found && is_local_address(address)) found = Ref<Interface>::share(*loopback_);
  return found;
}

// A negative prefix length matches any.
AddressNode* InterfaceRegistry::find_node(const Interface& interface, const IpAddress& address, int prefix_length) const {
  for (AddressNode& node : interface.addresses_) {
    if (node.value.address == address && (prefix_length < 0 || node.value.prefix_length == prefix_length)) return &node;
  }
  return nullptr;
}

Result<InterfaceAddress> InterfaceRegistry::find_address(const Interface& interface, const IpAddress& address) const {
  MutexLock lock(mutex_);
  const AddressNode* found = nullptr;
  for_each_node(address, [&](const AddressNode& node) {
    if (&node.interface == &interface) found = &node;
  });
  if (found == nullptr) return Errno::EADDRNOTAVAIL;
  return InterfaceAddress(found->value);
}

bool InterfaceRegistry::copy_address(const Interface& interface, size_t position, InterfaceAddress& out) const {
  MutexLock lock(mutex_);
  for (const AddressNode& node : interface.addresses_) {
    if (position-- != 0) continue;
    out = node.value;
    return true;
  }
  return false;
}

// ---- adding

// An address of a subnet that is already there is secondary and stands behind all others; a primary one stands behind the
// primaries that reach as far as it does. `before` is what it will stand before, or null: at the end of the IPv4 addresses.
Result<> InterfaceRegistry::place_ipv4(Interface& interface, InterfaceAddress& address, AddressNode*& before) const {
  constexpr uint32_t kIpv6Only = kAddressNoDad | kAddressOptimistic | kAddressDadFailed | kAddressHome | kAddressTentative |
                                 kAddressManageTemporary | kAddressStablePrivacy;
  if (address.prefix_length > 32) return Errno::EINVAL;
  address.flags &= ~(kIpv6Only | kAddressSecondary);
  AddressNode* behind_primaries = interface.addresses_.front();
  AddressNode* end = interface.addresses_.front();
  for (; end != nullptr && end->value.address.is_v4(); end = interface.addresses_.next(*end)) {
    const InterfaceAddress& other = end->value;
    if (!other.is_secondary() && address.scope <= other.scope) behind_primaries = interface.addresses_.next(*end);
    if (!same_prefix(other, address)) continue;
    if (other.address == address.address) return Errno::EEXIST;
    if (other.scope != address.scope) return Errno::EINVAL;
    address.flags |= kAddressSecondary;
  }
  before = address.is_secondary() ? end : behind_primaries;
  return ok();
}

Result<> InterfaceRegistry::check_ipv6(Interface& interface, InterfaceAddress& address) const {
  if (address.prefix_length > 128) return Errno::EINVAL;
  const Ipv6Address& v6 = address.address.v6();
  if (v6.is_unspecified() || v6.is_multicast()) return Errno::EADDRNOTAVAIL;
  if (v6.is_loopback() && !interface.is_loopback()) return Errno::EADDRNOTAVAIL;
  if (interface.settings_.v6.disable_ipv6 != 0) return Errno::EACCES;
  if (find_node(interface, address.address, -1) != nullptr) return Errno::EEXIST;
  address.scope = v6.is_loopback()     ? AddressScope::Host
                  : v6.is_link_local() ? AddressScope::Link
                  : v6.is_site_local() ? AddressScope::Site
                                       : AddressScope::Universe;
  address.flags &= ~(kAddressDadFailed | kAddressTentative);
  if (interface.ndp_->must_detect_duplicates(address)) address.flags |= kAddressTentative;
  return ok();
}

Result<> InterfaceRegistry::add_address(Entry& entry, Interface& interface, const InterfaceAddress& address) {
  MutexLock configuration(configuration_);
  return insert_address(entry, interface, address);
}

// What an IPv6 address stands before: those that reach as far or less far. Null: at the end.
AddressNode* InterfaceRegistry::ipv6_successor(Interface& interface, const InterfaceAddress& address) const {
  for (AddressNode& node : interface.addresses_) {
    if (!node.value.address.is_v4() && node.value.scope >= address.scope) return &node;
  }
  return nullptr;
}

Result<> InterfaceRegistry::insert_address(Entry& entry, Interface& interface, const InterfaceAddress& asked) {
  if (!interface.is_registered_) return Errno::ENODEV;
  const bool is_v4 = asked.address.is_v4();
  if (asked.valid_until <= entry.now() || asked.preferred_until > asked.valid_until) return Errno::EINVAL;
  InterfaceAddress address = asked;
  if (address.peer.is_unspecified()) address.peer = address.address;
  if (address.peer.is_v4() != is_v4) return Errno::EINVAL;
  AddressNode* before = nullptr;
  if (is_v4) {
    if (address.address.is_unspecified()) return ok();  // as in Linux: 0.0.0.0 is no address, and not refused either
    TRY(place_ipv4(interface, address, before));
  } else {
    TRY(check_ipv6(interface, address));
    before = ipv6_successor(interface, address);
  }
  if (address.valid_until.is_never()) address.flags |= kAddressPermanent;
  address.created_nanos = address.updated_nanos = entry.now().in_nanos();
  AddressNode* node = construct<AddressNode>(stack_.hal(), interface, address);
  if (node == nullptr) return Errno::ENOMEM;
  // As addrconf_add_dev(): with the first address a link that is up has its multicast route too.
  if (!is_v4 && interface.is_up() && !interface.is_loopback()) {
    static_cast<void>(stack_.routes().add_multicast_route(entry, interface));
  }
  Result<> added = stack_.routes().add_address_routes(entry, interface, address);
  if (added.is_ok() && !link_address(*node, before)) {
    stack_.routes().remove_address_routes(entry, interface, address);
    dispose(stack_.hal(), node);
    return Errno::ENOMEM;
  }
  if (!added.is_ok()) {
    dispose(stack_.hal(), node);
    return added.error();
  }
  stack_.routes().bump_generation();
  if (!address.valid_until.is_never() || !address.preferred_until.is_never()) schedule_lifetimes();
  notify(entry, {.kind = NetworkEvent::Kind::AddressAdded, .interface = &interface, .address = &node->value});
  if (!is_v4) interface.ndp_->address_added(entry, *node);
  return ok();
}

// False without memory for the table.
bool InterfaceRegistry::link_address(AddressNode& node, AddressNode* before) {
  MutexLock lock(mutex_);
  if (!by_address_.insert(node, hash_address(node.value.address, hash_key_)).is_ok()) return false;
  if (before != nullptr) {
    node.interface.addresses_.insert_before(*before, node);
  } else {
    node.interface.addresses_.push_back(node);
  }
  return true;
}

// ---- removing

Result<> InterfaceRegistry::remove_address(Entry& entry, Interface& interface, const IpAddress& address, uint8_t prefix_length) {
  MutexLock configuration(configuration_);
  if (!interface.is_registered_) return Errno::ENODEV;
  AddressNode* node = find_node(interface, address, prefix_length);
  if (node == nullptr) return Errno::EADDRNOTAVAIL;
  if (address.is_v4()) {
    remove_ipv4(entry, *node);
  } else {
    erase_address(entry, *node);
  }
  return ok();
}

// A primary address takes the secondaries of its subnet along, unless one may be promoted to its place.
void InterfaceRegistry::remove_ipv4(Entry& entry, AddressNode& node) {
  Interface& interface = node.interface;
  const InterfaceAddress removed = node.value;
  const bool promotes = setting_or(all_.v4.promote_secondaries, interface.settings_.v4.promote_secondaries);
  AddressNode* heir = nullptr;
  AddressNode* next = nullptr;
  for (AddressNode* other = interface.addresses_.front(); other != nullptr && !removed.is_secondary(); other = next) {
    next = interface.addresses_.next(*other);
    if (!other->value.address.is_v4() || !other->value.is_secondary() || !same_prefix(other->value, removed)) continue;
    if (!promotes) {
      erase_address(entry, *other);
    } else if (heir == nullptr) {
      heir = other;
    }
  }
  if (heir != nullptr) promote(*heir);
  erase_address(entry, node);
  if (heir == nullptr) return;
  stack_.routes().refresh_address_routes(entry, interface);
  notify(entry, {.kind = NetworkEvent::Kind::AddressAdded, .interface = &interface, .address = &heir->value});
}

// Its place is that of a primary address: behind the last of them.
void InterfaceRegistry::promote(AddressNode& heir) {
  Interface& interface = heir.interface;
  MutexLock lock(mutex_);
  AddressNode* last_primary = nullptr;
  for (AddressNode& other : interface.addresses_) {
    if (other.value.address.is_v4() && !other.value.is_secondary()) last_primary = &other;
  }
  heir.value.flags &= ~kAddressSecondary;
  interface.addresses_.remove(heir);
  interface.addresses_.insert_after(*last_primary, heir);
}

void InterfaceRegistry::erase_address(Entry& entry, AddressNode& node) {
  Interface& interface = node.interface;
  {
    MutexLock lock(mutex_);
    interface.addresses_.remove(node);
    by_address_.remove(node);
  }
  stack_.routes().remove_address_routes(entry, interface, node.value);
  stack_.routes().bump_generation();
  if (!node.value.address.is_v4()) interface.ndp_->address_removed(entry, node);
  notify(entry, {.kind = NetworkEvent::Kind::AddressRemoved, .interface = &interface, .address = &node.value});
  dispose(stack_.hal(), &node);
}

// Those that have one of the flags stay, but for link-local ones, which come back by themselves.
void InterfaceRegistry::erase_addresses(Entry& entry, Interface& interface, IpFamily family, uint32_t except_flags) {
  AddressNode* previous = nullptr;
  // From the back, so that secondaries go before their primaries.
  for (AddressNode* node = interface.addresses_.back(); node != nullptr; node = previous) {
    previous = interface.addresses_.previous(*node);
    const InterfaceAddress& value = node->value;
    if (value.address.family() != family) continue;
    if ((value.flags & except_flags) != 0 && value.scope != AddressScope::Link) continue;
    erase_address(entry, *node);
  }
}

}  // namespace lxnet
