// The ACK field of a segment that may acknowledge (RFC 9293 3.10.7.4, fifth): what it acknowledges, what that says of the path,
// and what may be sent upon it. Order as in Linux's tcp_ack().
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

// "SND.UNA < SEG.ACK =< SND.NXT"; false: the segment is to be dropped, and the verdict says how.
bool TcpSocket::accept_ack(Entry& entry, TcpSegment& segment, Verdict& verdict, bool is_fast) {
  AckEffects effects;
  effects.prior_una = snd_.una;
  effects.prior_highest_sacked = recovery_.sacked != 0 ? recovery_.highest_sacked : snd_.una;
  effects.prior_in_flight = recovery_.in_flight();
  effects.prior_delivered = congestion_.delivered;
  effects.prior_lost = congestion_.lost;
  effects.is_reneging = recovery_.has_reneged;
  rcv_.ts_echo = segment.options.timestamps ? segment.options.timestamps->echo_reply : 0;
  if (segment.ack.is_after(snd_.nxt)) {
    verdict.acknowledge = Verdict::Acknowledge::Challenge;
    verdict.drop_for(DropReason::TcpInvalidState);
    return false;
  }
  Resend resend = Resend::Nothing;
  if (segment.ack.is_before(snd_.una)) {
    // RFC 5961, 5.2: SND.UNA - MAX.SND.WND bounds what an old duplicate may say.
    const auto reach = static_cast<uint32_t>(std::min<uint64_t>(snd_.max_wnd, statistics_.bytes_acked));
    if (segment.ack.is_before(snd_.una - reach)) {
      verdict.acknowledge = Verdict::Acknowledge::Challenge;
      verdict.drop_for(DropReason::TcpInvalidState);
      return false;
    }
    // What it delivered is not counted then, nor later.
    if (segment.options.sack_count != 0 && negotiated_.sack) {
      mark_by_sack(entry, segment, effects);
      react(entry, effects, resend);
      resend_after_ack(entry, resend);
    }
    return true;
  }
  // Only of a segment whose ACK is meant for now.
  if (!is_fast) store_timestamp(segment, entry.now());
  effects.una_advanced = segment.ack.is_after(snd_.una);
  if (effects.una_advanced) recovery_.retransmits = 0;
  effects.has_data = segment.length() != 0;
  if (is_fast && effects.una_advanced) {
    snd_.wl1 = segment.seq;
    effects.window_updated = true;
    count(entry, Mib::TcpExtTCPHPAcks);
  } else {
    if (segment.length() == 0) count(entry, Mib::TcpExtTCPPureAcks);
    effects.window_updated = update_window(entry, segment, effects);
    if (segment.options.sack_count != 0 && negotiated_.sack) mark_by_sack(entry, segment, effects);
    congestion_.delivered += effects.sack_delivered;
    effects.ece = negotiated_.ecn && segment.flags.ece() && !segment.flags.syn();
  }
  if (negotiated_.ecn && segment.flags.cwr()) {
    // Our echo was heard, on whatever it says so. The window may be as small as a segment then, whose acknowledgment is waited
    // for.
    ecn_echo_ = false;
    if (segment.length() != 0) ack_.is_wanted_now = true;
  }
  advance_una(entry, segment.ack);
  soft_error_ = Errno{};
  recovery_.probes_out = 0;
  rcv_.last_segment_at = entry.now();
  if (recovery_.out == 0) {
    if (effects.dsack) react(entry, effects, resend);
    count_delivered(entry, effects);
    check_probe_timer(entry);
    if (recovery_.probe_in_flight) process_loss_probe_ack(entry, effects, segment.ack);
    return true;
  }
  clean_sent(entry, effects);
  if (send_queue_.sent.is_empty()) stop_limit(entry, TcpStatistics::Limit::Busy);
  update_rtt(entry, effects, segment);
  // Also of what was but SACKed, and of an echo.
  if (congestion_.is_started && congestion_.algorithm->on_rtt != nullptr && effects.sample.rtt_micros >= 0)
    congestion_.algorithm->on_rtt(congestion_, congestion_facts(entry.now()), snd_.una, effects.sample.rtt_micros);
  adapt_rack_window(effects.sample);
  if (recovery_.probe_in_flight) process_loss_probe_ack(entry, effects, segment.ack);

  const bool is_news = effects.has_data || effects.window_updated || effects.data_acked || effects.syn_acked;
  const bool is_alert = effects.data_sacked || effects.ece || effects.dsack;
  if (!is_news || is_alert || congestion_.loss_state != LossState::Open) {
    if (!effects.una_advanced && !is_news && !effects.dsack) effects.duplicate_acks = segment.segments;
    react(entry, effects, resend);
  }
  if (effects.set_timer) set_retransmit_timer(entry);
  count_delivered(entry, effects);
  finish_rate_sample(entry, effects, effects.sample);
  control_congestion(entry, effects, effects.sample);
  resend_after_ack(entry, resend);
  return true;
}

