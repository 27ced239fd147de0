// Interface: a named device with addresses. InterfaceRegistry finds it by name and by index, and is the one who changes it.
//
// Link-layer framing is its business too: output() takes an IP packet to a neighbour, link_receive() takes a frame apart.
#pragma once

#include "base/ref.hh"
#include "base/result.hh"
#include "hal/mutex.hh"
#include "hal/owned_timer.hh"
#include "netdev/net_device.hh"
#include "stack/entry.hh"
#include "stack/interface_address.hh"
#include "stack/interface_settings.hh"
#include "stack/ip_address.hh"

namespace lxnet {

// IFF_*, Linux's numbers.
enum InterfaceFlags : uint32_t {
  kInterfaceUp = 0x1,
  kInterfaceBroadcast = 0x2,
  kInterfaceLoopback = 0x8,
  kInterfacePointToPoint = 0x10,
  kInterfaceRunning = 0x40,
  kInterfaceNoArp = 0x80,
  kInterfacePromiscuous = 0x100,
  kInterfaceAllMulticast = 0x200,
  kInterfaceMulticast = 0x1000,
  kInterfaceLowerUp = 0x10000,
};

// What the stack itself counts of an interface, beside its device.
struct LinkCounters {
  uint64_t rx_packets = 0, rx_bytes = 0, rx_multicast = 0, rx_dropped = 0;
  uint64_t tx_packets = 0, tx_bytes = 0, tx_dropped = 0;
};

class NdpInterface;  // stack/ndp/ndp_interface.hh

class Interface : public RefCounted<Interface> {
 public:
  static constexpr size_t kNameSize = 16;  // IFNAMSIZ, terminator included
  static void destroy(Interface* interface);

  Stack& stack() const { return stack_; }
  uint32_t index() const { return index_; }
  const char* name() const { return name_; }
  // Not after InterfaceRegistry::remove(): is_registered() says.
  NetDevice& device() const { return *device_; }
  LinkKind link_kind() const { return link_kind_; }
  uint32_t flags() const { return __atomic_load_n(&flags_, __ATOMIC_RELAXED); }
  bool is_up() const { return (flags() & kInterfaceUp) != 0; }
  bool is_running() const { return (flags() & kInterfaceRunning) != 0; }  // up, and the carrier too
  bool is_loopback() const { return (flags() & kInterfaceLoopback) != 0; }
  bool is_registered() const { return __atomic_load_n(&is_registered_, __ATOMIC_RELAXED); }
  // Whether neighbours have link addresses that must be resolved.
  bool needs_resolution() const { return link_kind_ == LinkKind::Ethernet && (flags() & kInterfaceNoArp) == 0; }
  uint32_t mtu() const { return __atomic_load_n(&mtu_, __ATOMIC_RELAXED); }
  // txqueuelen. Only a device that queues minds.
  uint32_t queue_length() const { return __atomic_load_n(&queue_length_, __ATOMIC_RELAXED); }
  MacAddress mac() const;
  InterfaceSettings& settings() { return settings_; }
  const InterfaceSettings& settings() const { return settings_; }
  LinkCounters counters() const;
  // How many want to hear everything, or every group: those who set the flag count as one.
  uint32_t promiscuity() const {
    return __atomic_load_n(&promiscuity_, __ATOMIC_RELAXED) + ((flags() & kInterfacePromiscuous) != 0 ? 1 : 0);
  }
  uint32_t all_multicast() const {
    return __atomic_load_n(&all_multicast_, __ATOMIC_RELAXED) + ((flags() & kInterfaceAllMulticast) != 0 ? 1 : 0);
  }
  // The interface's part in neighbour discovery; null until IPv6 runs on it.
  NdpInterface* ndp() const { return ndp_; }

  // any lock. Resolves the neighbour (or queues the packet until it is known), frames and transmits.
  void output(Entry& entry, Ref<Packet> packet, const IpAddress& next_hop);
  // any lock. Frames for a link-layer destination that is known.
  void output_to(Entry& entry, Ref<Packet> packet, MacAddress destination);
  // Whether what is sent comes back at once and unchanged, and nobody looks at it on its way.
  bool turns_around() const;
  // any lock. What sending and receiving such a packet does to it and to the counters.
  void turn_around(Packet& packet);
  void count_turned(size_t size);
  // no lock. Hands complete frames to the device; what of the checksum the device cannot do is done here.
  void transmit(Entry& entry, PacketQueue& frames);

 private:
  friend class InterfaceRegistry;
  friend class NdpInterface;
  friend void link_receive(Entry& entry, Ref<Packet> frame);
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  Interface(Stack& stack, NetDevice& device, uint32_t index);
  ~Interface();

  void set_mac(MacAddress mac);
  void set_flags(uint32_t set, uint32_t clear);
  void count_received(const Packet& packet);
  void count_both_ways(size_t size);
  void count_statistic(uint64_t& counter, uint64_t amount) { add_to_statistic(counter, amount, sharing_); }
  void poll_device();
  void carrier_may_have_changed();
  Result<> create_parts();

  Stack& stack_;
  const Sharing sharing_;
  NetDevice* device_;
  Loopback* loopback_;  // the device, where it is one
  uint32_t index_;
  LinkKind link_kind_;
  bool is_registered_ = false;
  uint32_t flags_ = 0;
  uint32_t mtu_ = 0;
  uint32_t queue_length_ = 0;
  uint32_t poll_state_ = 0;                       // of the device: 0 idle, 1 being polled, 2 and asked for again
  uint32_t promiscuity_ = 0, all_multicast_ = 0;  // how many packet sockets want it, beside the flag that somebody set
  uint64_t mac_ = 0;                              // in one word, so that readers need no lock
  char name_[kNameSize] = {};
  InterfaceSettings settings_;
  LinkCounters counters_;
  NdpInterface* ndp_ = nullptr;
  void (*release_device_)(NetDevice& device) = nullptr;

  // The registry's; its lock guards them.
  List<AddressNode, &AddressNode::interface_link> addresses_;  // in Linux's order, IPv4 first
  ListLink index_link_;
  ListLink name_link_;
  ListLink order_link_;
  OwnedTimer<Interface> carrier_timer_;
};

// A frame a device delivered, its front at the link header: to ARP, IPv4 or IPv6 input, or dropped.
void link_receive(Entry& entry, Ref<Packet> frame);

}  // namespace lxnet
