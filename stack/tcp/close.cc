// CLOSE, shutdown and disconnect (RFC 9293 3.10.4 and 3.10.5) with the socket semantics of Linux's inet_shutdown, __tcp_close and
// tcp_disconnect.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

Result<> TcpSocket::shutdown(Entry& entry, ShutdownHow how) {
  Result<> result = note_shutdown(entry, how);
  // Across loopback the FIN arrives within the call: the peer's waiters hear of it before our own do. Those are also who waits in
  // accept() on a listener that is none any more, and on a socket that was not connected.
  entry.flush();
  wake_for_state(0);
  return result;
}

Result<> TcpSocket::note_shutdown(Entry& entry, ShutdownHow how) {
  TaskOwnership ownership(lock_, entry);
  const auto bits = static_cast<uint8_t>(how == ShutdownHow::Read    ? kShutdownReceive
                                         : how == ShutdownHow::Write ? kShutdownSend
                                                                     : kShutdownBoth);
  if (phase_ == Phase::Connecting)
    phase_ = in(TcpState::SynSent | TcpState::SynReceived | TcpState::Closed) ? Phase::GivenUp : Phase::Connected;
  switch (state()) {
    case TcpState::Listen:
      if ((bits & kShutdownReceive) == 0) break;
      [[fallthrough]];
    case TcpState::SynSent:
      phase_ = Phase::Unconnected;
      disconnect_owned(entry);
      break;
    default:
      shutdown_ |= bits;
      if (state() == TcpState::Closed) return Errno::ENOTCONN;
      if ((bits & kShutdownSend) != 0 && in(TcpState::Established | TcpState::CloseWait) && send_fin_state(entry)) {
        static_cast<void>(queue_fin(entry));
      }
  }
  return ok();
}

bool TcpSocket::send_fin_state(Entry& entry) {
  switch (state()) {
    case TcpState::SynReceived:
    case TcpState::Established:
      enter(entry, TcpState::FinWait1);
      return true;
    case TcpState::CloseWait:
      enter(entry, TcpState::LastAck);
      return true;
    default:
      return false;
  }
}

// A shutdown() of before the handshake was through, which Linux defers until then: of a child that Fast Open made, of one whose
// listener had been shut down before it listened, and of who sent his SYN to himself.
void TcpSocket::send_early_fin(Entry& entry) {
  if ((shutdown_ & kShutdownSend) != 0 && send_fin_state(entry)) static_cast<void>(queue_fin(entry));
}

void TcpSocket::close(Entry& entry) {
  stack().memberships().leave_all(entry, groups);
  TaskOwnership ownership(lock_, entry);
  close_owned(entry);
}

void TcpSocket::abandon(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (state() == TcpState::Listen) {
    stop_listening(entry);
    enter(entry, TcpState::Closed);
  } else if (state() != TcpState::Closed) {
    finish(entry);
  }
  release_port();
}

// Bytes nobody will read; then a reset tells the peer so (RFC 2525, 2.17).
uint64_t TcpSocket::discard_unread() {
  const uint64_t size = unread();
  receive_queue_.clear();
  receive_charge_ = rcv_.fin_charge = 0;
  return in(TcpState::Listen | TcpState::Closed | TcpState::SynSent) ? 0 : size;
}

void TcpSocket::close_owned(Entry& entry) {
  shutdown_ = kShutdownBoth;
  if (state() == TcpState::Listen) {
    stop_listening(entry);
    enter(entry, TcpState::Closed);
    is_orphan_ = true;
    release_port();
    return;
  }
  const uint64_t unread_bytes = discard_unread();
  if (state() != TcpState::Closed) {
    if (repair_.is_on) {
      is_orphan_ = true;
      disconnect_owned(entry);
      release_port();
      return;
    }
    if (unread_bytes != 0) {
      count(entry, Mib::TcpExtTCPAbortOnClose);
      if (in(TcpState::Established | TcpState::CloseWait)) count(entry, Mib::TcpEstabResets);
      send_reset(entry);
      is_orphan_ = true;
      finish(entry);
      return;
    }
    if (options->linger_on && options->linger == Duration()) {
      count(entry, Mib::TcpExtTCPAbortOnData);
      is_orphan_ = true;
      disconnect_owned(entry);
      return;
    }
    if (state() == TcpState::SynSent) {
      is_orphan_ = true;
      finish(entry);
      return;
    }
    if (send_fin_state(entry)) static_cast<void>(queue_fin(entry));
  }
  is_orphan_ = true;
  if (state() == TcpState::Closed) {
    release_port();
  } else {
    settle_orphan(entry);
    become_orphan(entry);
  }
}

