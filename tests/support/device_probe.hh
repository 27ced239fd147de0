// DeviceProbe: stands where the stack stands, above one device, and keeps what the device delivers. For tests of devices without
// a Stack.
#pragma once

#include <vector>

#include <gtest/gtest.h>

#include "netdev/net_device.hh"
#include "netdev/packet_pool.hh"
#include "tests/support/test_hal.hh"

namespace lxnet::testing {

using Bytes = std::vector<uint8_t>;

inline Bytes bytes_of_packet(const Packet& packet) {
  Bytes bytes(packet.size());
  packet.read(0, MutableByteSpan(bytes));
  return bytes;
}

class DeviceProbe {
 public:
  DeviceProbe(TestHal& hal, PacketPool& pool, NetDevice& device) : hal_(hal), pool_(pool), device_(device) {
    device.attach({.owner = this,
                   .receive = [](void* owner, Entry&, PacketQueue& batch) { static_cast<DeviceProbe*>(owner)->keep(batch); },
                   .schedule_poll =
                       [](void* owner) {
                         DeviceProbe& self = *static_cast<DeviceProbe*>(owner);
                         while (self.device_.poll(self.entry(), 64) == 64) {
                         }
                       },
                   .link_changed = [](void* owner) { ++static_cast<DeviceProbe*>(owner)->link_changes; }});
    EXPECT_TRUE(device.start().is_ok());
  }
  ~DeviceProbe() {
    device_.stop();
    device_.attach({});
  }

  Ref<Packet> packet_of(const Bytes& bytes) {
    Ref<Packet> packet = Packet::create(pool_).take();
    EXPECT_TRUE(packet->append_copy(bytes).is_ok());
    return packet;
  }
  void send(Ref<Packet> packet) {
    PacketQueue batch;
    batch.push_back(std::move(packet));
    device_.transmit(entry(), hal_.now(), batch);
    EXPECT_TRUE(batch.is_empty()) << "a device takes every packet";
  }
  void send(const Bytes& bytes) { send(packet_of(bytes)); }
  // What came since the last call.
  std::vector<Bytes> take_received() {
    std::vector<Bytes> all;
    while (Ref<Packet> packet = received.take_front()) all.push_back(bytes_of_packet(*packet));
    return all;
  }
  // Devices pass it on and never look inside.
  Entry& entry() { return *reinterpret_cast<Entry*>(this); }

  PacketQueue received;
  int link_changes = 0;

 private:
  void keep(PacketQueue& batch) { received.append(batch); }

  TestHal& hal_;
  PacketPool& pool_;
  NetDevice& device_;
};

}  // namespace lxnet::testing
