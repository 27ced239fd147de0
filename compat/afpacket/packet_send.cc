// Sending frames (packet_snd, packet_sendmsg_spkt), in Linux's order of checks.
#include "compat/afpacket/packet_socket.hh"
#include "compat/syscalls/control_message.hh"
#include "compat/syscalls/generic_control.hh"
#include "stack/wire/ethernet.hh"

namespace lxnet {
namespace {

constexpr PollEvents kSendInterest = kPollOut | kPollWriteNormal | kPollError;
constexpr int kSocketLevel = 1;

}  // namespace

Result<PacketSocket::OutgoingFrame> PacketSocket::address_frame(const OutgoingMessage& message) {
  OutgoingFrame frame;
  InterfaceRegistry& registry = stack().interfaces();
  if (message.name == nullptr) {
    MutexLock lock(domain_.mutex());
    frame.protocol = protocol_;
    frame.interface = registry.find(tap_binding_.device);
  } else {
    const auto address = message.name->as<LinkAddress>();
    if (message.name->size() < sizeof address || message.name->size() < kLinkAddressHead + address.size) return Errno::EINVAL;
    frame.protocol = address.protocol.get();
    frame.interface = registry.find(static_cast<uint32_t>(address.index));
    frame.has_destination = true;
    frame.destination = MacAddress::from_bytes(std::span<const uint8_t, 8>(address.address).first<MacAddress::kSize>());
  }
  if (!frame.interface) return Errno::ENXIO;
  if (!frame.interface->is_up()) return Errno::ENETDOWN;
  return frame;
}

Result<PacketSocket::OutgoingFrame> PacketSocket::address_old_frame(const OutgoingMessage& message) {
  if (message.name == nullptr) return Errno::ENOTCONN;
  if (message.name->size() < kPlainAddressSize) return Errno::EINVAL;
  auto address = message.name->as<OldPacketAddress>();
  OutgoingFrame frame;
  if (message.name->size() == sizeof address) frame.protocol = address.protocol.get();
  char name[Interface::kNameSize] = {};
  memcpy(name, address.device, sizeof address.device - 1);
  frame.interface = stack().interfaces().find(name);
  if (!frame.interface) return Errno::ENODEV;
  if (!frame.interface->is_up()) return Errno::ENETDOWN;
  return frame;
}

Result<> PacketSocket::take_send_control(SyscallContext& context, OutgoingMessage& message, OutgoingFrame& frame) {
  frame.control.mark = options_.mark;
  frame.control.priority = options_->priority;
  if (message.control == nullptr) return ok();
  ControlMessage one;
  while (TRY(message.control->next(one))) {
    if (one.level == kSocketLevel) TRY(decode_generic_control(context, options_, one, frame.control));
  }
  return ok();
}

// sock_alloc_send_pskb(): an error that waits comes first, then room.
Result<> PacketSocket::wait_for_room(SyscallContext& context, const OutgoingMessage& message) {
  const bool waits = (message.flags & kMessageDontWait) == 0;
  const WaitPolicy policy{.queue = waiters_, .interest = kSendInterest, .timeout = waits ? options_->send_timeout : Duration()};
  return wait_until(context, policy, [&]() -> Result<> {
    if (const Errno error = take_error(); error != Errno{}) return error;
    if (in_flight() >= options_.send_buffer.load()) return Errno::EAGAIN;
    return ok();
  });
}

// The frame, complete with its link header, which begins at the front.
Result<Ref<Packet>> PacketSocket::fill_packet(IoSource& source, const OutgoingFrame& frame) {
  const size_t header = frame.header_size();
  const bool is_datagram = socket_type() == kSockDatagram;
  auto made = Packet::create_linear(stack().pool(), frame.size);
  if (!made.is_ok()) return Errno::ENOBUFS;
  Ref<Packet> packet = made.take();
  if (is_datagram && header != 0 && !frame.has_destination && !frame.interface->is_loopback() &&
      (frame.interface->flags() & kInterfaceNoArp) == 0) {
    return Errno::EINVAL;
  }
  if (source.copy(packet->append(frame.size)) != frame.size) return Errno::EFAULT;
  if (is_datagram && header != 0) {
    auto& link = packet->push_header<EthernetHeader>();
    link.source = frame.interface->mac();
    link.type.set(frame.protocol);
    if (frame.has_destination) link.destination = frame.destination;
  }
  if (packet->size() < header || packet->is_empty()) return Errno::EINVAL;
  packet->mark_link_header();
  packet->consume(header);
  packet->mark_network_header();
  packet->restore_front(packet->link_header());
  return packet;
}

// A frame with a VLAN tag may be longer by it.
bool PacketSocket::is_tagged(const OutgoingFrame& frame, const Packet& packet) {
  return frame.interface->link_kind() == LinkKind::Ethernet &&
         reinterpret_cast<const EthernetHeader*>(packet.link_header())->type.get() == static_cast<uint16_t>(EtherType::Vlan);
}

void PacketSocket::launch(Entry& entry, const OutgoingFrame& frame, Ref<Packet> packet) {
  const size_t header = frame.header_size();
  uint16_t protocol = frame.protocol;
  if (header != 0 && (protocol == 0 || protocol == kProtocolAll) && socket_type() != kSockDatagram) {
    protocol = reinterpret_cast<const EthernetHeader*>(packet->link_header())->type.get();
  }
  packet->link_protocol = protocol;
  packet->mark = frame.control.mark;
  packet->priority = frame.control.priority;
  packet->is_hidden_from_taps = packet_options_.bypasses_taps;
  if (frame.interface->is_loopback()) {
    // Loopback's frames have no link header in the stack; this one stays, before the front.
    packet->consume(header);
    packet->has_own_link_header = true;
  }
  const uint32_t charge = packet->true_size();
  __atomic_fetch_add(&in_flight_, charge, __ATOMIC_RELAXED);
  packet->set_owner(static_cast<StampListener*>(this), &release_charge, charge);
  if (const uint32_t flags = timestamping_of(options_, frame.control); (flags & kTimestampRecords) != 0) [[unlikely]] {
    packet->transmit_stamps = stamps_of(flags) | kStampOfListener;
    // What goes straight to the device is scheduled by nobody.
    if (packet_options_.bypasses_taps)
      packet->transmit_stamps = static_cast<uint8_t>(packet->transmit_stamps & ~uint32_t{kStampScheduled});
    if ((flags & kTimestampKeys) != 0) {
      packet->stamp_key = frame.control.has_timestamp_key
                              ? frame.control.timestamp_key
                              : __atomic_fetch_add(&options_.own()->timestamp_key, 1u, __ATOMIC_RELAXED);
    }
  }
  entry.transmit(*frame.interface, std::move(packet));
}

Result<size_t> PacketSocket::send(SyscallContext& context, OutgoingMessage& message) {
  if (has_send_ring()) return send_from_ring(context, message);
  OutgoingFrame frame = TRY(is_old() ? address_old_frame(message) : address_frame(message));
  // SOCK_PACKET reads its control messages last.
  if (!is_old()) TRY(take_send_control(context, message, frame));
  const size_t virtual_size = is_old() ? 0 : packet_options_.virtual_header.load();
  if (virtual_size != 0) frame.virtual_header = TRY(take_virtual_header(message.source, virtual_size));
  frame.size = message.source.remaining();
  if (options_->no_frame_checksum) return Errno::EPROTONOSUPPORT;
  const size_t most = most_of(frame);
  const bool is_cut = frame.virtual_header.segmentation != 0;
  if (!is_cut && frame.size > most + sizeof(VlanHeader)) return Errno::EMSGSIZE;
  if (frame.size > UINT16_MAX + sizeof(EthernetHeader) + sizeof(VlanHeader))
    return is_cut && !names_segmentation(frame.virtual_header) ? Errno::EINVAL : Errno::EMSGSIZE;
  if (!is_old()) TRY(wait_for_room(context, message));
  Ref<Packet> packet = TRY(fill_packet(message.source, frame));
  if (!is_cut && frame.size > most && !is_tagged(frame, *packet)) return Errno::EMSGSIZE;
  if (is_old()) TRY(take_send_control(context, message, frame));
  if (virtual_size != 0) TRY(apply_virtual_header(frame.virtual_header, frame.header_size(), *packet));
  launch(context.entry(), frame, std::move(packet));
  return virtual_size + frame.size;
}

}  // namespace lxnet
