// What a connection does when one of its deadlines has come. A timer that finds the socket owned leaves a bit to the owner.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

const TimerOwner TcpSocket::kTimerOwner = lxnet::kTimerOwner<TcpSocket, &TcpSocket::timer_>;

void TcpSocket::on_timer(Entry& entry, Timer& timer) {
  TcpSocket& socket = owner_of<TcpSocket, &TcpSocket::timer_>(timer);
  PacketOwnership ownership(socket.lock_, entry, kDeferredTimer);
  if (ownership.is_owned()) socket.run_deadlines(entry);
}

void TcpSocket::run_deferred(Entry& entry, SocketLock& lock, uint32_t bits) {
  auto& self = owner_of<&TcpSocket::lock_>(lock);
  if ((bits & kDeferredTimer) != 0) self.run_deadlines(entry);
  if ((bits & kDeferredMtu) != 0) self.apply_path_mtu(entry);
}

void TcpSocket::run_deadlines(Entry& entry) {
  static_cast<void>(timer_.claim());  // it may have been set again since it fired: what has come is asked of the deadlines
  const Instant now = entry.now();
  if (deadlines_.take(Deadlines::Kind::Probe, now)) run_retransmit_timer(entry);
  if (deadlines_.take(Deadlines::Kind::Ack, now)) run_ack_timer(entry);
  if (deadlines_.take(Deadlines::Kind::KeepAlive, now)) run_keep_alive_timer(entry);
  if (deadlines_.take(Deadlines::Kind::Pacing, now)) run_pacing_timer(entry);
  keep_timer_before(deadlines_.earliest());
}

void TcpSocket::keep_timer_before(Instant when) {
  if (when.is_never() || (timer_.is_armed() && timer_.deadline() <= when)) return;
  stack().timers().arm(timer_, when);
}

void TcpSocket::arm(Deadlines::Kind kind, Instant when) {
  deadlines_.set(kind, when);
  keep_timer_before(when);
}

void TcpSocket::arm_probe_timer(Entry& entry, ProbeTimer kind, Duration delay) {
  probe_timer_kind_ = kind;
  arm(Deadlines::Kind::Probe, entry.now() + std::min(delay, tcp_options->max_rto.get()));
}

void TcpSocket::arm_ack_timer(Entry& entry, Duration delay) { arm(Deadlines::Kind::Ack, entry.now() + delay); }

void TcpSocket::arm_keep_alive(Entry& entry, Duration delay) { arm(Deadlines::Kind::KeepAlive, entry.now() + delay); }

void TcpSocket::cancel(Deadlines::Kind kind) {
  if (kind == Deadlines::Kind::Probe) probe_timer_kind_ = ProbeTimer::None;
  deadlines_.clear(kind);
}

void TcpSocket::cancel_timers() {
  probe_timer_kind_ = ProbeTimer::None;
  deadlines_ = Deadlines();
  static_cast<void>(stack().timers().cancel(timer_));
}

Duration TcpSocket::backed_off(Duration base, uint8_t shift) const {
  const Duration most = tcp_options->max_rto;
  Duration delay = base;
  for (uint8_t i = 0; i < shift && delay < most; ++i) delay = delay * 2;
  return std::min(delay, most);
}

void TcpSocket::run_pacing_timer(Entry& entry) {
  if (in(TcpState::Closed | TcpState::Listen | TcpState::SynSent)) return;
  if (recovery_.lost > recovery_.retransmitted) retransmit_lost(entry);
  push_pending(entry, Nagle::Default);
}

void TcpSocket::run_ack_timer(Entry& entry) {
  if (in(TcpState::Closed | TcpState::Listen)) return;
  if (ack_.compressed != 0) {
    --ack_.compressed;  // this one leaves after all
    return send_ack(entry);
  }
  if (!ack_.is_scheduled) return;
  count(entry, Mib::TcpExtDelayedACKs);
  if (!is_interactive()) {
    ack_.ato = std::min(ack_.ato.get() * 2, rtt_.rto());  // the peer was waiting: it needs no sooner one
  } else {
    ack_.pingpong = 0;  // no answer came to carry it
    ack_.ato = Duration::millis(40);
  }
  send_ack(entry);
}

