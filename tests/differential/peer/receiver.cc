#include "tests/differential/peer/receiver.hh"

#include <algorithm>

namespace peer {

void Receiver::begin(uint32_t iss) {
  has_begun_ = true;
  iss_ = iss;
  next_ = sent_ = acked_ = iss + 1;
  waiting_.clear();
  beyond_.clear();
  duplicate_.reset();
}

void Receiver::queue(const Segment& segment) {
  if (is_before(sent_, segment.end())) sent_ = segment.end();
  if (segment.length() != 0) waiting_.push_back(segment);
}

std::optional<Segment> Receiver::take_waiting() {
  if (waiting_.empty()) return std::nullopt;
  Segment segment = std::move(waiting_.front());
  waiting_.pop_front();
  return segment;
}

void Receiver::take_in(const Segment& segment) {
  Range range{segment.seq, segment.end()};
  if (is_before(range.first, next_)) {
    duplicate_ = Range{range.first, is_before(range.second, next_) ? range.second : next_};
    range.first = next_;
  }
  if (!is_before(range.first, range.second)) return;
  if (range.first != next_) {
    for (auto at = beyond_.begin(); at != beyond_.end();) {
      if (is_before(range.second, at->first) || is_before(at->second, range.first)) {
        ++at;
        continue;
      }
      if (!is_before(range.first, at->first) && !is_before(at->second, range.second)) duplicate_ = range;
      if (is_before(at->first, range.first)) range.first = at->first;
      if (is_before(range.second, at->second)) range.second = at->second;
      at = beyond_.erase(at);
    }
    beyond_.insert(beyond_.begin(), range);
    return;
  }
  next_ = range.second;
  for (bool has_moved = true; has_moved;) {
    has_moved = false;
    for (auto at = beyond_.begin(); at != beyond_.end(); ++at) {
      if (is_before(next_, at->first)) continue;
      if (is_before(next_, at->second)) next_ = at->second;
      beyond_.erase(at);
      has_moved = true;
      break;
    }
  }
}

std::vector<Receiver::Range> Receiver::take_sacks() {
  std::vector<Range> sacks;
  if (duplicate_) sacks.push_back(*duplicate_);
  duplicate_.reset();
  sacks.insert(sacks.end(), beyond_.begin(), beyond_.end());
  if (sacks.size() > 3) sacks.resize(3);
  return sacks;
}

}  // namespace peer
