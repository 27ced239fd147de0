#include "compat/afpacket/frame_view.hh"

#include "compat/afpacket/packet_status.hh"
#include "stack/hardware_type.hh"
#include "stack/stack.hh"
#include "stack/wire/ethernet.hh"

namespace lxnet {
namespace {

FrameKind kind_of(const Packet& frame, TapDirection direction) {
  if (direction == TapDirection::Sent) return FrameKind::Outgoing;
  if (frame.is_for_other_host) return FrameKind::OtherHost;
  if (frame.is_link_broadcast) return FrameKind::Broadcast;
  return frame.is_link_multicast ? FrameKind::Multicast : FrameKind::Host;
}

bool is_vlan(uint16_t type) {
  return type == static_cast<uint16_t>(EtherType::Vlan) || type == static_cast<uint16_t>(EtherType::ServiceVlan);
}

}  // namespace

FrameView::FrameView(const Interface& interface, const Packet& frame, TapDirection direction)
    : interface_(interface), frame_(frame), kind_(kind_of(frame, direction)), protocol_(frame.link_protocol) {
  take_header();
  if (!is_outgoing() && header_size_ == sizeof(EthernetHeader)) take_tag_off();
}

void FrameView::take_header() {
  switch (interface_.link_kind()) {
    case LinkKind::Ip:
      return;
    case LinkKind::Ethernet:
      header_size_ = frame_.read(0, MutableByteSpan(header_, sizeof(EthernetHeader)));
      // A program that sent a tagged frame has its network header behind the tag.
      if (is_outgoing() && is_vlan(protocol_)) header_size_ = frame_.read(0, MutableByteSpan(header_));
      body_at_ = header_size_;
      return;
    case LinkKind::Loopback:
      has_own_header_ = true;
      header_size_ = sizeof(EthernetHeader);
      if (frame_.has_own_link_header) {
        memcpy(header_, frame_.link_header(), sizeof(EthernetHeader));
      } else {
        reinterpret_cast<EthernetHeader*>(header_)->type.set(frame_.link_protocol);
      }
  }
}

void FrameView::take_tag_off() {
  auto& header = *reinterpret_cast<EthernetHeader*>(header_);
  const uint16_t type = header.type.get();
  VlanHeader tag;
  if (!is_vlan(type) || frame_.read(body_at_, mutable_bytes_of(tag)) != sizeof tag) return;
  tag_ = {.is_there = true, .control = tag.control.get(), .protocol = type};
  header.type = tag.type;
  body_at_ += sizeof tag;
  has_own_header_ = true;
  protocol_ = tag.type.get();
}

size_t FrameView::read(ViewFrom from, size_t offset, MutableByteSpan to) const {
  if (from == ViewFrom::NetworkHeader) return frame_.read(body_at_ + offset, to);
  if (is_plain()) return frame_.read(offset, to);
  size_t done = 0;
  if (offset < header_size_) {
    done = copy_bytes(to, ByteSpan(header_, header_size_).subspan(offset));
    offset = header_size_;
  }
  return done == to.size() ? done : done + frame_.read(body_at_ + offset - header_size_, to.subspan(done));
}

bool FrameView::read_for_filter(const void* source, int64_t offset, MutableByteSpan to) {
  return offset >= 0 &&
         static_cast<const FrameView*>(source)->read(ViewFrom::LinkHeader, static_cast<size_t>(offset), to) == to.size();
}

BpfPacket FrameView::for_filter(ViewFrom from) const {
  const bool is_raw = from == ViewFrom::LinkHeader;
  const auto header = static_cast<int32_t>(header_size_);
  BpfPacket packet{.size = static_cast<uint32_t>(size(from)),
                   .source = this,
                   .network_offset = is_raw ? header : 0,
                   .link_offset = is_raw ? 0 : -header,
                   .protocol = protocol_,
                   .packet_type = static_cast<uint8_t>(kind_),
                   .interface_index = interface_.index(),
                   .interface_type = hardware_type_of(interface_),
                   .mark = frame_.mark,
                   .receive_hash = frame_.flow_hash,
                   .cpu = interface_.stack().hal().processor()};
  const ByteSpan linear = frame_.linear();
  if (is_raw && is_plain()) packet.linear = linear;
  if (!is_raw && linear.size() > body_at_) packet.linear = linear.subspan(body_at_);
  packet.read = is_raw ? &read_for_filter : [](const void* source, int64_t offset, MutableByteSpan to) {
    const auto& view = *static_cast<const FrameView*>(source);
    return read_for_filter(source, offset + static_cast<int64_t>(view.header_size_), to);
  };
  if (tag_.is_there) {
    packet.vlan_tag = tag_.control;
    packet.vlan_protocol = tag_.protocol;
  }
  packet.random_source = &interface_.stack().hal();
  packet.random = [](const void* hal) { return static_cast<const Hal*>(hal)->random<uint32_t>(); };
  return packet;
}

Result<Ref<Packet>> FrameView::copy(ViewFrom from) const {
  Ref<Packet> copy = TRY(frame_.clone());
  if (from == ViewFrom::LinkHeader && is_plain()) return copy;
  copy->consume(body_at_);
  if (from == ViewFrom::NetworkHeader) return copy;
  TRY(copy->ensure_headroom(header_size_));
  copy_bytes(copy->push_header(header_size_), ByteSpan(header_, header_size_));
  return copy;
}

LinkAddress FrameView::sender() const {
  LinkAddress address;
  address.index = static_cast<int32_t>(interface_.index());
  address.hardware_type = hardware_type_of(interface_);
  address.kind = static_cast<uint8_t>(kind_);
  if (header_size_ < sizeof(EthernetHeader)) return address;
  address.size = MacAddress::kSize;
  copy_bytes(address.address, reinterpret_cast<const EthernetHeader*>(header_)->source.bytes());
  return address;
}

uint32_t FrameView::status() const {
  uint32_t status = kStatusUser;
  // Nothing sums what only loopback carries.
  const bool is_unfinished =
      frame_.checksum == ChecksumState::Partial || (frame_.is_looped && frame_.checksum == ChecksumState::Verified);
  if (is_unfinished) {
    status |= kStatusChecksumNotReady;
  } else if (!is_outgoing() && frame_.checksum == ChecksumState::Verified) {
    status |= kStatusChecksumValid;
  }
  if (frame_.segmentation == SegmentationKind::Tcp) status |= kStatusTcpSegments;
  if (tag_.is_there) status |= kStatusVlanValid | kStatusVlanProtocolValid;
  return status;
}

}  // namespace lxnet
