// The SACK scoreboard (RFC 2018, RFC 6675) and DSACK (RFC 2883): marks on the records of the send queue.
#include <algorithm>
#include <utility>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

// Not empty, not for what was never sent; where it starts at una or below it belies the ACK field.
bool is_plausible(const SackBlock& block, SeqNum una, SeqNum nxt) {
  return block.left.is_before(block.right) && !block.right.is_after(nxt) && block.left.is_after(una);
}

// The record that holds `seq`, or the first after it, searched from the nearer end.
SendRecord* find_record(const SendQueue::Records& sent, SeqNum seq, SeqNum una, SeqNum nxt) {
  if (seq.bytes_since(una) < nxt.bytes_since(seq)) {
    SendRecord* record = sent.front();
    while (record != nullptr && !record->end().is_after(seq)) record = sent.next(*record);
    return record;
  }
  SendRecord* found = nullptr;
  for (SendRecord* record = sent.back(); record != nullptr && record->end().is_after(seq); record = sent.previous(*record)) {
    found = record;
  }
  return found;
}

uint32_t segment_length(const SendRecord& record) { return record.segments == 1 ? record.size : record.segment_size; }

constexpr uint8_t kTags = SendRecord::kSacked | SendRecord::kLost | SendRecord::kRetransmitted;

bool is_only_sacked(const SendRecord* record) { return record != nullptr && (record->marks & kTags) == SendRecord::kSacked; }

// Whether two neighbours, both SACKed and nothing else, would be one record as well as two (tcp_shift_skb_data).
bool may_join_sacked(const SendRecord* record, const SendRecord* next) {
  return is_only_sacked(record) && is_only_sacked(next) && segment_length(*record) == segment_length(*next) &&
         record->size + next->size <= SendRecord::kMaxSize;
}

// The second goes. False: the first has no room for its fragments.
bool join_sacked(SendQueue& queue, SendRecord& record, SendRecord& next) {
  const auto segments = static_cast<uint16_t>(record.segments + next.segments);
  const auto size = static_cast<uint16_t>(segment_length(record));
  const uint8_t marks = next.marks;
  if (!queue.join_sent(record, next)) return false;
  record.segments = segments;
  record.segment_size = size;
  record.marks |= marks;
  return true;
}

// There are at most four; what std::sort does for many makes g++ warn of places past them.
void sort_by_left(SackBlock* blocks, size_t count) {
  for (size_t i = 1; i < count; ++i) {
    for (size_t j = i; j > 0 && blocks[j].left.is_before(blocks[j - 1].left); --j) std::swap(blocks[j], blocks[j - 1]);
  }
}

}  // namespace

// The first block is a DSACK when it lies below the ACK field or inside the second block.
bool TcpSocket::check_dsack(Entry& entry, const TcpSegment& segment, AckEffects& effects) {
  const SackBlock first = segment.options.sack[0];
  const bool is_below = first.left.is_before(segment.ack);
  bool is_inside = false;
  if (!is_below && segment.options.sack_count > 1) {
    const SackBlock second = segment.options.sack[1];
    is_inside = !first.right.is_after(second.right) && !first.left.is_before(second.left);
  }
  if (!is_below && !is_inside) return false;
  count(entry, is_below ? Mib::TcpExtTCPDSACKRecv : Mib::TcpExtTCPDSACKOfoRecv);
  const uint32_t size = first.left.is_before(first.right) ? first.right.bytes_since(first.left) : 0;
  if (size == 0 || size > snd_.max_wnd) {
    count(entry, Mib::TcpExtTCPDSACKIgnoredDubious);
    return false;
  }
  const uint32_t segments = std::max<uint32_t>(1, (size + snd_.mss - 1) / snd_.mss);
  if (recovery_.probe_in_flight && recovery_.probe_end == first.right && segments == 1) effects.dsack_of_probe = true;
  recovery_.dsack_duplicates += segments;
  // More duplicates reported than we ever sent: the peer invents them.
  if (recovery_.dsack_duplicates > statistics_.total_retransmits) {
    count(entry, Mib::TcpExtTCPDSACKIgnoredDubious);
    return false;
  }
  count(entry, Mib::TcpExtTCPDSACKRecvSegs, segments);
  if (recovery_.reordering_seen != 0 && !effects.dsack_of_probe) recovery_.rack.dsack_seen = true;
  effects.dsack = true;
  effects.sack_delivered += segments;
  if (recovery_.may_undo && recovery_.undo_retransmits > 0 && !first.right.is_after(effects.prior_una) &&
      first.right.is_after(recovery_.undo_marker)) {
    recovery_.undo_retransmits = std::max(0, recovery_.undo_retransmits - static_cast<int32_t>(segments));
  }
  return true;
}

