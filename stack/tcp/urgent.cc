// Urgent data (RFC 9293 3.8.5) with Linux's interpretation: the pointer names the byte after the urgent one, and a second
// notification displaces the first, whose byte becomes ordinary data.
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

void TcpSocket::note_urgent(const TcpSegment& segment) {
  // tcp_stdurg: RFC 1122's reading, in which the pointer is of the urgent byte itself. Nothing is behind a pointer of zero.
  const uint32_t back = segment.urgent_pointer == 0 || stack().tunables().values().tcp_stdurg != 0 ? 0u : 1u;
  const SeqNum seq = segment.seq + (segment.urgent_pointer - back);
  if (rcv_.copied.is_after(seq) || seq.is_before(rcv_.nxt)) return;  // read already, or an old segment
  if (urgent_.kind != UrgentState::Kind::None && !seq.is_after(urgent_.seq)) return;
  wait_queue().wake(kPollUrgentMark);
  // The old mark, not read yet and next in line, would otherwise be skipped as out of band.
  if (urgent_.seq == rcv_.copied && urgent_.kind != UrgentState::Kind::None && !options->oob_inline && rcv_.copied != rcv_.nxt) {
    Packet* first = receive_queue_.front();
    rcv_.copied += 1;
    if (first != nullptr && !ReceivedSegment::end(*first).is_after(rcv_.copied)) {
      receive_charge_ -= first->true_size();
      receive_queue_.take_front();
    }
  }
  urgent_.kind = UrgentState::Kind::NotYet;
  urgent_.seq = seq;
}

// The byte itself, when the segment at hand holds it.
void TcpSocket::take_urgent_byte(const TcpSegment& segment) {
  if (urgent_.kind != UrgentState::Kind::NotYet || !segment.packet) return;
  const uint32_t offset = urgent_.seq.bytes_since(segment.seq + uint32_t{segment.flags.syn()});
  if (offset >= segment.packet->size()) return;
  segment.packet->read(offset, MutableByteSpan(&urgent_.byte, 1));
  urgent_.kind = UrgentState::Kind::Valid;
  // Besides what the data of the segment tell.
  wait_queue().wake(kPollIn | kPollPriority | kPollReadNormal | kPollReadBand);
}

// MSG_OOB. Linux: EINVAL where there is no mark, where data is read in line, and when the byte was read before.
Result<size_t> TcpSocket::receive_urgent(ReceiveRequest& request) {
  if (options->oob_inline || urgent_.kind == UrgentState::Kind::None || urgent_.kind == UrgentState::Kind::Read)
    return Errno::EINVAL;
  if (in(TcpState::Closed) && !saw_fin_) return Errno::ENOTCONN;
  if (urgent_.kind == UrgentState::Kind::Valid) {
    request.result_flags |= kMessageOutOfBand;
    const uint8_t byte = urgent_.byte;
    if ((request.flags & kMessagePeek) == 0) urgent_.kind = UrgentState::Kind::Read;
    if (request.sink.room() == 0) {
      request.result_flags |= kMessageTruncated;
      return size_t{0};
    }
    if ((request.flags & kMessageTruncated) == 0 && request.sink.copy(ByteSpan(&byte, 1)) != 1) return Errno::EFAULT;
    return size_t{1};
  }
  if (in(TcpState::Closed) || (shutdown_ & kShutdownReceive) != 0) return size_t{0};
  return Errno::EAGAIN;
}

}  // namespace lxnet
