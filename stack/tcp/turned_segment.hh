// TurnedSegment: what a segment from ourselves to ourselves says, beside its bytes.
//
// Nearly all segments over `lo` are plain (transmit.cc) and meet nobody on their way (stack/ip/turn_around.hh). Their headers are
// written as always, because filters, TIME-WAITs and errors read them; but who receives them was told in the packet's control
// block what they say, and takes nothing apart.
//
// A full segment that nobody has received yet takes along the odd end of the same write, so that 64 KiB are one packet. Who would
// have treated the two differently (a filter; a receiver who acknowledges each) takes the odd end off again.
#pragma once

#include "stack/ip/ip_info.hh"
#include "stack/route/route.hh"
#include "stack/tcp/segment.hh"

namespace lxnet {

struct TurnedSegment {
  IpInfo ip;  // first: ip_info() is this one
  TcpSegmentHeader header;
  TcpTimestamps timestamps;
  bool has_timestamps = false;

  static TurnedSegment& of(Packet& packet) { return packet.control<TurnedSegment>(); }
  size_t payload_size(const Packet& packet) const { return packet.size() - header.header_size; }
  // `next` is the rest of the same write, on the same way; this one has so many bytes of it.
  bool is_followed_by(const TcpSegmentHeader& next, const TcpTimestamps& stamps, const Route& route, size_t size) const;
  // The packet has got the bytes of the segment that follows, the odd end: its window and its push count.
  void take_over(const TcpSegmentHeader& odd, Packet& packet);
  // Two segments, and not one packet that a device would cut.
  static bool has_odd_end(const Packet& packet) {
    return packet.is_turned_segment && packet.segment_count == 2 && packet.segmentation == SegmentationKind::None;
  }
  // Null where there is none, or no memory.
  static Ref<Packet> take_off_odd_end(Packet& packet);
};
static_assert(std::is_standard_layout_v<TurnedSegment> && offsetof(TurnedSegment, ip) == 0);

// A segment that is_turned_segment, its front at the TCP header.
void tcp_receive_turned(Entry& entry, Ref<Packet> packet);

}  // namespace lxnet
