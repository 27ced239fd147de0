// IpBench: a stack with one IP link (no link-layer addresses to resolve), whose wire is this test: packets are put in as bytes
// and taken out as bytes. Time moves only when told.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "netdev/net_device.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/pseudo_header.hh"
#include "tests/support/test_hal.hh"

namespace lxnet::testing {

using Bytes = std::vector<uint8_t>;

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Bytes pattern(size_t size, uint8_t seed = 1) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(seed + i * 7 + (i >> 8));
  return bytes;
}

class WireDevice final : public NetDevice {
 public:
  WireDevice() {
    capabilities_.link = LinkKind::Ip;
    capabilities_.mtu = 1500;
    capabilities_.filters_multicast = true;
  }
  const DeviceCapabilities& capabilities() const override { return capabilities_; }
  DeviceCapabilities& change_capabilities() { return capabilities_; }
  bool is_link_up() const override { return true; }
  Result<> start() override { return ok(); }
  void stop() override {}
  void transmit(Entry&, Instant, PacketQueue& batch) override {
    while (!batch.is_empty()) {
      const Ref<Packet> packet = batch.take_front();
      Bytes bytes(packet->size());
      packet->read(0, MutableByteSpan(bytes));
      sent.push_back(bytes);
    }
  }
  size_t poll(Entry&, size_t) override { return 0; }
  void set_multicast(const HardwareAddress& group, bool is_member) override { filters.push_back({group, is_member}); }
  Result<> set_mtu(uint32_t) override { return ok(); }
  DeviceStatistics statistics() const override { return {}; }
  void deliver(Entry& entry, Ref<Packet> packet) {
    PacketQueue batch;
    batch.push_back(std::move(packet));
    client().receive(client().owner, entry, batch);
  }

  std::vector<Bytes> sent;
  std::vector<std::pair<HardwareAddress, bool>> filters;

 private:
  DeviceCapabilities capabilities_;
};

class IpBench {
 public:
  static constexpr Ipv4Address kOwn4{10, 0, 0, 1};
  static constexpr Ipv4Address kPeer4{10, 0, 0, 2};
  const Ipv6Address kOwn6{0x2001, 0xdb8, 0, 0, 0, 0, 0, 1};
  const Ipv6Address kPeer6{0x2001, 0xdb8, 0, 0, 0, 0, 0, 2};

  IpBench() {
    lxnet_config config{};
    config.struct_size = sizeof config;
    stack = Stack::create(hal.table(), config, nullptr).take();
    stack->interfaces().settings_of_default().v6.router_solicitations = 0;
    interface = add_device(device, "ip0", kOwn4, 24, kOwn6, 64);
    settle();
  }
  ~IpBench() {
    interface = nullptr;
    Stack::destroy(stack);
  }

  Ref<Interface> add_device(WireDevice& added, const char* name, Ipv4Address v4, uint8_t prefix4, const Ipv6Address& v6,
                            uint8_t prefix6) {
    Entry entry(*stack);
    Ref<Interface> made = stack->interfaces().add(entry, added, name).take();
    EXPECT_TRUE(stack->interfaces().set_state(entry, *made, LinkState::Up).is_ok());
    add_address(entry, *made, v4, prefix4);
    add_address(entry, *made, v6, prefix6);
    return made;
  }
  void add_address(Entry& entry, Interface& on, const IpAddress& address, uint8_t prefix) {
    InterfaceAddress added;
    added.address = added.peer = address;
    added.prefix_length = prefix;
    added.flags = kAddressPermanent | kAddressNoDad;
    EXPECT_TRUE(stack->interfaces().add_address(entry, on, added).is_ok());
  }

  // What the stack says of its own accord when it comes up is not what tests look at.
  void settle() {
    for (int i = 0; i < 20; ++i) advance(Duration::seconds(2));
    device.sent.clear();
    device.filters.clear();
  }
  // Every timer fires when it is due.
  void advance(Duration duration) {
    const Instant end = hal.now() + duration;
    for (Instant due = stack->timers().next_deadline(); due <= end; due = stack->timers().next_deadline()) {
      if (due > hal.now()) hal.set_now(due);
      expire();
    }
    hal.set_now(end);
  }
  void expire() {
    Entry entry(*stack);
    stack->timers().expire(entry, hal.now());
  }
  void inject(WireDevice& into, const Bytes& bytes) {
    Entry entry(*stack);
    Ref<Packet> packet = Packet::create_linear(stack->pool(), bytes.size()).take();
    copy_bytes(packet->append(bytes.size()), bytes);
    into.deliver(entry, std::move(packet));
  }
  void inject(const Bytes& bytes) { inject(device, bytes); }
  std::vector<Bytes> take_sent() { return std::exchange(device.sent, {}); }
  // The one packet sent since the last call.
  Bytes take_one() {
    std::vector<Bytes> all = take_sent();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? Bytes(60) : all.front();
  }
  uint64_t mib(Mib counter) const { return stack->mib().get(counter); }
  uint64_t drops(DropReason reason) const { return stack->drops().get(reason); }

  TestHal hal;
  Stack* stack = nullptr;
  WireDevice device;
  Ref<Interface> interface;
};

// ---- packets as bytes

inline Bytes v4_packet(Ipv4PacketHeader header, const Bytes& payload) {
  Bytes bytes(header.encoded_size());
  header.total_length = static_cast<uint16_t>(bytes.size() + payload.size());
  header.emit(bytes);
  return bytes + payload;
}

inline Bytes v6_packet(Ipv6PacketHeader header, const Bytes& payload) {
  Bytes bytes(sizeof(Ipv6Header));
  header.payload_length = static_cast<uint16_t>(payload.size());
  header.emit(bytes);
  return bytes + payload;
}

inline Bytes icmp4_message(const Icmp4Message& message, const Bytes& payload) {
  Bytes bytes(sizeof(Icmp4Header));
  message.emit(bytes);
  bytes = bytes + payload;
  const uint16_t sum = internet_checksum(bytes);
  bytes[2] = static_cast<uint8_t>(sum >> 8);
  bytes[3] = static_cast<uint8_t>(sum);
  return bytes;
}

inline Bytes icmp6_message(const Ipv6Address& source, const Ipv6Address& destination, const Icmp6Message& message,
                           const Bytes& payload) {
  Bytes bytes(sizeof(Icmp6Header));
  message.emit(bytes);
  bytes = bytes + payload;
  InternetChecksum sum = pseudo_header_checksum(source, destination, IpProtocol::Icmpv6, static_cast<uint32_t>(bytes.size()));
  sum.add(bytes);
  bytes[2] = static_cast<uint8_t>(sum.finish() >> 8);
  bytes[3] = static_cast<uint8_t>(sum.finish());
  return bytes;
}

inline const Ipv4Header& v4_header(const Bytes& packet) { return *reinterpret_cast<const Ipv4Header*>(packet.data()); }
inline const Ipv6Header& v6_header(const Bytes& packet) { return *reinterpret_cast<const Ipv6Header*>(packet.data()); }
inline Bytes from(const Bytes& bytes, size_t offset) { return Bytes(bytes.begin() + static_cast<long>(offset), bytes.end()); }
inline Bytes part(const Bytes& bytes, size_t offset, size_t size) {
  return Bytes(bytes.begin() + static_cast<long>(offset), bytes.begin() + static_cast<long>(offset + size));
}

}  // namespace lxnet::testing
