// The groups of interfaces: found, joined, left, and told to the device.
#include "stack/igmp/memberships.hh"

#include "stack/stack.hh"

namespace lxnet {

// RFC 4291, 2.8, of a router.
bool hears_routers(const Interface& interface) {
  return interface.settings().v6.forwarding != 0 && (interface.flags() & kInterfaceMulticast) != 0;
}

namespace {

// Of 224.0.0.1 and ff02::1; and of ff02::2 and ff05::2.
constexpr MacAddress kAlwaysHeard[] = {Ipv4Address::all_hosts().multicast_mac(), Ipv6Address::all_nodes().multicast_mac()};
constexpr MacAddress kRoutersHear = Ipv6Address::all_routers().multicast_mac();

struct GroupKey {
  Ipv6Address group;
  uint32_t interface_index, zero;
};

MacAddress link_address(const IpAddress& group) {
  return group.is_v4() ? group.v4().multicast_mac() : group.v6().multicast_mac();
}

bool is_all_routers(const Ipv6Address& group) {
  const Ipv6Scope scope = group.scope();
  if (scope != Ipv6Scope::InterfaceLocal && scope != Ipv6Scope::LinkLocal && scope != Ipv6Scope::SiteLocal) return false;
  return group.high() == (uint64_t{0xff00} + static_cast<uint64_t>(scope)) << 48 && group.low() == 2;
}

// RFC 1112, 4; RFC 4291, 2.8: listened to everywhere, without joining.
bool is_heard_always(const Interface& interface, const IpAddress& group) {
  if (group.is_v4()) return group.v4() == Ipv4Address::all_hosts();
  if (group.v6() == Ipv6Address::all_nodes() || group.v6() == Ipv6Address::interface_local_all_nodes()) return true;
  return group.v6().is_solicited_node() || (hears_routers(interface) && is_all_routers(group.v6()));
}

}  // namespace

Memberships::ReportTimer::ReportTimer(Memberships& of) : Timer(&Memberships::timer_expired), memberships(of) {}

Memberships::Memberships(Stack& stack)
    : stack_(stack),
      mutex_(stack.hal(), LockRank::Multicast),
      key_(stack.hal().random<SipKey>()),
      timer_(*this),
      observer_(*this),
      groups_(stack.hal()) {
  stack.interfaces().add_observer(observer_);
}

Memberships::~Memberships() {
  stack_.interfaces().remove_observer(observer_);
  stack_.timers().cancel(timer_);
  MutexLock lock(mutex_);
  while (!in_order_.is_empty()) forget_group(*in_order_.front());
  while (LinkMulticast* link = links_.take_front()) dispose(stack_.hal(), link);
  while (LinkAddressHold* hold = holds_.take_front()) dispose(stack_.hal(), hold);
}

uint64_t Memberships::hash(uint32_t interface_index, const IpAddress& group) const {
  return siphash_1_3(key_, GroupKey{group.v6(), interface_index, 0});
}

InterfaceGroup* Memberships::find_group(uint32_t interface_index, const IpAddress& group) const {
  for (InterfaceGroup* at = groups_.first(hash(interface_index, group)); at != nullptr; at = groups_.next(*at)) {
    if (at->interface_index() == interface_index && at->address() == group) return at;
  }
  return nullptr;
}

Result<InterfaceGroup*> Memberships::find_or_create_group(uint32_t interface_index, const IpAddress& group) {
  InterfaceGroup* found = find_group(interface_index, group);
  if (found != nullptr) return found;
  found = construct<InterfaceGroup>(stack_.hal(), stack_.hal(), interface_index, group);
  if (found == nullptr) return Errno::ENOBUFS;
  if (!groups_.insert(*found, hash(interface_index, group)).is_ok()) {
    dispose(stack_.hal(), found);
    return Errno::ENOBUFS;
  }
  in_order_.push_back(*found);
  return found;
}

void Memberships::forget_group(InterfaceGroup& group) {
  groups_.remove(group);
  in_order_.remove(group);
  dispose(stack_.hal(), &group);
}

bool Memberships::accepts(const Interface& interface, const IpAddress& group, const IpAddress& source) const {
  if (is_heard_always(interface, group)) return true;
  MutexLock lock(mutex_);
  const InterfaceGroup* found = find_group(interface.index(), group);
  return found != nullptr && found->accepts(source);
}

// After users and sources have changed between begin_change() and here: the device and the routers follow.
void Memberships::finish_change(Entry& entry, InterfaceGroup& group, uint32_t users_before) {
  if (users_before == 0 && group.users() != 0) {
    filter_device(group, true);
    group_joined(entry, group);
  } else if (users_before != 0 && group.users() == 0) {
    filter_device(group, false);
    group_left(entry, group);
  } else {
    group_changed(entry, group);
  }
  group.forget_unused();
  if (group.users() == 0 && !group.has_change_to_report()) forget_group(group);
  arm_timer();
}

// Whoever else listens through the same link-layer address keeps it open.
bool Memberships::is_heard_on_link(const Interface& interface, MacAddress address, const InterfaceGroup* except) const {
  for (const MacAddress always : kAlwaysHeard) {
    if (address == always) return true;
  }
  if (address == kRoutersHear && hears_routers(interface)) return true;
  for (const InterfaceGroup& other : in_order_) {
    if (&other != except && other.users() != 0 && other.interface_index() == interface.index() &&
        link_address(other.address()) == address) {
      return true;
    }
  }
  return find_hold(interface.index(), address) != nullptr;
}

void Memberships::filter_device(const InterfaceGroup& group, bool listens) {
  const Ref<Interface> interface = stack_.interfaces().find(group.interface_index());
  const MacAddress link = link_address(group.address());
  if (interface && !is_heard_on_link(*interface, link, &group)) filter(*interface, link, listens);
}

void Memberships::filter(const Interface& interface, MacAddress address, bool listens) {
  HardwareAddress hardware;
  copy_bytes(hardware.bytes, address.bytes());
  interface.device().set_multicast(hardware, listens);
}

void Memberships::hear_always(const Interface& interface) {
  for (const MacAddress address : kAlwaysHeard) filter(interface, address, true);
  if (hears_routers(interface)) filter(interface, kRoutersHear, true);
}

void Memberships::follow_forwarding(const Interface& interface) {
  MutexLock lock(mutex_);
  const bool is_router = hears_routers(interface);
  if (is_router || !is_heard_on_link(interface, kRoutersHear, nullptr)) filter(interface, kRoutersHear, is_router);
}

void Memberships::hold(Entry& entry, const Interface& interface, const IpAddress& group) {
  MutexLock lock(mutex_);
  auto found = find_or_create_group(interface.index(), group);
  if (!found.is_ok()) return;
  InterfaceGroup& held = *found.take();
  const uint32_t before = held.users();
  held.begin_change();
  held.add_user(FilterMode::Exclude);
  finish_change(entry, held, before);
}

void Memberships::release(Entry& entry, const Interface& interface, const IpAddress& group) {
  MutexLock lock(mutex_);
  InterfaceGroup* held = find_group(interface.index(), group);
  if (held == nullptr || held->users() == 0) return;
  const uint32_t before = held->users();
  held->begin_change();
  held->remove_user(FilterMode::Exclude);
  finish_change(entry, *held, before);
}

}  // namespace lxnet
