// FrameView: a frame that passes a tap, as packet sockets are shown it, without copying it.
//
// What differs from the bytes that the stack has: loopback has no link header here and one of zeros on Linux, and a VLAN tag of a
// frame that came in is taken off and told beside it (skb_vlan_untag). So a view is a header of its own, kept here, and the
// frame's bytes from some place on.
#pragma once

#include "compat/afpacket/packet_address.hh"
#include "netdev/packet.hh"
#include "stack/bpf/bpf_packet.hh"
#include "stack/link_tap.hh"

namespace lxnet {

// With the link header or without: SOCK_RAW and SOCK_PACKET, or SOCK_DGRAM.
enum class ViewFrom : uint8_t { LinkHeader, NetworkHeader };

struct VlanTagSeen {
  bool is_there = false;
  uint16_t control = 0, protocol = 0;
};

class FrameView {
 public:
  FrameView(const Interface& interface, const Packet& frame, TapDirection direction);

  const Interface& interface() const { return interface_; }
  const Packet& frame() const { return frame_; }
  FrameKind kind() const { return kind_; }
  bool is_outgoing() const { return kind_ == FrameKind::Outgoing; }
  uint16_t protocol() const { return protocol_; }
  const VlanTagSeen& tag() const { return tag_; }

  size_t header_size() const { return header_size_; }
  // Where the frame's own bytes have the network header.
  size_t network_at() const { return body_at_; }
  size_t size(ViewFrom from) const { return (from == ViewFrom::LinkHeader ? header_size_ : 0) + frame_.size() - body_at_; }
  // Copies from `offset` of the view; says how much there was.
  size_t read(ViewFrom from, size_t offset, MutableByteSpan to) const;
  // What a filter sees. Lives as long as the view.
  BpfPacket for_filter(ViewFrom from) const;
  // A packet of its own with these bytes. ENOBUFS.
  Result<Ref<Packet>> copy(ViewFrom from) const;
  // sll_* but for the family and the protocol, whose order a receive decides.
  LinkAddress sender() const;
  // TP_STATUS_CSUMNOTREADY and its like.
  uint32_t status() const;

 private:
  static constexpr size_t kLongestHeader = 18;  // Ethernet and one tag

  void take_header();
  void take_tag_off();
  bool is_plain() const { return !has_own_header_; }
  static bool read_for_filter(const void* source, int64_t offset, MutableByteSpan to);

  const Interface& interface_;
  const Packet& frame_;
  FrameKind kind_ = FrameKind::Host;
  bool has_own_header_ = false;  // header_ is not what stands before body_at_ in the frame
  uint16_t protocol_ = 0;
  VlanTagSeen tag_;
  uint8_t header_[kLongestHeader] = {};
  size_t header_size_ = 0;
  size_t body_at_ = 0;  // in the frame: behind its link header
};

}  // namespace lxnet
