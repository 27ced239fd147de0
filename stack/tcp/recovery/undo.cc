// Taking a reduction back that turns out to have been spurious: by DSACK (RFC 3708), by timestamps (Eifel, RFC 3522), by F-RTO.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

// Every retransmission was reported as a duplicate, or the acknowledgment echoes a time before the first of them.
bool TcpSocket::may_undo() const {
  if (!recovery_.may_undo) return false;
  if (recovery_.undo_retransmits == 0) return true;
  return was_delayed();
}

// tcp_packet_delayed(): the original came, later than expected.
bool TcpSocket::was_delayed() const {
  if (!recovery_.first_retransmit_at.is_none()) return echoes_before(recovery_.first_retransmit_at);
  // Of a SYN it is forgotten with its acknowledgment.
  if (in(TcpState::SynSent)) return false;
  // Nothing was sent again yet. Without SACK the time is forgotten sooner than the episode.
  return negotiated_.sack || snd_.una.is_before(recovery_.high_seq);
}

// The acknowledgment is of something that had been sent before that.
bool TcpSocket::echoes_before(InstantInMillis when) const {
  return negotiated_.timestamps && rcv_.ts_echo != 0 && static_cast<int32_t>(rcv_.ts_echo - timestamp_at(when)) < 0;
}

void TcpSocket::undo_window(Entry& entry, UnmarkLost unmark) {
  if (unmark == UnmarkLost::Yes) {
    for (SendRecord& record : send_queue_.sent) record.marks &= static_cast<uint8_t>(~SendRecord::kLost);
    recovery_.lost = 0;
    send_queue_.retransmit_hint = nullptr;
  }
  if (recovery_.prior_ssthresh != 0) {
    congestion_.cwnd = congestion_.algorithm->undo != nullptr ? congestion_.algorithm->undo(congestion_)
                                                              : std::max(congestion_.cwnd, congestion_.prior_cwnd);
    if (recovery_.prior_ssthresh > congestion_.ssthresh) {
      congestion_.ssthresh = recovery_.prior_ssthresh;
      ecn_cwr_pending_ = false;
    }
  }
  recovery_.window_used_at = entry.now();
  recovery_.may_undo = false;
  recovery_.rack.has_advanced = true;  // the records that lost their mark are looked at again
}

// Everything of the episode is acknowledged. True: without SACK the state is held one acknowledgment longer, against false fast
// retransmits (RFC 6582, 6).
bool TcpSocket::undo_recovery(Entry& entry) {
  if (may_undo()) {
    count(entry, congestion_.loss_state == LossState::Loss ? Mib::TcpExtTCPLossUndo : Mib::TcpExtTCPFullUndo);
    undo_window(entry, UnmarkLost::No);
  } else if (recovery_.rack.window_persist != 0) {
    --recovery_.rack.window_persist;
  }
  if (snd_.una == recovery_.high_seq && !negotiated_.sack) {
    forget_retransmit_time();
    return true;
  }
  set_loss_state(entry, LossState::Open);
  recovery_.has_reneged = false;
  return false;
}

bool TcpSocket::undo_dsack(Entry& entry) {
  if (!recovery_.may_undo || recovery_.undo_retransmits != 0) return false;
  recovery_.rack.window_persist = static_cast<uint8_t>(std::min(16, recovery_.rack.window_persist + 1));
  undo_window(entry, UnmarkLost::No);
  count(entry, Mib::TcpExtTCPDSACKUndo);
  return true;
}

bool TcpSocket::undo_loss(Entry& entry, bool is_frto) {
  if (!is_frto && !may_undo()) return false;
  undo_window(entry, UnmarkLost::Yes);
  count(entry, Mib::TcpExtTCPLossUndo);
  if (is_frto) count(entry, Mib::TcpExtTCPSpuriousRTOs);
  recovery_.retransmits = 0;
  if (snd_.una == recovery_.high_seq && !negotiated_.sack) {
    forget_retransmit_time();
    return true;
  }
  if (is_frto || negotiated_.sack) {
    set_loss_state(entry, LossState::Open);
    recovery_.has_reneged = false;
  }
  return true;
}

// A partial acknowledgment of an original: what was taken as lost was late. True: retransmissions in flight must drain first.
bool TcpSocket::undo_partial(Entry& entry, AckEffects& effects) {
  if (!recovery_.may_undo || !was_delayed()) return false;
  note_reordering(entry, effects.prior_una, ReorderingBy::Timestamp);
  if (recovery_.retransmitted != 0) return true;
  forget_retransmit_time();
  undo_window(entry, UnmarkLost::Yes);
  count(entry, Mib::TcpExtTCPPartialUndo);
  keep_open(entry);
  return false;
}

}  // namespace lxnet
