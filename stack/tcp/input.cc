// The arrival of a segment: RFC 9293, 3.10.7, in its order. This file is the table of contents; steps longer than a clause stand
// in the files they are named for. Steps decide and fill a Verdict, carry_out() acts.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/emit.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/turned_segment.hh"

namespace lxnet {

void TcpSocket::receive_owned(Entry& entry, Ref<Packet> packet) {
  if (TurnedSegment::has_odd_end(*packet) && in_quick_ack_mode()) {
    if (Ref<Packet> odd_end = TurnedSegment::take_off_odd_end(*packet)) {
      receive_owned(entry, std::move(packet));
      return receive_owned(entry, std::move(odd_end));
    }
  }
  TcpSegment segment;
  if (!take_segment(entry, std::move(packet), segment)) return;
  if ((md5_keys() != nullptr || !segment.options.md5_signature.empty()) && !accept_signature(entry, segment)) return;
  if (in(TcpState::Listen)) {
    listener_->receive(entry, segment);  // 3.10.7.2
  } else {
    segment_arrives(entry, segment);
  }
}

void TcpSocket::segment_arrives(Entry& entry, TcpSegment& segment) {
  Verdict verdict;
  // Linux remembers the echo of whatever it reads, also of what is refused then.
  if (segment.options.timestamps && negotiated_.timestamps && segment.flags.has_any(kTcpAck | kTcpRst | kTcpSyn))
    autotune_.heard_echo = segment.options.timestamps->echo_reply;
  statistics_.segments_in += segment.segments;
  if (segment.size != 0) statistics_.data_segments_in += segment.segments;
  switch (state()) {
    case TcpState::Closed:  // 3.10.7.1: closed between the look-up and now
      verdict.reset_peer = true;
      verdict.drop_for(DropReason::TcpInvalidState);
      break;
    case TcpState::SynSent:
      arrive_in_syn_sent(entry, segment, verdict);
      break;
    default:
      if (fast_open_request() != nullptr && check_fast_open(entry, segment, verdict) == Step::Done) break;
      if (!accept_fast(entry, segment, verdict)) arrive_synchronized(entry, segment, verdict);
  }
  carry_out(entry, segment, verdict);
}

// 3.10.7.4. The steps that decide the rest; each may end it.
void TcpSocket::arrive_synchronized(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  // Says nothing, and is not answered (Linux).
  if (!segment.flags.has_any(kTcpAck | kTcpRst | kTcpSyn) && !(in(TcpState::FinWait2) && is_orphan_)) {
    verdict.drop_for(DropReason::TcpInvalidState);
    return;
  }
  using StepFunction = Step (TcpSocket::*)(Entry&, TcpSegment&, Verdict&);
  static constexpr StepFunction kSteps[] = {
      &TcpSocket::check_sequence,  // first
      &TcpSocket::check_reset,     // second; third, security, is historic
      &TcpSocket::check_syn,       // fourth
      &TcpSocket::check_ack,       // fifth
      &TcpSocket::check_urgent,    // sixth
      &TcpSocket::process_text,    // seventh and eighth
  };
  for (const StepFunction step : kSteps) {
    if ((this->*step)(entry, segment, verdict) == Step::Done) return;
  }
}

// Header prediction (Van Jacobson): the next expected segment of an undisturbed stream, or a bare acknowledgment.
bool TcpSocket::accept_fast(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  if (state() != TcpState::Established || segment.seq != rcv_.nxt) return false;
  if (segment.flags.without(kTcpPsh) != kTcpAck || segment.ack.is_after(snd_.nxt)) return false;
  if (segment.ack.is_before(snd_.una - snd_.max_wnd) && segment.size != 0) return false;
  if (uint32_t{segment.window} << snd_.window_shift != snd_.wnd || urgent_.kind == UrgentState::Kind::NotYet) return false;
  if (!out_of_order_.is_empty() || segment.options.sack_count != 0 || segment.size > rcv_.window_left()) return false;
  if (negotiated_.ecn && (segment.tos & kEcnMask) == kEcnExperienced) return false;
  if (negotiated_.timestamps) {
    if (!segment.options.timestamps) return false;
    if (static_cast<int32_t>(segment.options.timestamps->value - rcv_.ts_recent) < 0) return false;
  }
  // An urgent mark disables Linux's prediction. What this acknowledgment frees comes too late for its own bytes.
  const bool is_hit =
      segment.size != 0 && urgent_.kind == UrgentState::Kind::None && segment.packet->true_size() <= spare_memory();
  // Data that was not predicted goes the long way, at whose end what the user left unpushed leaves.
  if (segment.size != 0 && !is_hit) return false;
  rcv_.last_segment_at = entry.now();
  store_timestamp(segment, entry.now());
  measure_receive_rtt_by_timestamp(segment, entry.now());
  // The text comes first, so that it is acknowledged by what its ACK lets go.
  if (segment.size != 0) {
    count(entry, Mib::TcpExtTCPHPHits);
    queue_in_order(entry, segment, verdict, Prediction::Hit);
  }
  if (segment.size == 0 || segment.ack != snd_.una) verdict.send = accept_ack(entry, segment, verdict, true);
  return true;
}

// First: "check sequence number", with PAWS before it (RFC 7323, 5.3 R1).
Step TcpSocket::check_sequence(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  const bool has_old_stamp = fails_paws(segment, entry.now());
  const SeqNum edge = rcv_.nxt + rcv_.window_left();
  if (in(TcpState::FinWait2) && is_orphan_) {
    // What Linux has kept of it answers whatever is not exactly in the window, a reset too (tcp_timewait_state_process).
    const bool is_inside = segment.seq == rcv_.nxt || (segment.end().is_after(rcv_.nxt) && segment.seq.is_before(edge)) ||
                           (segment.seq == edge && segment.length() == 0);
    if (is_inside && !has_old_stamp) return Step::Continue;
    verdict.acknowledge = Verdict::Acknowledge::OutOfWindow;
    return verdict.drop_for(has_old_stamp ? DropReason::TcpPaws : DropReason::TcpOutOfWindow);
  }
  if (has_old_stamp && !segment.flags.rst()) {
    if (segment.flags.syn()) return challenge_syn(entry, verdict);
    if (segment.length() == 0 && segment.seq.is_before(rcv_.nxt)) {
      // An old acknowledgment, as reordering makes them: no news, and no answer.
      count(entry, Mib::TcpExtPAWSOldAck);
      return verdict.drop_for(DropReason::TcpPaws);
    }
    count(entry, Mib::TcpExtPAWSEstab);
    verdict.acknowledge = Verdict::Acknowledge::OutOfWindow;
    return verdict.drop_for(DropReason::TcpPaws);
  }
  const bool is_old = segment.end().is_before(rcv_.wup);
  const bool is_beyond = segment.seq.is_after(edge);
  // What reaches past the edge, but for its FIN, is taken only by an empty queue (Linux's tcp_sequence).
  const bool overflows = (segment.seq + segment.size).is_after(edge) && !receive_queue_.is_empty() && segment.length() != 0;
  if (!is_old && !is_beyond && !overflows) return Step::Continue;
  if (segment.flags.rst()) {
    // "If the RST bit is set ... drop the segment and return", but one that does not count our peer's FIN is meant.
    if (is_reset_after_fin(segment)) return Step::Continue;
    return verdict.drop_for(DropReason::TcpOutOfWindow);
  }
  if (segment.flags.syn()) return challenge_syn(entry, verdict);
  if (!is_old) count(entry, Mib::TcpExtBeyondWindow);
  verdict.acknowledge = Verdict::Acknowledge::OutOfWindow;
  return verdict.drop_for(DropReason::TcpOutOfWindow);
}

// Second: RST. RFC 5961, 3.2: only the exact sequence number resets; elsewhere in the window it is challenged.
Step TcpSocket::check_reset(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  if (!segment.flags.rst()) return Step::Continue;
  // As Linux: also where the farthest SACK block ends, which is what the peer may hold for our next.
  bool is_meant = segment.seq == rcv_.nxt || is_reset_after_fin(segment);
  is_meant = is_meant || (in(TcpState::FinWait2) && is_orphan_);  // what Linux keeps of such a one goes for any in the window
  if (!is_meant && negotiated_.sack && sack_count_ != 0) {
    SeqNum farthest = out_of_order_.sacks()[0].right;
    for (uint8_t i = 1; i < sack_count_; ++i) farthest = later_of(farthest, out_of_order_.sacks()[i].right);
    is_meant = segment.seq == farthest;
  }
  if (is_meant) {
    reset_by_peer(entry, verdict);
    return verdict.drop_for(DropReason::TcpReset);
  }
  if (fast_open_.has_asked && statistics_.data_segments_in == 0 && in(TcpState::Established)) pause_fast_open(entry);
  verdict.acknowledge = Verdict::Acknowledge::Challenge;
  return verdict.drop_for(DropReason::TcpReset);
}

bool TcpSocket::is_reset_after_fin(const TcpSegment& segment) const {
  return segment.seq == rcv_.nxt - 1 && in(TcpState::CloseWait | TcpState::LastAck | TcpState::Closing);
}

// Fourth: SYN. RFC 5961, 4.2: challenge, whatever the sequence number. A simultaneous open's SYN,ACK is expected, and
// without data (Linux's tcp_validate_incoming).
Step TcpSocket::check_syn(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  if (!segment.flags.syn()) return Step::Continue;
  const bool is_expected = in(TcpState::SynReceived) && segment.flags.ack() && segment.length() == 1;
  if (is_expected && segment.seq + 1 == rcv_.nxt && segment.ack == snd_.nxt) return Step::Continue;
  if (in(TcpState::FinWait2) && is_orphan_) {
    if (segment.seq.is_before(rcv_.nxt)) return Step::Continue;
    verdict.reset_peer = true;
    abort_with(entry, Errno::ECONNRESET);
    return verdict.drop_for(DropReason::TcpInvalidState);
  }
  return challenge_syn(entry, verdict);
}

Step TcpSocket::challenge_syn(Entry& entry, Verdict& verdict) {
  count(entry, Mib::TcpExtTCPSYNChallenge);
  verdict.acknowledge = Verdict::Acknowledge::Challenge;
  return verdict.drop_for(DropReason::TcpInvalidState);
}

// Fifth: ACK, and what it means for the state.
Step TcpSocket::check_ack(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  if (in(TcpState::FinWait2) && is_orphan_) {
    // Linux has kept a TIME-WAIT of it, which looks at no ACK: only the FIN may come.
    if (!segment.flags.ack() || segment.length() == 0 || !segment.end().is_after(rcv_.nxt))
      return verdict.drop_for(DropReason::TcpInvalidState);
    if (!segment.flags.fin() || segment.end() != rcv_.nxt + 1) {
      verdict.reset_peer = true;
      abort_with(entry, Errno::ECONNRESET);
      return verdict.drop_for(DropReason::TcpInvalidState);
    }
  }
  if (!segment.flags.ack()) return verdict.drop_for(DropReason::TcpInvalidState);
  const bool is_too_old = fast_open_request() != nullptr ? segment.ack.is_before(snd_.una) : !segment.ack.is_after(snd_.una);
  if (in(TcpState::SynReceived) && (is_too_old || segment.ack.is_after(snd_.nxt))) {
    verdict.reset_peer = true;
    return verdict.drop_for(DropReason::TcpInvalidState);
  }
  if (!accept_ack(entry, segment, verdict, false)) {
    // "If the ACK acks something not yet sent, then send an ACK, drop the segment".
    verdict.acknowledge = Verdict::Acknowledge::Challenge;
    return Step::Done;
  }
  verdict.send = true;
  if (in(TcpState::SynReceived)) {
    segment.ends_handshake = true;
    ++congestion_.delivered;  // the SYN-ACK
    // Also of the SYN,ACK of a simultaneous open Linux scales the window, which RFC 7323, 2.2, does not.
    snd_.wnd = uint32_t{segment.window} << snd_.window_shift;
    snd_.wl1 = segment.seq;
  }
  if (fast_open_request() != nullptr) {
    confirm_fast_open(entry);
    if (in(TcpState::SynReceived)) {
      take_stamps_off_segment();
      confirm_establishment(entry, verdict);
      send_early_fin(entry);
    }
  } else if (in(TcpState::SynReceived)) {
    congestion_.cwnd = statistics_.total_retransmits > 1 && recovery_.may_undo ? 1 : initial_window_;
    become_established(entry, verdict);
    send_early_fin(entry);
  }
  return advance_close(entry, segment, verdict);
}

// Sixth: URG.
Step TcpSocket::check_urgent(Entry& entry, TcpSegment& segment, Verdict&) {
  if (in(TcpState::Established)) measure_receive_rtt_by_timestamp(segment, entry.now());
  if (segment.flags.urg()) note_urgent(segment);
  take_urgent_byte(segment);
  return Step::Continue;
}

void TcpSocket::carry_out(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  if (verdict.was_dropped) {
    stack().drops().count(verdict.reason);
    segment.packet = nullptr;
  }
  if (verdict.reset_peer) answer_with_reset(entry, segment, md5_keys());
  if (!in(TcpState::Closed)) {
    if (verdict.send) push_pending(entry, Nagle::Default);
    switch (verdict.acknowledge) {
      case Verdict::Acknowledge::No:
        break;
      case Verdict::Acknowledge::Consider:
        consider_ack(entry, segment);
        break;
      case Verdict::Acknowledge::Now:
        send_ack(entry);
        break;
      case Verdict::Acknowledge::OutOfWindow:
        if (may_answer_out_of_window(entry, segment, verdict)) answer_old_segment(entry, segment);
        break;
      case Verdict::Acknowledge::Challenge:
        challenge(entry);
        break;
    }
  }
  account_growth(entry);
  if (verdict.send) announce_space(entry);
  if (verdict.has_new_state) wake_for_state(verdict.told_of_state);
  if (verdict.wake != 0) wake(verdict.wake);
}

}  // namespace lxnet
