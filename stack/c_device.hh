// CDevice: a driver written in C (struct lxnet_netdev_ops) as a NetDevice. What lxnet.h calls a lxnet_netdev is one of these.
//
// Frames are copied once on the way in; on the way out the driver is given the pieces where they lie.
#pragma once

#include "hal/lxnet.h"
#include "netdev/device_counters.hh"
#include "stack/interface_registry.hh"

namespace lxnet {

class CDevice final : public NetDevice {
 public:
  // EINVAL: a table without transmit(), of unknown length or link, or an MTU IPv4 cannot live with.
  static Result<CDevice*> create(Stack& stack, const lxnet_netdev_ops& ops);
  static void release(NetDevice& device);

  Stack& stack() const { return stack_; }
  Interface& interface() const { return *interface_; }
  void set_interface(Interface& interface) { interface_ = &interface; }
  // Copies the frame in and hands it to the stack.
  void receive(Entry& entry, ByteSpan frame);
  void set_carrier(bool is_up) { __atomic_store_n(&has_carrier_, is_up, __ATOMIC_RELEASE); }

  const DeviceCapabilities& capabilities() const override { return capabilities_; }
  bool is_link_up() const override { return __atomic_load_n(&has_carrier_, __ATOMIC_ACQUIRE); }
  Result<> start() override { return ok(); }
  void stop() override {}
  void transmit(Entry& entry, Instant now, PacketQueue& batch) override;
  size_t poll(Entry&, size_t) override { return 0; }
  void set_multicast(const HardwareAddress& group, bool is_member) override;
  Result<> set_mtu(uint32_t mtu) override;
  DeviceStatistics statistics() const override { return counters_.read(); }

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);

  CDevice(Stack& stack, const lxnet_netdev_ops& ops, const DeviceCapabilities& capabilities)
      : stack_(stack), ops_(ops), capabilities_(capabilities) {}

  Stack& stack_;
  const lxnet_netdev_ops ops_;
  DeviceCapabilities capabilities_;
  Interface* interface_ = nullptr;  // registered as long as the device is
  bool has_carrier_ = true;
  DeviceCounters counters_;
};

}  // namespace lxnet
