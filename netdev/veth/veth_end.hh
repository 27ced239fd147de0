// VethEnd: one of two Ethernet devices joined back to back, each in whatever stack it is at the moment (Linux's veth).
//
// What one end sends is copied into the pool of the other end's stack and waits there; a timer of that stack, armed for now,
// takes it up. So neither stack is entered from inside the other, no lock of one is held over the other, and a chain of pairs
// takes no more of the machine's stack than one. The carrier is there while both ends are up; an end hears of it through the same
// timer.
#pragma once

#include "hal/owned_timer.hh"
#include "netdev/virtual_device.hh"

namespace lxnet {

class VethEnd;

// What the two ends share; it outlives the first of them to go.
class VethPair : public RefCounted<VethPair> {
 public:
  // Frames waiting to be received at an end, Linux's net.core.netdev_max_backlog; more are dropped.
  static constexpr size_t kQueueLimit = 1000;

  explicit VethPair(const Hal& hal) : hal_(hal), mutex_(hal_, LockRank::Device) {}
  static void destroy(VethPair* pair);

 private:
  friend class VethEnd;
  struct Side {
    VethEnd* end = nullptr;
    Timers* timers = nullptr;  // of the stack it is in
    PacketPool* pool = nullptr;
    bool is_started = false;
    bool has_news = false;  // of the carrier, for the client
    PacketQueue waiting;
  };

  const Hal hal_;
  Mutex mutex_;
  Side sides_[2] GUARDED_BY(mutex_);
};

class VethEnd final : public VirtualDevice {
 public:
  static constexpr uint32_t kMinMtu = 68, kMaxMtu = 65535;
  struct End {
    DeviceHome home;
    HardwareAddress address;
    uint32_t mtu = 1500;
  };

  // Two ends, down. ENOMEM.
  static Result<> create(const Hal& hal, const End (&asked)[2], Ref<VethEnd> (&made)[2]);

  const char* kind() const override { return "veth"; }
  void move_to(const DeviceHome& home) override;
  Ref<VirtualDevice> peer() override;
  void with_client(void (*visit)(void* context, const DeviceClient& client), void* context) override;

  bool is_lower_layer_down() const override { return __atomic_load_n(&is_lower_layer_down_, __ATOMIC_RELAXED); }
  bool is_link_up() const override { return __atomic_load_n(&has_carrier_, __ATOMIC_ACQUIRE); }
  // ENOTCONN: nobody has the other end.
  Result<> start() override;
  void stop() override;
  void transmit(Entry& entry, Instant now, PacketQueue& batch) override;
  void attach(const DeviceClient& client) override;

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  VethEnd(const Ref<VethPair>& pair, unsigned side, const End& asked);
  ~VethEnd() override;
  void dispose_self() override;

  // Of a frame that the other end sent.
  bool take_from_wire(const Packet& frame);
  static void note_lower_layers(VethPair& pair) REQUIRES(pair.mutex_);
  // After either end came up or went down.
  static void settle_carrier(VethPair& pair) REQUIRES(pair.mutex_);
  static void timer_expired(Entry& entry, Timer& timer);

  const Ref<VethPair> pair_;
  const unsigned side_;
  // Written under the pair's lock. The second is as it was when the carrier last went.
  bool has_carrier_ = false, is_lower_layer_down_ = false;
  OwnedTimer<VethEnd> timer_;
};

}  // namespace lxnet
