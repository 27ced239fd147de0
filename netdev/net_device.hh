// NetDevice: what sends and receives frames. A driver derives from it; so does a device that wraps another (pcap, impair).
//
// Contract. The stack calls transmit() from a task, a packet or the timer, with no lock held, and hands over whole batches; the
// device takes every packet and drops what it cannot queue, counting it. A device delivers through its client: receive() inside
// an entry it was given (loopback and wrappers), or schedule_poll() from an interrupt, upon which the stack enters itself and
// calls poll() until it returns less than the budget (then interrupts are on again), as NAPI does. Buffers are packets of the
// pool: a driver fills its ring with packets it allocated ahead and replaces each one it delivers.
#pragma once

#include "base/time.hh"
#include "netdev/packet.hh"

namespace lxnet {

class Entry;     // stack/entry.hh; passed through
class Loopback;  // netdev/loopback/loopback.hh
class NetDevice;
class VirtualDevice;  // netdev/virtual_device.hh

enum class LinkKind : uint8_t { Loopback, Ethernet, Ip };

struct HardwareAddress {
  std::array<uint8_t, 6> bytes{};
  bool operator==(const HardwareAddress&) const = default;
};

struct DeviceCapabilities {
  LinkKind link = LinkKind::Ethernet;
  HardwareAddress address;
  uint32_t mtu = 1500;
  uint32_t min_mtu = 68;
  uint32_t max_mtu = 65535;        // 0: any
  uint32_t queue_length = 1000;    // how many frames may wait to be sent, where they wait
  bool sends_checksum = false;     // fills in ChecksumState::Partial
  bool verifies_checksum = false;  // delivers ChecksumState::Verified where it could
  bool segments_tcp = false;       // takes SegmentationKind::Tcp of up to 64 KiB
  bool segments_udp = false;
  bool filters_multicast = false;  // set_multicast() matters; otherwise it receives all
  bool is_alone = false;           // nobody is on its wire: no ARP, no groups
  bool reports_carrier = true;     // is_link_up() has been told something; otherwise it only hopes (IF_OPER_UNKNOWN)

  bool takes_mtu(uint32_t asked) const { return asked >= min_mtu && asked <= INT32_MAX && (max_mtu == 0 || asked <= max_mtu); }
};

struct DeviceStatistics {
  uint64_t rx_packets = 0, rx_bytes = 0, rx_dropped = 0, rx_errors = 0, multicast = 0;
  uint64_t tx_packets = 0, tx_bytes = 0, tx_dropped = 0, tx_errors = 0;
};

// Who a device delivers to: an interface of a stack, or the device that wraps it.
struct DeviceClient {
  void* owner = nullptr;
  // Takes every packet of the batch. Called inside an entry.
  void (*receive)(void* owner, Entry& entry, PacketQueue& batch) = nullptr;
  // any context: there is work for poll().
  void (*schedule_poll)(void* owner) = nullptr;
  // any context: is_link_up() changed.
  void (*link_changed)(void* owner) = nullptr;
};

class NetDevice {
 public:
  virtual ~NetDevice() = default;
  // A device's memory returns to where it came from (dispose()). Without this the destructor would need a global operator delete,
  // which a kernel does not have.
  static void operator delete(void*, size_t) {}

  virtual const DeviceCapabilities& capabilities() const = 0;
  virtual bool is_link_up() const = 0;
  // Interface up and down. start() may fail for want of memory or hardware.
  virtual Result<> start() = 0;
  virtual void stop() = 0;
  // Takes every packet. Frames of an Ethernet device carry their header.
  virtual void transmit(Entry& entry, Instant now, PacketQueue& batch) = 0;
  // Delivers up to `budget` packets through the client and says how many.
  virtual size_t poll(Entry& entry, size_t budget) = 0;
  virtual void set_multicast(const HardwareAddress& group, bool is_member) = 0;
  virtual Result<> set_mtu(uint32_t mtu) = 0;
  virtual Result<> set_queue_length(uint32_t) { return ok(); }
  virtual DeviceStatistics statistics() const = 0;
  virtual void attach(const DeviceClient& client) { client_ = client; }
  // One that a program made; null of the host's.
  virtual VirtualDevice* as_virtual() { return nullptr; }
  // The one whose packets can be turned around without it; null of any other, and of what wraps it.
  virtual Loopback* as_loopback() { return nullptr; }
  // Whether transmit() looks at the time it is told, which costs the host something to find out.
  bool asks_time() const { return asks_time_; }

 protected:
  enum class Time : uint8_t { Asked, Ignored };
  explicit NetDevice(Time time = Time::Asked) : asks_time_(time == Time::Asked) {}
  const DeviceClient& client() const { return client_; }

 private:
  DeviceClient client_;
  const bool asks_time_;
};

}  // namespace lxnet
