// Link-layer addresses that packet sockets ask a device to hear (PACKET_MR_MULTICAST, PACKET_MR_UNICAST), beside those of groups.
#include "stack/igmp/memberships.hh"
#include "stack/stack.hh"

namespace lxnet {

Memberships::LinkAddressHold* Memberships::find_hold(uint32_t interface_index, MacAddress address) const {
  for (LinkAddressHold* hold = holds_.front(); hold != nullptr; hold = holds_.next(*hold)) {
    if (hold->interface_index == interface_index && hold->address == address) return hold;
  }
  return nullptr;
}

Result<> Memberships::hold_link_address(const Interface& interface, MacAddress address) {
  MutexLock lock(mutex_);
  LinkAddressHold* hold = find_hold(interface.index(), address);
  if (hold == nullptr) {
    hold = construct<LinkAddressHold>(stack_.hal());
    if (hold == nullptr) return Errno::ENOBUFS;
    hold->interface_index = interface.index();
    hold->address = address;
    if (!is_heard_on_link(interface, address, nullptr)) filter(interface, address, true);
    holds_.push_back(*hold);
  }
  ++hold->count;
  return ok();
}

void Memberships::release_link_address(const Interface& interface, MacAddress address) {
  MutexLock lock(mutex_);
  LinkAddressHold* hold = find_hold(interface.index(), address);
  if (hold == nullptr || --hold->count != 0) return;
  holds_.remove(*hold);
  dispose(stack_.hal(), hold);
  if (!is_heard_on_link(interface, address, nullptr)) filter(interface, address, false);
}

}  // namespace lxnet
