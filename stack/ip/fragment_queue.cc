// Placing fragments and joining them.
#include "stack/ip/fragment_queue.hh"

#include <algorithm>

namespace lxnet {

FragmentOutcome FragmentQueue::insert(Ref<Packet>& packet, const FragmentPiece& piece) {
  if (piece.end <= piece.offset) return FragmentOutcome::Inconsistent;
  const FragmentOutcome extent = check_extent(piece);
  if (extent != FragmentOutcome::Held) return extent;
  Packet* held = packet.get();
  const FragmentOutcome outcome = place_piece(packet, piece);
  if (outcome != FragmentOutcome::Held) return outcome;
  packet_memory_ += held->true_size();
  received_ += piece.end - piece.offset;
  ecn_seen_ = static_cast<uint8_t>(ecn_seen_ | 1u << (piece.ecn & 3));
  max_size_ = std::max(max_size_, piece.packet_size);
  if (piece.has_df) max_df_size_ = std::max(max_df_size_, piece.packet_size);
  has_first_ |= piece.offset == 0;
  return has_first_ && has_last_ && received_ == total_ ? FragmentOutcome::Complete : FragmentOutcome::Held;
}

// Whether the fragment agrees with the others about where the datagram ends.
FragmentOutcome FragmentQueue::check_extent(const FragmentPiece& piece) {
  if (piece.is_last) {
    if (piece.end < total_ || (has_last_ && piece.end != total_)) return FragmentOutcome::Inconsistent;
    has_last_ = true;
    total_ = piece.end;
  } else if (piece.end > total_) {
    if (has_last_) return FragmentOutcome::Inconsistent;
    total_ = piece.end;
  }
  return FragmentOutcome::Held;
}

// Behind all that has come.
FragmentOutcome FragmentQueue::append_piece(Ref<Packet>& packet, const FragmentPiece& piece) {
  if (last_run_ != nullptr && piece.offset < place(*last_run_).run_end) return FragmentOutcome::Overlap;
  place(*packet) = Place{.offset = piece.offset, .end = piece.end, .run_end = piece.end};
  if (last_run_ != nullptr && piece.offset == place(*last_run_).run_end) {
    place(*last_run_).run_end = piece.end;
  } else {
    if (run_count_ == kMaxRuns) return FragmentOutcome::TooManyRuns;
    ++run_count_;
    if (last_run_ != nullptr) place(*last_run_).next_run = packet.get();
    last_run_ = packet.get();
  }
  packets_.push_back(std::move(packet));
  return FragmentOutcome::Held;
}

FragmentOutcome FragmentQueue::place_piece(Ref<Packet>& packet, const FragmentPiece& piece) {
  if (last_run_ == nullptr || piece.end > place(*last_run_).run_end) return append_piece(packet, piece);
  // Somewhere before the end: find the run that meets it, or the gap it falls into.
  Packet* before = nullptr;
  Packet* run = packets_.front();
  while (piece.offset >= place(*run).run_end) {
    before = run;
    run = place(*run).next_run;
  }
  const Place& met = place(*run);
  if (piece.end > met.offset) {
    return piece.offset >= met.offset && piece.end <= met.run_end ? FragmentOutcome::Duplicate : FragmentOutcome::Overlap;
  }
  if (run_count_ == kMaxRuns) return FragmentOutcome::TooManyRuns;
  ++run_count_;
  place(*packet) = Place{.offset = piece.offset, .end = piece.end, .run_end = piece.end, .next_run = run};
  if (before != nullptr) place(*before).next_run = packet.get();
  packets_.insert_before(*run, std::move(packet));
  return FragmentOutcome::Held;
}

bool FragmentQueue::merge_ecn(uint8_t& bits) const {
  constexpr uint8_t kNotCapable = 1, kCongestion = 8, kCongestionBits = 3;
  bits = 0;
  if (ecn_seen_ == kNotCapable || (ecn_seen_ & (ecn_seen_ - 1)) == 0) return true;
  if ((ecn_seen_ & kNotCapable) != 0) return false;
  if ((ecn_seen_ & kCongestion) != 0) bits = kCongestionBits;
  return true;
}

Ref<Packet> FragmentQueue::join() {
  size_t runs = 0;
  for (const Packet* packet = packets_.front(); packet != nullptr; packet = packets_.next(*packet)) {
    runs += packet->fragments().size() + 1;
  }
  if (runs > Packet::kMaxFragments) return join_by_copy();
  Ref<Packet> whole = packets_.take_front();
  uint32_t cost = whole->true_size();
  while (!packets_.is_empty()) {
    const Ref<Packet> piece = packets_.take_front();
    cost += piece->true_size();
    if (!whole->append_from(*piece, 0, piece->size()).is_ok()) return nullptr;
  }
  whole->set_true_size(cost);
  return whole;
}

// More pieces than a packet can cite: one block for all of the payload but the first fragment's.
Ref<Packet> FragmentQueue::join_by_copy() {
  Ref<Packet> whole = packets_.take_front();
  const size_t rest = total_ - whole->size();
  uint32_t cost = whole->true_size();
  auto created = DataBlock::create(whole->pool(), rest);
  if (!created.is_ok()) return nullptr;
  Ref<DataBlock> block = created.take();
  size_t at = 0;
  while (!packets_.is_empty()) {
    const Ref<Packet> piece = packets_.take_front();
    cost += piece->true_size();
    at += piece->read(0, MutableByteSpan(block->bytes() + at, rest - at));
  }
  ASSERT(at == rest);
  if (!whole->append_fragment(std::move(block), 0, static_cast<uint32_t>(rest)).is_ok()) return nullptr;
  whole->set_true_size(cost);
  return whole;
}

void FragmentQueue::restart(Instant deadline) {
  packets_.clear();
  last_run_ = nullptr;
  run_count_ = 0;
  packet_memory_ = 0;
  received_ = total_ = 0;
  max_size_ = max_df_size_ = 0;
  ecn_seen_ = 0;
  has_first_ = has_last_ = false;
  deadline_ = deadline;
}

}  // namespace lxnet
