// From a tap into the inbox, and from the inbox to the program (packet_rcv, packet_rcv_spkt, packet_recvmsg).
#include "compat/afpacket/packet_socket.hh"
#include "compat/afpacket/virtual_header.hh"
#include "compat/syscalls/control_message.hh"
#include "compat/syscalls/generic_control.hh"

namespace lxnet {
namespace {

constexpr PollEvents kReadEvents = kPollIn | kPollPriority | kPollReadNormal | kPollReadBand;
constexpr PollEvents kReadInterest = kPollIn | kPollReadNormal | kPollError;
constexpr int kPacketLevel = 263, kAuxiliaryData = 8, kTransmitStamp = 16;

// struct tpacket_auxdata.
struct AuxiliaryData {
  uint32_t status, frame_size, kept_size;
  uint16_t link_at, network_at, vlan_control, vlan_protocol;
};
static_assert(sizeof(AuxiliaryData) == 20);

}  // namespace

void PacketSocket::hear(LinkTap& tap, Entry& entry, Interface& interface, const Packet& frame, TapDirection direction) {
  PacketSocket& self = static_cast<Tap&>(tap).socket;
  if (direction == TapDirection::Sent && (self.packet_options_.ignores_outgoing || self.is_owner(frame.owner()))) return;
  const FrameView view(interface, frame, direction);
  if (self.tap_binding_.wants(view.protocol(), view.is_outgoing())) self.deliver(entry, view);
}

void PacketSocket::deliver(Entry&, const FrameView& view) {
  const ViewFrom from = view_from();
  size_t kept = view.size(from);
  if (const Ref<BpfProgram> filter = attachments_.filter()) {
    const uint32_t wanted = filter->run(view.for_filter(from));
    if (wanted == 0) return;
    if (wanted < kept) kept = wanted;
  } else if (kept == 0 && !is_old()) {
    return;  // run_filter() takes the length for a filter's answer: nothing behind a link header is told to nobody
  }
  if (ring_) {
    if (!deliver_to_ring(view, from, kept)) inbox_.count_drop(IsCounted::Yes);
    return;
  }
  deliver_to_inbox(view, from, kept, is_old() ? IsCounted::No : IsCounted::Yes);
}

void PacketSocket::deliver_to_inbox(const FrameView& view, ViewFrom from, size_t kept, IsCounted counted) {
  if (!inbox_.has_room(options_.receive_buffer.load())) return inbox_.count_drop(counted);
  auto copied = view.copy(from);
  if (!copied.is_ok()) return inbox_.count_drop(counted);
  Ref<Packet> packet = copied.take();
  FrameInfo info{.sender = view.sender(),
                 .frame_size = static_cast<uint32_t>(view.size(from)),
                 .status = view.status(),
                 .network_at = static_cast<uint16_t>(from == ViewFrom::LinkHeader ? view.header_size() : 0),
                 .vlan_control = view.tag().control,
                 .vlan_protocol = view.tag().protocol};
  info.sender.protocol.set(view.protocol());
  const char* name = view.interface().name();
  for (size_t i = 0; i + 1 < sizeof info.device && name[i] != 0; ++i) info.device[i] = name[i];
  FrameInfo::of(*packet) = info;
  packet->trim(kept);
  if (packet->wall_nanos == 0 && stack().stamps().is_there()) packet->wall_nanos = hal().wall_nanos();
  inbox_.push(std::move(packet), counted);
  waiters_.wake(kReadEvents);
}

// packet_rcv_has_room().
PacketSocket::Room PacketSocket::room_for(const FrameView& view) const {
  if (ring_) return ring_->has_room() ? Room::Normal : Room::None;
  const int64_t limit = options_.receive_buffer.load();
  const int64_t left = limit - static_cast<int64_t>(inbox_.bytes()) - view.frame().true_size();
  if (left > limit / 4) return Room::Normal;
  return left > 0 ? Room::Low : Room::None;
}

Result<Ref<Packet>> PacketSocket::next_packet(uint32_t flags) {
  if (const Errno error = take_error(); error != Errno{}) return error;
  Ref<Packet> packet = (flags & kMessagePeek) != 0 ? inbox_.peek() : inbox_.take();
  if (!packet) return Errno::EAGAIN;
  return packet;
}

Result<size_t> PacketSocket::receive(SyscallContext& context, IncomingMessage& message) {
  constexpr uint32_t kMessageCompat = 0x80000000;  // MSG_CMSG_COMPAT, which recvfrom() lets through
  constexpr uint32_t kKnown = kMessagePeek | kMessageDontWait | kMessageTruncated | kMessageErrorQueue | kMessageCompat;
  if ((message.flags & ~kKnown) != 0) return Errno::EINVAL;
  if ((message.flags & kMessageErrorQueue) != 0) return receive_report(message);
  const bool waits = (message.flags & kMessageDontWait) == 0;
  const WaitPolicy policy{.queue = waiters_,
                          .interest = kReadInterest,
                          .timeout = waits ? options_->receive_timeout : Duration(),
                          .mode = Waiter::Mode::Exclusive};
  const Ref<Packet> packet = TRY(wait_until(context, policy, [&] { return next_packet(message.flags); }));
  return hand_out(context, message, *packet);
}

void PacketSocket::hear_stamp(TransmitStamp kind, uint32_t key, const Packet& frame) {
  Ref<Packet> payload;
  if ((options_->timestamping_flags & kTimestampAlone) == 0) {
    auto copied = frame.clone();
    if (!copied.is_ok()) return;
    payload = copied.take();
    payload->set_true_size(frame.true_size());
  }
  ExtendedError report = stamp_report(hal(), kind);
  if ((options_->timestamping_flags & kTimestampKeys) != 0) report.data = key;
  const size_t held = inbox_.bytes() + reports_.bytes(), limit = options_.receive_buffer.load();
  if (held < limit && reports_.push(std::move(payload), report, Endpoint(), limit - held))
    waiters_.wake(kPollError | kPollPriority);
}

// sock_recv_errqueue(), which neither waits nor only looks.
Result<size_t> PacketSocket::receive_report(IncomingMessage& message) {
  ReceiveRequest request{.sink = message.sink};
  ErrorQueue::Taken taken;
  const size_t copied = TRY(reports_.receive(request, taken));
  message.result_flags |= request.result_flags;
  keep_report_stamp(*options_, reports_.last_stamp, request.wall_nanos);
  if (message.control == nullptr) return copied;
  encode_timestamp_control(options_, request, *message.control);
  message.control->put(kPacketLevel, kTransmitStamp, UserExtendedError::of(request.error));
  return copied;
}

namespace {

// packet_recvmsg() completes the name where the frame's size was kept, so that who has only looked is told another one next time.
void forget_frame_size(Packet& packet) {
  FrameInfo& info = FrameInfo::of(packet);
  LinkAddress name = info.sender;
  name.family = kFamilyPacket;
  memcpy(&info.frame_size, &name, sizeof info.frame_size);
}

}  // namespace

// Whatever goes wrong from here on, the frame is gone.
Result<size_t> PacketSocket::hand_out(SyscallContext&, IncomingMessage& message, Packet& packet) {
  const FrameInfo& info = FrameInfo::of(packet);
  const size_t header = packet_options_.virtual_header;
  if (header != 0) {
    if (message.sink.room() < header) return Errno::EINVAL;
    TRY(put_virtual_header(packet, info.status, header, message.sink));
  }
  const size_t full = packet.size();
  size_t wanted = full;
  if (wanted > message.sink.room()) {
    wanted = message.sink.room();
    message.result_flags |= kMessageTruncated;
  }
  size_t copied = 0;
  packet.for_each_run(0, wanted, [&](ByteSpan run) {
    if (copied == 0 || message.sink.room() != 0) copied += message.sink.copy(run);
  });
  if (copied != wanted) return Errno::EFAULT;
  keep_stamp(*options_, reports_.last_stamp, packet.wall_nanos);
  set_name(message, packet);
  if (message.control != nullptr) {
    ReceiveRequest request{.sink = message.sink};
    request.packet = Ref<Packet>::share(packet);
    request.overflow_drops = info.drops;
    encode_generic_control(options_, request, *message.control);
    if (packet_options_.tells_status) {
      message.control->put(kPacketLevel, kAuxiliaryData,
                           AuxiliaryData{info.status, is_old() ? 0 : info.frame_size, static_cast<uint32_t>(full), 0,
                                         info.network_at, info.vlan_control, info.vlan_protocol});
    }
  }
  if (!is_old()) forget_frame_size(packet);
  return header + ((message.flags & kMessageTruncated) != 0 ? full : wanted);
}

void PacketSocket::set_name(IncomingMessage& message, Packet& packet) const {
  const FrameInfo& info = FrameInfo::of(packet);
  message.has_name = true;
  if (is_old()) {
    OldPacketAddress address{.family = info.sender.hardware_type, .protocol = info.sender.protocol};
    memcpy(address.device, info.device, sizeof address.device);
    message.name.set(address);
    return;
  }
  LinkAddress address = info.sender;
  address.family = kFamilyPacket;
  message.name.set(address);
}

}  // namespace lxnet
