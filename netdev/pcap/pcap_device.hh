// PcapDevice: a device that writes what passes through another one to a capture.
#pragma once

#include "netdev/pcap/pcapng_writer.hh"
#include "netdev/wrapper_device.hh"

namespace lxnet {

class PcapDevice final : public WrapperDevice {
 public:
  // `name` is what the capture calls the interface.
  PcapDevice(PcapngWriter& writer, const char* name, NetDevice& inner)
      : WrapperDevice(inner), writer_(writer), interface_(writer.add_interface(name, inner.capabilities().link)) {}

  // For a device below that drops (Impair::observe_drops): the packet as it would have left, with the reason as comment.
  void write_drop(const Packet& packet, const char* reason) { writer_.write(interface_, PacketDirection::Sent, packet, reason); }

  void transmit(Entry& entry, Instant now, PacketQueue& batch) override {
    capture(batch, PacketDirection::Sent);
    WrapperDevice::transmit(entry, now, batch);
  }

 private:
  void receive(Entry& entry, PacketQueue& batch) override {
    capture(batch, PacketDirection::Received);
    deliver(entry, batch);
  }
  void capture(const PacketQueue& batch, PacketDirection direction) {
    for (const Packet* packet = batch.front(); packet != nullptr; packet = batch.next(*packet)) {
      writer_.write(interface_, direction, *packet);
    }
  }

  PcapngWriter& writer_;
  const uint32_t interface_;
};

}  // namespace lxnet
