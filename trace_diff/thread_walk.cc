#include "trace_diff/thread_walk.hh"

#include <algorithm>
#include <charconv>

#include "trace_diff/place.hh"

namespace lxnet::trace {
namespace {

constexpr size_t kWindow = 16;      // calls looked ahead where two do not agree
constexpr size_t kHorizon = 4;      // pairs that must agree behind a long gap
constexpr size_t kFarSkips = 2000;  // the longest gap
constexpr size_t kMostPieces = 256;

int64_t result_of(const ParsedCall& parsed) {
  int64_t number = -1;
  return parsed.call.error.empty() && number_of(parsed.tree, parsed.call.result, number) ? number : -1;
}

}  // namespace

ThreadWalk::ThreadWalk(const RuleSet& rules, const std::string& thread, Side linux_side, Side lxnet_side)
    : rules_(rules), thread_(thread), a_(std::move(linux_side)), b_(std::move(lxnet_side)) {}

void ThreadWalk::parse(const Side& side, size_t ahead, ParsedCall& parsed) const {
  parse_call(event(side, ahead).text, parsed.tree, parsed.call);
}

// 2: the same call with the same answer; 1: the same call; 0: another.
int ThreadWalk::agreement(size_t ahead_a, size_t ahead_b) const {
  if (!has(a_, ahead_a) || !has(b_, ahead_b)) return 0;
  const Fingerprint& a = a_.marks[a_.next + ahead_a].print;
  const Fingerprint& b = b_.marks[b_.next + ahead_b].print;
  return a.whole == b.whole ? 2 : a.asked == b.asked ? 1 : 0;
}

bool ThreadWalk::is_swap() const { return agreement(0, 1) == 2 && agreement(1, 0) == 2 && agreement(0, 0) < 2; }

// The cheapest way through the next calls of both sides: pairing the same call with another answer costs as much as leaving one
// call out, pairing two calls of one name a little more. Returns what that way does first.
ThreadWalk::Skips ThreadWalk::find_agreement() const {
  constexpr int kExact = 0, kSameQuestion = 2, kSameName = 3, kLone = 2, kNever = 1000;
  size_t rows = std::min(kWindow, a_.marks.size() - a_.next), columns = std::min(kWindow, b_.marks.size() - b_.next);
  int cost[kWindow + 1][kWindow + 1];
  auto pair_cost = [&](size_t a, size_t b) {
    int agreed = agreement(a, b);
    return agreed == 2 ? kExact : agreed == 1 ? kSameQuestion : same_name(a, b) ? kSameName : kNever;
  };
  int exact_ahead = 0;
  for (size_t a = rows + 1; a-- > 0;) {
    for (size_t b = columns + 1; b-- > 0;) {
      if (a == rows || b == columns) {
        cost[a][b] = static_cast<int>(rows - a + columns - b) * kLone;
        continue;
      }
      int paired = pair_cost(a, b);
      exact_ahead += paired == kExact;
      cost[a][b] = std::min({paired + cost[a + 1][b + 1], kLone + cost[a + 1][b], kLone + cost[a][b + 1]});
    }
  }
  if (exact_ahead < 2) {
    if (Skips far = find_far_agreement(); far.a + far.b > 0) return far;
  }
  if (pair_cost(0, 0) + cost[1][1] == cost[0][0]) return {0, 0};
  return kLone + cost[1][0] == cost[0][0] ? Skips{1, 0} : Skips{0, 1};
}

// Many calls of one side have no counterpart: where the next ones of the other side go on.
ThreadWalk::Skips ThreadWalk::find_far_agreement() const {
  auto goes_on = [&](size_t a, size_t b) {
    for (size_t i = 0; i < kHorizon; i++) {
      if (agreement(a + i, b + i) < 2) return false;
    }
    return true;
  };
  for (size_t skipped = kWindow / 2; skipped <= kFarSkips; skipped++) {
    if (goes_on(skipped, 0)) return {skipped, 0};
    if (goes_on(0, skipped)) return {0, skipped};
  }
  return {0, 0};
}

// How many calls of `side` are attempts that found nothing, and the waiting after them, before the one that `other` made at once.
size_t ThreadWalk::attempts_before_success(const Side& side, const Side& other) const {
  ParsedCall parsed;
  bool has_failed = false;
  for (size_t ahead = 0; ahead < kMostPieces && has(side, ahead); ahead++) {
    std::string_view name = event(side, ahead).name();
    if (side.marks[side.next + ahead].print.whole == other.marks[other.next].print.whole) return has_failed ? ahead : 0;
    if (rules_.of(name).is_wait) continue;
    if (side.marks[side.next + ahead].print.asked != other.marks[other.next].print.asked) return 0;
    parse(side, ahead, parsed);
    if (parsed.call.error != "EAGAIN") return 0;
    has_failed = true;
  }
  return 0;
}

ThreadWalk::Skips ThreadWalk::find_regrouping(Identities& identities) {
  if (size_t ahead = attempts_before_success(a_, b_); ahead > 0) return {ahead + 1, 1};
  if (size_t ahead = attempts_before_success(b_, a_); ahead > 0) return {1, ahead + 1};
  return find_same_stream(identities);
}

// Both sides move a stream on the same descriptor, in pieces of other lengths: pieces are taken from the side that is behind
// until both have moved as much. Waiting and attempts in between are part of it.
ThreadWalk::Skips ThreadWalk::find_same_stream(Identities& identities) {
  struct Progress {
    size_t count = 0;
    int64_t bytes = 0;
    std::string text;
    bool is_cut = false;
  };
  const CallRules& rules = rules_.of(event(a_, 0).name());
  if (!same_name(0, 0) || rules.stream_argument == kAnyPlace) return {0, 0};
  ParsedCall first_a, first_b, parsed;
  parse(a_, 0, first_a);
  parse(b_, 0, first_b);
  int64_t fd_a = -1, fd_b = -1;
  if (first_a.call.arguments == kNoValue || first_b.call.arguments == kNoValue) return {0, 0};
  if (!number_of(first_a.tree, first_a.call.arguments, fd_a) || !number_of(first_b.tree, first_b.call.arguments, fd_b))
    return {0, 0};
  if (!files->match(fd_a, fd_b, identities.tick)) return {0, 0};
  Progress done_a, done_b;
  auto advance = [&](const Side& side, int64_t fd, Progress& done) {
    while (done.count < kMostPieces && has(side, done.count)) {
      std::string_view name = event(side, done.count).name();
      size_t ahead = done.count++;
      if (rules_.of(name).is_wait) continue;
      if (name != event(a_, 0).name()) return false;
      parse(side, ahead, parsed);
      int64_t descriptor = -1;
      if (!number_of(parsed.tree, parsed.call.arguments, descriptor) || descriptor != fd) return false;
      if (parsed.call.error == "EAGAIN") continue;
      int64_t moved = result_of(parsed);
      if (moved <= 0) return false;
      ValueIndex data = parsed.call.arguments;
      for (int i = 0; i < rules.stream_argument && data != kNoValue; i++) data = parsed.tree.at(data).next;
      if (data == kNoValue || parsed.tree.at(data).kind != ValueKind::String) return false;
      // The program gives all it has at each try; the kernel takes a part.
      if (rules.stream_is_input) done.text.clear();
      done.text += parsed.tree.at(data).text;
      done.is_cut |= parsed.tree.at(data).is_cut;
      done.bytes += moved;
      return true;
    }
    return false;
  };
  if (!advance(a_, fd_a, done_a) || !advance(b_, fd_b, done_b)) return {0, 0};
  while (done_a.bytes != done_b.bytes) {
    bool a_is_behind = done_a.bytes < done_b.bytes;
    if (!(a_is_behind ? advance(a_, fd_a, done_a) : advance(b_, fd_b, done_b))) return {0, 0};
  }
  if (done_a.count == 1 && done_b.count == 1) return {0, 0};
  bool is_comparable = !rules.stream_is_input && !done_a.is_cut && !done_b.is_cut;
  if (is_comparable && done_a.text != done_b.text) return {0, 0};
  return {done_a.count, done_b.count};
}

void ThreadWalk::step(Identities& identities, Totals& totals, std::vector<Divergence>& out) {
  if (a_.is_done()) return lone(b_, 1, DivergenceClass::Extra, out);
  if (b_.is_done()) return lone(a_, 1, DivergenceClass::Missing, out);
  if (agreement(0, 0) == 2) return pair(identities, totals, out);
  if (is_swap()) return swap(identities, totals, out);
  Skips same = find_regrouping(identities);
  if (same.a > 0) {
    totals.regrouped += same.a + same.b;
    a_.next += same.a;
    b_.next += same.b;
    return;
  }
  Skips skips = find_agreement();
  if (skips.a == 0 && skips.b == 0) return pair(identities, totals, out);
  lone(a_, skips.a, DivergenceClass::Missing, out);
  lone(b_, skips.b, DivergenceClass::Extra, out);
}

void ThreadWalk::pair(Identities& identities, Totals& totals, std::vector<Divergence>& out) {
  parse(a_, 0, parsed_a_);
  parse(b_, 0, parsed_b_);
  std::vector<Difference> differences = compare_calls(rules_.of(parsed_a_.call.name), parsed_a_, parsed_b_, identities, *files);
  totals.compared++;
  if (differences.empty()) {
    totals.equal++;
  } else {
    DivergenceClass which = differences.front().which;
    out.push_back({.which = which,
                   .thread = thread_,
                   .linux_event = a_.marks[a_.next].event,
                   .lxnet_event = b_.marks[b_.next].event,
                   .differences = std::move(differences),
                   .explanation = {}});
  }
  a_.next++;
  b_.next++;
}

void ThreadWalk::lone(Side& side, size_t count, DivergenceClass which, std::vector<Divergence>& out) {
  bool is_linux = which == DivergenceClass::Missing;
  for (size_t i = 0; i < count; i++, side.next++) {
    uint32_t index = side.marks[side.next].event;
    out.push_back({.which = which,
                   .thread = thread_,
                   .linux_event = is_linux ? index : kNoEvent,
                   .lxnet_event = is_linux ? kNoEvent : index,
                   .differences = {},
                   .explanation = {}});
  }
}

void ThreadWalk::learn(size_t ahead_a, size_t ahead_b, Identities& identities) {
  parse(a_, ahead_a, parsed_a_);
  parse(b_, ahead_b, parsed_b_);
  compare_calls(rules_.of(parsed_a_.call.name), parsed_a_, parsed_b_, identities, *files);
}

void ThreadWalk::swap(Identities& identities, Totals& totals, std::vector<Divergence>& out) {
  learn(0, 1, identities);
  learn(1, 0, identities);
  Difference difference{DivergenceClass::Order, "order", std::string(event(a_, 0).text), std::string(event(b_, 0).text)};
  out.push_back({.which = DivergenceClass::Order,
                 .thread = thread_,
                 .linux_event = a_.marks[a_.next].event,
                 .lxnet_event = b_.marks[b_.next].event,
                 .differences = {std::move(difference)},
                 .explanation = {}});
  totals.compared += 2;
  totals.equal++;
  a_.next += 2;
  b_.next += 2;
}

}  // namespace lxnet::trace