// RFC 9293: "if (SND.WL1 < SEG.SEQ or (SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK))". As Linux has it, of segments that say the
// same otherwise the larger window counts, for they may have been reordered; but a closed window always does.
bool TcpSocket::update_window(Entry& entry, const TcpSegment& segment, const AckEffects& effects) {
  const uint32_t window = uint32_t{segment.window} << (segment.flags.syn() ? 0 : snd_.window_shift);
  const bool is_newer =
      effects.una_advanced || segment.seq.is_after(snd_.wl1) || (segment.seq == snd_.wl1 && (window > snd_.wnd || window == 0));
  if (!is_newer) return false;
  snd_.wl1 = segment.seq;
  if (snd_.wnd == window) return true;
  snd_.wnd = window;
  if (recovery_.out == 0 && !send_queue_.unsent.is_empty()) after_idle(entry);
  if (window > snd_.max_wnd) {
    snd_.max_wnd = window;
    update_mss(entry, snd_.path_mtu);
  }
  return true;
}

void TcpSocket::count_delivered(Entry& entry, const AckEffects& effects) {
  const uint32_t delivered = congestion_.delivered - effects.prior_delivered;
  if (delivered == 0) return;
  count(entry, Mib::TcpExtTCPDelivered, delivered);
  if (!effects.ece) return;
  count(entry, Mib::TcpExtTCPDeliveredCE, delivered);
  statistics_.delivered_ce += delivered;
}

void TcpSocket::advance_una(Entry&, SeqNum ack) {
  statistics_.bytes_acked += ack.bytes_since(snd_.una);
  snd_.una = ack;
  // An urgent pointer that was passed follows, so that is_urgent() never wraps.
  if (!snd_.up.is_after(ack)) snd_.up = ack;
}

// Reports and smooths what the acknowledgment says of the round-trip time (RFC 6298 3, RFC 7323 4).
void TcpSocket::update_rtt(Entry& entry, AckEffects& effects, const TcpSegment& segment) {
  int64_t sample = effects.sequence_rtt >= 0 ? effects.sequence_rtt : effects.sack_rtt;
  if (sample < 0 && negotiated_.timestamps && segment.options.timestamps && segment.options.timestamps->echo_reply != 0 &&
      (effects.data_acked || effects.syn_acked)) {
    const uint32_t delta = timestamp_at(entry.now()) - segment.options.timestamps->echo_reply;
    if (delta < 1u << 30) sample = effects.congestion_rtt = std::max<int64_t>(delta, 1) * 1000;
  }
  effects.sample.rtt_micros = effects.congestion_rtt;
  if (sample < 0) return;
  const Duration window = Duration::seconds(stack().tunables().values().tcp_min_rtt_wlen);
  // A delayed acknowledgment may only lower the minimum.
  if (!effects.sample.is_ack_delayed || effects.congestion_rtt <= int64_t{rtt_.min_micros()})
    rtt_.add_min_sample(effects.congestion_rtt >= 0 ? effects.congestion_rtt : sample, entry.now(), window);
  rtt_.add_sample(sample, snd_.una, snd_.nxt);
  recovery_.backoff = recovery_.doublings = 0;
}

void TcpSocket::resend_after_ack(Entry& entry, Resend resend) {
  if (resend == Resend::Nothing || in(TcpState::SynSent)) return;
  if (resend == Resend::NewDataOnly) {
    write_pending(entry, Nagle::Push);
    // F-RTO, 2b: when the window allowed nothing new, conventional recovery it is.
    if (snd_.nxt.is_after(recovery_.high_seq)) return;
    recovery_.frto = false;
  }
  retransmit_lost(entry);
}

// While something is in flight one timer runs: a tail loss probe where one may be sent, else the retransmission timer.
void TcpSocket::set_retransmit_timer(Entry& entry) {
  if (fast_open_request() != nullptr) return;  // the timer serves the SYN,ACK
  if (schedule_loss_probe(entry, TimeoutFrom::Now)) return;
  if (recovery_.out == 0) {
    if (probe_timer_kind_ != ProbeTimer::ZeroWindow) cancel(Deadlines::Kind::Probe);
    return;
  }
  Duration delay = current_rto();
  if (probe_timer_kind_ == ProbeTimer::LossProbe || probe_timer_kind_ == ProbeTimer::Reordering) {
    // Counted from the head's transmission, not from now.
    const SendRecord* head = send_queue_.sent.front();
    if (head != nullptr) delay = std::max(head->sent_at + delay - entry.now(), Duration::millis(1));
  }
  arm_probe_timer(entry, ProbeTimer::Retransmit, delay);
}

CongestionFacts TcpSocket::congestion_facts(Instant now) const {
  return {.now = now,
          .nxt = snd_.nxt,
          .mss = snd_.mss,
          .srtt_8 = rtt_.srtt_micros_times_8(),
          .min_rtt = rtt_.min_micros(),
          .in_flight = recovery_.in_flight(),
          .since_send = snd_.last_data_at.age(now)};
}

}  // namespace lxnet
