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

// Linux's 65535 segments of its least size: a record that only waits for its acknowledgment may be longer than a packet.
constexpr uint32_t kMaxSacked = 65535 * 8;

constexpr uint8_t kTags = SendRecord::kSacked | SendRecord::kLost | SendRecord::kRetransmitted;

bool is_only_sacked(const SendRecord* record) { return record != nullptr && (record->marks & kTags) == SendRecord::kSacked; }

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

constexpr size_t kBlocks = TcpOptions::kMaxSackBlocks;

// There are at most four; what std::sort does for many makes g++ warn of places past them. `followed`: where one of them goes.
void sort_by_left(SackBlock* blocks, size_t count, size_t& followed) {
  for (size_t last = count; last > 1; --last) {
    for (size_t i = 0; i + 1 < last; ++i) {
      if (!blocks[i].left.is_after(blocks[i + 1].left)) continue;
      std::swap(blocks[i], blocks[i + 1]);
      if (followed == i) followed = i + 1;
    }
  }
}

// Cuts a record of several segments at `size`, a multiple of theirs; each part knows how many it has.
bool split_at_segment(SendQueue& queue, SendRecord& record, uint32_t size) {
  const uint32_t mss = std::max<uint32_t>(record.segment_size, 1);
  if (size == 0 || size >= record.size || !queue.split(record, size)) return false;
  SendRecord* rest = queue.sent.next(record);
  const uint16_t total = record.segments;
  record.segments = static_cast<uint16_t>(std::min<uint32_t>(size / mss, total - 1u));
  rest->segments = static_cast<uint16_t>(total - record.segments);
  return true;
}

enum class Covered : uint8_t { No, Yes, TooSmall };

// Whether the block covers the record, cut at the block's edges where that leaves whole segments (tcp_match_skb_to_sack).
Covered cut_to_block(SendQueue& queue, SendRecord& record, const SackBlock& block) {
  const bool begins_inside = !block.left.is_after(record.seq);
  if (begins_inside && !block.right.is_before(record.end())) return Covered::Yes;
  if (record.segments <= 1 || !record.end().is_after(block.left)) return Covered::No;
  const uint32_t mss = std::max<uint32_t>(record.segment_size, 1);
  if (begins_inside) {
    const uint32_t size = block.right.bytes_since(record.seq) / mss * mss;
    return size != 0 && split_at_segment(queue, record, size) ? Covered::Yes : Covered::TooSmall;
  }
  const uint32_t size = (block.left.bytes_since(record.seq) + mss - 1) / mss * mss;
  if (size >= record.size) return Covered::No;
  return split_at_segment(queue, record, size) ? Covered::No : Covered::TooSmall;
}

// A DSACK of what an episode that may yet be undone sent again: from where it began on, give or take a window.
bool may_undo_by(const SackBlock& block, SeqNum una, const RecoveryState& recovery, uint32_t max_wnd) {
  if (!recovery.may_undo || block.right.is_after(una) || !block.left.is_before(block.right)) return false;
  if (!block.left.is_before(recovery.undo_marker)) return true;
  return block.right.is_after(recovery.undo_marker) && !block.left.is_before(block.right - max_wnd);
}

// The blocks of a segment that are to be looked at, in the order of what they name.
struct SortedBlocks {
  SackBlock blocks[kBlocks];
  size_t used = 0;
  size_t dsack = kBlocks;  // which of them is a DSACK; kBlocks: none
};

SortedBlocks sort_blocks(Entry& entry, const TcpSegment& segment, bool has_dsack, const SendState& snd,
                         const RecoveryState& recovery, const AckEffects& effects) {
  SortedBlocks sorted;
  for (uint8_t i = 0; i < segment.options.sack_count; ++i) {
    const SackBlock& block = segment.options.sack[i];
    const bool is_dsack = i == 0 && has_dsack;
    if (!is_plausible(block, effects.una, snd.nxt) && !(is_dsack && may_undo_by(block, effects.una, recovery, snd.max_wnd))) {
      // An old one of a reordered acknowledgment is nothing strange.
      if (!is_dsack && (segment.ack == snd.una || block.right.is_after(snd.una))) count(entry, Mib::TcpExtTCPSACKDiscard);
      continue;
    }
    if (!block.right.is_after(effects.prior_una)) continue;
    if (is_dsack) sorted.dsack = 0;
    sorted.blocks[sorted.used++] = block;
  }
  sort_by_left(sorted.blocks, sorted.used, sorted.dsack);
  return sorted;
}