// A DSACK below what is in flight that no undo has a use for (tcp_is_sackblock_valid).
void TcpSocket::count_useless_dsack(Entry& entry, const SackBlock& block) {
  if (block.left.is_after(snd_.una) || recovery_.out == 0) return;
  if (!recovery_.may_undo) {
    count(entry, Mib::TcpExtTCPDSACKIgnoredNoUndo);
  } else if (block.right.is_after(snd_.una) || !block.right.is_after(recovery_.undo_marker)) {
    count(entry, Mib::TcpExtTCPDSACKIgnoredOld);
  }
}

// What is in flight still, was sent again, and came twice: the retransmission was not needed.
void TcpSocket::credit_duplicates(const SackBlock& block, AckEffects& effects) {
  if (!block.right.is_after(snd_.una) || block.right.is_after(snd_.nxt)) return;
  const SeqNum left = later_of(block.left, snd_.una);
  SendRecord* record = find_record(send_queue_.sent, left, snd_.una, snd_.nxt);
  for (; record != nullptr && !record->end().is_after(block.right); record = send_queue_.sent.next(*record)) {
    if (record->seq.is_before(left) || !record->has_any(SendRecord::kRetransmitted | SendRecord::kEverRetransmitted)) continue;
    if (recovery_.may_undo && recovery_.undo_retransmits > 0 && record->end().is_after(recovery_.undo_marker))
      recovery_.undo_retransmits = std::max(0, recovery_.undo_retransmits - static_cast<int32_t>(record->segments));
    if (record->has_any(SendRecord::kSacked) && (!effects.is_reordered || record->seq.is_before(effects.reordered_from))) {
      effects.is_reordered = true;
      effects.reordered_from = record->seq;
    }
  }
}

void TcpSocket::mark_sacked(Entry& entry, SendRecord& record, AckEffects& effects) {
  if (record.has_any(SendRecord::kSacked)) return;
  advance_rack(record, entry.now());
  note_delivered(record, effects.sample, entry.now());
  const uint16_t segments = record.segments;
  if (record.has_any(SendRecord::kRetransmitted)) {
    // Which of the two transmissions arrived is unknown; where it was taken as lost both marks go.
    if (record.has_any(SendRecord::kLost)) {
      recovery_.lost -= segments;
      recovery_.retransmitted -= segments;
      record.marks &= static_cast<uint8_t>(~(SendRecord::kLost | SendRecord::kRetransmitted));
    }
  } else {
    if (!record.has_any(SendRecord::kEverRetransmitted)) {
      const bool is_below = recovery_.sacked != 0 && record.seq.is_before(recovery_.highest_sacked);
      if (is_below && (!effects.is_reordered || record.seq.is_before(effects.reordered_from))) {
        effects.is_reordered = true;
        effects.reordered_from = record.seq;
      }
      if (!record.end().is_after(recovery_.high_seq)) effects.original_sacked = true;
      if (!effects.has_sacked_time) effects.first_sacked_at = record.sent_at;
      effects.has_sacked_time = true;
      effects.last_sacked_at = record.sent_at;
    }
    if (record.has_any(SendRecord::kLost)) {
      recovery_.lost -= segments;
      record.marks &= static_cast<uint8_t>(~SendRecord::kLost);
    }
  }
  record.marks |= SendRecord::kSacked;
  effects.data_sacked = true;
  effects.sack_delivered += segments;
  if (recovery_.sacked == 0 || record.end().is_after(recovery_.highest_sacked)) recovery_.highest_sacked = record.end();
  recovery_.sacked += segments;
  if (record.time_link.is_linked()) send_queue_.by_time.remove(record);
}

