// Figures of a comparison by call and by class, for every kind of report.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "trace_diff/comparison.hh"

namespace lxnet::trace {

struct CallFigures {
  uint64_t linux_count = 0, lxnet_count = 0;
  uint64_t divergent = 0, explained = 0;
  int64_t linux_nanos = 0, lxnet_nanos = 0;  // spent in the call; 0 when the traces do not say (strace -T)
};

struct Summary {
  std::map<std::string, CallFigures> calls;
  uint64_t by_class[kDivergenceClasses] = {};  // unexplained
  bool has_times = false;
};

Summary summarize(const RuleSet& rules, const Comparison& comparison, const Trace& linux_trace, const Trace& lxnet_trace);

// The name of the call or of the signal that a divergence is about.
std::string subject_of(const Divergence& divergence, const Trace& linux_trace, const Trace& lxnet_trace);

}  // namespace lxnet::trace
