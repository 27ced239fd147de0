// PcapngWriter: packets as a pcapng stream, which Wireshark and tcpdump read.
//
// One section; one interface block per device, and two more for packets that were dropped, as the stack saw them when it dropped
// them, with the reason as the packet's comment (in Wireshark: frame.comment). The bytes go to a sink of the host's.
#pragma once

#include "hal/mutex.hh"
#include "netdev/net_device.hh"

namespace lxnet {

// Takes bytes in order. Called with a lock held: it must not call into lxnet.
struct ByteSink {
  void* context = nullptr;
  void (*write)(void* context, ByteSpan bytes) = nullptr;
  // Optional: false leaves the packet out, so that a bounded capture ends between two packets.
  bool (*has_room)(void* context) = nullptr;
};

enum class PacketDirection : uint8_t { Received = 1, Sent = 2 };  // epb_flags' numbers

class PcapngWriter {
 public:
  // Times are the host's wall clock.
  PcapngWriter(const Hal& hal, const ByteSink& sink);

  // The number by which packets name their interface.
  uint32_t add_interface(const char* name, LinkKind link);
  // From its front. `comment` may be null.
  void write(uint32_t interface, PacketDirection direction, const Packet& packet, const char* comment = nullptr);
  // Where the stack drops: from the network header if that was reached, with the reason as comment.
  void write_drop(const Packet& packet, const char* reason);

 private:
  uint32_t add_interface_locked(const char* name, uint16_t link_type) REQUIRES(mutex_);
  void write_packet_locked(uint32_t interface, uint32_t flags, ByteSpan front, const Packet& packet, const char* comment)
      REQUIRES(mutex_);
  void put(ByteSpan bytes) REQUIRES(mutex_) { sink_.write(sink_.context, bytes); }

  const Hal& hal_;
  Mutex mutex_;
  ByteSink sink_ GUARDED_BY(mutex_);
  uint32_t interface_count_ GUARDED_BY(mutex_) = 0;
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t ip_drops_ GUARDED_BY(mutex_) = kNone;  // made when the first is dropped
  uint32_t link_drops_ GUARDED_BY(mutex_) = kNone;
};

}  // namespace lxnet
