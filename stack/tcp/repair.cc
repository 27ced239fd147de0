// TCP_REPAIR: checkpoint and restore (Linux's tcp_repair). While it is on, nothing this socket does is told to the peer: queues
// and sequence numbers are read and written, connect() and close() are silent.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/option_calls.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

// connect(): the connection is there, between the sequence numbers that were set.
void TcpSocket::connect_for_repair(Entry& entry) {
  negotiated_.window_scale = false;
  rcv_.last_segment_at = entry.now();
  snd_.wnd = 0;
  initialise_transfer(entry);
  enter(entry, TcpState::Established);
  phase_ = Phase::Connected;
  wake_for_state(kPollOut);
}

Result<size_t> TcpSocket::send_for_repair(Entry& entry, SendRequest& request) {
  if (repair_.queue == RepairState::Queue::None) return Errno::EINVAL;
  if (repair_.queue == RepairState::Queue::Receive) return fill_receive_queue(entry, request.source);
  auto queued = send_owned(entry, request);
  return queued;
}

// Bytes for the user to read, as if they had arrived.
Result<size_t> TcpSocket::fill_receive_queue(Entry& entry, IoSource& source) {
  size_t done = 0;
  while (source.remaining() != 0) {
    constexpr size_t kPiece = 16384;
    const size_t size = std::min(source.remaining(), kPiece);
    auto created = receive_charge() > options.receive_buffer ? Result<Ref<Packet>>(Errno::ENOMEM)
                                                             : Packet::create_linear(stack().pool(), size, 0);
    if (!created.is_ok()) return done != 0 ? Result<size_t>(done) : Result<size_t>(Errno::ENOMEM);
    Ref<Packet> packet = created.take();
    const size_t copied = source.copy(packet->append(size));
    packet->trim(copied);
    if (copied != 0) {
      ReceivedSegment::of(*packet) = {.seq = rcv_.nxt, .fin = false};
      rcv_.wup = rcv_.nxt + static_cast<uint32_t>(copied);
      append_received(std::move(packet));
      done += copied;
    }
    if (copied < size) return done != 0 ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
  }
  account_memory(entry);
  return done;
}

Result<size_t> TcpSocket::receive_for_repair(Entry& entry, ReceiveRequest& request) {
  if ((request.flags & kMessagePeek) == 0) return Errno::EPERM;
  switch (repair_.queue) {
    case RepairState::Queue::None:
      return Errno::EINVAL;
    case RepairState::Queue::Receive:
      return receive_owned_bytes(entry, request);
    case RepairState::Queue::Send:
      return peek_send_queue(request);
  }
  return Errno::EINVAL;
}

// What is not acknowledged, then what was not sent.
Result<size_t> TcpSocket::peek_send_queue(ReceiveRequest& request) const {
  size_t done = 0;
  bool is_faulty = false;
  const auto peek = [&](const SendRecord& record) {
    for (uint8_t i = 0; i < record.fragment_count && !is_faulty && request.sink.room() != 0; ++i) {
      const ByteSpan bytes = record.fragments[i].bytes().first(std::min<size_t>(record.fragments[i].size, request.sink.room()));
      const size_t copied = request.sink.copy(bytes);
      done += copied;
      is_faulty = copied < bytes.size();
    }
  };
  for (const SendRecord& record : send_queue_.sent) peek(record);
  for (const SendRecord& record : send_queue_.unsent) peek(record);
  return is_faulty && done == 0 ? Result<size_t>(Errno::EFAULT) : Result<size_t>(done);
}

// The peer is asked for its window, which may have changed meanwhile.
void TcpSocket::end_repair(Entry& entry) {
  repair_.is_on = false;
  if (!in(TcpState::Established)) return;
  snd_.wl1 = rcv_.nxt - 1;
  count(entry, Mib::TcpExtTCPWinProbe);
  static_cast<void>(transmit(entry, {.seq = snd_.una - 1, .flags = kTcpAck, .is_probe = true}));
}

// ------------------------------------------------------------------------------------------------ the options

Result<> TcpOptionCalls::may_repair(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  const bool may = socket.stack().hal().capable(LXNET_CAP_NET_ADMIN) && !socket.in(TcpState::Listen);
  return may ? ok() : Result<>(Errno::EPERM);
}

Result<> TcpOptionCalls::set_repair(Entry& entry, TcpSocket& socket, int value) {
  TRY(may_repair(entry, socket));
  TaskOwnership ownership(socket.lock_, entry);
  switch (value) {
    case 1:
      socket.repair_ = {.is_on = true, .queue = RepairState::Queue::None};
      return ok();
    case 0:
      socket.end_repair(entry);
      return ok();
    case -1:  // without a window probe
      socket.repair_.is_on = false;
      return ok();
    default:
      return Errno::EINVAL;
  }
}

Result<int> TcpOptionCalls::repair(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  return int{socket.repair_.is_on};
}

bool TcpOptionCalls::is_in_repair(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  return socket.repair_.is_on;
}

