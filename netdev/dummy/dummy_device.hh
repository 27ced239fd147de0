// DummyDevice: an Ethernet device without a wire (Linux's dummy): what is sent is counted and gone. It is there to have
// addresses.
#pragma once

#include "hal/mutex.hh"
#include "netdev/virtual_device.hh"

namespace lxnet {

class DummyDevice final : public VirtualDevice {
 public:
  static Result<Ref<DummyDevice>> create(const Hal& hal, const HardwareAddress& address, uint32_t mtu) {
    return make_ref<DummyDevice>(hal, hal, address, mtu);
  }

  const char* kind() const override { return "dummy"; }
  void move_to(const DeviceHome&) override {}
  void with_client(void (*visit)(void* context, const DeviceClient& client), void* context) override {
    MutexLock lock(mutex_);
    if (client().owner != nullptr) visit(context, client());
  }
  void attach(const DeviceClient& client) override {
    MutexLock lock(mutex_);
    NetDevice::attach(client);
  }

  bool is_link_up() const override { return true; }
  Result<> start() override { return ok(); }
  void stop() override {}
  void transmit(Entry&, Instant, PacketQueue& batch) override {
    while (const Ref<Packet> frame = batch.take_front()) counters_.count_sent(*frame);
  }

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  DummyDevice(const Hal& hal, const HardwareAddress& address, uint32_t mtu)
      : VirtualDevice(hal, {.link = LinkKind::Ethernet,
                            .address = address,
                            .mtu = mtu,
                            .min_mtu = 0,
                            .max_mtu = 0,
                            .sends_checksum = true,
                            .segments_tcp = true,
                            .segments_udp = true,
                            .is_alone = true,
                            .reports_carrier = false}),
        mutex_(hal_, LockRank::Device) {}
  ~DummyDevice() override = default;
  void dispose_self() override {
    const Hal hal = hal_;
    dispose(hal, this);
  }

  Mutex mutex_;
};

}  // namespace lxnet
