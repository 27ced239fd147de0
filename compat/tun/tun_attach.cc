// TUNSETIFF: an interface is made for the file, or one that is there gets it (tun_set_iff()).
#include <algorithm>

#include "compat/tun/tun_file.hh"
#include "compat/tun/tun_flags.hh"
#include "stack/stack.hh"
#include "stack/virtual_link.hh"

namespace lxnet {

uint32_t TunFile::flags_of(const TunDevice& device) {
  return (device.tun_kind() == TunKind::Tun ? kTunTun : kTunTap) | device.features | (device.is_persistent ? kTunPersist : 0u);
}

// tun_not_capable(): who owns it may, and anybody while nobody does.
bool TunFile::is_allowed(SyscallContext& context, const TunDevice& device) {
  const TunOwner& owner = device.owner;
  lxnet_credentials caller{};
  context.hal().credentials(caller);
  const uint32_t known = caller.group_count < 32 ? caller.group_count : 32;
  const bool is_in_group = caller.egid == owner.group || std::any_of(caller.groups, caller.groups + known,
                                                                     [&](uint32_t group) { return group == owner.group; });
  const bool is_strange_user = owner.user != TunOwner::kNobody && owner.user != caller.euid;
  const bool is_strange_group = owner.group != TunOwner::kNobody && !is_in_group;
  return (!is_strange_user && !is_strange_group) || context.hal().capable(LXNET_CAP_NET_ADMIN);
}

Result<Ref<TunDevice>> TunFile::find_device(SyscallContext& context, Interface& interface, const Request& request) {
  const uint32_t flags = request.flags();
  if ((flags & kTunExclusive) != 0) return Errno::EBUSY;
  TunDevice* device = TunDevice::from(interface.device());
  if (device == nullptr) return Errno::EINVAL;
  // Whoever asks for both gets what is there.
  if ((flags & (device->tun_kind() == TunKind::Tun ? kTunTun : kTunTap)) == 0) return Errno::EINVAL;
  if (((flags & kTunManyQueues) != 0) != device->has_many_queues()) return Errno::EINVAL;
  if (!is_allowed(context, *device)) return Errno::EPERM;
  TRY(device->queues().add(queue_, device->has_many_queues() ? TunQueues::Several::Yes : TunQueues::Several::No));
  if (!device->queues().has_several()) device->features = flags & kTunFeatures;
  return Ref<TunDevice>::share(*device);
}

Result<Ref<TunDevice>> TunFile::make_device(SyscallContext& context, Request& request, Ref<Interface>& interface) {
  const uint32_t flags = request.flags();
  if (!context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  if ((flags & (kTunTun | kTunTap)) == 0) return Errno::EINVAL;
  const TunKind kind = (flags & kTunTun) != 0 ? TunKind::Tun : TunKind::Tap;
  HardwareAddress address;
  copy_bytes(MutableByteSpan(address.bytes), random_mac(context.hal()).bytes());
  Ref<TunDevice> device = TRY(TunDevice::create(context.hal(), kind, address));
  device->features = flags & kTunFeatures;
  TRY(device->queues().add(queue_, TunQueues::Several::No));
  const char* name = request.name[0] != 0 ? request.name : kind == TunKind::Tun ? "tun%d" : "tap%d";
  interface = TRY(context.stack().interfaces().add(
      context.entry(), {.device = *device, .name = name, .index = wanted_index_, .release = &VirtualDevice::release}));
  device->ref();  // the interface's
  return device;
}

Result<> TunFile::set_interface(SyscallContext& context, Request& request) {
  const uint32_t flags = request.flags();
  if ((flags & kTunFragments) != 0) {
    if (!context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
    if ((flags & kTunDeferred) == 0 || (flags & (kTunTun | kTunTap)) != kTunTap) return Errno::EINVAL;
  }
  Ref<Interface> interface = context.stack().interfaces().find(request.name);
  const bool is_new = !interface;
  const Ref<TunDevice> device =
      TRY(is_new ? make_device(context, request, interface) : find_device(context, *interface, request));
  set_device(device);
  if (!device->queues().has_several()) device->set_carrier((flags & kTunNoCarrier) == 0);
  if (!is_new) tell_changed(context.entry(), *device);
  for (size_t i = 0; i < sizeof request.name; ++i) request.name[i] = interface->name()[i];
  return ok();
}

// tun_set_queue().
Result<> TunFile::set_queue(SyscallContext& context, uint32_t flags) {
  const Ref<TunDevice> device = this->device();
  const bool attaches = (flags & kTunAttachQueue) != 0;
  if (!device || (!attaches && (flags & kTunDetachQueue) == 0)) return Errno::EINVAL;
  if (!device->has_many_queues() || device->queues().is_enabled(*queue_) == attaches) return Errno::EINVAL;
  device->queues().set_enabled(*queue_, attaches);
  if (!attaches) queue_->clear();
  tell_changed(context.entry(), *device);
  return ok();
}

// netdev_state_change(), and of the carrier what is new.
void TunFile::tell_changed(Entry& entry, TunDevice& device) {
  const Ref<Interface> interface = interface_of(device);
  if (!interface) return;
  EntryInto into(entry, interface->stack());
  InterfaceRegistry& registry = interface->stack().interfaces();
  registry.update_carrier(into.get(), *interface);
  registry.tell_changed(into.get(), *interface);
}

}  // namespace lxnet
