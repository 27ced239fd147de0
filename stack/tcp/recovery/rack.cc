// RACK (RFC 8985, sections 6 and 7): a record sent before one that was delivered, by more than a reordering window, is lost.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

// Of net.ipv4.tcp_recovery.
constexpr int32_t kStaticWindow = 2, kNoDuplicateThreshold = 4;

constexpr uint8_t kRecoveryThreshold = 16;  // RFC 8985, 6.2 step 4: RACK.reo_wnd_persist

// RACK_sent_after(): ties of time are decided by sequence.
bool is_sent_after(Instant time_a, SeqNum end_a, Instant time_b, SeqNum end_b) {
  return time_a > time_b || (time_a == time_b && end_a.is_after(end_b));
}

}  // namespace

Duration TcpSocket::rack_window() const {
  if (recovery_.reordering_seen == 0) {
    // Where no reordering was seen, three duplicates or a recovery under way mean loss at once.
    if (congestion_.loss_state >= LossState::Recovery) return Duration();
    if (recovery_.sacked >= recovery_.reordering && (stack().tunables().values().tcp_recovery & kNoDuplicateThreshold) == 0)
      return Duration();
  }
  const uint64_t quarter = rtt_.min_micros() == ~0u ? 0 : rtt_.min_micros() / 4;
  return Duration::micros(static_cast<int64_t>(std::min<uint64_t>(quarter * recovery_.rack.window_steps, rtt_.srtt_micros())));
}

void TcpSocket::advance_rack(const SendRecord& record, Instant now) {
  RackState& rack = recovery_.rack;
  const int64_t rtt = (now - record.sent_at).in_micros();
  // Sooner than any round trip: the acknowledgment is of the original and says nothing of the retransmission's time.
  if (record.has_any(SendRecord::kEverRetransmitted) && rtt < static_cast<int64_t>(rtt_.min_micros())) return;
  rack.has_advanced = true;
  rack.rtt_micros = static_cast<uint32_t>(std::min<int64_t>(rtt, UINT32_MAX));
  if (is_sent_after(record.sent_at, record.end(), rack.sent_at, rack.end)) {
    rack.sent_at = record.sent_at;
    rack.end = record.end();
  }
}

void TcpSocket::mark_lost(Entry& entry, SendRecord& record) {
  if (record.has_any(SendRecord::kSacked)) return;
  const uint16_t segments = record.segments;
  const SendRecord* hint = send_queue_.retransmit_hint;
  if (hint == nullptr ? recovery_.retransmitted >= recovery_.lost : record.seq.is_before(hint->seq))
    send_queue_.retransmit_hint = &record;
  if (!record.has_any(SendRecord::kLost)) {
    record.marks |= SendRecord::kLost;
    recovery_.lost += segments;
    congestion_.lost += segments;
  } else if (record.has_any(SendRecord::kRetransmitted)) {
    record.marks &= static_cast<uint8_t>(~SendRecord::kRetransmitted);
    recovery_.retransmitted -= segments;
    congestion_.lost += segments;
    count(entry, Mib::TcpExtTCPLostRetransmit, segments);
  }
}

// RACK_detect_loss(). True: what is not lost yet got a timer.
bool TcpSocket::detect_losses(Entry& entry) {
  RackState& rack = recovery_.rack;
  if (!rack.has_advanced) return false;
  rack.has_advanced = false;
  const Duration allowance = Duration::micros(rack.rtt_micros) + rack_window();
  Duration timeout;
  SendRecord* next = nullptr;
  for (SendRecord* record = send_queue_.by_time.front(); record != nullptr; record = next) {
    next = send_queue_.by_time.next(*record);
    if (record->has_any(SendRecord::kLost) && !record->has_any(SendRecord::kRetransmitted)) continue;
    if (!is_sent_after(rack.sent_at, rack.end, record->sent_at, record->end())) break;
    const Duration remaining = record->sent_at + allowance - entry.now();
    if (remaining <= Duration()) {
      mark_lost(entry, *record);
      send_queue_.by_time.remove(*record);
    } else {
      timeout = std::max(timeout, remaining);
    }
  }
  if (timeout == Duration()) return false;
  arm_probe_timer(entry, ProbeTimer::Reordering, timeout + Duration::millis(2));
  return true;
}

// RACK_update_reo_wnd(): DSACKs say the window was too small, once a round trip; sixteen recoveries without them, that it may
// shrink again.
void TcpSocket::adapt_rack_window(const RateSample& sample) {
  RackState& rack = recovery_.rack;
  if ((stack().tunables().values().tcp_recovery & kStaticWindow) != 0 || sample.prior_delivered == 0) return;
  if (static_cast<int32_t>(sample.prior_delivered - rack.adapted_at_delivered) < 0) rack.dsack_seen = false;
  if (rack.dsack_seen) {
    if (rack.window_steps < 255) ++rack.window_steps;
    rack.dsack_seen = false;
    rack.adapted_at_delivered = congestion_.delivered;
    rack.window_persist = kRecoveryThreshold;
  } else if (rack.window_persist == 0) {
    rack.window_steps = 1;
  }
}

}  // namespace lxnet
