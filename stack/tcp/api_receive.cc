// receive(): Linux's tcp_recvmsg, without its sleep; and poll().
#include <algorithm>
#include <utility>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

// What there is to say when there are no bytes: the end, an error, or not yet.
Result<size_t> TcpSocket::nothing_to_read() {
  if (saw_fin_) return size_t{0};
  if (has_error()) return take_error();
  if ((shutdown_ & kShutdownReceive) != 0) return size_t{0};
  if (in(TcpState::Closed)) return Errno::ENOTCONN;
  return Errno::EAGAIN;
}

Result<size_t> TcpSocket::receive(Entry& entry, ReceiveRequest& request) {
  if ((request.flags & kMessageErrorQueue) != 0) return receive_report(request);
  TaskOwnership ownership(lock_, entry);
  if (in(TcpState::Listen)) return Errno::ENOTCONN;
  Result<size_t> received = (request.flags & kMessageOutOfBand) != 0 ? receive_urgent(request)
                            : repair_.is_on                          ? receive_for_repair(entry, request)
                                                                     : receive_owned_bytes(entry, request);
  // After the end there is one thing more to read: that it is the end (tcp_inq_hint).
  if (tcp_options->inq) request.inq = static_cast<int32_t>(unread() + uint32_t{saw_fin_});
  return received;
}

namespace {

enum class Put : uint8_t { Copied, Faulty };

// Copies [offset, offset + size) of the packet. Of one whose bytes do not all arrive none is taken, as in Linux.
Put copy_out(const Packet& packet, uint32_t offset, uint32_t& size, IoSink& sink) {
  uint32_t copied = 0;
  bool is_faulty = false;
  packet.for_each_run(offset, size, [&](ByteSpan run) {
    if (is_faulty) return;
    const size_t done = sink.copy(run);
    copied += static_cast<uint32_t>(done);
    is_faulty = done < run.size();
  });
  size = is_faulty ? 0 : copied;
  return is_faulty ? Put::Faulty : Put::Copied;
}

}  // namespace

// The bytes before the urgent one, or it alone, or without it: a read never runs across the mark.
uint32_t TcpSocket::limit_at_mark(SeqNum position, uint32_t size, uint32_t& skip) const {
  if (urgent_.kind == UrgentState::Kind::None) return size;
  const uint32_t distance = urgent_.seq.bytes_since(position);
  if (distance >= size) return size;
  if (distance != 0) return distance;
  if (!options->oob_inline) {
    skip = 1;
    return size - 1;
  }
  return size;
}

Result<size_t> TcpSocket::receive_owned_bytes(Entry& entry, ReceiveRequest& request) {
  const bool is_peek = (request.flags & kMessagePeek) != 0, discards = (request.flags & kMessageTruncated) != 0;
  SeqNum position = rcv_.copied;
  const SeqNum end = rcv_.copied + unread();
  if (is_peek && options->peek_offset > 0) position = earlier_of(position + static_cast<uint32_t>(options->peek_offset), end);
  size_t wanted = request.sink.room(), done = 0;
  bool is_faulty = false;
  const uint32_t charge = receive_charge_;
  Packet* packet = receive_queue_.front();
  while (wanted != 0 && packet != nullptr) {
    if (urgent_.kind != UrgentState::Kind::None && urgent_.seq == position && done != 0) break;
    const SeqNum packet_end = ReceivedSegment::of(*packet).seq + static_cast<uint32_t>(packet->size());
    if (!packet_end.is_after(position)) {
      packet = receive_queue_.next(*packet);
      continue;
    }
    uint32_t skip = 0;
    auto size = static_cast<uint32_t>(std::min<size_t>(wanted + 1, packet_end.bytes_since(position)));
    size = limit_at_mark(position, size, skip);
    position += skip;
    size = static_cast<uint32_t>(std::min<size_t>(size, wanted));
    if (size != 0) {
      if (!discards) {
        is_faulty = copy_out(*packet, position.bytes_since(ReceivedSegment::of(*packet).seq), size, request.sink) == Put::Faulty;
      }
      position += size;
      done += size;
      wanted -= size;
      request.wall_nanos = packet->wall_nanos;
    }
    if (skip != 0 && !is_faulty) request.wall_nanos = packet->wall_nanos;
    if (is_faulty && size == 0) {
      // The mark was stepped over before the copy failed; its byte can still be had.
      if (!is_peek) rcv_.copied = position;
      break;
    }
    if (!is_peek) consume_to(position);
    if (is_faulty) break;
    packet = is_peek ? packet : receive_queue_.front();
    // After each packet, and not only when all are read (tcp_rcv_space_adjust): what is left counts against what was read.
    const bool goes_on = packet != nullptr && wanted != 0 && ReceivedSegment::of(*packet).is_joined;
    if (!is_peek && size != 0 && !goes_on) adapt_receive_buffer(entry);
  }
  // Who asks for nothing of what there is is told when it came (tcp_recvmsg_locked() goes round once).
  if (packet != nullptr && request.sink.room() == 0 && done == 0 && unread() != 0) request.wall_nanos = packet->wall_nanos;
  if (done == 0 && saw_fin_ && !is_peek) receive_charge_ -= std::exchange(rcv_.fin_charge, 0u);
  // Part of a packet gives nothing back.
  if (receive_charge_ != charge) account_memory(entry);
  // Of what was only looked at too (tcp_cleanup_rbuf).
  if (done != 0) adapt_receive_buffer(entry);
  ack_after_read(entry, done);
  if (done == 0)
    return is_faulty ? Result<size_t>(Errno::EFAULT) : request.sink.room() == 0 && unread() != 0 ? size_t{0} : nothing_to_read();
  if (options->peek_offset >= 0) {
    int32_t& offset = options.own()->peek_offset;
    offset = is_peek ? offset + static_cast<int32_t>(done) : std::max(0, offset - static_cast<int32_t>(done));
  }
  return done;
}

