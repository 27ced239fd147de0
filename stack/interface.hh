// Interface: a named device with addresses. InterfaceRegistry finds it by name and by index.
//
// Link-layer framing is its business too: output() takes an IP packet to a neighbour, link_receive() takes a frame apart.
#pragma once

#include "base/ref.hh"
#include "base/result.hh"
#include "hal/mutex.hh"
#include "netdev/net_device.hh"
#include "stack/entry.hh"
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

class Interface : public RefCounted<Interface> {
 public:
  static constexpr size_t kNameSize = 16;  // IFNAMSIZ, terminator included
  static void destroy(Interface* interface);

  Stack& stack() const { return stack_; }
  uint32_t index() const { return index_; }
  const char* name() const { return name_; }
  NetDevice& device() const { return device_; }
  uint32_t flags() const { return __atomic_load_n(&flags_, __ATOMIC_RELAXED); }
  bool is_up() const { return (flags() & kInterfaceUp) != 0; }
  bool is_loopback() const { return (flags() & kInterfaceLoopback) != 0; }
  uint32_t mtu() const { return __atomic_load_n(&mtu_, __ATOMIC_RELAXED); }

  // any lock. Resolves the neighbour (or queues the packet until it is known), frames and transmits.
  void output(Entry& entry, Ref<Packet> packet, const IpAddress& next_hop);

 private:
  friend class InterfaceRegistry;
  Interface(Stack& stack, NetDevice& device, uint32_t index);

  Stack& stack_;
  NetDevice& device_;
  uint32_t index_;
  uint32_t flags_ = 0;
  uint32_t mtu_ = 0;
  char name_[kNameSize] = {};
};

// A frame a device delivered, its front at the link header: to ARP, IPv4 or IPv6 input, or dropped.
void link_receive(Entry& entry, Ref<Packet> frame);

}  // namespace lxnet
