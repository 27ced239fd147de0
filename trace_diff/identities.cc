#include "trace_diff/identities.hh"

namespace lxnet::trace {

bool Bijection::match(int64_t a, int64_t b, uint64_t tick) {
  auto of_a = forward_.find(a);
  auto of_b = backward_.find(b);
  bool is_known = of_a != forward_.end() && of_a->second.value == b;
  if (is_known) {
    of_a->second.tick = tick;
    if (of_b != backward_.end()) of_b->second.tick = tick;
    return true;
  }
  auto is_taken = [tick](auto entry, auto end) { return entry != end && tick - entry->second.tick <= kStale; };
  if (is_taken(of_a, forward_.end()) || is_taken(of_b, backward_.end())) return false;
  bind(a, b, tick);
  return true;
}

void Bijection::bind(int64_t a, int64_t b, uint64_t tick) {
  auto of_a = forward_.find(a);
  if (of_a != forward_.end()) backward_.erase(of_a->second.value);
  auto of_b = backward_.find(b);
  if (of_b != backward_.end()) forward_.erase(of_b->second.value);
  forward_[a] = {b, tick};
  backward_[b] = {a, tick};
}

void Bijection::forget(int64_t a, int64_t b) {
  auto of_a = forward_.find(a);
  if (of_a == forward_.end() || of_a->second.value != b) return;
  forward_.erase(of_a);
  backward_.erase(b);
}

}  // namespace lxnet::trace