void TcpSocket::run_retransmit_timer(Entry& entry) {
  const ProbeTimer kind = std::exchange(probe_timer_kind_, ProbeTimer::None);
  if (in(TcpState::Closed | TcpState::Listen)) return;
  switch (kind) {
    case ProbeTimer::None:
      return;
    case ProbeTimer::Reordering: {
      const uint32_t before = recovery_.in_flight();
      recovery_.rack.has_advanced = true;
      static_cast<void>(detect_losses(entry));
      if (recovery_.in_flight() != before) {
        if (congestion_.loss_state != LossState::Recovery) {
          enter_recovery(entry, false);
          if (congestion_.algorithm->control == nullptr) reduce_window(1, 0, AckEffects());
        }
        retransmit_lost(entry);
      }
      // What may yet turn out to be late is looked at with the next acknowledgment.
      if (probe_timer_kind_ != ProbeTimer::Retransmit && recovery_.out != 0) {
        const Duration left = send_queue_.sent.front()->sent_at + current_rto() - entry.now();
        arm_probe_timer(entry, ProbeTimer::Retransmit, std::max(left, Duration::millis(1)));
      }
      return;
    }
    case ProbeTimer::LossProbe:
      return send_loss_probe(entry);
    case ProbeTimer::Retransmit:
      return time_out(entry);
    case ProbeTimer::ZeroWindow:
      return probe_zero_window(entry);
  }
}

Duration TcpSocket::keep_alive_delay() const {
  if (tcp_options->keep_idle != Duration::max()) return tcp_options->keep_idle;
  return Duration::seconds(stack().tunables().values().tcp_keepalive_time);
}

void TcpSocket::keep_alive_changed(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (in(TcpState::Closed | TcpState::Listen | TcpState::SynSent)) return;
  if (is_orphan_ && in(TcpState::FinWait2)) return;  // that timer has another duty
  if (options->keep_alive) {
    arm_keep_alive(entry, keep_alive_delay());
  } else {
    cancel(Deadlines::Kind::KeepAlive);
  }
}

// RFC 9293 3.8.4, RFC 1122 4.2.3.6.
void TcpSocket::run_keep_alive_timer(Entry& entry) {
  if (in(TcpState::Closed | TcpState::Listen | TcpState::SynSent)) return;
  if (is_orphan_ && in(TcpState::FinWait2)) return finish(entry);
  if (!options->keep_alive) return;
  const TunableValues& tunables = stack().tunables().values();
  const Duration idle_limit = keep_alive_delay();
  const Duration interval = tcp_options->keep_interval != Duration::max() ? tcp_options->keep_interval.get()
                                                                          : Duration::seconds(tunables.tcp_keepalive_intvl);
  // Data in flight keeps itself alive.
  if (recovery_.out != 0 || !send_queue_.unsent.is_empty()) return arm_keep_alive(entry, idle_limit);
  const Duration idle = rcv_.silence(entry.now());
  if (idle < idle_limit) return arm_keep_alive(entry, idle_limit - idle);
  const auto probes =
      tcp_options->keep_count != 0 ? tcp_options->keep_count : static_cast<uint8_t>(std::min(tunables.tcp_keepalive_probes, 255));
  const bool is_dead = tcp_options->user_timeout != Duration() ? idle >= tcp_options->user_timeout && recovery_.probes_out > 0
                                                               : recovery_.probes_out >= probes;
  if (is_dead) {
    send_reset(entry);
    return abort_with(entry, soft_error_ != Errno{} ? soft_error_ : Errno::ETIMEDOUT);
  }
  count(entry, Mib::TcpExtTCPKeepAlive);
  // One below what the peer expects: it must answer.
  send_ack_with(entry, snd_.una - 1);
  ++recovery_.probes_out;
  arm_keep_alive(entry, interval);
}

}  // namespace lxnet
