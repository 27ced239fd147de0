// The states of loss recovery (RFC 6675, 5681, 6582 in Linux's arrangement): Open, Disorder, CWR, Recovery, Loss.
//
//   Open      nothing wrong          Disorder  duplicate or selective acknowledgments, nothing taken as lost
//   CWR       the window falls for ECN       Recovery  fast retransmit       Loss  the retransmission timer fired
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

void TcpSocket::set_loss_state(Entry& entry, LossState state) {
  if (congestion_.algorithm->on_loss_state != nullptr)
    congestion_.algorithm->on_loss_state(congestion_, congestion_facts(entry.now()), state);
  congestion_.loss_state = state;
}

// Something that is unacknowledged was sent twice; of the head alone it is known without looking at all records.
bool TcpSocket::has_retransmitted() const {
  const SendRecord* head = send_queue_.sent.front();
  return recovery_.retransmitted != 0 || (head != nullptr && head->has_any(SendRecord::kEverRetransmitted));
}

void TcpSocket::forget_retransmit_time() {
  if (!has_retransmitted()) recovery_.first_retransmit_at = InstantInMillis();
}

void TcpSocket::keep_open(Entry& entry) {
  const LossState state = recovery_.sacked + recovery_.lost != 0 || has_retransmitted() ? LossState::Disorder : LossState::Open;
  if (congestion_.loss_state == state) return;
  set_loss_state(entry, state);
  recovery_.high_seq = snd_.nxt;
}

// Without SACK every duplicate acknowledgment stands for a segment that left the network (RFC 6582).
void TcpSocket::add_reno_sack(Entry& entry, AckEffects& effects) {
  if (negotiated_.sack || effects.duplicate_acks == 0) return;
  const uint32_t before = recovery_.sacked;
  recovery_.sacked += effects.duplicate_acks;
  check_reno_reordering(entry, 0);
  if (recovery_.sacked > before) congestion_.delivered += recovery_.sacked - before;
}

// Duplicates and losses together are no more than what is out. False: they were.
bool TcpSocket::bound_duplicates() {
  const uint32_t holes = std::min(std::max(recovery_.lost, 1u), recovery_.out);
  if (recovery_.sacked + holes <= recovery_.out) return true;
  recovery_.sacked = recovery_.out - holes;
  return false;
}

// More duplicates than what is in flight can have caused: they were reordered.
void TcpSocket::check_reno_reordering(Entry& entry, uint32_t acked) {
  if (bound_duplicates()) return;
  const auto most = static_cast<uint32_t>(stack().tunables().values().tcp_max_reordering);
  recovery_.reordering = std::min(recovery_.out + acked, most);
  ++recovery_.reordering_seen;
  count(entry, Mib::TcpExtTCPRenoReorder);
}

void TcpSocket::remove_reno_sacks(Entry& entry, uint32_t acked) {
  if (acked == 0) return;
  // One hole was acknowledged; the rest eats the duplicates.
  congestion_.delivered += acked > recovery_.sacked ? std::max(acked - recovery_.sacked, 1u) : 1;
  recovery_.sacked -= std::min(recovery_.sacked, acked - 1);
  check_reno_reordering(entry, acked);
}

void TcpSocket::reset_reno_sacks() {
  if (!negotiated_.sack) recovery_.sacked = 0;
}

// Finds what is lost: RACK with SACK; without, the head after enough duplicates or a partial acknowledgment.
void TcpSocket::identify_losses(Entry& entry, AckEffects& effects) {
  if (send_queue_.sent.is_empty()) return;
  if (negotiated_.sack) {
    const uint32_t before = recovery_.retransmitted;
    if (detect_losses(entry)) effects.set_timer = false;
    if (recovery_.retransmitted < before) effects.lost_retransmission = true;
    return;
  }
  const bool is_recovering = congestion_.loss_state == LossState::Recovery;
  if (is_recovering ? !effects.una_advanced : recovery_.sacked < recovery_.reordering) return;
  SendRecord* head = send_queue_.sent.front();
  if (head->has_any(SendRecord::kLost)) return;
  if (head->segments > 1 && head->size > head->segment_size) {
    const uint16_t total = head->segments;
    if (send_queue_.split(*head, head->segment_size)) {
      head->segments = 1;
      send_queue_.sent.next(*head)->segments = static_cast<uint16_t>(total - 1);
    }
  }
  mark_lost(entry, *head);
}

