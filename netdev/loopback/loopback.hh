// Loopback: what is sent is received, in the same entry, without a copy. Frames carry no link header.
//
// Nothing can have changed on the way, so checksums are neither filled in nor verified, and a packet of up to 64 KiB is not cut.
// The sender's buffer is credited when the packet turns around, as when a wire has taken it.
#pragma once

#include "netdev/device_counters.hh"

namespace lxnet {

class Loopback final : public NetDevice {
 public:
  static constexpr uint32_t kMtu = 65536;

  explicit Loopback(Sharing sharing = Sharing::SeveralProcessors) : NetDevice(Time::Ignored), counters_(sharing) {}

  const DeviceCapabilities& capabilities() const override { return capabilities_; }
  bool is_link_up() const override { return true; }
  Result<> start() override { return ok(); }
  void stop() override {}
  void transmit(Entry& entry, Instant now, PacketQueue& batch) override;
  size_t poll(Entry&, size_t) override { return 0; }
  void set_multicast(const HardwareAddress&, bool) override {}
  Result<> set_mtu(uint32_t mtu) override;
  DeviceStatistics statistics() const override;
  Loopback* as_loopback() override { return this; }
  // What transmit() does to a packet, for who takes it back at once.
  void turn_around(Packet& packet) {
    turn(packet);
    counters_.count_sent(packet);
  }
  // Of a packet that became part of one that has turned already.
  void count_turned(size_t size) { counters_.count_sent(1, size); }

 private:
  static void turn(Packet& packet) {
    packet.orphan();
    packet.is_looped = true;
    if (packet.checksum != ChecksumState::Unknown) packet.checksum = ChecksumState::Verified;
  }

  DeviceCapabilities capabilities_{.link = LinkKind::Loopback,
                                   .address = {},
                                   .mtu = kMtu,
                                   .min_mtu = 0,
                                   .max_mtu = INT32_MAX,
                                   .sends_checksum = true,
                                   .verifies_checksum = true,
                                   .segments_tcp = true,
                                   .segments_udp = true,
                                   .reports_carrier = false};
  DeviceCounters counters_;
};

}  // namespace lxnet
