// The retransmission timer (RFC 6298, 5.4 to 5.7), when to give up (RFC 9293 3.8.3, RFC 5482), and zero-window probes (3.8.6.1).
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

namespace {

// How long `retries` retransmissions take from a first timeout: what R1 and R2 mean in time (Linux's tcp_model_timeout).
Duration time_of_retries(uint32_t retries, Duration first, Duration most) {
  Duration total, step = first;
  for (uint32_t i = 0; i <= retries; ++i) {
    total = total + step;
    step = std::min(step * 2, most);
  }
  return total;
}

// What is sent again, or a probe, is due no later than the user's limit, which counts from the first
// (tcp_clamp_rto_to_user_timeout, tcp_clamp_probe0_to_user_timeout).
Duration until_limit(Duration delay, Duration limit, InstantInMillis first, Instant now) {
  if (limit == Duration() || first.is_none()) return delay;
  return std::min(delay, std::max(limit - first.age(now), Duration::millis(2)));
}

}  // namespace

bool TcpSocket::has_retried_for(Entry& entry, uint32_t retries) const {
  if (recovery_.retransmits == 0 || recovery_.first_retransmit_at.is_none()) return false;
  return recovery_.first_retransmit_at.age(entry.now()) >= time_of_retries(retries, rtt_.min_rto(), tcp_options->max_rto);
}

// The peer has taken its window back from what is in flight: what is sent again probes it, which says nothing of the path
// (tcp_retransmit_timer).
bool TcpSocket::has_lost_window() const { return snd_.wnd == 0 && !is_orphan_ && !in(TcpState::SynSent | TcpState::SynReceived); }

// R2 of RFC 1122, 4.2.3.5, or the user's own limit.
bool TcpSocket::has_timed_out(Entry& entry) const {
  const TunableValues& tunables = stack().tunables().values();
  if (has_lost_window()) {
    // Who answers with a closed window is there; the user's limit is of progress.
    const InstantInMillis since = recovery_.first_retransmit_at;
    const Duration elapsed = since.is_none() ? Duration() : since.age(entry.now());
    if (tcp_options->user_timeout != Duration() && elapsed > tcp_options->user_timeout.get()) return true;
    const Duration most = tcp_options->max_rto.get() * 2;
    return rcv_.last_segment_at.age(entry.now()) > most && elapsed > most;
  }
  if (in(TcpState::SynSent | TcpState::SynReceived)) {
    const uint32_t retries =
        tcp_options->syn_count != 0 ? tcp_options->syn_count : static_cast<uint32_t>(tunables.tcp_syn_retries);
    // Those a second apart come on top, but not on top of the time that the others would have taken.
    const uint32_t limit = retries + (in(TcpState::SynSent) ? static_cast<uint32_t>(tunables.tcp_syn_linear_timeouts) : 0);
    if (recovery_.retransmits >= limit) return true;
    if (recovery_.retransmits == 0) return false;
    const Duration most = tcp_options->user_timeout != Duration()
                              ? tcp_options->user_timeout.get()
                              : time_of_retries(retries, RttEstimator::kInitialRto, tcp_options->max_rto);
    return first_syn_at_.age(entry.now()) >= most;
  }
  if (recovery_.retransmits == 0 || recovery_.first_retransmit_at.is_none()) return false;
  const Duration elapsed = recovery_.first_retransmit_at.age(entry.now());
  uint32_t limit = static_cast<uint32_t>(tunables.tcp_retries2);
  if (is_orphan_) {
    const bool is_alive = current_rto() < tcp_options->max_rto;
    limit = static_cast<uint32_t>(tunables.tcp_orphan_retries);
    if (limit == 0 && is_alive) limit = 8;
    if (soft_error_ != Errno{} && !is_alive) limit = 0;
  }
  if (tcp_options->user_timeout != Duration()) return elapsed >= tcp_options->user_timeout;
  return has_retried_for(entry, limit);
}

