// The life of a tun file: opened, polled, closed.
#include "compat/tun/tun_file.hh"

#include "hal/lxnet.h"
#include "stack/stack.hh"
#include "stack/virtual_link.hh"

namespace lxnet {

TunFile::TunFile(Stack& stack, Ref<TunQueue> queue)
    : File(stack, FileKind::Device),
      queue_(std::move(queue)),
      setup_(stack.hal(), LockRank::Socket),
      mutex_(stack.hal(), LockRank::SocketPeer) {}

Result<Ref<TunFile>> TunFile::create(Stack& stack, uint32_t flags) {
  constexpr uint32_t kAccess = 3;
  Ref<TunQueue> queue = TRY(make_ref<TunQueue>(stack.hal(), stack.hal()));
  TunFile* file = construct<TunFile>(stack.hal(), stack, std::move(queue));
  if (file == nullptr) return Errno::ENOMEM;
  file->set_status_flags(kAccess | kOpenNonBlock | kOpenAppend, flags);
  return Ref<TunFile>::adopt(file);
}

Ref<TunDevice> TunFile::device() const {
  MutexLock lock(mutex_);
  return device_ && device_->has_interface() ? device_ : nullptr;
}

void TunFile::set_device(const Ref<TunDevice>& device) {
  Ref<TunDevice> old = device;
  MutexLock lock(mutex_);
  std::swap(device_, old);
}

Ref<Interface> TunFile::interface_of(TunDevice& device) {
  Ref<Interface> found;
  device.with_client(
      [](void* context, const DeviceClient& client) {
        *static_cast<Ref<Interface>*>(context) = Ref<Interface>::share(*static_cast<Interface*>(client.owner));
      },
      &found);
  return found;
}

PollEvents TunFile::poll(Entry&) {
  const Ref<TunDevice> device = this->device();
  const Ref<Interface> interface = device ? interface_of(*device) : nullptr;
  if (!interface) return kPollError;
  PollEvents events = queue_->is_empty() ? 0 : kPollIn | kPollReadNormal;
  if (interface->is_up() && may_write()) events |= kPollOut | kPollWriteNormal;
  return events;
}

void TunFile::released(Entry& entry) {
  const Ref<TunDevice> device = this->device();
  set_device(nullptr);
  if (device) {
    device->queues().remove(*queue_);
    if (device->queues().is_empty()) device->set_carrier(false);
    if (const Ref<Interface> interface = interface_of(*device)) {
      EntryInto into(entry, interface->stack());
      if (device->is_persistent || !device->queues().is_empty()) {
        tell_changed(into.get(), *device);
      } else {
        remove_link(into.get(), *interface);
      }
    }
  }
  queue_->clear();
}

}  // namespace lxnet

extern "C" int lxnet_tun_open(lxnet_stack* stack, uint32_t flags, lxnet_file** file) {
  auto made = lxnet::TunFile::create(*reinterpret_cast<lxnet::Stack*>(stack), flags);
  if (!made.is_ok()) return -static_cast<int>(made.error());
  *file = made.take().leak()->to_c();
  return 0;
}
