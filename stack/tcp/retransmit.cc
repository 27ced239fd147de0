// Sending again: what is marked lost, within the window, oldest first.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

// What its bytes are cut into has become more or fewer segments: every counter follows.
void TcpSocket::count_recut(const SendRecord& record, uint32_t before, uint32_t now) {
  if (now == before) return;
  const uint32_t change = now - before;  // modular
  recovery_.out += change;
  if (!negotiated_.sack && now < before) recovery_.sacked -= std::min<uint32_t>(recovery_.sacked, before - now);
  if (record.has_any(SendRecord::kSacked)) recovery_.sacked += change;
  if (record.has_any(SendRecord::kLost)) recovery_.lost += change;
  if (record.has_any(SendRecord::kRetransmitted)) recovery_.retransmitted += change;
}

void TcpSocket::recount_segments(SendRecord& record, uint32_t mss) {
  const uint16_t before = record.segments;
  record.cut_by(mss);
  count_recut(record, before, record.segments);
}

// As many segments of it, from its front. False: it could not leave now.
bool TcpSocket::retransmit_record(Entry& entry, SendRecord& record, uint32_t segments) {
  const bool was_sent = send_record_again(entry, record, segments);
  if (was_sent) {
    recovery_.retransmitted += record.segments;
    record.marks |= SendRecord::kRetransmitted;
  }
  if (recovery_.first_retransmit_at.is_none()) recovery_.first_retransmit_at = was_sent ? entry.now() : record.sent_at;
  recovery_.undo_retransmits = std::max(recovery_.undo_retransmits, 0) + record.segments;
  return was_sent;
}

// The same without a claim that the record was lost, as a probe has none.
bool TcpSocket::send_record_again(Entry& entry, SendRecord& record, uint32_t segments) {
  if (MtuSearch* search = mtu_search()) search->probe = 0;  // nothing can be said of it now
  if (record.seq.is_before(snd_.una) && !record.flags.syn()) {
    const uint32_t known = snd_.una.bytes_since(record.seq);
    if (known >= record.length()) return false;
    send_queue_.trim_front(record, std::min(known, record.size));
  }
  const uint32_t mss = current_mss();
  if (record.size != 0) {
    uint32_t room = snd_.window_end().is_after(record.seq) ? snd_.window_end().bytes_since(record.seq) : 0;
    // The first unacknowledged segment always may go: the peer shrank its window at its own risk.
    if (room == 0 && record.seq != snd_.una) return false;
    if (room == 0) room = mss;
    const uint32_t most = md5_keys() != nullptr ? mss : std::min(segments * mss, room);
    recount_segments(record, mss);
    // Cut once, where both allow it.
    if (record.size > most && !split_sent(record, most < mss ? most : most / mss * mss, mss)) return false;
    // To what fills a segment not even a FIN is joined.
    if (record.size < std::min(room, mss)) join_small(record, std::min(room, mss));
  }
  TcpFlags flags = record.flags;
  if (!record.flags.syn() || in(TcpState::SynReceived)) flags |= kTcpAck;
  // Counted before it leaves: what is told of its leaving (OPT_STATS) tells of it too.
  count(entry, Mib::TcpRetransSegs, record.segments);
  if (record.flags.syn()) count(entry, Mib::TcpExtTCPSynRetrans);
  statistics_.total_retransmits += record.segments;
  statistics_.bytes_retransmitted += record.size;
  const bool was_sent =
      transmit(entry, {.seq = record.seq, .flags = flags, .record = &record, .size = record.size, .segments = record.segments});
  record.marks |= SendRecord::kEverRetransmitted;
  if (!was_sent) {
    count(entry, Mib::TcpExtTCPRetransFail);
    return false;
  }
  stamp_sent(record, entry.now());
  return true;
}

// Small records that follow go along where they fit into the segment (tcp_retrans_try_collapse).
void TcpSocket::join_small(SendRecord& record, uint32_t space) {
  if (stack().tunables().values().tcp_retrans_collapse == 0 || record.flags.syn() || record.segments != 1) return;
  while (SendRecord* next = send_queue_.sent.next(record)) {
    if (next->segments != 1 || next->has_any(SendRecord::kSacked) || record.has_any(SendRecord::kSacked)) return;
    if (record.size + next->size > space || next->end().is_after(snd_.window_end())) return;
    const uint8_t marks = next->marks;
    if (!send_queue_.join_sent(record, *next)) return;
    recovery_.out -= 1;
    if ((marks & SendRecord::kLost) != 0) recovery_.lost -= 1;
    if ((marks & SendRecord::kRetransmitted) != 0) recovery_.retransmitted -= 1;
    if (!negotiated_.sack && recovery_.sacked != 0) recovery_.sacked -= 1;
    record.marks |= marks & SendRecord::kEverRetransmitted;
  }
}

// Splits a record in flight at `size` bytes. Where that is no multiple of `mss` there may be one segment more than before.
bool TcpSocket::split_sent(SendRecord& record, uint32_t size, uint32_t mss) {
  if (!send_queue_.split(record, size)) return false;
  const uint16_t before = record.segments;
  SendRecord& rest = *send_queue_.sent.next(record);
  record.cut_by(mss);
  rest.cut_by(mss);
  count_recut(record, before, uint32_t{record.segments} + rest.segments);
  return true;
}

// RFC 6675's NextSeg() rule 1, as far as the window reaches. As Linux counts, as many retransmissions in flight as are lost are
// enough, though those may be of something else: after an undo, what was sent again before it.
void TcpSocket::retransmit_lost(Entry& entry) {
  if (recovery_.out == 0) return;
  SendRecord* record = send_queue_.retransmit_hint != nullptr ? send_queue_.retransmit_hint : send_queue_.sent.front();
  bool rearm = false;
  const uint32_t mss = current_mss();
  const uint32_t at_once = segments_at_once(mss);
  bool saw_hole = false;  // what was neither SACKed nor sent again may yet be lost: the next search begins there
  for (; record != nullptr; record = send_queue_.sent.next(*record)) {
    if (is_paced(entry.now())) {
      arm(Deadlines::Kind::Pacing, pacing_until_);
      break;
    }
    if (!saw_hole) send_queue_.retransmit_hint = record;
    const uint32_t in_flight = recovery_.in_flight();
    if (in_flight >= congestion_.cwnd || recovery_.retransmitted >= recovery_.lost) break;
    if (!record->has_any(SendRecord::kLost)) {
      saw_hole = saw_hole || !record->has_any(SendRecord::kSacked | SendRecord::kRetransmitted);
      continue;
    }
    if (record->has_any(SendRecord::kSacked | SendRecord::kRetransmitted)) continue;
    const uint32_t quota = std::min(congestion_.cwnd - in_flight, at_once);
    const bool is_head = record == send_queue_.sent.front();
    if (!retransmit_record(entry, *record, quota)) break;
    if (wants_pacing()) pace(entry, record->size);
    if (congestion_.loss_state == LossState::Recovery || congestion_.loss_state == LossState::Cwr)
      recovery_.prr_out += record->segments;
    count(entry, congestion_.loss_state == LossState::Loss ? Mib::TcpExtTCPSlowStartRetrans : Mib::TcpExtTCPFastRetrans,
          record->segments);
    rearm = rearm || (is_head && probe_timer_kind_ != ProbeTimer::Reordering);
  }
  if (rearm) arm_probe_timer(entry, ProbeTimer::Retransmit, current_rto());
}

}  // namespace lxnet
