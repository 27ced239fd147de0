// PACKET_ADD_MEMBERSHIP and its opposite (packet_mc_add, packet_mc_drop). The registry's Configuration lock, which Linux calls
// RTNL, guards a socket's list, so that an interface's end finds it whole.
#include "compat/afpacket/packet_socket.hh"

namespace lxnet {
namespace {

enum MembershipKind : uint16_t { kMulticast = 0, kPromiscuous = 1, kAllMulticast = 2, kUnicast = 3 };

MacAddress mac_of(const LinkMembership& membership) {
  return MacAddress::from_bytes(
      std::span<const uint8_t, LinkMembership::kAddressRoom>(membership.address).first<MacAddress::kSize>());
}

using Count = InterfaceRegistry::Count;
using Curiosity = InterfaceRegistry::Curiosity;

}  // namespace

// These two under the registry's Configuration lock, which the caller knows by another name.
Result<> PacketSocket::begin_membership(Entry& entry, Interface& interface,
                                        const LinkMembership& membership) NO_THREAD_SAFETY_ANALYSIS {
  InterfaceRegistry& registry = stack().interfaces();
  switch (membership.kind) {
    case kMulticast:
    case kUnicast:
      if (membership.size != address_size_of(interface)) return Errno::EINVAL;
      return membership.size == 0 ? ok() : stack().memberships().hold_link_address(interface, mac_of(membership));
    case kPromiscuous:
      registry.change_curiosity(entry, interface, Curiosity::Everything, Count::Up);
      return ok();
    case kAllMulticast:
      registry.change_curiosity(entry, interface, Curiosity::EveryGroup, Count::Up);
      return ok();
    default:
      return ok();
  }
}

void PacketSocket::end_membership(Entry& entry, Interface& interface,
                                  const LinkMembership& membership) NO_THREAD_SAFETY_ANALYSIS {
  InterfaceRegistry& registry = stack().interfaces();
  switch (membership.kind) {
    case kMulticast:
    case kUnicast:
      if (membership.size != 0) stack().memberships().release_link_address(interface, mac_of(membership));
      return;
    case kPromiscuous:
      return registry.change_curiosity(entry, interface, Curiosity::Everything, Count::Down);
    case kAllMulticast:
      return registry.change_curiosity(entry, interface, Curiosity::EveryGroup, Count::Down);
    default:
      return;
  }
}

Result<> PacketSocket::add_membership(SyscallContext& context, const LinkMembership& asked) {
  InterfaceRegistry& registry = stack().interfaces();
  MutexLock configuration(registry.configuration());
  const Ref<Interface> interface = registry.find(asked.index);
  if (!interface) return Errno::ENODEV;
  if (asked.size > address_size_of(*interface)) return Errno::EINVAL;
  for (LinkMembership* one = memberships_.front(); one != nullptr; one = memberships_.next(*one)) {
    if (!one->is_same(asked)) continue;
    ++one->count;
    return ok();
  }
  LinkMembership* membership = construct<LinkMembership>(hal());
  if (membership == nullptr) return Errno::ENOBUFS;
  membership->index = asked.index;
  membership->kind = asked.kind;
  membership->size = asked.size;
  membership->count = 1;
  memcpy(membership->address, asked.address, asked.size);
  auto begun = begin_membership(context.entry(), *interface, *membership);
  if (!begun.is_ok()) {
    dispose(hal(), membership);
    return begun;
  }
  memberships_.push_front(*membership);
  return ok();
}

Result<> PacketSocket::drop_membership(SyscallContext& context, const LinkMembership& asked) {
  InterfaceRegistry& registry = stack().interfaces();
  MutexLock configuration(registry.configuration());
  for (LinkMembership* one = memberships_.front(); one != nullptr; one = memberships_.next(*one)) {
    if (!one->is_same(asked)) continue;
    if (--one->count != 0) return ok();
    memberships_.remove(*one);
    if (const Ref<Interface> interface = registry.find(one->index)) end_membership(context.entry(), *interface, *one);
    dispose(hal(), one);
    return ok();
  }
  return ok();
}

void PacketSocket::forget_memberships(Entry& entry, Interface& interface) {
  LinkMembership* next = nullptr;
  for (LinkMembership* one = memberships_.front(); one != nullptr; one = next) {
    next = memberships_.next(*one);
    if (one->index != interface.index()) continue;
    memberships_.remove(*one);
    end_membership(entry, interface, *one);
    dispose(hal(), one);
  }
}

void PacketSocket::leave_all_memberships(Entry& entry) {
  InterfaceRegistry& registry = stack().interfaces();
  MutexLock configuration(registry.configuration());
  while (LinkMembership* one = memberships_.take_front()) {
    if (const Ref<Interface> interface = registry.find(one->index)) end_membership(entry, *interface, *one);
    dispose(hal(), one);
  }
}

}  // namespace lxnet
