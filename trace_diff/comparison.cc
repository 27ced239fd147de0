#include "trace_diff/comparison.hh"

#include <algorithm>
#include <queue>

#include "absl/container/flat_hash_map.h"
#include "trace_diff/place.hh"

namespace lxnet::trace {
namespace {

// A signal came before the call had done anything, and the call was made again: the program saw one call.
bool is_made_again(const Trace& trace, const Mark& mark, const Mark& next) {
  const std::string_view text = trace.events[mark.event].text;
  const size_t result = text.rfind(" = ? ERESTART");
  if (result == text.npos || mark.print.asked != next.print.asked) return false;
  const std::string_view error = text.substr(result + 5);
  return error.starts_with("ERESTARTSYS") || error.starts_with("ERESTARTNOINTR");
}

std::vector<Mark> marks_of(const RuleSet& rules, const Trace& trace, const Thread& thread) {
  std::vector<Mark> marks;
  ValueTree tree;
  Call call;
  for (uint32_t index : thread.events) {
    const Event& event = trace.events[index];
    if (event.kind != EventKind::Call) continue;
    const CallRules& call_rules = rules.of(event.name());
    if (call_rules.is_skipped || !parse_call(event.text, tree, call)) continue;
    Mark mark{.event = index, .print = fingerprint_of(call_rules, tree, call)};
    if (!marks.empty() && is_made_again(trace, marks.back(), mark)) marks.pop_back();
    marks.push_back(mark);
  }
  return marks;
}

// Signals come when they come: what is compared is which ones, in order. `--- SIGCHLD {si_signo=SIGCHLD, ...} ---`
std::string_view signal_name(std::string_view text) {
  text.remove_prefix(std::min<size_t>(4, text.size()));
  return text.substr(0, text.find(' '));
}

class Whole {
 public:
  Whole(const RuleSet& rules, const Trace& a, const Trace& b) : rules_(rules), a_(a), b_(b) {}

  Comparison run() {
    absl::flat_hash_map<std::string, uint32_t> in_b;
    for (uint32_t thread = 0; thread < b_.threads.size(); thread++) in_b[b_.threads[thread].path] = thread;
    std::vector<bool> is_paired(b_.threads.size(), false);
    for (const Thread& thread : a_.threads) {
      auto found = in_b.find(thread.path);
      const Thread* partner = found == in_b.end() ? nullptr : &b_.threads[found->second];
      if (partner != nullptr) is_paired[found->second] = true;
      add_walk(thread, partner);
      compare_signals(thread, partner);
    }
    for (uint32_t thread = 0; thread < b_.threads.size(); thread++) {
      if (!is_paired[thread]) add_lone_thread(b_.threads[thread]);
    }
    advance();
    order();
    return std::move(result_);
  }

 private:
  void add_walk(const Thread& thread, const Thread* partner) {
    ThreadWalk::Side a{.trace = &a_, .marks = marks_of(rules_, a_, thread)};
    ThreadWalk::Side b{.trace = &b_, .marks = partner == nullptr ? std::vector<Mark>() : marks_of(rules_, b_, *partner)};
    walk_of_[thread.path] = walks_.size();
    walks_.push_back(std::make_unique<ThreadWalk>(rules_, thread.path, std::move(a), std::move(b)));
    threads_.push_back(&thread);
  }

  void add_lone_thread(const Thread& thread) {
    ThreadWalk::Side b{.trace = &b_, .marks = marks_of(rules_, b_, thread)};
    walks_.push_back(
        std::make_unique<ThreadWalk>(rules_, thread.path, ThreadWalk::Side{.trace = &a_, .marks = {}}, std::move(b)));
    threads_.push_back(nullptr);
  }

  // The walks of all threads together, in the order of Linux's run: a descriptor that one thread makes and another uses is known
  // by then.
  void advance() {
    using Next = std::pair<uint32_t, size_t>;
    std::priority_queue<Next, std::vector<Next>, std::greater<>> queue;
    for (size_t walk = 0; walk < walks_.size(); walk++) {
      if (!walks_[walk]->is_done()) queue.emplace(walks_[walk]->position(), walk);
    }
    while (!queue.empty()) {
      size_t index = queue.top().second;
      ThreadWalk& walk = *walks_[index];
      queue.pop();
      if (walk.files == nullptr) walk.files = files_for(index);
      walk.step(identities_, result_.totals, result_.divergences);
      if (!walk.is_done()) queue.emplace(walk.position(), index);
    }
  }