void TcpSocket::start_undo() {
  recovery_.may_undo = true;
  recovery_.undo_marker = snd_.una;
  // What is on its way twice may yet be reported as a duplicate; with nothing on its way nothing can be undone by reports.
  const bool has_probe = recovery_.probe_in_flight && recovery_.probe_retransmitted;
  const auto in_flight = static_cast<int32_t>(recovery_.retransmitted + uint32_t{has_probe});
  recovery_.undo_retransmits = in_flight != 0 ? in_flight : -1;
}

void TcpSocket::enter_recovery(Entry& entry, bool ece) {
  forget_retransmit_time();
  count(entry, negotiated_.sack ? Mib::TcpExtTCPSackRecovery : Mib::TcpExtTCPRenoRecovery);
  recovery_.prior_ssthresh = 0;
  start_undo();
  if (congestion_.loss_state != LossState::Cwr && congestion_.loss_state != LossState::Recovery) {
    if (!ece) recovery_.prior_ssthresh = current_threshold();
    start_window_reduction();
  }
  set_loss_state(entry, LossState::Recovery);
}

// RFC 3168, 6.1.2: once a window, as for a loss, without a retransmission.
void TcpSocket::enter_cwr(Entry& entry) {
  recovery_.prior_ssthresh = 0;
  if (congestion_.loss_state >= LossState::Cwr) return;
  recovery_.may_undo = false;
  start_window_reduction();
  set_loss_state(entry, LossState::Cwr);
}

uint32_t TcpSocket::current_threshold() const {
  if (congestion_.loss_state == LossState::Cwr || congestion_.loss_state == LossState::Recovery) return congestion_.ssthresh;
  return std::max(congestion_.ssthresh, (congestion_.cwnd >> 1) + (congestion_.cwnd >> 2));
}

// The retransmission timer fired (RFC 6298, 5.4 on; RFC 5681, 3.1): everything unacknowledged is lost until F-RTO knows better.
void TcpSocket::enter_loss(Entry& entry) {
  const bool is_new = congestion_.loss_state < LossState::Recovery;
  const SendRecord* head = send_queue_.sent.front();
  const bool has_reneged = head != nullptr && head->has_any(SendRecord::kSacked);
  if (has_reneged) count(entry, Mib::TcpExtTCPSACKReneging);
  recovery_.has_reneged = recovery_.has_reneged || has_reneged;
  if (!negotiated_.sack) reset_reno_sacks();
  const Duration allowance = Duration::micros(recovery_.rack.rtt_micros);
  for (SendRecord& record : send_queue_.sent) {
    if (has_reneged && record.has_any(SendRecord::kSacked)) {
      record.marks &= static_cast<uint8_t>(~SendRecord::kSacked);
      recovery_.sacked -= record.segments;
    }
    // RFC 8985, 6.3: what was sent only just now is not lost because the head timed out.
    if (&record != head && negotiated_.sack && !has_reneged && record.sent_at + allowance > entry.now()) continue;
    mark_lost(entry, record);
  }
  send_queue_.retransmit_hint = nullptr;
  // Once for what is in flight.
  if (congestion_.loss_state <= LossState::Disorder || !recovery_.high_seq.is_after(snd_.una) ||
      (congestion_.loss_state == LossState::Loss && recovery_.retransmits == 0)) {
    recovery_.prior_ssthresh = current_threshold();
    congestion_.prior_cwnd = congestion_.cwnd;
    congestion_.ssthresh = congestion_.algorithm->threshold(congestion_);
    if (congestion_.algorithm->on_event != nullptr)
      congestion_.algorithm->on_event(congestion_, congestion_facts(entry.now()), CongestionEvent::Timeout);
    start_undo();
  }
  congestion_.cwnd = recovery_.in_flight() + 1;
  congestion_.cwnd_count = 0;
  recovery_.window_used_at = entry.now();
  const auto usual = static_cast<uint32_t>(stack().tunables().values().tcp_reordering);
  if (congestion_.loss_state <= LossState::Disorder && recovery_.sacked >= usual)
    recovery_.reordering = std::min(recovery_.reordering, usual);
  set_loss_state(entry, LossState::Loss);
  recovery_.high_seq = snd_.nxt;
  recovery_.probe_in_flight = false;
  ecn_cwr_pending_ = negotiated_.ecn;
  recovery_.frto = stack().tunables().values().tcp_frto != 0 && (is_new || recovery_.retransmits != 0) &&
                   (mtu_search() == nullptr || mtu_search()->probe == 0);
}