// Without a user FIN-WAIT-2 does not last (Linux's tcp_fin_timeout and TCP_LINGER2).
void TcpSocket::settle_orphan(Entry& entry) {
  if (!in(TcpState::FinWait2)) return;
  if (tcp_options->linger2 < 0) {
    count(entry, Mib::TcpExtTCPAbortOnLinger);
    send_reset(entry);
    finish(entry);
    return;
  }
  const int32_t tunable = stack().tunables().values().tcp_fin_timeout;
  const int32_t seconds = tcp_options->linger2 != 0 ? tcp_options->linger2 : tunable;
  tell_peer_metrics(entry);
  out_of_order_.clear();
  sack_count_ = 0;
  out_of_window_answered_at_ = InstantInMillis();  // what Linux keeps of it counts for itself
  const Duration rto = current_rto();
  arm_keep_alive(entry, std::max(Duration::seconds(seconds), rto * 4 - rto / 2));
}

// Linux's tcp_disconnect(): the socket is as new, but what bind() chose stays.
void TcpSocket::disconnect_owned(Entry& entry) {
  end_connection(entry);
  // tcp_disconnect() tells whoever watches, error or none.
  if (!is_orphan_) wake_for_state(kPollError);
}

void TcpSocket::end_connection(Entry& entry) {
  const TcpState old = state();
  constexpr TcpStates kNeedsReset =
      TcpState::Established | TcpState::CloseWait | TcpState::FinWait1 | TcpState::FinWait2 | TcpState::SynReceived;
  if (old == TcpState::Listen) {
    stop_listening(entry);
    enter(entry, TcpState::Closed);
    leave_tables();
  } else if (old != TcpState::Closed) {
    const bool has_unsent = snd_.nxt != snd_.end && in(TcpState::Closing | TcpState::LastAck);
    if (repair_.is_on) {
      if (!is_orphan_) replace_error(Errno::ECONNABORTED);
    } else if (kNeedsReset.contain(old) || has_unsent) {
      send_reset(entry);
      if (!is_orphan_) replace_error(Errno::ECONNRESET);
    } else if (old == TcpState::SynSent && !is_orphan_) {
      replace_error(Errno::ECONNRESET);
    }
    finish_untold(entry);
  } else if (repair_.is_on && !is_orphan_) {
    replace_error(Errno::ECONNABORTED);
  }
  // tcp_disconnect() of what is closed already leaves it its port.
  if (old != TcpState::Closed && !is_bound_port_) release_port();
  reset_connection_state();
}

void TcpSocket::reset_connection_state() {
  receive_queue_.clear();
  receive_charge_ = 0;
  shutdown_ = 0;
  saw_fin_ = false;
  set_remote(nobody());
  if (TcpSocketOptions* own = tcp_options.own()) own->window_clamp = 0;  // who has one has options of its own
  if (!is_bound_address_) set_local(IpAddress::any(family()));
  const uint16_t mss = snd_.mss;  // what TCP_MAXSEG tells stays
  // tcp_disconnect() moves write_seq out of the old window and leaves the rest where it was; SIOCOUTQ and SIOCOUTQNSD show it.
  const uint32_t max_wnd = snd_.max_wnd, in_flight = snd_.nxt.bytes_since(snd_.una);
  const uint32_t gap = snd_.disconnect_gap + snd_.end.bytes_since(snd_.nxt) + max_wnd + 2;
  snd_ = SendState();
  snd_.disconnect_gap = gap;
  snd_.mss = mss;
  snd_.max_wnd = max_wnd;
  snd_.nxt = snd_.end = snd_.una + in_flight;
  rcv_ = ReceiveState();
  urgent_ = UrgentState();
  ack_ = AckState();
  autotune_ = ReceiveAutotune();
  recovery_ = RecoveryState();
  sack_count_ = 0;
  has_dsack_ = ecn_echo_ = ecn_cwr_pending_ = false;
  soft_error_ = Errno{};
  route_ = Route();
  fast_open_ = FastOpenState();
  rtt_.reset();
}

bool TcpSocket::has_finished_sending() const {
  return !(TcpState::FinWait1 | TcpState::Closing | TcpState::LastAck).contain(state());
}

}  // namespace lxnet
