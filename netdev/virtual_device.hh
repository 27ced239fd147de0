// VirtualDevice: a device that a program made, and that passes from stack to stack: veth, dummy, tun.
//
// It is counted: each interface it has had holds a count until nobody refers to the interface any more. It may outlive the stack
// it was made in, and so has the host's table to itself.
#pragma once

#include "base/ref.hh"
#include "hal/memory.hh"
#include "netdev/device_counters.hh"
#include "netdev/packet_pool.hh"

namespace lxnet {

class Timers;

// What a device has of the stack it is in.
struct DeviceHome {
  Timers& timers;
  PacketPool& pool;
};

class VirtualDevice : public NetDevice, public RefCounted<VirtualDevice> {
 public:
  static void destroy(VirtualDevice* device) { device->dispose_self(); }
  // For InterfaceRegistry::add(): gives back the interface's count.
  static void release(NetDevice& device) { static_cast<void>(Ref<VirtualDevice>::adopt(device.as_virtual())); }
  VirtualDevice* as_virtual() override { return this; }

  // IFLA_INFO_KIND, and what IFLA_INFO_DATA says: how many attributes, which fit.
  virtual const char* kind() const = 0;
  struct Fact {
    uint16_t type = 0;
    uint16_t size = 0;  // 1 or 4
    uint32_t value = 0;
  };
  static constexpr size_t kMostFacts = 12;
  virtual size_t describe(Fact (&)[kMostFacts]) const { return 0; }
  // From now on it is in another stack. It is stopped and has no client.
  virtual void move_to(const DeviceHome& home) = 0;
  // Its interface was removed, and no other has it.
  virtual void left_for_good() {}
  // Whether it has no carrier because what is below it, in the same stack, has none (IF_OPER_LOWERLAYERDOWN).
  virtual bool is_lower_layer_down() const { return false; }
  // ARPHRD_* where it is not that of the kind of link; else 0.
  virtual uint16_t hardware_type() const { return 0; }
  // The other end of a pair, with a count; null where there is none.
  virtual Ref<VirtualDevice> peer() { return nullptr; }
  // visit(context, client) under the device's lock: while it runs the client is not taken away. Not called without one.
  virtual void with_client(void (*visit)(void* context, const DeviceClient& client), void* context) = 0;

  const DeviceCapabilities& capabilities() const override { return capabilities_; }
  size_t poll(Entry&, size_t) override { return 0; }
  void set_multicast(const HardwareAddress&, bool) override {}
  Result<> set_mtu(uint32_t mtu) override {
    __atomic_store_n(&capabilities_.mtu, mtu, __ATOMIC_RELAXED);
    return ok();
  }
  DeviceStatistics statistics() const override { return counters_.read(); }

 protected:
  VirtualDevice(const Hal& hal, const DeviceCapabilities& capabilities)
      : NetDevice(Time::Ignored), hal_(hal), capabilities_(capabilities) {}
  virtual void dispose_self() = 0;
  const Hal& hal() const { return hal_; }

  const Hal hal_;
  DeviceCapabilities capabilities_;
  DeviceCounters counters_;
};

}  // namespace lxnet
