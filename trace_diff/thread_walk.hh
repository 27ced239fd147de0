// Two runs of one thread, side by side: which call belongs to which, and what of that is a difference.
//
// Calls are taken in order. Where the next two do not agree, the shortest way to where they agree again is taken: another answer
// to the same call, a call missing or extra, two calls swapped, a stream read or written in other pieces, an attempt repeated
// after waiting.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "trace_diff/call_compare.hh"
#include "trace_diff/divergence.hh"
#include "trace_diff/fingerprint.hh"
#include "trace_diff/trace.hh"

namespace lxnet::trace {

// An event that is compared, with what it is aligned by.
struct Mark {
  uint32_t event;
  Fingerprint print;
};

struct Totals {
  uint64_t compared = 0;   // pairs of calls
  uint64_t equal = 0;      // of these
  uint64_t regrouped = 0;  // calls that were cut or repeated differently and carry the same
  uint64_t divergent = 0, explained = 0;
};

class ThreadWalk {
 public:
  struct Side {
    const Trace* trace;
    std::vector<Mark> marks;
    size_t next = 0;
    bool is_done() const { return next >= marks.size(); }
  };

  ThreadWalk(const RuleSet& rules, const std::string& thread, Side linux_side, Side lxnet_side);

  bool is_done() const { return a_.is_done() && b_.is_done(); }
  // The next event of Linux's run, or of lxnet's when that has none; walks are advanced in this order.
  uint32_t position() const { return a_.is_done() ? b_.marks[b_.next].event : a_.marks[a_.next].event; }
  void step(Identities& identities, Totals& totals, std::vector<Divergence>& out);

  const std::string& thread() const { return thread_; }
  // The descriptors of the thread's process; set by whoever knows its parent.
  std::shared_ptr<Bijection> files;

 private:
  struct Skips {
    size_t a, b;
  };

  const Event& event(const Side& side, size_t ahead) const { return side.trace->events[side.marks[side.next + ahead].event]; }
  bool has(const Side& side, size_t ahead) const { return side.next + ahead < side.marks.size(); }
  bool same_name(size_t ahead_a, size_t ahead_b) const { return event(a_, ahead_a).name() == event(b_, ahead_b).name(); }
  int agreement(size_t ahead_a, size_t ahead_b) const;
  bool is_swap() const;
  Skips find_agreement() const;
  Skips find_far_agreement() const;
  // How many calls on each side are one thing cut or repeated in different ways; zeros when they are not.
  Skips find_regrouping(Identities& identities);
  Skips find_same_stream(Identities& identities);
  size_t attempts_before_success(const Side& side, const Side& other) const;

  void pair(Identities& identities, Totals& totals, std::vector<Divergence>& out);
  void lone(Side& side, size_t count, DivergenceClass which, std::vector<Divergence>& out);
  void swap(Identities& identities, Totals& totals, std::vector<Divergence>& out);
  void learn(size_t ahead_a, size_t ahead_b, Identities& identities);
  void parse(const Side& side, size_t ahead, ParsedCall& parsed) const;

  const RuleSet& rules_;
  std::string thread_;
  Side a_, b_;
  ParsedCall parsed_a_, parsed_b_;
};

}  // namespace lxnet::trace
