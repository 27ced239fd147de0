// Segments of the opening and closing handshakes: SYN-SENT (RFC 9293 3.10.7.3), and what an acceptable ACK or a FIN does to the
// state.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

constexpr Duration kSoonAgain = Duration::millis(2);  // Linux's TCP_TIMEOUT_MIN

}  // namespace

// "First, check the ACK bit": one for something never sent is answered with a reset.
Step TcpSocket::check_syn_sent_ack(TcpSegment& segment, Verdict& verdict) {
  if (!segment.flags.ack()) return Step::Continue;
  const bool is_acceptable = segment.ack.is_after(snd_.iss) && !segment.ack.is_after(snd_.nxt);
  if (is_acceptable) return Step::Continue;
  verdict.reset_peer = true;
  return verdict.drop_for(DropReason::TcpInvalidState);
}

void TcpSocket::arrive_in_syn_sent(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  if (check_syn_sent_ack(segment, verdict) == Step::Done) {
    // It may be an old connection's answer, which our reset ends: then the SYN is worth another try at once, once.
    if (recovery_.retransmits == 0) arm_probe_timer(entry, ProbeTimer::Retransmit, kSoonAgain);
    return;
  }
  // RFC 7323, 5: an echo of a time stamp that we did not send in this handshake is an old duplicate.
  const auto& stamps = segment.options.timestamps;
  if (segment.flags.ack() && negotiated_.timestamps && stamps && stamps->echo_reply != 0 &&
      stamps->echo_reply - timestamp_at(first_syn_at_) > timestamp_at(entry.now()) - timestamp_at(first_syn_at_)) {
    count(entry, Mib::TcpExtPAWSActive);
    verdict.reset_peer = true;
    verdict.drop_for(DropReason::TcpPaws);
    return;
  }
  if (segment.flags.rst()) {  // second
    if (segment.flags.ack()) reset_by_peer(entry, verdict);
    verdict.drop_for(DropReason::TcpReset);
    return;
  }
  if (!segment.flags.syn()) {  // third is historic; fourth
    verdict.drop_for(DropReason::TcpInvalidState);
    return;
  }
  learn_syn_options(segment, entry.now());
  rcv_.irs = segment.seq;
  rcv_.nxt = rcv_.copied = rcv_.wup = segment.seq + 1;
  rcv_.last_segment_at = entry.now();
  autotune_.copied_seq = rcv_.copied;
  snd_.wnd = snd_.max_wnd = segment.window;  // the window of a SYN is not scaled
  snd_.wl1 = segment.seq;
  if (!segment.flags.ack()) {
    answer_simultaneous_open(entry, segment, verdict);
    return;
  }
  negotiated_.ecn = negotiated_.ecn && segment.flags.ece() && !segment.flags.cwr();
  if (!accept_ack(entry, segment, verdict, false)) return;
  snd_.wl1 = segment.seq;
  // RFC 5681, 3.1, as for SYN-ACKs that were lost (passive.cc).
  const bool was_spurious = stamps && stamps->echo_reply != 0 && stamps->echo_reply == timestamp_at(first_syn_at_);
  congestion_.cwnd = statistics_.total_retransmits > 1 && recovery_.may_undo && !was_spurious ? 1 : initial_window_;
  begin_mtu_search(entry);
  // Not where both ends sent a SYN: there the first data is acknowledged at once, as by Linux.
  rcv_.last_data_at = entry.now();
  become_established(entry, verdict);
  if ((fast_open_.has_asked || fast_open_.sent_data) && !take_fast_open_answer(entry, segment)) {
    verdict.send = true;
    return;
  }
  if (fast_open_.has_asked || fast_open_.sent_data) {
    take_syn_text(segment);
    if (segment.flags.fin()) take_fin(entry, verdict);
  }
  if (segment.flags.urg()) note_urgent(segment);
  // Where an answer is about to carry it, the acknowledgment waits (Linux: data pending, quick acks off, or deferred accept).
  if (!send_queue_.unsent.is_empty() || tcp_options->defer_accept != 0 || is_interactive()) {
    ack_.is_scheduled = true;
    enter_quick_ack_mode(16);
    if (send_queue_.unsent.is_empty()) arm_ack_timer(entry, Duration::millis(200));
  } else {
    verdict.acknowledge = Verdict::Acknowledge::Now;
  }
  verdict.send = true;
}

// Both ends sent a SYN: RFC 9293, 3.5, figure 7.
void TcpSocket::answer_simultaneous_open(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  enter(entry, TcpState::SynReceived);
  negotiated_.ecn = negotiated_.ecn && segment.flags.has_all(kTcpEce | kTcpCwr);
  begin_mtu_search(entry);
  update_mss(entry, snd_.path_mtu);
  guess_segment_size();
  send_syn(entry);
  if (SendRecord* syn = send_queue_.sent.front(); syn != nullptr)
    stamp_sent(*syn, entry.now());  // the round trip is the answer's
  verdict.was_dropped = false;
}

