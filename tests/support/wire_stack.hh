// WireStack: one stack with one Ethernet interface whose wire is the test: what the stack sends is kept, byte by byte, and what
// the test injects is received. Time moves when told, and timers fire on their way.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "stack/stack.hh"
#include "stack/wire/address_text.hh"
#include "stack/wire/arp.hh"
#include "stack/wire/ethernet.hh"
#include "tests/support/test_hal.hh"

namespace lxnet::testing {

using Frame = std::vector<uint8_t>;

class WireDevice final : public NetDevice {
 public:
  explicit WireDevice(MacAddress mac, LinkKind kind = LinkKind::Ethernet) {
    capabilities_.link = kind;
    std::copy(mac.bytes().begin(), mac.bytes().end(), capabilities_.address.bytes.begin());
  }
  const DeviceCapabilities& capabilities() const override { return capabilities_; }
  bool is_link_up() const override { return has_carrier; }
  Result<> start() override { return start_error == Errno{} ? ok() : Result<>(start_error); }
  void stop() override {}
  void transmit(Entry&, Instant, PacketQueue& batch) override {
    while (Ref<Packet> packet = batch.take_front()) {
      Frame frame(packet->size());
      packet->read(0, MutableByteSpan(frame));
      sent.push_back(std::move(frame));
    }
  }
  size_t poll(Entry&, size_t) override { return 0; }
  void set_multicast(const HardwareAddress&, bool) override {}
  Result<> set_mtu(uint32_t) override { return ok(); }
  DeviceStatistics statistics() const override { return {}; }
  void deliver(Entry& entry, Ref<Packet> packet) {
    PacketQueue batch;
    batch.push_back(std::move(packet));
    deliver(entry, batch);
  }
  void deliver(Entry& entry, PacketQueue& batch) { client().receive(client().owner, entry, batch); }
  void tell_link_changed() { client().link_changed(client().owner); }

  bool has_carrier = true;
  Errno start_error{};
  std::vector<Frame> sent;

 private:
  DeviceCapabilities capabilities_;
};

class WireStack {
 public:
  static constexpr MacAddress kMac{0x02, 0, 0, 0, 0, 0x01};

  explicit WireStack(uint32_t flags = 0, LinkKind kind = LinkKind::Ethernet) : device(kMac, kind) {
    lxnet_config config{};
    config.struct_size = sizeof config;
    config.flags = flags;
    stack = Stack::create(hal.table(), config, nullptr).take();
    Entry entry(*stack);
    eth0 = stack->interfaces().add(entry, device, "eth0").take();
  }
  ~WireStack() {
    eth0 = nullptr;
    if (stack != nullptr) Stack::destroy(stack);
  }

  InterfaceRegistry& interfaces() { return stack->interfaces(); }
  RouteTable& routes() { return stack->routes(); }
  NeighbourTable& neighbours() { return stack->neighbours(); }

  Result<> set_up(LinkState state = LinkState::Up) {
    Entry entry(*stack);
    return interfaces().set_state(entry, *eth0, state);
  }
  // An interface without IPv6, for tests of what IPv4 sends.
  void up_without_ipv6() {
    eth0->settings().v6.disable_ipv6 = 1;
    EXPECT_TRUE(set_up().is_ok());
  }
  static InterfaceAddress address_of(const char* text, uint8_t prefix) {
    InterfaceAddress address;
    Result<Ipv4Address> v4 = parse_ipv4(text);
    address.address = v4.is_ok() ? IpAddress(v4.take()) : IpAddress(parse_ipv6(text).take());
    address.peer = address.address;
    address.prefix_length = prefix;
    return address;
  }
  static IpAddress ip(const char* text) { return address_of(text, 0).address; }
  Result<> add(const char* text, uint8_t prefix, uint32_t flags = 0) {
    Entry entry(*stack);
    InterfaceAddress address = address_of(text, prefix);
    address.flags = flags;
    return interfaces().add_address(entry, *eth0, address);
  }
  Result<> remove(const char* text, uint8_t prefix) {
    Entry entry(*stack);
    return interfaces().remove_address(entry, *eth0, ip(text), prefix);
  }
  Result<> add_route(const char* destination, uint8_t length, const char* gateway, uint32_t metric = 0) {
    Entry entry(*stack);
    RouteEntry route;
    route.destination = {ip(destination), length};
    route.metric = metric;
    if (gateway != nullptr) {
      route.gateway = ip(gateway);
      route.has_gateway = true;
    } else {
      route.output_interface = eth0->index();
      route.scope = AddressScope::Link;
    }
    return routes().add(entry, route);
  }
  Result<Route> lookup(const FlowKey& key) {
    Entry entry(*stack);
    return routes().lookup(entry, key);
  }
  Result<Route> lookup(const char* destination) { return lookup({.destination = ip(destination)}); }

  // Goes from timer to timer.
  void advance(Duration duration) {
    const Instant end = hal.now() + duration;
    for (Instant next = stack->timers().next_deadline(); next <= end; next = stack->timers().next_deadline()) {
      if (next > hal.now()) hal.set_now(next);
      expire();
    }
    hal.set_now(end);
  }
  void expire() {
    Entry entry(*stack);
    stack->timers().expire(entry, entry.now());
  }
  void inject(const Frame& frame) {
    Entry entry(*stack);
    Ref<Packet> packet = Packet::create_linear(stack->pool(), frame.size(), 0).take();
    copy_bytes(packet->append(frame.size()), frame);
    device.deliver(entry, std::move(packet));
  }
  std::vector<Frame> take_sent() { return std::exchange(device.sent, {}); }
  uint64_t drops(DropReason reason) { return stack->drops().get(reason); }

  TestHal hal;
  WireDevice device;
  Stack* stack = nullptr;
  Ref<Interface> eth0;
};

inline Frame ethernet_frame(MacAddress destination, MacAddress source, EtherType type, const Frame& payload) {
  Frame frame(sizeof(EthernetHeader) + payload.size());
  EthernetFrameHeader header;
  header.destination = destination;
  header.source = source;
  header.type = type;
  header.emit(MutableByteSpan(frame));
  std::copy(payload.begin(), payload.end(), frame.begin() + sizeof(EthernetHeader));
  return frame;
}

inline Frame arp_frame(MacAddress destination, const ArpMessage& message) {
  Frame payload(ArpMessage::encoded_size());
  message.emit(MutableByteSpan(payload));
  return ethernet_frame(destination, message.sender_mac, EtherType::Arp, payload);
}

}  // namespace lxnet::testing