void note_out_of_order(const SendRecord& record, AckEffects& effects) {
  if (effects.is_reordered && !record.seq.is_before(effects.reordered_from)) return;
  effects.is_reordered = true;
  effects.reordered_from = record.seq;
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

// One record that a block covers; where the block is a DSACK, that it came twice, and its retransmission was not needed.
void TcpSocket::mark_sacked(Entry& entry, SendRecord& record, Duplicate duplicate, AckEffects& effects) {
  const uint16_t segments = record.segments;
  if (duplicate == Duplicate::Yes && record.has_any(SendRecord::kRetransmitted | SendRecord::kEverRetransmitted)) {
    if (recovery_.may_undo && recovery_.undo_retransmits > 0 && record.end().is_after(recovery_.undo_marker))
      recovery_.undo_retransmits = std::max(0, recovery_.undo_retransmits - static_cast<int32_t>(segments));
    if (record.has_any(SendRecord::kSacked)) note_out_of_order(record, effects);
  }
  if (!record.end().is_after(effects.una)) return;  // it is about to go
  if (!record.has_any(SendRecord::kSacked)) {
    advance_rack(record, entry.now());
    note_delivered(record, effects.sample);
    record.delivered_at = Instant::never();  // and of no use for another sample, should the peer renege
    // Which of the two transmissions arrived is unknown; where it was taken as lost both marks go.
    const bool is_in_flight_again = record.has_any(SendRecord::kRetransmitted);
    if (!is_in_flight_again && !record.has_any(SendRecord::kEverRetransmitted)) {
      if (recovery_.sacked != 0 && record.seq.is_before(recovery_.highest_sacked)) note_out_of_order(record, effects);
      if (!record.end().is_after(recovery_.high_seq)) effects.original_sacked = true;
      if (!effects.has_sacked_time) effects.first_sacked_at = record.sent_at;
      effects.has_sacked_time = true;
      effects.last_sacked_at = record.sent_at;
    }
    if (record.has_any(SendRecord::kLost)) {
      recovery_.lost -= segments;
      if (is_in_flight_again) recovery_.retransmitted -= segments;
      record.marks &= static_cast<uint8_t>(~(SendRecord::kLost | SendRecord::kRetransmitted));
    }
    record.marks |= SendRecord::kSacked;
    effects.data_sacked = true;
    effects.sack_delivered += segments;
    if (recovery_.sacked == 0 || record.end().is_after(recovery_.highest_sacked)) recovery_.highest_sacked = record.end();
    recovery_.sacked += segments;
  }
  if (duplicate == Duplicate::Yes && record.has_any(SendRecord::kRetransmitted)) {
    record.marks &= static_cast<uint8_t>(~SendRecord::kRetransmitted);
    recovery_.retransmitted -= segments;
  }
  if (record.time_link.is_linked()) send_queue_.by_time.remove(record);
}

// What is SACKed becomes part of the SACKed record before it, as far as whole segments of its size reach (tcp_shift_skb_data).
// The record that has it, the same one where nothing of it is to be marked, or null: it stays by itself.
SendRecord* TcpSocket::join_to_sacked(Entry& entry, SendRecord& record, const SackBlock& block, Duplicate duplicate,
                                      AckEffects& effects) {
  const auto stay = [&]() -> SendRecord* {
    count(entry, Mib::TcpExtTCPSackShiftFallback);
    return nullptr;
  };
  // Sent again without having been lost: it stays by itself.
  if (duplicate == Duplicate::No &&
      (record.marks & (SendRecord::kLost | SendRecord::kRetransmitted)) == SendRecord::kRetransmitted)
    return stay();
  SendRecord* before = send_queue_.sent.previous(record);
  if (record.flags.syn() || !record.end().is_after(effects.una) || !is_only_sacked(before)) return stay();
  const bool begins_inside = !block.left.is_after(record.seq);
  const bool is_inside = begins_inside && !block.right.is_before(record.end());
  uint32_t size = record.size;
  if (!is_inside) {
    if (!record.end().is_after(block.left) || record.segments <= 1) return &record;
    if (!begins_inside) return stay();
    size = block.right.bytes_since(record.seq);
  }
  const uint32_t mss = is_inside ? segment_length(record) : record.segment_size;
  if (mss != segment_length(*before)) return stay();
  if (!is_inside) {
    if (size < mss) return &record;
    size = size / mss * mss;
  }
  if (!(record.seq + size).is_after(effects.una) || before->size + size >= kMaxSacked) return stay();
  if (!is_inside && !split_at_segment(send_queue_, record, size)) return stay();
  // Its marks are taken note of before it is gone; where it cannot go it is as marked.
  mark_sacked(entry, record, duplicate, effects);
  if (!join_sacked(send_queue_, *before, record)) {
    count(entry, Mib::TcpExtTCPSackShiftFallback);
    return &record;
  }
  if (!is_inside) {
    count(entry, Mib::TcpExtTCPSackShifted);
    return before;
  }
  count(entry, Mib::TcpExtTCPSackMerged);
  SendRecord* after = send_queue_.sent.next(*before);
  if (is_only_sacked(after) && segment_length(*after) == mss && before->size + after->size < kMaxSacked &&
      join_sacked(send_queue_, *before, *after)) {
    count(entry, Mib::TcpExtTCPSackMerged);
  }
  return before;
}

// Marks what a block covers from `record` on (tcp_sacktag_walk). `inner`: a DSACK that begins later inside of it. Returns where
// the next block may begin.
SendRecord* TcpSocket::walk_block(Entry& entry, SendRecord* record, const SackBlock& block, Duplicate duplicate,
                                  const SackBlock* inner, AckEffects& effects) {
  for (; record != nullptr && record->seq.is_before(block.right); record = send_queue_.sent.next(*record)) {
    Covered covered = Covered::No;
    Duplicate came_twice = duplicate;
    if (inner != nullptr && record->seq.is_before(inner->right)) {
      covered = cut_to_block(send_queue_, *record, *inner);
      if (covered == Covered::Yes) came_twice = Duplicate::Yes;
    }
    if (covered != Covered::Yes) {
      SendRecord* joined = join_to_sacked(entry, *record, block, came_twice, effects);
      if (joined != nullptr && joined != record) {
        record = joined;
        continue;
      }
      covered = joined != nullptr ? Covered::No : cut_to_block(send_queue_, *record, block);
    }
    if (covered == Covered::TooSmall) break;
    if (covered == Covered::Yes) mark_sacked(entry, *record, came_twice, effects);
  }
  return record;
}

// The blocks of a segment in order. What the last ones that came said already is not looked at again: so records are not cut, nor
// joined, that would otherwise be (tcp_sacktag_write_queue).
void TcpSocket::mark_by_sack(Entry& entry, const TcpSegment& segment, AckEffects& effects) {
  if (recovery_.sacked == 0) recovery_.highest_sacked = snd_.una;
  effects.una = later_of(segment.ack, snd_.una);
  const bool has_dsack = check_dsack(entry, segment, effects);
  if (has_dsack) count_useless_dsack(entry, segment.options.sack[0]);
  if (recovery_.out == 0) return;
  const SortedBlocks sorted = sort_blocks(entry, segment, has_dsack, snd_, recovery_, effects);
  const auto& [blocks, used, dsack] = sorted;
  if (recovery_.sacked == 0) send_queue_.forget_sacks();
  const SackBlock* known = send_queue_.recent_sacks() != nullptr ? send_queue_.recent_sacks()->blocks : nullptr;
  size_t seen = known == nullptr ? kBlocks : 0;
  while (seen < kBlocks && known[seen] == SackBlock{}) ++seen;
  const auto from = [&](SendRecord* record, SeqNum seq) {
    return record != nullptr && record->seq.is_after(seq) ? record : find_record(send_queue_.sent, seq, snd_.una, snd_.nxt);
  };
  const auto highest = [&] { return recovery_.sacked != 0 ? recovery_.highest_sacked : effects.una; };
  const auto beyond_highest = [&] { return find_record(send_queue_.sent, highest(), snd_.una, snd_.nxt); };
  SendRecord* record = nullptr;
  for (size_t i = 0; i < used;) {
    const SackBlock& block = blocks[i];
    const Duplicate duplicate = i == dsack ? Duplicate::Yes : Duplicate::No;
    const SackBlock* inner = i + 1 == dsack ? &blocks[i + 1] : nullptr;
    while (seen < kBlocks && !block.left.is_before(known[seen].right)) ++seen;
    if (seen < kBlocks && duplicate == Duplicate::No && block.right.is_after(known[seen].left)) {
      const SackBlock old = known[seen];
      if (block.left.is_before(old.left))
        record = walk_block(entry, from(record, block.left), {block.left, old.left}, duplicate, inner, effects);
      if (!block.right.is_after(old.right)) {
        ++i;
        continue;
      }
      if (inner != nullptr && inner->left.is_before(old.right))
        record = walk_block(entry, from(record, inner->left), *inner, Duplicate::Yes, nullptr, effects);
      ++seen;
      if (highest() != old.right) {
        record = from(record, old.right);
        continue;
      }
      record = beyond_highest();
      if (record == nullptr) break;
    } else {
      if (!block.left.is_before(highest())) {
        record = beyond_highest();
        if (record == nullptr) break;
      }
      record = from(record, block.left);
    }
    record = walk_block(entry, record, block, duplicate, inner, effects);
    ++i;
  }
  if (recovery_.sacked != 0) send_queue_.remember_sacks(blocks, used);
  if (effects.is_reordered && (congestion_.loss_state != LossState::Loss || recovery_.may_undo))
    note_reordering(entry, effects.reordered_from);
  effects.is_reordered = false;
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