// What the peer's SYN offers of what we offered (RFC 9293 3.7.1, RFC 7323, RFC 2018).
void TcpSocket::learn_syn_options(const TcpSegment& segment, Instant now) {
  const TcpOptions& options = segment.options;
  negotiated_.sack = negotiated_.sack && options.sack_permitted;
  negotiated_.timestamps = negotiated_.timestamps && options.timestamps.has_value();
  negotiated_.window_scale = negotiated_.window_scale && options.window_scale.has_value();
  snd_.window_shift = negotiated_.window_scale ? *options.window_scale : uint8_t{0};
  // A SYN that crosses ours leaves our window as it was offered, as on Linux, though the peer will not scale it.
  if (!negotiated_.window_scale && segment.flags.ack()) {
    rcv_.window_shift = 0;
    rcv_.window_clamp = std::min<uint32_t>(rcv_.window_clamp, 65535);
  }
  const uint16_t offered = options.maximum_segment_size.value_or(snd_.peer_mss);  // or what was assumed
  snd_.peer_mss = tcp_options->max_segment != 0 ? std::min(offered, tcp_options->max_segment) : offered;
  if (negotiated_.timestamps) {
    rcv_.ts_recent = options.timestamps->value;
    rcv_.ts_recent_at = now;
  }
}

// Not before the handshake is over: the SYN-ACK of a simultaneous open says what the SYN said.
void TcpSocket::take_stamps_off_segment() {
  rcv_.advertised_mss = segment_with_stamps(rcv_.advertised_mss, negotiated_.timestamps);
}

void TcpSocket::become_established(Entry& entry, Verdict& verdict) {
  take_stamps_off_segment();
  enter(entry, TcpState::Established);
  initialise_transfer(entry);
  confirm_establishment(entry, verdict);
}

void TcpSocket::confirm_establishment(Entry& entry, Verdict& verdict) {
  statistics_.end_timeouts(entry.now());
  enter(entry, TcpState::Established);
  snd_.last_data_at = entry.now();
  if (congestion_.algorithm->control == nullptr) update_pacing_rate();
  if (options->keep_alive) arm_keep_alive(entry, keep_alive_delay());
  phase_ = phase_ == Phase::Unconnected ? Phase::Connected : phase_;
  verdict.told_of_state = kPollOut;
  verdict.has_new_state = true;
}

void TcpSocket::initialise_transfer(Entry& entry) {
  update_mss(entry, snd_.path_mtu);
  begin_mtu_search(entry);
  guess_segment_size();
  use_peer_metrics(entry);
  if (!congestion_.is_started) congestion_.start_chosen(stack().hal(), congestion_facts(entry.now()));
  if (congestion_.algorithm->control == nullptr) update_pacing_rate();
  initialise_buffers();
  snd_.last_data_at = recovery_.window_used_at = entry.now();
}

// Of the peer, before anything has come (tcp_initialize_rcv_mss).
void TcpSocket::guess_segment_size() {
  constexpr uint32_t kLeast = 88;
  const uint32_t guess = std::min<uint32_t>({snd_.mss, rcv_.advertised_mss, rcv_.wnd / 2, 536});
  rcv_.mss = static_cast<uint16_t>(std::max(guess, kLeast));
}

// What an acceptable ACK means once our FIN is out (3.10.7.4, fifth: FIN-WAIT-1, CLOSING, LAST-ACK).
Step TcpSocket::advance_close(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  if (!in(TcpState::FinWait1 | TcpState::Closing | TcpState::LastAck) || snd_.una != snd_.end) return Step::Continue;
  if (in(TcpState::LastAck)) {
    tell_peer_metrics(entry);
    finish(entry);
    return Step::Done;
  }
  if (in(TcpState::Closing)) {
    become_time_wait(entry, TcpState::TimeWait, Duration::seconds(60));
    return Step::Done;
  }
  enter(entry, TcpState::FinWait2);
  shutdown_ |= kShutdownSend;
  if (!is_orphan_) {
    verdict.has_new_state = true;
    return Step::Continue;
  }
  const bool has_new_text = segment.size != 0 && (segment.seq + segment.size).is_after(rcv_.nxt);
  if (has_new_text) return Step::Continue;  // process_text() resets
  if (tcp_options->linger2 < 0) {
    count(entry, Mib::TcpExtTCPAbortOnData);
    verdict.reset_peer = true;
    finish(entry);
    return Step::Done;
  }
  settle_orphan(entry);
  return Step::Continue;
}

// Eighth: the peer's FIN has been reached.
void TcpSocket::take_fin(Entry& entry, Verdict& verdict) {
  ack_.is_scheduled = true;
  shutdown_ |= kShutdownReceive;
  saw_fin_ = true;
  switch (state()) {
    case TcpState::SynReceived:
    case TcpState::Established:
      enter(entry, TcpState::CloseWait);
      become_interactive();
      break;
    case TcpState::FinWait1:
      // Both FINs crossed; ours is not acknowledged yet.
      send_ack(entry);
      enter(entry, TcpState::Closing);
      break;
    case TcpState::FinWait2:
      send_ack(entry);
      become_time_wait(entry, TcpState::TimeWait, Duration::seconds(60));
      break;
    default:
      break;
  }
  // What is answered above tells still of what lies behind the FIN, which then goes (tcp_fin).
  out_of_order_.clear();
  sack_count_ = 0;
  has_dsack_ = false;
  verdict.has_new_state = true;
  verdict.told_of_state = shutdown_ == kShutdownBoth || in(TcpState::Closed) ? kPollHangUp : kPollIn;
  // A bare one too is told as data is (tcp_data_ready).
  verdict.wake |= kPollIn | kPollPriority | kPollReadNormal | kPollReadBand;
}

// What a reset is called depends on what the user was doing (Linux's tcp_reset).
void TcpSocket::reset_by_peer(Entry& entry, Verdict&) {
  Errno error = Errno::ECONNRESET;
  if (in(TcpState::SynSent)) error = Errno::ECONNREFUSED;
  if (in(TcpState::CloseWait)) error = Errno::EPIPE;
  abort_with(entry, error);
}

}  // namespace lxnet