// The first of a row: what went on before it, and has failed.
void TcpSocket::count_timeout(Entry& entry) {
  if (recovery_.retransmits != 0) return;
  const bool has_sack = negotiated_.sack;
  if (congestion_.loss_state == LossState::Recovery) {
    count(entry, has_sack ? Mib::TcpExtTCPSackRecoveryFail : Mib::TcpExtTCPRenoRecoveryFail);
  } else if (congestion_.loss_state == LossState::Loss) {
    count(entry, Mib::TcpExtTCPLossFailures);
  } else if (congestion_.loss_state == LossState::Disorder || recovery_.sacked != 0) {
    count(entry, has_sack ? Mib::TcpExtTCPSackFailures : Mib::TcpExtTCPRenoFailures);
  }
}

void TcpSocket::count_retransmission(Entry& entry) {
  if (recovery_.retransmits == 0) {
    ++statistics_.total_rto_recoveries;
    statistics_.rto_started = entry.now();
  }
  ++statistics_.total_rto;
  ++recovery_.retransmits;
}

void TcpSocket::time_out(Entry& entry) {
  // Nothing else is sent again before the SYN,ACK is answered.
  if (fast_open_request() != nullptr) return repeat_fast_syn_ack(entry);
  SendRecord* head = send_queue_.sent.front();
  if (head == nullptr || recovery_.out == 0) return;
  if (is_orphan_ && !in(TcpState::SynSent | TcpState::SynReceived)) {
    const bool is_alive = rtt_.rto() < tcp_options->max_rto;
    if (give_up_for_resources(entry, is_alive || !has_timed_out(entry))) return;
  }
  const bool is_probe = has_lost_window();
  if (!is_probe) {
    count(entry, Mib::TcpExtTCPTimeouts);
    detect_black_hole(entry);
  }
  const bool is_over = has_timed_out(entry);
  note_fast_open_timeout(entry, is_over);
  if (is_over) {
    count(entry, Mib::TcpExtTCPAbortOnTimeout);
    return abort_with(entry, soft_error_ != Errno{} ? soft_error_ : Errno::ETIMEDOUT);
  }
  if (!is_probe) try_another_path(entry);
  if (!is_probe) count_timeout(entry);
  enter_loss(entry);
  if (!is_probe) count_retransmission(entry);
  if (!retransmit_record(entry, *head, 1) && !is_probe) {
    // The host itself is short of something; that is no sign of the path.
    arm_probe_timer(entry, ProbeTimer::Retransmit, Duration::millis(500));
    return;
  }
  const bool is_linear = in(TcpState::SynSent) && recovery_.retransmits <= stack().tunables().values().tcp_syn_linear_timeouts;
  const bool is_thin = (tcp_options->thin_linear_timeouts || stack().tunables().values().tcp_thin_linear_timeouts != 0) &&
                       in(TcpState::Established) && recovery_.out < 4 && recovery_.retransmits <= 6;
  if (is_thin) {
    recovery_.backoff = recovery_.doublings = 0;
  } else if (!is_linear && recovery_.backoff < 32) {
    ++recovery_.backoff;
    recovery_.doublings = static_cast<uint8_t>(std::min(recovery_.doublings + 1, 32));
  }
  const InstantInMillis since = in(TcpState::SynSent | TcpState::SynReceived) ? first_syn_at_ : recovery_.first_retransmit_at;
  arm_probe_timer(entry, ProbeTimer::Retransmit, until_limit(current_rto(), tcp_options->user_timeout, since, entry.now()));
}

// Never zero, which is Linux's for none.
void TcpSocket::draw_transmit_hash() { transmit_hash_ = std::max(stack().hal().random<uint32_t>(), 1u); }

// SO_TXREHASH: networks that spread flows over several paths choose by what a flow looks like, so that looking otherwise may lead
// around the one that fails.
void TcpSocket::try_another_path(Entry& entry) {
  if (!options.transmit_rehash) return;
  draw_transmit_hash();
  ++statistics_.timeout_rehashes;
  count(entry, Mib::TcpExtTcpTimeoutRehash);
}

