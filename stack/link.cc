// Frames: out with a header for the neighbour, in to ARP and IP.
//
// VLAN tags: one of identifier 0 carries a priority only and is taken off, as Linux does; any other names a VLAN device, of which
// there are none, and the frame is dropped. A frame for somebody else is shown to the taps, marked, and dropped.
#include "stack/link.hh"

#include "netdev/loopback/loopback.hh"
#include "stack/arp/arp.hh"
#include "stack/ip/offload.hh"
#include "stack/stack.hh"
#include "stack/timestamping.hh"

namespace lxnet {
namespace {

uint16_t protocol_of_ip(const Packet& packet) {
  const ByteSpan bytes = packet.linear();
  const bool is_v6 = !bytes.empty() && bytes[0] >> 4 == 6;
  return static_cast<uint16_t>(is_v6 ? EtherType::Ipv6 : EtherType::Ipv4);
}

void classify(Packet& frame, const EthernetHeader& header, MacAddress own) {
  frame.is_link_broadcast = header.destination.is_broadcast();
  frame.is_link_multicast = header.destination.is_multicast() && !frame.is_link_broadcast;
  frame.is_for_other_host = !header.destination.is_multicast() && header.destination != own;
}

// Reads the Ethernet header and says how long it is with its tag. EINVAL: not a frame.
Result<size_t> open_ethernet(Packet& frame, MacAddress own) {
  constexpr size_t kLongestHeader = sizeof(EthernetHeader) + sizeof(VlanHeader);
  const size_t size = frame.size();
  TRY(frame.pull_up(size < kLongestHeader ? size : kLongestHeader));
  const EthernetHeader& header = *TRY(EthernetHeader::parse(frame.linear()));
  classify(frame, header, own);
  size_t header_size = sizeof(EthernetHeader);
  uint16_t type = header.type.get();
  if (type == static_cast<uint16_t>(EtherType::Vlan)) {
    const VlanHeader& tag = *TRY(VlanHeader::parse(frame.linear().subspan(sizeof(EthernetHeader))));
    constexpr uint16_t kIdentifier = 0xfff;
    if ((tag.control.get() & kIdentifier) == 0) {
      type = tag.type.get();
      header_size += sizeof(VlanHeader);
    }
  }
  frame.link_protocol = type;
  return header_size;
}

// What a program sent over loopback with a header of its own: to the stack it is a frame like any other.
void open_looped(Packet& frame, MacAddress own) {
  const auto& header = *reinterpret_cast<const EthernetHeader*>(frame.link_header());
  classify(frame, header, own);
  // Its broadcast address is all zeros, its own: the usual one is a group to it.
  frame.is_link_multicast |= std::exchange(frame.is_link_broadcast, false);
  frame.link_protocol = static_cast<uint16_t>(ether_type(header.type, frame.linear()));
}

}  // namespace

// ---- out

void Interface::output(Entry& entry, Ref<Packet> packet, const IpAddress& next_hop) {
  // Who sends knows; a header of a program's may say otherwise.
  if (packet->link_protocol == 0) packet->link_protocol = protocol_of_ip(*packet);
  if (link_kind_ != LinkKind::Ethernet) return entry.transmit(*this, std::move(packet));
  if (next_hop.is_multicast()) return output_to(entry, std::move(packet), multicast_mac_of(next_hop));
  if (next_hop.is_v4() && next_hop.v4().is_broadcast()) return output_to(entry, std::move(packet), MacAddress::broadcast());
  // Without ARP nobody has a name: Linux puts the device's own address.
  if (!needs_resolution()) return output_to(entry, std::move(packet), mac());
  stack_.neighbours().output(entry, *this, std::move(packet), next_hop);
}

void Interface::output_to(Entry& entry, Ref<Packet> packet, MacAddress destination) {
  if (link_kind_ != LinkKind::Ethernet) return entry.transmit(*this, std::move(packet));
  if (!packet->ensure_headroom(sizeof(EthernetHeader)).is_ok()) return drop(entry, std::move(packet), DropReason::NoMemory);
  EthernetHeader& header = packet->push_header<EthernetHeader>();
  header.destination = destination;
  header.source = mac();
  header.type.set(packet->link_protocol);
  packet->mark_link_header();
  entry.transmit(*this, std::move(packet));
}

void Interface::transmit(Entry& entry, PacketQueue& frames) {
  const DeviceCapabilities& capabilities = device_->capabilities();
  bool is_finished = true;
  for (Packet* frame = frames.front(); frame != nullptr; frame = frames.next(*frame)) {
    if (frame->transmit_stamps != 0) [[unlikely]]
      report_transmit_stamps(*this, *frame);
    is_finished &= can_finish(capabilities, *frame);
  }
  if (!is_finished) finish_offloads(entry, capabilities, frames);
  const bool has_taps = !stack_.interfaces().taps().is_empty();
  uint64_t bytes = 0;
  for (const Packet* frame = frames.front(); frame != nullptr; frame = frames.next(*frame)) {
    bytes += frame->size();
    if (has_taps && !frame->is_hidden_from_taps) stack_.interfaces().taps().show(entry, *this, *frame, TapDirection::Sent);
  }
  count_statistic(counters_.tx_packets, frames.count());
  count_statistic(counters_.tx_bytes, bytes);
  device_->transmit(entry, device_->asks_time() ? entry.now() : Instant(), frames);
}

bool Interface::turns_around() const { return loopback_ != nullptr && is_up() && stack_.interfaces().taps().is_empty(); }

void Interface::turn_around(Packet& packet) {
  loopback_->turn_around(packet);
  count_both_ways(packet.size());
}

void Interface::count_turned(size_t size) {
  loopback_->count_turned(size);
  count_both_ways(size);
}

void Interface::count_both_ways(size_t size) {
  count_statistic(counters_.tx_packets, 1);
  count_statistic(counters_.tx_bytes, size);
  count_statistic(counters_.rx_packets, 1);
  count_statistic(counters_.rx_bytes, size);
}

// ---- in

void Interface::count_received(const Packet& packet) {
  count_statistic(counters_.rx_packets, 1);
  count_statistic(counters_.rx_bytes, packet.size());
}

void link_receive(Entry& entry, Ref<Packet> frame) {
  const InterfaceHold interface = entry.stack().interfaces().hold(frame->interface_index);
  if (!interface || !interface->is_up()) return drop(entry, std::move(frame), DropReason::InterfaceDown);
  interface->count_received(*frame);
  size_t header_size = 0;
  if (interface->link_kind() == LinkKind::Ethernet) {
    Result<size_t> opened = open_ethernet(*frame, interface->mac());
    if (!opened.is_ok()) return drop(entry, std::move(frame), DropReason::LinkHeader);
    header_size = opened.take();
    if (frame->is_link_multicast) interface->count_statistic(interface->counters_.rx_multicast, 1);
  } else if (interface->link_kind() == LinkKind::Ip) {
    if (!frame->pull_up(1).is_ok()) return drop(entry, std::move(frame), DropReason::LinkHeader);
    frame->link_protocol = protocol_of_ip(*frame);
  }
  if (frame->has_own_link_header) [[unlikely]] {
    open_looped(*frame, interface->mac());
  } else {
    frame->mark_link_header();
  }
  LinkTaps& taps = entry.stack().interfaces().taps();
  if (!taps.is_empty()) [[unlikely]]
    taps.show(entry, *interface, *frame, TapDirection::Received);
  frame->has_own_link_header = false;
  frame->consume(header_size);
  if (frame->is_for_other_host) return drop(entry, std::move(frame), DropReason::NotForUs);
  const EtherType protocol{frame->link_protocol};
  if (protocol == EtherType::Ipv4 || protocol == EtherType::Ipv6) return ip_receive(entry, std::move(frame), interface.get());
  if (protocol == EtherType::Arp) return arp_receive(entry, std::move(frame), *interface);
  drop(entry, std::move(frame), DropReason::UnknownEthertype);
}

}  // namespace lxnet
