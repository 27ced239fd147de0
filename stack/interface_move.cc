// An interface that goes from one stack to another. The two are never locked together: the place in the new stack is taken first,
// which may fail, then the old one is left, then the new one opened.
#include "netdev/virtual_device.hh"
#include "stack/interface_registry.hh"
#include "stack/stack.hh"

namespace lxnet {

Result<Ref<Interface>> InterfaceRegistry::move(Entry& from, Interface& interface, Stack& to, const char* name, uint32_t index) {
  VirtualDevice* device = interface.is_registered() ? interface.device().as_virtual() : nullptr;
  if (device == nullptr) return Errno::EINVAL;
  InterfaceRegistry& target = to.interfaces();
  const bool keeps_name = target.find(interface.name()) == nullptr;
  if (!keeps_name && name == nullptr) return Errno::EEXIST;
  Ref<VirtualDevice> count = Ref<VirtualDevice>::share(*device);
  const bool keeps_index = index == 0 && target.find(interface.index()) == nullptr;
  Ref<Interface> moved;
  {
    MutexLock configuration(target.configuration_);
    moved = TRY(target.reserve({.device = *device,
                                .name = keeps_name ? interface.name() : name,
                                .index = keeps_index ? interface.index() : index,
                                .release = &VirtualDevice::release}));
    static_cast<void>(count.leak());  // the interface's
    moved->mac_ = __atomic_load_n(&interface.mac_, __ATOMIC_RELAXED);
    moved->mtu_ = interface.mtu();
    moved->settings_.v6.mtu = static_cast<int32_t>(moved->mtu_);
    constexpr uint32_t kKept = kInterfaceNoArp | kInterfaceMulticast | kInterfacePromiscuous | kInterfaceAllMulticast;
    moved->set_flags(interface.flags() & kKept, ~interface.flags() & kKept);
  }
  {
    InterfaceRegistry& source = from.stack().interfaces();
    MutexLock configuration(source.configuration_);
    if (interface.is_registered_) source.leave(from, interface);
  }
  device->move_to({.timers = to.timers(), .pool = to.pool()});
  Entry entry(to);
  MutexLock configuration(target.configuration_);
  target.open(entry, *moved);
  return moved;
}

}  // namespace lxnet