// RFC 5682 (F-RTO) and conventional recovery after a timeout.
void TcpSocket::process_loss_state(Entry& entry, AckEffects& effects, Resend& resend) {
  const bool is_recovered = !snd_.una.is_before(recovery_.high_seq);
  if ((effects.una_advanced || fast_open_request() != nullptr) && undo_loss(entry, false)) return;
  if (recovery_.frto) {
    // Step 3.b: data that was never retransmitted arrives, so the original flight was not lost.
    if (effects.original_sacked && undo_loss(entry, true)) return;
    if (snd_.nxt.is_after(recovery_.high_seq)) {
      if (effects.data_sacked || effects.duplicate_acks != 0) recovery_.frto = false;  // step 3.a: the loss was real
    } else if (effects.una_advanced && !is_recovered) {
      recovery_.high_seq = snd_.nxt;
      // Step 2.b: new data, whose acknowledgment will tell.
      if (!send_queue_.unsent.is_empty() && snd_.window_end().is_after(snd_.nxt)) {
        resend = Resend::NewDataOnly;
        return;
      }
      recovery_.frto = false;
    }
  }
  if (is_recovered) {
    undo_recovery(entry);
    return;
  }
  if (!negotiated_.sack) {
    if (snd_.nxt.is_after(recovery_.high_seq) && effects.duplicate_acks != 0) {
      add_reno_sack(entry, effects);
    } else if (effects.una_advanced) {
      reset_reno_sacks();
    }
  }
  resend = Resend::Lost;
}

// An acknowledgment that is a duplicate, an alert, or comes while something is wrong.
void TcpSocket::react(Entry& entry, AckEffects& effects, Resend& resend) {
  if (recovery_.out == 0) recovery_.sacked = 0;
  if (effects.ece) recovery_.prior_ssthresh = 0;
  if (effects.reneged && effects.una_advanced) {
    check_reneging(entry, effects);
    return;
  }
  if (leave_state(entry)) return;
  switch (congestion_.loss_state) {
    case LossState::Recovery:
      if (!effects.una_advanced) {
        add_reno_sack(entry, effects);
      } else if (undo_partial(entry, effects)) {
        return;
      }
      if (undo_dsack(entry)) try_to_open(entry, effects);
      identify_losses(entry, effects);
      if (congestion_.loss_state != LossState::Recovery) {
        if (recovery_.lost == 0) return;
        enter_recovery(entry, effects.ece);  // it was reordering, and now it is a loss
      }
      break;
    case LossState::Loss:
      process_loss_state(entry, effects, resend);
      if (congestion_.loss_state != LossState::Loss) statistics_.end_timeouts(entry.now());
      identify_losses(entry, effects);
      if (congestion_.loss_state != LossState::Open && !effects.lost_retransmission) return;
      [[fallthrough]];  // the window was restored, or what was sent again is lost too
    default:
      if (!negotiated_.sack) {
        if (effects.una_advanced) reset_reno_sacks();
        add_reno_sack(entry, effects);
      }
      if (congestion_.loss_state <= LossState::Disorder) static_cast<void>(undo_dsack(entry));
      identify_losses(entry, effects);
      if (recovery_.lost == 0) return try_to_open(entry, effects);
      if (note_mtu_probe_lost(entry)) return;
      enter_recovery(entry, effects.ece);
  }
  resend = Resend::Lost;
}

// What high_seq's acknowledgment ends. True: the episode is over and nothing more is to be done.
bool TcpSocket::leave_state(Entry& entry) {
  if (congestion_.loss_state == LossState::Open) {
    recovery_.first_retransmit_at = InstantInMillis();
    return false;
  }
  if (snd_.una.is_before(recovery_.high_seq)) return false;
  if (congestion_.loss_state == LossState::Cwr && snd_.una != recovery_.high_seq) {
    end_window_reduction(entry);
    set_loss_state(entry, LossState::Open);
  } else if (congestion_.loss_state == LossState::Recovery) {
    reset_reno_sacks();
    if (undo_recovery(entry)) return true;
    end_window_reduction(entry);
    set_loss_state(entry, LossState::Open);
  }
  return false;
}

void TcpSocket::try_to_open(Entry& entry, const AckEffects& effects) {
  forget_retransmit_time();
  if (effects.ece) enter_cwr(entry);
  if (congestion_.loss_state != LossState::Cwr) keep_open(entry);
}

}  // namespace lxnet
