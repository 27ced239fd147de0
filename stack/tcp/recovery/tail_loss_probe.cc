// Tail loss probe (RFC 8985, section 7): when acknowledgments stop before the flight ends, one segment two round trips later
// draws the SACK that lets RACK find the loss, long before the retransmission timer would.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

// TLP_calc_PTO(). False: no probe may be sent, and the retransmission timer is to run.
bool TcpSocket::schedule_loss_probe(Entry& entry, TimeoutFrom from) {
  if (recovery_.out == 0 || !negotiated_.sack || congestion_.loss_state > LossState::Cwr ||
      congestion_.loss_state == LossState::Disorder || in(TcpState::SynSent) || fast_open_request() != nullptr) {
    return false;
  }
  const int32_t mode = stack().tunables().values().tcp_early_retrans;
  if (mode != 3 && mode != 4) return false;
  Duration delay = Duration::seconds(1);
  if (rtt_.has_sample()) {
    delay = Duration::micros(2 * int64_t{rtt_.srtt_micros()});
    // A lone segment's acknowledgment may be delayed.
    delay = delay + (recovery_.out == 1 ? rtt_.min_rto() : Duration::millis(2));
  }
  const SendRecord* head = send_queue_.sent.front();
  const Duration rto = current_rto();
  const Duration until_rto = head == nullptr || from == TimeoutFrom::Now ? rto : head->sent_at + rto - entry.now();
  if (until_rto > Duration()) delay = std::min(delay, until_rto);
  arm_probe_timer(entry, ProbeTimer::LossProbe, delay);
  return true;
}

// TLP_send_probe(): new data if there is any and the window allows it, else the last segment again.
void TcpSocket::send_loss_probe(Entry& entry) {
  SendRecord* tail = send_queue_.sent.back();
  bool was_sent = false;
  if (!recovery_.probe_in_flight && tail != nullptr) {
    const uint32_t before = recovery_.out;
    if (const SendRecord* fresh = send_queue_.unsent.front();
        fresh != nullptr && !(fresh->seq + std::min<uint32_t>(fresh->length(), snd_.mss)).is_after(snd_.window_end())) {
      const uint32_t cwnd = congestion_.cwnd;
      const uint32_t forced = std::max(cwnd, recovery_.in_flight() + 1);
      congestion_.cwnd = forced;
      write_pending(entry, Nagle::Push, 1);
      // A window that is wide enough may have been given back in part, as with any segment.
      if (forced != cwnd) congestion_.cwnd = cwnd;
      was_sent = recovery_.out > before;
      recovery_.probe_retransmitted = false;
    } else {
      // By what a segment holds now: SACK blocks may leave less room than there was.
      if (const uint32_t mss = current_mss(); tail->segments > 1 && tail->size > (tail->segments - 1u) * mss) {
        const uint16_t total = tail->segments;
        if (send_queue_.split(*tail, (total - 1u) * mss)) {
          tail->segments = static_cast<uint16_t>(total - 1);
          tail = send_queue_.sent.back();
          tail->segments = 1;
        }
      }
      was_sent = send_record_again(entry, *tail, 1);
      if (was_sent) recovery_.probe_retransmitted = true;
    }
    if (was_sent) {
      recovery_.probe_in_flight = true;
      recovery_.probe_end = snd_.nxt;
      count(entry, Mib::TcpExtTCPLossProbes);
    }
  }
  if (recovery_.out != 0) {
    // From now after a probe, from the head's transmission without one.
    const SendRecord* head = send_queue_.sent.front();
    Duration delay = current_rto();
    if (!was_sent && head != nullptr) delay = std::max(head->sent_at + delay - entry.now(), Duration::millis(1));
    arm_probe_timer(entry, ProbeTimer::Retransmit, delay);
  }
}

// TLP_process_ack(): an acknowledgment past a retransmitted probe without a DSACK means that the probe repaired a loss, which the
// congestion window must pay for.
void TcpSocket::process_loss_probe_ack(Entry& entry, const AckEffects& effects, SeqNum ack) {
  if (ack.is_before(recovery_.probe_end)) return;
  if (!recovery_.probe_retransmitted || effects.dsack_of_probe) {
    recovery_.probe_in_flight = false;
  } else if (ack.is_after(recovery_.probe_end)) {
    recovery_.probe_in_flight = false;
    start_window_reduction();
    set_loss_state(entry, LossState::Cwr);
    end_window_reduction(entry);
    keep_open(entry);
    count(entry, Mib::TcpExtTCPLossProbeRecovery);
  } else if (!effects.una_advanced && !effects.has_data && !effects.window_updated && !effects.data_sacked) {
    recovery_.probe_in_flight = false;  // both copies arrived
  }
}

}  // namespace lxnet
