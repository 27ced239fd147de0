// PairEnd: one of two devices joined back to back, each in a stack of its own.
//
// What one end sends is copied into the other stack's pool and waits at the other end: two stacks share no packet, and neither
// calls into the other. The host hears through the wake function that an end has something, and pumps it from outside of any
// entry.
#pragma once

#include "hal/mutex.hh"
#include "netdev/device_counters.hh"
#include "netdev/packet_pool.hh"

namespace lxnet {

class PairEnd final : public NetDevice {
 public:
  static constexpr size_t kDefaultQueueLimit = 10000;  // packets waiting at an end; more are dropped

  PairEnd(const Hal& hal, PacketPool& pool, const DeviceCapabilities& capabilities, size_t queue_limit = kDefaultQueueLimit);
  ~PairEnd() override { disconnect(); }

  // Configuration: nothing may be under way at either end. Both hear that the link is up, or down.
  static void connect(PairEnd& a, PairEnd& b);
  void disconnect();

  // Called, with no lock held, when something came for an end at which nothing waited.
  using Wake = void (*)(void* context);
  void set_wake(Wake wake, void* context);
  bool has_waiting() const;
  // From outside of any entry: has the stack of this end poll it.
  void pump();

  const DeviceCapabilities& capabilities() const override { return capabilities_; }
  bool is_link_up() const override { return __atomic_load_n(&peer_, __ATOMIC_ACQUIRE) != nullptr; }
  Result<> start() override;
  void stop() override;
  void transmit(Entry& entry, Instant now, PacketQueue& batch) override;
  size_t poll(Entry& entry, size_t budget) override;
  void set_multicast(const HardwareAddress&, bool) override {}
  Result<> set_mtu(uint32_t mtu) override;
  DeviceStatistics statistics() const override { return counters_.read(); }

 private:
  void take_from_wire(const Packet& packet);
  void tell_link_changed();

  PacketPool& pool_;
  DeviceCapabilities capabilities_;
  const size_t queue_limit_;
  PairEnd* peer_ = nullptr;
  Wake wake_ = nullptr;
  void* wake_context_ = nullptr;
  DeviceCounters counters_;
  mutable Mutex mutex_;
  PacketQueue waiting_ GUARDED_BY(mutex_);
  bool is_started_ GUARDED_BY(mutex_) = false;
};

}  // namespace lxnet
