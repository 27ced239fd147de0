// Groups follow their interfaces, and IPv6 addresses bring groups of their own (RFC 4291, 2.8: solicited-node).
#include "stack/igmp/memberships.hh"
#include "stack/stack.hh"

namespace lxnet {

Memberships::Observer::Observer(Memberships& of) : NetworkObserver(&Memberships::interfaces_changed), memberships(of) {}

void Memberships::interfaces_changed(NetworkObserver& observer, Entry& entry, const NetworkEvent& event) {
  Memberships& self = static_cast<Observer&>(observer).memberships;
  const bool is_address = event.kind == NetworkEvent::Kind::AddressAdded || event.kind == NetworkEvent::Kind::AddressRemoved;
  if (is_address) {
    const IpAddress& address = event.address->address;
    if (address.is_v4() || event.interface->is_loopback()) return;
    const IpAddress group = address.v6().solicited_node();
    if (event.kind == NetworkEvent::Kind::AddressAdded) return self.hold(entry, *event.interface, group);
    return self.release(entry, *event.interface, group);
  }
  if (event.kind == NetworkEvent::Kind::InterfaceUp) self.interface_up(entry, *event.interface);
  if (event.kind == NetworkEvent::Kind::InterfaceDown) self.interface_down(*event.interface);
  if (event.kind == NetworkEvent::Kind::InterfaceRemoved) self.interface_removed(*event.interface);
}

void Memberships::interface_up(Entry& entry, const Interface& interface) {
  MutexLock lock(mutex_);
  hear_always(interface);
  for (InterfaceGroup& group : in_order_) {
    if (group.interface_index() != interface.index() || group.users() == 0) continue;
    filter_device(group, true);
    group_joined(entry, group);
  }
  arm_timer();
}

// RFC 3376, 3: nothing can be said on a link that is down; what was pending is said again when it comes up.
void Memberships::interface_down(const Interface& interface) {
  MutexLock lock(mutex_);
  for (InterfaceGroup* group = in_order_.front(); group != nullptr;) {
    InterfaceGroup* next = in_order_.next(*group);
    if (group->interface_index() == interface.index()) {
      group->report_at = Instant::never();
      if (group->users() == 0) forget_group(*group);
    }
    group = next;
  }
  for (LinkMulticast& link : links_) {
    if (link.interface_index == interface.index()) link.general_at = link.change_at = Instant::never();
  }
}

void Memberships::interface_removed(const Interface& interface) {
  MutexLock lock(mutex_);
  for (InterfaceGroup* group = in_order_.front(); group != nullptr;) {
    InterfaceGroup* next = in_order_.next(*group);
    if (group->interface_index() == interface.index()) forget_group(*group);
    group = next;
  }
  for (LinkMulticast* link = links_.front(); link != nullptr;) {
    LinkMulticast* next = links_.next(*link);
    if (link->interface_index == interface.index()) {
      links_.remove(*link);
      dispose(stack_.hal(), link);
    }
    link = next;
  }
}

}  // namespace lxnet