  std::shared_ptr<Bijection> files_for(size_t walk) {
    const Thread* thread = threads_[walk];
    if (thread == nullptr || thread->parent == kNoThread) return std::make_shared<Bijection>();
    auto parent = walk_of_.find(a_.threads[thread->parent].path);
    if (parent == walk_of_.end()) return std::make_shared<Bijection>();
    std::shared_ptr<Bijection>& parents = walks_[parent->second]->files;
    if (parents == nullptr) return std::make_shared<Bijection>();
    return thread->shares_files ? parents : std::make_shared<Bijection>(*parents);
  }

  struct Signals {
    std::vector<uint32_t> signals;
    uint32_t exit = kNoEvent;
  };
  static Signals signals_of(const Trace& trace, const Thread& thread) {
    Signals result;
    for (uint32_t index : thread.events) {
      if (trace.events[index].kind == EventKind::Signal) result.signals.push_back(index);
      if (trace.events[index].kind == EventKind::Exit) result.exit = index;
    }
    return result;
  }

  void compare_signals(const Thread& thread, const Thread* partner) {
    if (partner == nullptr) return;
    Signals a = signals_of(a_, thread), b = signals_of(b_, *partner);
    size_t i = 0, j = 0;
    auto name_a = [&](size_t at) { return signal_name(a_.events[a.signals[at]].text); };
    auto name_b = [&](size_t at) { return signal_name(b_.events[b.signals[at]].text); };
    auto lone = [&](uint32_t in_a, uint32_t in_b) {
      std::string text_a = in_a == kNoEvent ? "" : std::string(a_.events[in_a].text);
      std::string text_b = in_b == kNoEvent ? "" : std::string(b_.events[in_b].text);
      add(DivergenceClass::Signal, thread.path, in_a, in_b, {DivergenceClass::Signal, "signal", text_a, text_b});
    };
    while (i < a.signals.size() || j < b.signals.size()) {
      if (i < a.signals.size() && j < b.signals.size() && name_a(i) == name_b(j)) {
        i++, j++;
      } else if (j == b.signals.size() || (i + 1 < a.signals.size() && j < b.signals.size() && name_a(i + 1) == name_b(j))) {
        lone(a.signals[i++], kNoEvent);
      } else if (i == a.signals.size() || (j + 1 < b.signals.size() && name_b(j + 1) == name_a(i))) {
        lone(kNoEvent, b.signals[j++]);
      } else {
        lone(a.signals[i++], b.signals[j++]);
      }
    }
    // A log that was cut off says nothing about the end.
    if (a.exit == kNoEvent || b.exit == kNoEvent || a_.events[a.exit].text == b_.events[b.exit].text) return;
    add(DivergenceClass::Exit, thread.path, a.exit, b.exit,
        {DivergenceClass::Exit, "end", std::string(a_.events[a.exit].text), std::string(b_.events[b.exit].text)});
  }

  void add(DivergenceClass which, const std::string& thread, uint32_t in_a, uint32_t in_b, Difference difference) {
    result_.divergences.push_back({.which = which,
                                   .thread = thread,
                                   .linux_event = in_a,
                                   .lxnet_event = in_b,
                                   .differences = {std::move(difference)},
                                   .explanation = {}});
  }

  // By time of Linux's run; what only lxnet's has stands behind what preceded it in its own thread, as it was found.
  void order() {
    uint32_t last = 0;
    std::vector<std::pair<uint32_t, size_t>> keys;
    for (size_t i = 0; i < result_.divergences.size(); i++) {
      if (result_.divergences[i].linux_event != kNoEvent) last = result_.divergences[i].linux_event;
      keys.emplace_back(last, i);
    }
    std::stable_sort(keys.begin(), keys.end());
    std::vector<Divergence> sorted;
    for (const auto& key : keys) sorted.push_back(std::move(result_.divergences[key.second]));
    result_.divergences = std::move(sorted);
  }

  const RuleSet& rules_;
  const Trace& a_;
  const Trace& b_;
  Comparison result_;
  Identities identities_;
  std::vector<std::unique_ptr<ThreadWalk>> walks_;
  std::vector<const Thread*> threads_;  // of Linux's run, beside walks_
  absl::flat_hash_map<std::string, size_t> walk_of_;
};

}  // namespace

Comparison compare_traces(const RuleSet& rules, const KnownDifferences& known, const Trace& linux_trace,
                          const Trace& lxnet_trace) {
  Comparison result = Whole(rules, linux_trace, lxnet_trace).run();
  for (Divergence& divergence : result.divergences) {
    divergence.explanation = known.explain(divergence, linux_trace, lxnet_trace);
    (divergence.explanation.empty() ? result.totals.divergent : result.totals.explained)++;
  }
  return result;
}

}  // namespace lxnet::trace
