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

  // For a device below that drops (Impair::observe_drops): the reason becomes the comment of the packet that is being sent.
  void note_drop(const Packet& packet, const char* reason) {
    if (&packet == sending_) {
      write_sent(reason);
    } else {
      writer_.write(interface_, PacketDirection::Sent, packet, reason);
    }
  }

  // One at a time, so that it is known what became of each. Not for several processors at once.
  void transmit(Entry& entry, Instant now, PacketQueue& batch) override {
    while (Ref<Packet> packet = batch.take_front()) {
      auto copy = packet->clone();
      sending_ = packet.get();
      if (copy.is_ok()) sent_ = copy.take();
      PacketQueue single;
      single.push_back(std::move(packet));
      WrapperDevice::transmit(entry, now, single);
      write_sent(nullptr);
      sending_ = nullptr;
    }
  }

 private:
  void receive(Entry& entry, PacketQueue& batch) override {
    // What loopback delivers was sent before.
    write_sent(nullptr);
    for (const Packet* packet = batch.front(); packet != nullptr; packet = batch.next(*packet)) {
      writer_.write(interface_, PacketDirection::Received, *packet);
    }
    deliver(entry, batch);
  }
  void write_sent(const char* comment) {
    if (sent_) writer_.write(interface_, PacketDirection::Sent, *sent_, comment);
    sent_ = nullptr;
  }

  PcapngWriter& writer_;
  const uint32_t interface_;
  const Packet* sending_ = nullptr;
  Ref<Packet> sent_;  // its bytes as they were, until it is known whether it was dropped
};

}  // namespace lxnet
