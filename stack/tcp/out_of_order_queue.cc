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

void add_duplicate(OutOfOrderQueue::Insertion& result, SeqNum left, SeqNum right) {
  if (result.duplicate.left == result.duplicate.right) result.duplicate = {left, right};
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

// Frees the runs that a packet up to `end` covers whole.
void OutOfOrderQueue::swallow_covered(Run* first, SeqNum end, Insertion& result) {
  while (first != nullptr && first->end.is_at_or_before(end)) {
    Run* next = held_->runs.next(*first);
    add_duplicate(result, first->begin, first->end);
    free_run(*first);
    first = next;
  }
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

OutOfOrderQueue::Insertion OutOfOrderQueue::insert(Ref<Packet> packet) {
  Insertion result{Outcome::Duplicate, {}, {}};
  if (held_ == nullptr) held_ = construct<Held>(hal_);
  if (held_ == nullptr) {
    result.outcome = Outcome::Refused;
    return result;
  }
  ReceivedSegment& received = ReceivedSegment::of(*packet);
  SeqNum begin = received.seq;
  SeqNum end = ReceivedSegment::end(*packet);
  Run* before = find_at_or_before(begin);
  if (before != nullptr && begin.is_before(before->end)) {
    add_duplicate(result, begin, earlier_of(end, before->end));
    if (end.is_at_or_before(before->end)) {
      result.run = {before->begin, before->end};
      return result;
    }
    packet->consume(before->end.bytes_since(begin));
    begin = received.seq = before->end;
    received.is_cut = true;
  }
  Run* after = before == nullptr ? held_->runs.front() : held_->runs.next(*before);
  swallow_covered(after, end, result);
  after = before == nullptr ? held_->runs.front() : held_->runs.next(*before);
  if (after != nullptr && after->begin.is_before(end)) {
    add_duplicate(result, after->begin, end);
    received.fin = false;
    // To Linux they overlap, and so are not joined.
    ReceivedSegment::of(*after->packets.front()).is_cut = true;
    packet->trim(after->begin.bytes_since(begin));
    end = after->begin;
  }
  Run* run = join_or_create(before, after, std::move(packet), begin, end);
  result.outcome = run == nullptr ? Outcome::Refused : Outcome::Inserted;
  if (run != nullptr) result.run = {run->begin, run->end};
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
