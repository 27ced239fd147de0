// Text that arrives: in order into the receive queue, out of order aside, what is there already reported by DSACK.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/collapse.hh"
#include "stack/tcp/tcp_socket.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"

namespace lxnet {
namespace {

ReceivedSegment received_of(const TcpSegment& segment) {
  ReceivedSegment received{.seq = segment.seq, .fin = segment.flags.fin(), .is_cut = segment.known != 0};
  const size_t headers = (segment.source.address.is_v4() ? sizeof(Ipv4Header) : sizeof(Ipv6Header)) + segment.header_size;
  if (segment.segments == 1) {
    received.spare = static_cast<uint16_t>(segment.packet->spare_of_head(headers + segment.known + segment.size));
  }
  return received;
}

// The header of a packet that only cites its bytes is another's to pay for once it is joined to it.
uint32_t cost_once_joined(const Packet& packet, uint32_t size) {
  constexpr uint32_t kHead = Packet::kCharge + Packet::kInlineCharge;
  const uint32_t cost = packet.true_size();
  return packet.linear().empty() && cost >= kHead + size ? cost - kHead : cost;
}

}  // namespace

// RFC 9293 3.10.7.4, seventh: process the segment text; and eighth, FIN, whose place in the sequence space says when it counts.
Step TcpSocket::process_text(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  constexpr TcpStates kAfterFin = TcpState::CloseWait | TcpState::Closing | TcpState::LastAck;
  if (in(kAfterFin) && !segment.seq.is_before(rcv_.nxt)) return Step::Continue;
  // What goes on behind the peer's FIN is as little to be read.
  if (in(kAfterFin | TcpState::FinWait1 | TcpState::FinWait2) && (shutdown_ & kShutdownReceive) != 0 && segment.size != 0 &&
      (segment.seq + segment.size).is_after(rcv_.nxt)) {
    // Nobody will ever read it: RFC 1122, 4.2.2.13.
    // Of a closed socket in FIN-WAIT-2 Linux has kept but a TIME-WAIT.
    if (!is_orphan_ || in(TcpState::FinWait1)) count(entry, Mib::TcpExtTCPAbortOnData);
    verdict.reset_peer = true;
    abort_with(entry, in(TcpState::CloseWait) ? Errno::EPIPE : Errno::ECONNRESET);
    return Step::Done;
  }
  if (segment.length() == 0) return Step::Continue;
  has_dsack_ = false;  // of what came before, and told by no acknowledgment
  if (segment.seq == rcv_.nxt) {
    queue_in_order(entry, segment, verdict, Prediction::Missed);
  } else if (segment.end().is_at_or_before(rcv_.nxt)) {
    count(entry, Mib::TcpExtDelayedACKLost);
    count(entry, Mib::TcpExtTCPDSACKOldSent);
    enter_quick_ack_mode(16);
    if (negotiated_.sack && stack().tunables().values().tcp_dsack != 0) {
      dsack_ = {segment.seq, segment.end()};
      has_dsack_ = true;
    }
    ack_.is_scheduled = true;
    verdict.acknowledge = Verdict::Acknowledge::Consider;
    return verdict.drop_for(DropReason::TcpOldData);
  } else if (segment.seq.is_at_or_after(rcv_.nxt + rcv_.window_left())) {
    enter_quick_ack_mode(16);
    ack_.is_scheduled = true;
    verdict.acknowledge = Verdict::Acknowledge::Consider;
    return verdict.drop_for(DropReason::TcpOutOfWindow);
  } else if (segment.seq.is_before(rcv_.nxt)) {
    // The front is here already.
    if (negotiated_.sack && stack().tunables().values().tcp_dsack != 0) {
      count(entry, Mib::TcpExtTCPDSACKOldSent);
      dsack_ = {segment.seq, rcv_.nxt};
      has_dsack_ = true;
    }
    const uint32_t known = rcv_.nxt.bytes_since(segment.seq);
    segment.packet->consume(known);
    segment.size -= known;
    segment.known = known;
    segment.seq = rcv_.nxt;
    queue_in_order(entry, segment, verdict, Prediction::Missed);
  } else {
    queue_out_of_order(entry, segment, verdict);
  }
  return Step::Continue;
}

// Linux's memory rule: what is over the limit before the packet is added decides; so one packet may always pass. Past it the
// window is clamped, queues are packed, and what lies out of order goes, farthest first (RFC 2018, 8, allows it).
bool TcpSocket::make_room(Entry& entry, SeqNum seq) {
  const TunableValues& tunables = stack().tunables().values();
  const auto fits = [&] { return receive_charge() <= options.receive_buffer; };
  const auto is_allowed = [&] { return may_grow(entry, receive_charge(), tunables.tcp_rmem[0]); };
  if (fits() && is_allowed()) return true;
  if (receive_charge() == 0) return false;
  count(entry, Mib::TcpExtPruneCalled);
  const auto most = static_cast<uint32_t>(tunables.tcp_rmem[2]);
  if (!fits()) {
    ack_.quick = 0;
    if (!options.receive_buffer_locked && options.receive_buffer < most && !is_under_pressure() &&
        stack().tcp().memory_pages() < tunables.tcp_mem[0]) {
      options.receive_buffer = std::min(most, receive_charge());
    }
    if (!fits()) rcv_.window_goal = std::min(rcv_.window_clamp, 2u * rcv_.advertised_mss);
  } else if (is_under_pressure()) {
    rcv_.window_goal = std::min(rcv_.window_goal, 4u * rcv_.advertised_mss);
  }
  if (!fits() || !is_allowed()) {
    collapse_receive_queue(entry);
    account_memory(entry);
  }
  bool has_pruned = false;
  while ((!fits() || !is_allowed()) && !out_of_order_.is_empty() && !seq.is_after(out_of_order_.last_begin())) {
    out_of_order_.prune_last();
    account_memory(entry);
    has_pruned = true;
  }
  if (has_pruned) {
    count(entry, Mib::TcpExtOfoPruned);
    sack_count_ = 0;
  }
  if (fits() && is_allowed()) return true;
  count(entry, Mib::TcpExtRcvPruned);
  return false;
}

void TcpSocket::append_received(Ref<Packet> packet) {
  if (packet->wall_nanos == 0 && stack().stamps().is_there()) packet->wall_nanos = stack().hal().wall_nanos();
  ReceivedSegment& received = ReceivedSegment::of(*packet);
  const SeqNum end = ReceivedSegment::end(*packet);
  statistics_.bytes_received += end.bytes_since(rcv_.nxt);  // a FIN counts, as for Linux
  rcv_.nxt = end;
  if (packet->is_empty()) {
    // A bare FIN leaves nothing to read, and costs what it is where there is nothing to join it to.
    if (receive_queue_.is_empty()) rcv_.fin_charge = packet->true_size();
    receive_charge_ += rcv_.fin_charge;
    return;
  }
  Packet* back = receive_queue_.back();
  const bool goes_on = back != nullptr && !ReceivedSegment::of(*back).fin && ReceivedSegment::end(*back) == received.seq;
  if (goes_on && ReceivedSegment::absorb(*back, *packet)) return;
  if (goes_on && ReceivedSegment::take_over_charge(*back, *packet)) return receive_queue_.push_back(std::move(packet));
  // A packet that only cites blocks costs its struct; where the one before has room for the citation, that is spared.
  if (back != nullptr && packet->linear().empty() && !ReceivedSegment::of(*back).fin &&
      ReceivedSegment::end(*back) == received.seq) {
    const uint32_t cost = back->true_size();
    if (back->append_from(*packet, 0, packet->size()).is_ok()) {
      if (packet->wall_nanos != 0) back->wall_nanos = packet->wall_nanos;  // the newest stamp is the whole's
      ReceivedSegment::of(*back).fin = received.fin;
      receive_charge_ += back->true_size() - cost;
      return;
    }
  }
  receive_charge_ += packet->true_size();
  receive_queue_.push_back(std::move(packet));
}

// What a SYN carries, of either end. A FIN is the caller's to reach.
void TcpSocket::take_syn_text(TcpSegment& segment) {
  if (segment.size == 0 && !segment.flags.fin()) return;
  statistics_.data_segments_in += segment.segments;
  segment.packet->orphan();
  ReceivedSegment received = received_of(segment);
  received.seq = rcv_.nxt;
  ReceivedSegment::of(*segment.packet) = received;
  fast_open_.data_acknowledged = true;
  append_received(std::move(segment.packet));
  statistics_.bytes_received = segment.size;  // here a FIN does not count (tcp_fastopen_add_skb)
}

void TcpSocket::queue_in_order(Entry& entry, TcpSegment& segment, Verdict& verdict, Prediction prediction) {
  if (segment.size != 0 && rcv_.window_left() == 0) {
    // A probe of our closed window: answered, not taken. A bare FIN costs nothing.
    count(entry, Mib::TcpExtTCPZeroWindowDrop);
    enter_quick_ack_mode(16);
    ack_.is_scheduled = true;
    verdict.acknowledge = Verdict::Acknowledge::Consider;
    verdict.drop_for(DropReason::TcpOutOfWindow);
    return;
  }
  if (prediction == Prediction::Missed && !make_room(entry, segment.seq)) {
    // The reader is to make room, and the peer is told that there is none. An empty queue takes one all the same.
    ack_.has_no_memory = ack_.is_wanted_now = ack_.is_scheduled = true;
    verdict.acknowledge = Verdict::Acknowledge::Now;
    verdict.wake |= kPollIn | kPollPriority | kPollReadNormal | kPollReadBand;
    if (segment.size != 0 && !receive_queue_.is_empty()) {
      count(entry, Mib::TcpExtTCPRcvQDrop);
      verdict.drop_for(DropReason::SocketBufferFull);
      return;
    }
  }
  take_urgent_byte(segment);
  if (segment.size != 0) note_data_event(entry, segment);
  const uint32_t whole = segment.size + segment.known, cost = cost_once_joined(*segment.packet, whole);
  segment.packet->trim(segment.size);
  segment.packet->orphan();
  ReceivedSegment::of(*segment.packet) = received_of(segment);
  schedule_memory(entry, segment.packet->true_size());
  append_received(std::move(segment.packet));
  if (segment.size != 0 && whole >= 128) grow_window_goal(cost, whole);
  if (segment.flags.fin()) {
    take_fin(entry, verdict);
  } else {
    take_reached(entry, verdict);
  }
  verdict.acknowledge = std::max(verdict.acknowledge, Verdict::Acknowledge::Consider);
  // With the key of Linux's sock_def_readable().
  if (is_readable(options->receive_low_water)) verdict.wake |= kPollIn | kPollPriority | kPollReadNormal | kPollReadBand;
}

// What lay aside has come once more, in order now: a DSACK says so (tcp_ofo_queue).
void TcpSocket::report_passed(Entry& entry) {
  const SackBlock twice = out_of_order_.passed(rcv_.nxt);
  if (twice.left == twice.right || !negotiated_.sack || stack().tunables().values().tcp_dsack == 0) return;
  if (!has_dsack_) {
    count(entry, Mib::TcpExtTCPDSACKOldSent);
    has_dsack_ = true;
    dsack_ = twice;
  } else if (!twice.left.is_after(dsack_.right) && !dsack_.left.is_after(twice.right)) {
    dsack_ = {earlier_of(dsack_.left, twice.left), later_of(dsack_.right, twice.right)};
  }
}

// What lay aside and has been reached. Filling a gap is acknowledged at once (RFC 5681, 4.2).
void TcpSocket::take_reached(Entry& entry, Verdict& verdict) {
  if (out_of_order_.is_empty()) return;
  report_passed(entry);
  PacketQueue reached;
  out_of_order_.take_reached(rcv_.nxt, reached);
  bool has_fin = false;
  // What lies behind a FIN was never sent by anybody who means it.
  while (!has_fin && !reached.is_empty()) {
    Ref<Packet> packet = reached.take_front();
    has_fin = ReceivedSegment::of(*packet).fin;
    append_received(std::move(packet));
  }
  forget_acked_sacks();
  if (out_of_order_.is_empty()) ack_.is_wanted_now = true;
  if (has_fin) take_fin(entry, verdict);
}

void TcpSocket::queue_out_of_order(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  note_congestion_mark(segment);
  if (segment.size != 0 && !make_room(entry, segment.seq)) {
    count(entry, Mib::TcpExtTCPOFODrop);
    verdict.wake |= kPollIn | kPollPriority | kPollReadNormal | kPollReadBand;
    verdict.drop_for(DropReason::SocketBufferFull);
    return;
  }
  take_urgent_byte(segment);
  // Says nothing of when the next will come (Linux's tcp_data_queue_ofo).
  measure_segment_size(segment);
  if (negotiated_.sack && !out_of_order_.has(segment.seq, segment.end()))
    grow_window_goal(segment.packet->true_size(), segment.size);
  ack_.is_scheduled = true;
  count(entry, Mib::TcpExtTCPOFOQueue);
  statistics_.out_of_order_packets += segment.segments;
  segment.packet->trim(segment.size);
  segment.packet->orphan();
  ReceivedSegment::of(*segment.packet) = received_of(segment);
  const OutOfOrderQueue::Insertion inserted = out_of_order_.insert(std::move(segment.packet));
  if (negotiated_.sack && inserted.duplicate.left != inserted.duplicate.right && stack().tunables().values().tcp_dsack != 0) {
    count(entry, Mib::TcpExtTCPDSACKOfoSent);
    dsack_ = inserted.duplicate;
    has_dsack_ = true;
  }
  if (inserted.outcome != OutOfOrderQueue::Outcome::Refused && negotiated_.sack) remember_sack(entry, segment);
  // What is missing will come on top of what is here. Not before the connection is somebody's (tcp_data_queue_ofo).
  if (!is_orphan_ && !accept_link_.is_linked()) grow_receive_buffer(autotune_.space);
  verdict.acknowledge = std::max(verdict.acknowledge, Verdict::Acknowledge::Consider);
}

// RFC 2018, 4: the block that holds the latest segment comes first; blocks it has met go. What else is held and in no block, for
// there are but four, it does not tell of (tcp_sack_new_ofo_skb). Where the latest changes what only the third block or a later
// one says, an acknowledgment that waits leaves before (tcp_sack_compress_send_ack).
void TcpSocket::remember_sack(Entry& entry, const TcpSegment& segment) {
  constexpr uint8_t kExpected = 2;
  const auto sacks = out_of_order_.sacks();
  SackBlock first{segment.seq, segment.end()};
  const auto extend_by = [&first](const SackBlock& other) {
    if (first.left.is_after(other.right) || other.left.is_after(first.right)) return false;
    first = {earlier_of(first.left, other.left), later_of(first.right, other.right)};
    return true;
  };
  uint8_t place = 0;
  while (place < sack_count_ && !extend_by(sacks[place])) ++place;
  if (sack_count_ != 0 && place >= kExpected && ack_.compressed != 0) {
    if (place < sack_count_) sacks[place] = first;
    --ack_.compressed;  // one has to leave in any case
    send_ack(entry);
  }
  uint8_t kept = 0;
  for (uint8_t i = 0; i < sack_count_; ++i) {
    if (i != place && (place == sack_count_ || !extend_by(sacks[i]))) sacks[kept++] = sacks[i];
  }
  kept = std::min<uint8_t>(kept, TcpOptions::kMaxSackBlocks - 1);
  for (uint8_t i = kept; i > 0; --i) sacks[i] = sacks[i - 1];
  sacks[0] = first;
  sack_count_ = static_cast<uint8_t>(kept + 1);
}

void TcpSocket::forget_acked_sacks() {
  if (sack_count_ == 0) return;
  const auto sacks = out_of_order_.sacks();
  uint8_t kept = 0;
  for (uint8_t i = 0; i < sack_count_; ++i) {
    if (sacks[i].left.is_after(rcv_.nxt)) sacks[kept++] = sacks[i];
  }
  sack_count_ = out_of_order_.is_empty() ? uint8_t{0} : kept;
}

bool TcpSocket::is_readable(int target) const {
  const uint32_t available = unread();
  if (available == 0) return false;
  if (available >= static_cast<uint32_t>(std::max(target, 1))) return true;
  // With the window shut no more will come before the reader has read.
  const uint32_t buffer = options.receive_buffer;
  return rcv_.window_left() <= rcv_.mss || is_under_pressure() || receive_charge() > buffer - (buffer >> 3);
}

}  // namespace lxnet
