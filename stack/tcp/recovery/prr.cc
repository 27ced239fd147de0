// Proportional rate reduction (RFC 6937): during recovery the window follows deliveries down to ssthresh, without silence or
// bursts.
#include <algorithm>

#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

void TcpSocket::start_window_reduction() {
  recovery_.high_seq = snd_.nxt;
  recovery_.probe_in_flight = false;
  congestion_.cwnd_count = 0;
  congestion_.prior_cwnd = congestion_.cwnd;
  recovery_.prr_delivered = recovery_.prr_out = 0;
  congestion_.ssthresh = congestion_.algorithm->threshold(congestion_);
  ecn_cwr_pending_ = negotiated_.ecn;
}

void TcpSocket::reduce_window(uint32_t newly_delivered, uint32_t newly_lost, const AckEffects& effects) {
  if (newly_delivered == 0 || congestion_.prior_cwnd == 0) return;
  recovery_.prr_delivered += newly_delivered;
  const int64_t in_flight = recovery_.in_flight();
  const int64_t room = int64_t{congestion_.ssthresh} - in_flight;
  int64_t send = 0;
  if (room < 0) {
    const uint64_t share = uint64_t{congestion_.ssthresh} * recovery_.prr_delivered + congestion_.prior_cwnd - 1;
    send = static_cast<int64_t>(share / congestion_.prior_cwnd) - recovery_.prr_out;
  } else {
    send = std::max<int64_t>(int64_t{recovery_.prr_delivered} - recovery_.prr_out, newly_delivered);
    // Slow-start reduction bound where the recovery makes progress, conservative bound where it does not.
    if (effects.una_advanced && newly_lost == 0) ++send;
    send = std::min(send, room);
  }
  // The first retransmission goes out at once.
  send = std::max<int64_t>(send, recovery_.prr_out == 0 ? 1 : 0);
  congestion_.cwnd = static_cast<uint32_t>(in_flight + send);
}

void TcpSocket::end_window_reduction(Entry& entry) {
  if (congestion_.algorithm->control != nullptr) return;
  if (congestion_.ssthresh < CongestionState::kNoThreshold && (congestion_.loss_state == LossState::Cwr || recovery_.may_undo)) {
    congestion_.cwnd = congestion_.ssthresh;
    recovery_.window_used_at = entry.now();
  }
  if (congestion_.algorithm->on_event != nullptr)
    congestion_.algorithm->on_event(congestion_, congestion_facts(entry.now()), CongestionEvent::CwrComplete);
}

void TcpSocket::control_congestion(Entry& entry, const AckEffects& effects, RateSample& sample) {
  if (!congestion_.is_started) return;
  if (congestion_.algorithm->control != nullptr) {
    const int64_t wait = is_paced(entry.now()) ? (pacing_until_ - entry.now()).in_micros() : 0;
    sample.pacing_wait_micros = static_cast<uint32_t>(std::min<int64_t>(wait, UINT32_MAX));
    congestion_.algorithm->control(congestion_, congestion_facts(entry.now()), sample);
    return;
  }
  if (congestion_.loss_state == LossState::Cwr || congestion_.loss_state == LossState::Recovery) {
    reduce_window(sample.newly_delivered, sample.losses, effects);
    return update_pacing_rate();
  }
  // With much reordering, SACKs are progress too; otherwise only what was acknowledged.
  const bool is_progress =
      effects.data_acked ||
      (recovery_.reordering > static_cast<uint32_t>(stack().tunables().values().tcp_reordering) && effects.data_sacked);
  if (is_progress) {
    if (sample.newly_delivered != 0)
      congestion_.algorithm->on_ack(congestion_, congestion_facts(entry.now()), sample.newly_delivered);
    recovery_.window_used_at = entry.now();
  }
  update_pacing_rate();
}

// What TCP_INFO shows, and what SO_MAX_PACING_RATE cuts: twice the window a round trip in slow start, 1.2 times after (Linux's
// tcp_pacing_ss_ratio and tcp_pacing_ca_ratio).
void TcpSocket::update_pacing_rate() {
  const TunableValues& tunables = stack().tunables().values();
  const auto percent = static_cast<uint64_t>(congestion_.cwnd < congestion_.ssthresh / 2 ? tunables.tcp_pacing_ss_ratio
                                                                                         : tunables.tcp_pacing_ca_ratio);
  const uint64_t window = std::max(congestion_.cwnd, recovery_.out);
  congestion_.pacing_rate = uint64_t{snd_.mss} * window * percent * 80'000 / std::max(rtt_.srtt_micros_times_8(), 1u);
}

}  // namespace lxnet
