// Filling, cutting and freeing records.
#include "stack/tcp/send_queue.hh"

#include <algorithm>
#include <utility>

namespace lxnet {
namespace {

constexpr uint32_t kSmallBlock = 2048, kLargeBlock = 32768;

// A lone small write takes a small block; what belongs to a stream takes ever larger ones, so that few fragments make 64 KiB.
uint32_t choose_block_size(uint32_t wanted, bool is_stream) {
  if (!is_stream && wanted <= kSmallBlock) return kSmallBlock;
  return wanted > 8192 || is_stream ? kLargeBlock : 8192;
}

}  // namespace

SendRecord* SendQueue::create_record() {
  SendRecord* record = pool_.make_small<SendRecord>();
  if (record == nullptr) return nullptr;
  record->charge = kRecordCharge;
  charge_ += kRecordCharge;
  return record;
}

SendRecord* SendQueue::append_record(SeqNum seq, TcpFlags flags) {
  SendRecord* record = create_record();
  if (record == nullptr) return nullptr;
  record->seq = seq;
  record->flags = flags;
  unsent.push_back(*record);
  return record;
}

bool SendQueue::has_room_for_fragment(const SendRecord& record) const {
  if (record.fragment_count == 0) return true;
  const Fragment& last = record.fragments[record.fragment_count - 1];
  const bool continues = last.block.get() == tail_block_.get() && last.offset + last.size == tail_used_;
  return continues || record.fragment_count < SendRecord::kMaxFragments;
}

bool SendQueue::start_block(SendRecord& record, uint32_t wanted) {
  const bool is_stream = record.size != 0 || unsent.front() != &record;
  auto block = DataBlock::create(pool_, choose_block_size(wanted, is_stream));
  if (!block.is_ok()) return false;
  tail_block_ = block.take();
  tail_used_ = 0;
  return true;
}

SendQueue::Copied SendQueue::append_bytes(SendRecord& record, IoSource& source, uint32_t limit) {
  Copied done;
  limit = std::min<uint32_t>(limit, SendRecord::kMaxSize - record.size);
  while (done.size < limit) {
    if (!tail_block_ || tail_used_ == tail_block_->capacity()) {
      if (record.fragment_count == SendRecord::kMaxFragments) break;
      if (!start_block(record, limit - done.size)) {
        done.out_of_memory = true;
        break;
      }
    }
    if (!has_room_for_fragment(record)) break;
    const uint32_t room = std::min(limit - done.size, tail_block_->capacity() - tail_used_);
    // What was read before the fault in this piece is not sent either, as in Linux.
    uint32_t copied = static_cast<uint32_t>(source.copy(MutableByteSpan(tail_block_->bytes() + tail_used_, room)));
    if (copied < room) copied = 0;
    if (copied != 0) {
      Fragment* last = record.fragment_count == 0 ? nullptr : &record.fragments[record.fragment_count - 1];
      if (last != nullptr && last->block.get() == tail_block_.get() && last->offset + last->size == tail_used_) {
        last->size += copied;
      } else {
        record.fragments[record.fragment_count++] = Fragment{tail_block_, tail_used_, copied};
      }
      tail_used_ += copied;
      record.size += copied;
      record.charge += copied;
      charge_ += copied;
      unsent_bytes_ += copied;
      done.size += copied;
      record.segments = 0;
    }
    if (copied < room) {
      done.is_faulty = true;
      break;
    }
  }
  return done;
}

bool SendQueue::split(SendRecord& record, uint32_t size) {
  ASSERT(size > 0 && size < record.size);
  SendRecord* rest = create_record();
  if (rest == nullptr) return false;
  rest->seq = record.seq + size;
  rest->flags = record.flags & (kTcpFin | kTcpPsh);
  record.flags = record.flags.without(kTcpFin | kTcpPsh);
  rest->marks = record.marks;
  rest->ends_message = std::exchange(record.ends_message, false);
  rest->is_sent = record.is_sent;
  rest->sent_while_limited = record.sent_while_limited;
  rest->segment_size = record.segment_size;
  if (record.stamps != 0 && !record.stamp_at.is_before(rest->seq)) {
    rest->stamps = std::exchange(record.stamps, uint8_t{0});
    rest->stamp_at = record.stamp_at;
  }
  rest->pieces = record.pieces;
  rest->zero_copy_calls = std::exchange(record.zero_copy_calls, uint16_t{0});
  rest->zero_copy_first = record.zero_copy_first;
  rest->sent_at = record.sent_at;
  rest->first_sent_at = record.first_sent_at;
  rest->delivered_at = record.delivered_at;
  rest->delivered = record.delivered;
  rest->lost_before = record.lost_before;
  rest->in_flight = record.in_flight;
  rest->size = record.size - size;
  uint8_t kept = 0;
  uint32_t position = 0;
  for (uint8_t i = 0; i < record.fragment_count; ++i) {
    Fragment& fragment = record.fragments[i];
    const uint32_t end = position + fragment.size;
    if (end > size) {
      const uint32_t keep = position < size ? size - position : 0;
      rest->fragments[rest->fragment_count++] = Fragment{fragment.block, fragment.offset + keep, fragment.size - keep};
      fragment.size = keep;
    }
    if (fragment.size != 0) {
      ++kept;
    } else {
      fragment.block = nullptr;
    }
    position = end;
  }
  record.fragment_count = kept;
  record.size = size;
  record.charge -= rest->size;
  rest->charge += rest->size;
  (record.is_sent ? sent : unsent).insert_after(record, *rest);
  if (record.time_link.is_linked()) by_time.insert_after(record, *rest);
  return true;
}

// The next one's bytes follow in the same block.
bool SendQueue::is_continued_by(const SendRecord& record, const SendRecord& next) {
  if (record.fragment_count == 0 || next.fragment_count == 0) return false;
  const Fragment& last = record.fragments[record.fragment_count - 1];
  const Fragment& first = next.fragments[0];
  return last.block.get() == first.block.get() && last.offset + last.size == first.offset;
}

bool SendQueue::may_grow_by(const SendRecord& record, const SendRecord& next) {
  const unsigned fragments = unsigned{record.fragment_count} + next.fragment_count - unsigned{is_continued_by(record, next)};
  return !record.ends_message && !record.flags.has_any(kTcpFin | kTcpSyn) && record.pieces == 0 && next.pieces == 0 &&
         next.size != 0 && !next.flags.syn() && fragments <= SendRecord::kMaxFragments;
}

void SendQueue::grow(SendRecord& record, uint32_t amount) {
  ASSERT(!record.is_sent);
  if (record.size >= SendRecord::kMaxSize) return;
  amount = std::min(amount, SendRecord::kMaxSize - record.size);
  SendRecord* next = unsent.next(record);
  if (amount == 0 || next == nullptr || !may_grow_by(record, *next)) return;
  if (next->size > amount && !split(*next, amount)) return;
  join_next(record, *next);
}

bool SendQueue::join_sent(SendRecord& record, SendRecord& next) {
  ASSERT(record.is_sent && next.is_sent);
  if (next.size == 0 ? record.ends_message || record.flags.fin() : !may_grow_by(record, next)) return false;
  if (retransmit_hint == &next) retransmit_hint = &record;
  join_next(record, next);
  return true;
}

void SendQueue::join_next(SendRecord& record, SendRecord& next) {
  uint8_t from = 0;
  if (is_continued_by(record, next)) {
    record.fragments[record.fragment_count - 1].size += next.fragments[0].size;
    from = 1;
  }
  for (uint8_t i = from; i < next.fragment_count; ++i) record.fragments[record.fragment_count++] = std::move(next.fragments[i]);
  record.size += next.size;
  record.charge += next.size;
  record.flags |= next.flags;
  record.ends_message = next.ends_message;
  // Of two bytes of which something is to be told it is told of the later one (tcp_skb_collapse_tstamp).
  if (next.stamps != 0) {
    record.stamps |= next.stamps;
    record.stamp_at = next.stamp_at;
  }
  next.charge -= next.size;
  if (!next.is_sent) unsent_bytes_ += next.size;  // remove() takes it off
  remove(next);
}

void SendQueue::mark_sent(SendRecord& record) {
  ASSERT(unsent.front() == &record);
  unsent.remove(record);
  unsent_bytes_ -= record.size;
  record.is_sent = true;
  sent.push_back(record);
}

void SendQueue::trim_front(SendRecord& record, uint32_t size) {
  ASSERT(size < record.length() && size <= record.size);
  record.seq += size;
  record.size -= size;
  record.charge -= size;
  charge_ -= size;
  uint8_t first = 0;
  while (size != 0) {
    Fragment& fragment = record.fragments[first];
    const uint32_t cut = std::min(size, fragment.size);
    fragment.offset += cut;
    fragment.size -= cut;
    size -= cut;
    if (fragment.size == 0) ++first;
  }
  if (first == 0) return;
  for (uint8_t i = first; i < record.fragment_count; ++i) record.fragments[i - first] = std::move(record.fragments[i]);
  for (uint8_t i = static_cast<uint8_t>(record.fragment_count - first); i < record.fragment_count; ++i) record.fragments[i] = {};
  record.fragment_count = static_cast<uint8_t>(record.fragment_count - first);
}

void SendQueue::remove(SendRecord& record) {
  if (!record.is_sent) unsent_bytes_ -= record.size;
  if (retransmit_hint == &record) retransmit_hint = nullptr;
  record.queue_link.unlink();
  if (record.time_link.is_linked()) record.time_link.unlink();
  charge_ -= record.charge;
  pool_.drop_small(&record);
  // An idle connection holds no block.
  if (!is_empty()) return;
  tail_block_ = nullptr;
  forget_sacks();
}

void SendQueue::remember_sacks(const SackBlock* blocks, size_t count) {
  constexpr size_t kMost = TcpOptions::kMaxSackBlocks;
  if (recent_sacks_ == nullptr) recent_sacks_ = construct<RecentSacks>(pool_.hal());
  if (recent_sacks_ == nullptr) return;
  std::fill_n(recent_sacks_->blocks, kMost - count, SackBlock{});
  std::copy_n(blocks, count, recent_sacks_->blocks + kMost - count);
}

void SendQueue::forget_sacks() {
  if (recent_sacks_ != nullptr) dispose(pool_.hal(), std::exchange(recent_sacks_, nullptr));
}

void SendQueue::clear() {
  while (SendRecord* record = unsent.front()) remove(*record);
  while (SendRecord* record = sent.front()) remove(*record);
  tail_block_ = nullptr;
  forget_sacks();
}

Result<> SendQueue::cite(const SendRecord& record, uint32_t offset, uint32_t size, Packet& packet) {
  for (uint8_t i = 0; i < record.fragment_count && size != 0; ++i) {
    const Fragment& fragment = record.fragments[i];
    if (offset >= fragment.size) {
      offset -= fragment.size;
      continue;
    }
    const uint32_t piece = std::min(size, fragment.size - offset);
    TRY(packet.append_fragment(fragment.block, fragment.offset + offset, piece));
    offset = 0;
    size -= piece;
  }
  return ok();
}

}  // namespace lxnet
