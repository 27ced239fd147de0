// Runs are searched from the end, where new data nearly always belongs.
#include "stack/tcp/out_of_order_queue.hh"

#include "stack/tcp/collapse.hh"

namespace lxnet {
namespace {

size_t cost_of(const PacketQueue& packets) {
  size_t cost = 0;
  for (const Packet* packet = packets.front(); packet != nullptr; packet = packets.next(*packet)) cost += packet->true_size();
  return cost;
}

// One stretch is told: what follows or overlaps the one that is known makes it longer (tcp_dsack_extend).
void add_duplicate(OutOfOrderQueue::Insertion& result, SeqNum left, SeqNum right) {
  SackBlock& known = result.duplicate;
  if (known.left == known.right) {
    known = {left, right};
  } else if (!left.is_after(known.right) && !known.left.is_after(right)) {
    known = {earlier_of(known.left, left), later_of(known.right, right)};
  }
}

}  // namespace

OutOfOrderQueue::~OutOfOrderQueue() {
  clear();
  if (held_ != nullptr) dispose(hal_, held_);
}

OutOfOrderQueue::Run* OutOfOrderQueue::find_at_or_before(SeqNum seq) const {
  for (Run* run = held_->runs.back(); run != nullptr; run = held_->runs.previous(*run)) {
    if (run->begin.is_at_or_before(seq)) return run;
  }
  return nullptr;
}

void OutOfOrderQueue::free_run(Run& run) {
  held_->charge -= cost_of(run.packets);
  held_->runs.remove(run);
  --held_->run_count;
  dispose(hal_, &run);
}

// One packet of the run has all of [begin, end).
bool OutOfOrderQueue::has_in_one(const Run& run, SeqNum begin, SeqNum end) {
  for (Packet* packet = run.packets.front(); packet != nullptr; packet = run.packets.next(*packet)) {
    if (ReceivedSegment::of(*packet).seq.is_after(begin)) return false;
    if (end.is_at_or_before(ReceivedSegment::end(*packet))) return true;
  }
  return false;
}

// Of a long run not every packet is looked at again for each that overlaps it, or a peer could make that slow: what it has of the
// new packet is cut off, as if the run were one. True: it has all.
bool OutOfOrderQueue::cut_at_long_runs(Packet& packet, Insertion& result) {
  ReceivedSegment& received = ReceivedSegment::of(packet);
  const SeqNum end = ReceivedSegment::end(packet);
  Run* before = find_at_or_before(received.seq);
  if (before != nullptr && before->packets.count() > kLongRun && received.seq.is_before(before->end)) {
    add_duplicate(result, received.seq, earlier_of(end, before->end));
    if (end.is_at_or_before(before->end)) return true;
    packet.consume(before->end.bytes_since(received.seq));
    received.seq = before->end;
    received.is_cut = true;
  }
  Run* last = find_at_or_before(end - 1);
  if (last != nullptr && last->packets.count() > kLongRun && received.seq.is_before(last->begin) && end.is_before(last->end)) {
    add_duplicate(result, last->begin, end);
    received.fin = false;
    packet.trim(last->begin.bytes_since(received.seq));
  }
  return false;
}

// The packet overlaps what is there, from `first` on: what it covers whole goes, and of what it covers in part it is cut off
// (tcp_data_queue_ofo). All that it touches becomes one run.
void OutOfOrderQueue::insert_over(Run& first, Ref<Packet> packet, Insertion& result) {
  ReceivedSegment& received = ReceivedSegment::of(*packet);
  const SeqNum begin = received.seq, end = ReceivedSegment::end(*packet);
  SeqNum run_end = end;
  PacketQueue left, right;
  for (Run* run = &first; run != nullptr && run->begin.is_at_or_before(end);) {
    Run* next = held_->runs.next(*run);
    run_end = later_of(run_end, run->end);
    if (run->end.is_at_or_before(begin)) left.append(run->packets);
    if (run->begin.is_at_or_after(end)) right.append(run->packets);
    while (!run->packets.is_empty()) {
      Ref<Packet> held = run->packets.take_front();
      ReceivedSegment& other = ReceivedSegment::of(*held);
      const SeqNum other_end = ReceivedSegment::end(*held);
      if (other_end.is_at_or_before(begin)) {
        left.push_back(std::move(held));
      } else if (other.seq.is_at_or_after(end)) {
        right.push_back(std::move(held));
      } else if (other.seq.is_before(begin)) {
        add_duplicate(result, begin, other_end);
        packet->consume(other_end.bytes_since(begin));
        received.seq = other_end;
        received.is_cut = true;
        left.push_back(std::move(held));
      } else if (other_end.is_after(end)) {
        add_duplicate(result, other.seq, end);
        received.fin = false;
        packet->trim(other.seq.bytes_since(received.seq));
        other.is_cut = true;  // to Linux they overlap, and so are not joined
        right.push_back(std::move(held));
      } else {
        add_duplicate(result, other.seq, other_end);
        held_->charge -= held->true_size();
      }
    }
    if (run != &first) free_run(*run);
    run = next;
  }
  first.begin = earlier_of(first.begin, begin);
  first.end = run_end;
  Packet* before = left.back();
  if (before == nullptr || !ReceivedSegment::absorb(*before, *packet)) {
    const bool is_free = before != nullptr && ReceivedSegment::take_over_charge(*before, *packet);
    if (!is_free) held_->charge += packet->true_size();
    left.push_back(std::move(packet));
  }
  left.append(right);
  first.packets.append(left);
  result.outcome = Outcome::Inserted;
}

// The packet fills [begin, end), which touches neither, one or both of its neighbours.
OutOfOrderQueue::Run* OutOfOrderQueue::join_or_create(Run* before, Run* after, Ref<Packet> packet, SeqNum begin, SeqNum end) {
  const bool joins_before = before != nullptr && before->end == begin;
  const bool joins_after = after != nullptr && after->begin == end;
  const bool is_absorbed = joins_before && ReceivedSegment::absorb(*before->packets.back(), *packet);
  const bool is_free = is_absorbed || (joins_before && ReceivedSegment::take_over_charge(*before->packets.back(), *packet));
  const size_t cost = is_free ? 0 : packet->true_size();
  Run* run = before;
  if (joins_before) {
    if (!is_absorbed) run->packets.push_back(std::move(packet));
    run->end = end;
    if (joins_after) {
      run->packets.append(after->packets);
      run->end = after->end;
      held_->runs.remove(*after);
      --held_->run_count;
      dispose(hal_, after);
    }
  } else if (joins_after) {
    run = after;
    run->packets.push_front(std::move(packet));
    run->begin = begin;
  } else {
    if (held_->run_count == kMaxRuns) return nullptr;
    run = construct<Run>(hal_);
    if (run == nullptr) return nullptr;
    run->begin = begin;
    run->end = end;
    run->packets.push_back(std::move(packet));
    if (before != nullptr) {
      held_->runs.insert_after(*before, *run);
    } else {
      held_->runs.push_front(*run);
    }
    ++held_->run_count;
  }
  held_->charge += cost;
  return run;
}

bool OutOfOrderQueue::has(SeqNum begin, SeqNum end) const {
  if (held_ == nullptr) return false;
  const Run* run = find_at_or_before(begin);
  return run != nullptr && end.is_at_or_before(run->end) && has_in_one(*run, begin, end);
}

OutOfOrderQueue::Insertion OutOfOrderQueue::insert(Ref<Packet> packet) {
  Insertion result{Outcome::Duplicate, {}};
  if (held_ == nullptr) held_ = construct<Held>(hal_);
  if (held_ == nullptr) {
    result.outcome = Outcome::Refused;
    return result;
  }
  if (cut_at_long_runs(*packet, result)) return result;
  const SeqNum begin = ReceivedSegment::of(*packet).seq, end = ReceivedSegment::end(*packet);
  Run* before = find_at_or_before(begin);
  Run* after = before == nullptr ? held_->runs.front() : held_->runs.next(*before);
  const bool overlaps_before = before != nullptr && begin.is_before(before->end);
  if (overlaps_before && end.is_at_or_before(before->end) && has_in_one(*before, begin, end)) {
    add_duplicate(result, begin, end);
    return result;
  }
  if (overlaps_before || (after != nullptr && after->begin.is_before(end))) {
    insert_over(before != nullptr && begin.is_at_or_before(before->end) ? *before : *after, std::move(packet), result);
    return result;
  }
  const Run* run = join_or_create(before, after, std::move(packet), begin, end);
  result.outcome = run == nullptr ? Outcome::Refused : Outcome::Inserted;
  return result;
}

SackBlock OutOfOrderQueue::passed(SeqNum next) const {
  if (held_ == nullptr) return {};
  const Run* first = held_->runs.front();
  if (first == nullptr || !first->begin.is_before(next)) return {};
  return {first->begin, earlier_of(first->end, next)};
}

bool OutOfOrderQueue::take_reached(SeqNum next, PacketQueue& out) {
  bool found = false;
  if (held_ == nullptr) return false;
  while (Run* run = held_->runs.front()) {
    if (run->begin.is_after(next)) break;
    held_->charge -= cost_of(run->packets);
    while (!run->packets.is_empty()) {
      Ref<Packet> packet = run->packets.take_front();
      ReceivedSegment& received = ReceivedSegment::of(*packet);
      if (ReceivedSegment::end(*packet).is_at_or_before(next)) continue;
      if (received.seq.is_before(next)) {
        packet->consume(next.bytes_since(received.seq));
        received.seq = next;
        received.is_cut = true;
      }
      next = ReceivedSegment::end(*packet);
      out.push_back(std::move(packet));
      found = true;
    }
    free_run(*run);
  }
  return found;
}

bool OutOfOrderQueue::holds_only_fin() const {
  if (held_ == nullptr || held_->run_count != 1) return false;
  Packet* packet = held_->runs.front()->packets.front();
  return held_->runs.front()->packets.next(*packet) == nullptr && ReceivedSegment::of(*packet).fin;
}

uint32_t OutOfOrderQueue::collapse(PacketPool& pool) {
  uint32_t packed = 0;
  if (held_ == nullptr) return 0;
  for (Run& run : held_->runs) {
    held_->charge -= cost_of(run.packets);
    packed += collapse_packets(pool, run.packets);
    held_->charge += cost_of(run.packets);
  }
  return packed;
}

size_t OutOfOrderQueue::prune_last() {
  Run* run = held_ == nullptr ? nullptr : held_->runs.back();
  if (run == nullptr) return 0;
  const size_t before = held_->charge;
  free_run(*run);
  return before - held_->charge;
}

void OutOfOrderQueue::clear() {
  while (prune_last() != 0) {
  }
}

}  // namespace lxnet