// The peer's window is closed and nothing in flight will reopen it.
void TcpSocket::probe_zero_window(Entry& entry) {
  if (recovery_.out != 0 || send_queue_.unsent.is_empty()) {
    recovery_.probes_out = 0;
    recovery_.probe_start = InstantInMillis();
    return;
  }
  const TunableValues& tunables = stack().tunables().values();
  auto limit = static_cast<uint32_t>(tunables.tcp_retries2);
  bool is_dead = false;
  // The user's limit is of progress: that the peer answers probes is none.
  if (recovery_.probe_start.is_none()) {
    recovery_.probe_start = entry.now();
  } else {
    is_dead = tcp_options->user_timeout != Duration() && recovery_.probe_start.age(entry.now()) >= tcp_options->user_timeout;
  }
  if (is_orphan_) {
    const bool is_alive = backed_off(std::max(current_rto(), rtt_.min_rto()), recovery_.backoff) < tcp_options->max_rto;
    limit = tunables.tcp_orphan_retries != 0 ? static_cast<uint32_t>(tunables.tcp_orphan_retries) : is_alive ? 8u : 0u;
  }
  is_dead = is_dead || recovery_.probes_out >= limit;
  if (is_dead) return abort_with(entry, soft_error_ != Errno{} ? soft_error_ : Errno::ETIMEDOUT);
  if (give_up_for_resources(entry, true)) return;
  send_window_probe(entry);
}

// Sends what fits if the window did open; else an old sequence number, which the peer must answer with its window (Linux; the
// RFC's one byte of new data would have to be kept by a peer without room).
void TcpSocket::send_window_probe(Entry& entry) {
  SendRecord* next = send_queue_.unsent.front();
  const uint32_t room = snd_.window_end().is_after(next->seq) ? snd_.window_end().bytes_since(next->seq) : 0;
  bool was_sent = false;
  if (room != 0) {
    const uint32_t mss = current_mss();
    if (next->size > std::min(room, mss)) static_cast<void>(send_queue_.split(*next, std::min(room, mss)));
    next->flags |= kTcpPsh;
    // Nagle does not know of what a probe sends (tcp_write_wakeup).
    const SeqNum small_end = snd_.small_end;
    was_sent = send_record(entry, *next, mss);
    snd_.small_end = small_end;
  } else {
    count(entry, Mib::TcpExtTCPWinProbe);
    // What is urgent is told from where it counts too (tcp_write_wakeup).
    if (snd_.is_urgent() && snd_.up.bytes_since(snd_.una) < 0xffff)
      static_cast<void>(transmit(entry, {.seq = snd_.una, .flags = kTcpAck, .is_probe = true}));
    was_sent = transmit(entry, {.seq = snd_.una - 1, .flags = kTcpAck, .is_probe = true});
  }
  if (recovery_.out != 0 || send_queue_.unsent.is_empty()) {
    recovery_.probes_out = 0;
    recovery_.backoff = 0;
    recovery_.probe_start = InstantInMillis();
    return;
  }
  ++recovery_.probes_out;
  Duration delay = Duration::millis(500);
  if (was_sent) {
    if (recovery_.backoff < static_cast<uint8_t>(stack().tunables().values().tcp_retries2)) ++recovery_.backoff;
    delay = backed_off(std::max(current_rto(), rtt_.min_rto()), recovery_.backoff);
  }
  arm_probe_timer(entry, ProbeTimer::ZeroWindow,
                  until_limit(delay, tcp_options->user_timeout, recovery_.probe_start, entry.now()));
}

// After an acknowledgment with nothing in flight: the window is open, or it stays to be probed.
void TcpSocket::check_probe_timer(Entry& entry) {
  const SendRecord* next = send_queue_.unsent.front();
  if (next == nullptr) return;
  const SeqNum first_end = next->seq + std::min<uint32_t>(next->length(), std::max<uint32_t>(snd_.mss, 1));
  if (!first_end.is_after(snd_.window_end())) {
    recovery_.backoff = 0;
    recovery_.probe_start = InstantInMillis();
    if (probe_timer_kind_ == ProbeTimer::ZeroWindow) cancel(Deadlines::Kind::Probe);
  } else {
    const Duration delay = backed_off(std::max(current_rto(), rtt_.min_rto()), recovery_.backoff);
    arm_probe_timer(entry, ProbeTimer::ZeroWindow,
                    until_limit(delay, tcp_options->user_timeout, recovery_.probe_start, entry.now()));
  }
}

}  // namespace lxnet
