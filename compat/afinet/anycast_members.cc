#include "compat/afinet/anycast_members.hh"

#include "compat/afinet/inet_options.hh"
#include "compat/afinet/lazy_part.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {
namespace {

// struct ipv6_mreq.
struct UserMembership {
  Ipv6Address address;
  int32_t interface_index;
};

RouteEntry route_of(uint32_t interface_index, const Ipv6Address& address) {
  RouteEntry route;
  route.destination = {IpAddress(address), 128};
  route.type = RouteType::Anycast;
  route.scope = AddressScope::Host;
  route.origin = RouteOrigin::Kernel;
  route.table = kTableLocal;
  route.output_interface = interface_index;
  return route;
}

bool forwards(Stack& stack, const Interface& interface) {
  return stack.tunables().values().ipv6_forwarding != 0 || interface.settings().v6.forwarding != 0;
}

// The interface that packets to the address leave by; a router has any.
Result<Ref<Interface>> choose_interface(SyscallContext& context, uint32_t index, const Ipv6Address& address) {
  Stack& stack = context.stack();
  if (index != 0) {
    Ref<Interface> named = stack.interfaces().find(index);
    if (!named) return Errno::ENODEV;
    return named;
  }
  auto found = stack.routes().find({.destination = IpAddress(address)});
  if (found.is_ok()) {
    FibResult way = found.take();
    if (way.output) return std::move(way.output);
  }
  if (stack.tunables().values().ipv6_forwarding == 0) return Errno::EADDRNOTAVAIL;
  for (Ref<Interface> any = stack.interfaces().find_next(0); any; any = stack.interfaces().find_next(any->index())) {
    if (any->is_up() && !any->is_loopback()) return any;
  }
  return Errno::ENODEV;
}

}  // namespace

AnycastMembers::~AnycastMembers() {
  MutexLock lock(mutex_);
  while (Member* member = members_.take_front()) dispose(hal_, member);
}

AnycastMembers* AnycastMembers::find(Stack& stack) { return find_part<AnycastMembers>(CompatState::of(stack).anycast_members); }

Result<AnycastMembers*> AnycastMembers::find_or_create(Stack& stack) {
  CompatState& state = CompatState::of(stack);
  return find_or_create_part<AnycastMembers>(stack, state.anycast_members, state.destroy_anycast_members);
}

bool AnycastMembers::is_joined_locked(uint32_t interface_index, const Ipv6Address& address) {
  for (Member* member = members_.front(); member != nullptr; member = members_.next(*member)) {
    if (member->interface_index == interface_index && member->address == address) return true;
  }
  return false;
}

// ipv6_sock_ac_join().
Result<> AnycastMembers::join(SyscallContext& context, const Socket& socket, uint32_t interface_index,
                              const Ipv6Address& address) {
  Stack& stack = context.stack();
  const Ref<Interface> interface = TRY(choose_interface(context, interface_index, address));
  const bool is_on_subnet = stack.interfaces().any_address(*interface, [&](const InterfaceAddress& own) {
    return !own.address.is_v4() && address.is_in(own.address.v6(), own.prefix_length);
  });
  if (!is_on_subnet && !forwards(stack, *interface)) return Errno::EADDRNOTAVAIL;
  auto* member = construct<Member>(hal_);
  if (member == nullptr) return Errno::ENOMEM;
  member->socket = &socket;
  member->interface_index = interface->index();
  member->address = address;
  bool is_first = false;
  {
    MutexLock lock(mutex_);
    is_first = !is_joined_locked(member->interface_index, address);
    members_.push_front(*member);
  }
  if (!is_first) return ok();
  auto added = stack.routes().add(context.entry(), route_of(interface->index(), address));
  if (!added.is_ok() && !added.is_error(Errno::EEXIST)) {
    MutexLock lock(mutex_);
    members_.remove(*member);
    dispose(hal_, member);
    return added;
  }
  if (!interface->is_loopback()) stack.memberships().hold(context.entry(), *interface, IpAddress(address.solicited_node()));
  return ok();
}

AnycastMembers::Member* AnycastMembers::take(const Socket& socket, uint32_t interface_index, const Ipv6Address* address) {
  MutexLock lock(mutex_);
  for (Member* member = members_.front(); member != nullptr; member = members_.next(*member)) {
    if (member->socket != &socket) continue;
    if (address != nullptr && !(member->address == *address)) continue;
    if (interface_index != 0 && member->interface_index != interface_index) continue;
    members_.remove(*member);
    return member;
  }
  return nullptr;
}

void AnycastMembers::leave_one(Entry& entry, Stack& stack, Member* member) {
  bool is_last = false;
  {
    MutexLock lock(mutex_);
    is_last = !is_joined_locked(member->interface_index, member->address);
  }
  if (is_last) {
    (void)stack.routes().remove(entry, route_of(member->interface_index, member->address)).is_ok();
    const Ref<Interface> interface = stack.interfaces().find(member->interface_index);
    if (interface && !interface->is_loopback())
      stack.memberships().release(entry, *interface, IpAddress(member->address.solicited_node()));
  }
  dispose(hal_, member);
}

Result<> AnycastMembers::leave(Entry& entry, const Socket& socket, uint32_t interface_index, const Ipv6Address& address) {
  Member* member = take(socket, interface_index, &address);
  if (member == nullptr) return Errno::ENOENT;
  leave_one(entry, socket.stack(), member);
  return ok();
}

void AnycastMembers::leave_all(Entry& entry, const Socket& socket) {
  while (Member* member = take(socket, 0, nullptr)) leave_one(entry, socket.stack(), member);
}

Result<> join_anycast(const OptionInput& input) {
  const auto user = TRY(input.read<UserMembership>());
  if (!input.context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  if (user.address.is_multicast()) return Errno::EINVAL;
  Stack& stack = input.context.stack();
  if (stack.interfaces().is_local_address(IpAddress(user.address))) return Errno::EINVAL;
  AnycastMembers* members = TRY(AnycastMembers::find_or_create(stack));
  return members->join(input.context, socket_of(input.socket), static_cast<uint32_t>(user.interface_index), user.address);
}

Result<> leave_anycast(const OptionInput& input) {
  const auto user = TRY(input.read<UserMembership>());
  AnycastMembers* members = AnycastMembers::find(input.context.stack());
  if (members == nullptr) return Errno::ENOENT;
  return members->leave(input.context.entry(), socket_of(input.socket), static_cast<uint32_t>(user.interface_index),
                        user.address);
}

}  // namespace lxnet
