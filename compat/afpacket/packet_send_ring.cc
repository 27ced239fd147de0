// Sending what stands in a ring (tpacket_snd), in Linux's order of checks.
//
// A frame is copied when it is sent, so its slot is the program's again at once.
#include "compat/afpacket/packet_socket.hh"
#include "stack/wire/ethernet.hh"

namespace lxnet {

Ref<SendRing> PacketSocket::send_ring() {
  MutexLock lock(domain_.mutex());
  return send_ring_;
}

// Sent, or what is wrong with the slot.
Result<size_t> PacketSocket::send_slot(Entry& entry, SendRing& ring, OutgoingFrame& frame) {
  const size_t virtual_size = packet_options_.virtual_header.load();
  const size_t longest = most_of(frame) + sizeof(VlanHeader);
  const size_t room = ring.frame_room();
  const SendRing::Begin begin = !packet_options_.has_send_offset ? SendRing::Begin::BehindHeader
                                : socket_type() == kSockDatagram ? SendRing::Begin::AtNetworkOffset
                                                                 : SendRing::Begin::AtLinkOffset;
  SpanSource source(TRY(ring.frame(begin, virtual_size == 0 && room > longest ? longest : room)));
  frame.virtual_header = {};
  if (virtual_size != 0) frame.virtual_header = TRY(take_virtual_header(source, virtual_size));
  frame.size = source.remaining();
  Ref<Packet> packet = TRY(fill_packet(source, frame));
  if (virtual_size == 0 && frame.size > most_of(frame) && !is_tagged(frame, *packet)) return Errno::EMSGSIZE;
  if (virtual_size != 0) TRY(apply_virtual_header(frame.virtual_header, frame.header_size(), *packet));
  launch(entry, frame, std::move(packet));
  return frame.size;
}

Result<size_t> PacketSocket::send_from_ring(SyscallContext& context, OutgoingMessage& message) {
  TaskMutexLock lock(sending_, context.entry());
  const Ref<SendRing> ring = send_ring();
  if (!ring) return Errno::EBUSY;
  OutgoingFrame frame = TRY(address_frame(message));
  TRY(take_send_control(context, message, frame));
  size_t sent = 0;
  while (ring->has_request()) {
    if (const auto room = wait_for_room(context, message); !room.is_ok()) return sent != 0 ? Result<size_t>(sent) : room.error();
    auto size = send_slot(context.entry(), *ring, frame);
    if (size.is_error(Errno::ENOBUFS)) return sent != 0 ? Result<size_t>(sent) : Errno::ENOBUFS;
    if (!size.is_ok() && !packet_options_.skips_bad_frames) {
      ring->refuse();
      return size.error();
    }
    ring->give_back();
    if (size.is_ok()) sent += size.take();
  }
  return sent;
}

}  // namespace lxnet