Result<> TcpOptionCalls::set_repair_queue(Entry& entry, TcpSocket& socket, int value) {
  TaskOwnership ownership(socket.lock_, entry);
  if (!socket.repair_.is_on) return Errno::EPERM;
  if (value < 0 || value > static_cast<int>(RepairState::Queue::Send)) return Errno::EINVAL;
  socket.repair_.queue = static_cast<RepairState::Queue>(value);
  return ok();
}

Result<int> TcpOptionCalls::repair_queue(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  if (!socket.repair_.is_on) return Errno::EINVAL;
  return static_cast<int>(socket.repair_.queue);
}

Result<> TcpOptionCalls::set_queue_seq(Entry& entry, TcpSocket& socket, int value) {
  TaskOwnership ownership(socket.lock_, entry);
  if (!socket.in(TcpState::Closed)) return Errno::EPERM;
  const SeqNum seq(static_cast<uint32_t>(value));
  switch (socket.repair_.queue) {
    case RepairState::Queue::Send:
      if (!socket.send_queue_.sent.is_empty()) return Errno::EPERM;
      socket.snd_.end = seq;
      return ok();
    case RepairState::Queue::Receive:
      if (socket.rcv_.nxt != socket.rcv_.copied) return Errno::EPERM;
      socket.rcv_.nxt = socket.rcv_.copied = seq;
      return ok();
    default:
      return Errno::EINVAL;
  }
}

Result<int> TcpOptionCalls::queue_seq(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  switch (socket.repair_.queue) {
    case RepairState::Queue::Send:
      return static_cast<int>(socket.snd_.end.value());
    case RepairState::Queue::Receive:
      return static_cast<int>(socket.rcv_.nxt.value());
    default:
      return Errno::EINVAL;
  }
}

Result<> TcpOptionCalls::may_set_repair_options(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  if (!socket.repair_.is_on) return Errno::EINVAL;
  return socket.in(TcpState::Established) && socket.statistics_.bytes_sent == 0 ? ok() : Result<>(Errno::EPERM);
}

// What the handshake would have agreed, one option at a time.
Result<> TcpOptionCalls::set_repair_option(Entry& entry, TcpSocket& socket, uint32_t code, uint32_t value) {
  TaskOwnership ownership(socket.lock_, entry);
  switch (static_cast<TcpOptionKind>(code)) {
    case TcpOptionKind::MaximumSegmentSize:
      socket.snd_.peer_mss = static_cast<uint16_t>(value);
      break;
    case TcpOptionKind::WindowScale: {
      const uint32_t theirs = value & 0xffff, ours = value >> 16;
      if (theirs > TcpOptions::kMaxWindowScale || ours > TcpOptions::kMaxWindowScale) return Errno::EFBIG;
      socket.negotiated_.window_scale = true;
      socket.snd_.window_shift = static_cast<uint8_t>(theirs);
      socket.rcv_.window_shift = static_cast<uint8_t>(ours);
      break;
    }
    case TcpOptionKind::SackPermitted:
      if (value != 0) return Errno::EINVAL;
      socket.negotiated_.sack = true;
      break;
    case TcpOptionKind::Timestamps:
      if (value != 0) return Errno::EINVAL;
      socket.negotiated_.timestamps = true;
      break;
    default:
      return ok();  // unknown ones are passed over
  }
  socket.update_mss(entry, socket.snd_.path_mtu);
  return ok();
}

Result<> TcpOptionCalls::set_timestamp(Entry& entry, TcpSocket& socket, int value) {
  TaskOwnership ownership(socket.lock_, entry);
  if (!socket.repair_.is_on) return Errno::EPERM;
  socket.timestamp_offset_ = static_cast<uint32_t>(value) - static_cast<uint32_t>(entry.now().in_nanos() / 1'000'000);
  return ok();
}

Result<> TcpOptionCalls::set_repair_window(Entry& entry, TcpSocket& socket, const RepairWindow& window) {
  TaskOwnership ownership(socket.lock_, entry);
  if (window.max_window < window.snd_wnd) return Errno::EINVAL;
  if (SeqNum(window.snd_wl1).is_after(socket.rcv_.nxt + window.rcv_wnd)) return Errno::EINVAL;
  if (SeqNum(window.rcv_wup).is_after(socket.rcv_.nxt)) return Errno::EINVAL;
  socket.snd_.wl1 = SeqNum(window.snd_wl1);
  socket.snd_.wnd = window.snd_wnd;
  socket.snd_.max_wnd = window.max_window;
  socket.rcv_.wnd = window.rcv_wnd;
  socket.rcv_.wup = SeqNum(window.rcv_wup);
  return ok();
}

TcpOptionCalls::RepairWindow TcpOptionCalls::repair_window(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  return {.snd_wl1 = socket.snd_.wl1.value(),
          .snd_wnd = socket.snd_.wnd,
          .max_window = socket.snd_.max_wnd,
          .rcv_wnd = socket.rcv_.wnd,
          .rcv_wup = socket.rcv_.wup.value()};
}

}  // namespace lxnet