// Marks what the block covers, splitting records at its edges on segment boundaries, and joins what is SACKed with its
// neighbours. Returns where the next block may begin.
SendRecord* TcpSocket::mark_block(Entry& entry, SendRecord* from, SackBlock block, AckEffects& effects) {
  SendRecord* record = from;
  while (record != nullptr && record->seq.is_before(block.right)) {
    if (!record->end().is_after(block.left) || record->has_any(SendRecord::kSacked)) {
      record = send_queue_.sent.next(*record);
      continue;
    }
    // Sent again without having been lost: it stays by itself.
    const bool may_join = (record->marks & (SendRecord::kLost | SendRecord::kRetransmitted)) != SendRecord::kRetransmitted;
    const uint32_t mss = std::max<uint32_t>(record->segment_size, 1);
    uint32_t cut = 0;
    bool is_covered = true;  // what is left in `record` after the cut
    if (record->seq.is_before(block.left)) {
      // Up to a segment boundary at or after the block's edge.
      cut = (block.left.bytes_since(record->seq) + mss - 1) / mss * mss;
      is_covered = false;
    } else if (record->end().is_after(block.right)) {
      cut = block.right.bytes_since(record->seq) / mss * mss;
      if (cut == 0) return record;
    }
    if (cut != 0) {
      if (cut >= record->size || !send_queue_.split(*record, cut)) {
        record = send_queue_.sent.next(*record);
        continue;
      }
      SendRecord* rest = send_queue_.sent.next(*record);
      const uint16_t total = record->segments;
      record->segments = static_cast<uint16_t>(std::min<uint32_t>(cut / mss, total - 1u));
      rest->segments = static_cast<uint16_t>(total - record->segments);
    }
    if (is_covered) {
      mark_sacked(entry, *record, effects);
      SendRecord* before = send_queue_.sent.previous(*record);
      if (may_join && may_join_sacked(before, record) && join_sacked(send_queue_, *before, *record)) {
        count(entry, Mib::TcpExtTCPSackMerged);
        record = before;
        SendRecord* after = send_queue_.sent.next(*record);
        if (may_join_sacked(record, after) && join_sacked(send_queue_, *record, *after)) count(entry, Mib::TcpExtTCPSackMerged);
      } else {
        count(entry, Mib::TcpExtTCPSackShiftFallback);
      }
    }
    record = send_queue_.sent.next(*record);
  }
  return record;
}

void TcpSocket::mark_by_sack(Entry& entry, const TcpSegment& segment, AckEffects& effects) {
  if (recovery_.sacked == 0) recovery_.highest_sacked = snd_.una;
  SackBlock blocks[TcpOptions::kMaxSackBlocks];
  uint8_t count_of = 0;
  const bool has_dsack = check_dsack(entry, segment, effects);
  if (has_dsack) {
    count_useless_dsack(entry, segment.options.sack[0]);
    credit_duplicates(segment.options.sack[0], effects);
  }
  const SeqNum floor = later_of(segment.ack, snd_.una);
  for (uint8_t i = has_dsack ? 1 : 0; i < segment.options.sack_count; ++i) {
    const SackBlock& block = segment.options.sack[i];
    if (is_plausible(block, floor, snd_.nxt)) {
      blocks[count_of++] = block;
    } else if (recovery_.out != 0 && (segment.ack == snd_.una || block.right.is_after(snd_.una))) {
      count(entry, Mib::TcpExtTCPSACKDiscard);  // an old one of a reordered acknowledgment is nothing strange
    }
  }
  sort_by_left(blocks, count_of);
  for (uint8_t i = 0; i < count_of; ++i) {
    SendRecord* from = find_record(send_queue_.sent, blocks[i].left, snd_.una, snd_.nxt);
    mark_block(entry, from, blocks[i], effects);
  }
  if (effects.is_reordered && (congestion_.loss_state != LossState::Loss || recovery_.may_undo)) {
    note_reordering(entry, effects.reordered_from);
  }
}

// RFC 2018, 8: a peer that SACKed the head and does not acknowledge it has reneged. It gets half a round trip to make it good.
void TcpSocket::check_reneging(Entry& entry, AckEffects& effects) {
  if (!effects.reneged || !effects.una_advanced) return;
  const Duration delay = std::max(Duration::micros(rtt_.srtt_micros() / 2), Duration::millis(10));
  arm_probe_timer(entry, ProbeTimer::Retransmit, delay);
  effects.set_timer = false;
}

// Data delivered out of the order it was sent in: the network reorders this much, and less is no loss.
void TcpSocket::note_reordering(Entry& entry, SeqNum low, ReorderingBy by) {
  const SeqNum high = recovery_.sacked != 0 ? recovery_.highest_sacked : snd_.una;
  if (!low.is_before(high)) return;
  const uint32_t distance = high.bytes_since(low);
  if (distance > recovery_.reordering * uint32_t{snd_.mss}) {
    const auto most = static_cast<uint32_t>(stack().tunables().values().tcp_max_reordering);
    recovery_.reordering = std::min((distance + snd_.mss - 1) / snd_.mss, most);
  }
  ++recovery_.reordering_seen;
  count(entry, by == ReorderingBy::Timestamp ? Mib::TcpExtTCPTSReorder : Mib::TcpExtTCPSACKReorder);
}

}  // namespace lxnet
