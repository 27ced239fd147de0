// Two traces compared whole.
#pragma once

#include "trace_diff/divergence.hh"
#include "trace_diff/known.hh"
#include "trace_diff/rules.hh"
#include "trace_diff/thread_walk.hh"
#include "trace_diff/trace.hh"

namespace lxnet::trace {

struct Comparison {
  Totals totals;
  std::vector<Divergence> divergences;  // in the order of Linux's run
};

// `known` differences are marked with their explanation and counted apart.
Comparison compare_traces(const RuleSet& rules, const KnownDifferences& known, const Trace& linux_trace,
                          const Trace& lxnet_trace);

}  // namespace lxnet::trace