// The user has everything before `position`: packets behind it are let go.
void TcpSocket::consume_to(SeqNum position) {
  rcv_.copied = position;
  if (urgent_.kind != UrgentState::Kind::None && position.is_after(urgent_.seq)) urgent_.kind = UrgentState::Kind::None;
  while (Packet* front = receive_queue_.front()) {
    const SeqNum packet_end = ReceivedSegment::of(*front).seq + static_cast<uint32_t>(front->size());
    if (packet_end.is_after(position)) break;
    receive_charge_ -= front->true_size();
    receive_queue_.take_front();
  }
}

int TcpSocket::readable_now() const {
  if (in(TcpState::SynSent | TcpState::SynReceived)) return 0;
  const bool has_mark = urgent_.kind != UrgentState::Kind::None && !options->oob_inline;
  if (!has_mark || urgent_.seq.is_before(rcv_.copied) || !urgent_.seq.is_before(rcv_.nxt)) return static_cast<int>(unread());
  return static_cast<int>(urgent_.seq.bytes_since(rcv_.copied));
}

Result<int> TcpSocket::bytes_readable(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (in(TcpState::Listen)) return Errno::EINVAL;
  return readable_now();
}

Result<int> TcpSocket::is_at_mark(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  return urgent_.kind != UrgentState::Kind::None && urgent_.seq == rcv_.copied ? 1 : 0;
}

// Linux's tcp_poll().
PollEvents TcpSocket::poll(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (in(TcpState::Listen)) return listener_->has_connection() ? kPollIn | kPollReadNormal : 0;
  PollEvents events = 0;
  if (shutdown_ == kShutdownBoth || in(TcpState::Closed)) events |= kPollHangUp;
  if ((shutdown_ & kShutdownReceive) != 0) events |= kPollIn | kPollReadNormal | kPollReadHangUp;
  if (in(TcpState::SynSent) && fast_open_.is_deferred) events |= kPollOut | kPollWriteNormal;
  if (!in(TcpState::SynSent | TcpState::SynReceived) || is_open_early()) {
    int target = std::max(options->receive_low_water, 1);
    if (urgent_.kind != UrgentState::Kind::None && urgent_.seq == rcv_.copied && !options->oob_inline) ++target;
    if (is_readable(target)) events |= kPollIn | kPollReadNormal;
    if ((shutdown_ & kShutdownSend) != 0 || is_writeable()) {
      events |= kPollOut | kPollWriteNormal;
    } else {
      wants_space_ = true;
    }
    if (urgent_.kind == UrgentState::Kind::Valid) events |= kPollPriority;
  }
  if (has_error() || has_reports()) events |= kPollError;
  return events;
}

}  // namespace lxnet
