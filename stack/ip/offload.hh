// Offloads in software: what a device cannot do of checksums and segmentation is done right before it.
//
// TCP: every segment repeats the header with its sequence number; FIN and PSH are the last one's, CWR the first one's. UDP: every
// segment is a datagram of its own. IPv4 identifications count up.
#pragma once

#include "netdev/net_device.hh"
#include "stack/entry.hh"

namespace lxnet {

// Behind extension headers no device cuts for Linux (gso_features_check()), loopback neither.
inline bool has_extension_headers(const Packet& frame) {
  constexpr uint16_t kFixedHeader = 40;
  return frame.checksum_start != kFixedHeader && frame.network_header()[0] >> 4 == 6;
}

inline bool can_segment(const DeviceCapabilities& capabilities, const Packet& frame) {
  const bool is_able = frame.segmentation == SegmentationKind::Tcp ? capabilities.segments_tcp : capabilities.segments_udp;
  return is_able && !has_extension_headers(frame);
}

// Whether the device takes the frame as it is.
inline bool can_finish(const DeviceCapabilities& capabilities, const Packet& frame) {
  if (frame.segmentation != SegmentationKind::None) return can_segment(capabilities, frame);
  return capabilities.sends_checksum || frame.checksum != ChecksumState::Partial;
}

// Replaces the frames that the device cannot finish by ones it need not. The network header of each is marked; what cannot be cut
// for want of memory is dropped and counted.
void finish_offloads(Entry& entry, const DeviceCapabilities& capabilities, PacketQueue& frames);

// Sums a Partial packet; it is Unknown (complete) then. The checksum field is in the linear part.
void complete_checksum(Packet& packet);

// Whether what is left to be done of a packet that was received can be done, and its headers are its own to do it in: a program
// may have said anything of it, and it may have been shortened since. The front is at the IP header, which is a good one.
bool has_sound_offloads(Packet& packet);

// Cuts a packet with `segmentation` into ones without, each Partial, front at the same header. ENOBUFS: nothing was made.
Result<> segment_packet(const Packet& packet, PacketQueue& segments);

}  // namespace lxnet
