// TunDevice: an interface whose wire is a program that reads and writes a file (Linux's tun and tap).
//
// Frames it sends wait in the queue of the file attached to it, complete and cut unless the reader said otherwise. What the
// program writes is received by the file (tun_file.hh), in an entry of the stack the interface is in. The device may be without a
// file when it is persistent, and a file's device without an interface when that was removed.
#pragma once

#include "compat/tun/tun_flags.hh"
#include "compat/tun/tun_queues.hh"
#include "compat/tun/tx_filter.hh"
#include "netdev/virtual_device.hh"

namespace lxnet {

enum class TunKind : uint8_t { Tun, Tap };

// Who may attach, when somebody said so.
struct TunOwner {
  static constexpr uint32_t kNobody = ~0u;
  uint32_t user = kNobody, group = kNobody;
};

class TunDevice final : public VirtualDevice {
 public:
  static constexpr const char* kKindName = "tun";
  static constexpr uint32_t kQueueLength = 500;
  static constexpr uint16_t kHardwareNone = 0xfffe, kHardwareEthernet = 1;

  static Result<Ref<TunDevice>> create(const Hal& hal, TunKind kind, const HardwareAddress& address) {
    return make_ref<TunDevice>(hal, hal, kind, address);
  }
  // Null for another device.
  static TunDevice* from(NetDevice& device) {
    VirtualDevice* made = device.as_virtual();
    return made != nullptr && made->kind() == kKindName ? static_cast<TunDevice*>(made) : nullptr;
  }

  const char* kind() const override { return kKindName; }
  size_t describe(Fact (&facts)[kMostFacts]) const override;
  TunKind tun_kind() const { return kind_; }

  // ---- for the file
  TunQueues& queues() { return queues_; }
  size_t link_size() const { return kind_ == TunKind::Tap ? 14 : 0; }
  bool has_many_queues() const { return (features & kTunManyQueues) != 0; }
  void set_carrier(bool has_carrier);
  // Whether an interface has it.
  bool has_interface() const;
  TxFilter& filter() { return filter_; }
  void count_read(const Packet& frame) { counters_.count_sent(frame); }
  void count_written(const Packet& frame) { counters_.count_received(frame); }
  void count_refused() { counters_.count_receive_drop(); }

  // Changed by the file's ioctls, one at a time.
  TunOwner owner;
  bool is_persistent = false;
  uint32_t features = 0;  // kTunFeatures
  int32_t header_size = 10;
  bool says_little_endian = false;
  bool has_information() const { return (features & kTunNoInformation) == 0; }  // four bytes before each frame
  bool has_header() const { return (features & kTunHeader) != 0; }              // header_size bytes before each frame
  // What the reader can do for frames it is given: kOffload*.
  void set_offloads(uint32_t offloads);

  // ---- the device
  uint16_t hardware_type() const override { return __atomic_load_n(&hardware_type_, __ATOMIC_RELAXED); }
  void set_hardware_type(uint16_t type) { __atomic_store_n(&hardware_type_, type, __ATOMIC_RELAXED); }
  void move_to(const DeviceHome& home) override;
  void left_for_good() override;
  void with_client(void (*visit)(void* context, const DeviceClient& client), void* context) override;
  void attach(const DeviceClient& client) override;
  bool is_link_up() const override { return __atomic_load_n(&has_carrier_, __ATOMIC_ACQUIRE); }
  Result<> start() override;
  void stop() override {}
  void transmit(Entry& entry, Instant now, PacketQueue& batch) override;
  Result<> set_queue_length(uint32_t length) override;

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  TunDevice(const Hal& hal, TunKind kind, const HardwareAddress& address);
  ~TunDevice() override = default;
  void dispose_self() override;

  const TunKind kind_;
  uint16_t hardware_type_;
  bool has_carrier_ = true;
  uint32_t queue_length_ = kQueueLength;
  TxFilter filter_;
  mutable Mutex mutex_;  // of the client and of who is attached
  TunQueues queues_;
};

}  // namespace lxnet
