// WrapperDevice: a device around another. By itself it changes nothing; who derives from it overrides what it looks at.
//
// It stands between two contracts: to the inner device it is the client, to the stack it is the device.
#pragma once

#include "netdev/net_device.hh"

namespace lxnet {

class WrapperDevice : public NetDevice {
 public:
  // `inner` outlives this device and delivers to nobody else.
  explicit WrapperDevice(NetDevice& inner) : inner_(inner) {
    inner_.attach({.owner = this,
                   .receive = [](void* owner, Entry& entry,
                                 PacketQueue& batch) { static_cast<WrapperDevice*>(owner)->receive(entry, batch); },
                   .schedule_poll = [](void* owner) { static_cast<WrapperDevice*>(owner)->pass_schedule_poll(); },
                   .link_changed = [](void* owner) { static_cast<WrapperDevice*>(owner)->pass_link_changed(); }});
  }
  ~WrapperDevice() override { inner_.attach({}); }

  const DeviceCapabilities& capabilities() const override { return inner_.capabilities(); }
  bool is_link_up() const override { return inner_.is_link_up(); }
  Result<> start() override { return inner_.start(); }
  void stop() override { inner_.stop(); }
  void transmit(Entry& entry, Instant now, PacketQueue& batch) override { inner_.transmit(entry, now, batch); }
  size_t poll(Entry& entry, size_t budget) override { return inner_.poll(entry, budget); }
  void set_multicast(const HardwareAddress& group, bool is_member) override { inner_.set_multicast(group, is_member); }
  Result<> set_mtu(uint32_t mtu) override { return inner_.set_mtu(mtu); }
  DeviceStatistics statistics() const override { return inner_.statistics(); }

 protected:
  NetDevice& inner() const { return inner_; }
  // What the inner device delivers; ends in deliver().
  virtual void receive(Entry& entry, PacketQueue& batch) { deliver(entry, batch); }
  void deliver(Entry& entry, PacketQueue& batch) {
    if (client().receive == nullptr) return batch.clear();
    client().receive(client().owner, entry, batch);
  }

 private:
  void pass_schedule_poll() {
    if (client().schedule_poll != nullptr) client().schedule_poll(client().owner);
  }
  void pass_link_changed() {
    if (client().link_changed != nullptr) client().link_changed(client().owner);
  }

  NetDevice& inner_;
};

}  // namespace lxnet
