#include "trace_diff/summary.hh"

namespace lxnet::trace {
namespace {

void count(const RuleSet& rules, const Trace& trace, uint64_t CallFigures::*counter, int64_t CallFigures::*nanos,
           Summary& summary) {
  for (const Event& event : trace.events) {
    if (event.kind != EventKind::Call || rules.of(event.name()).is_skipped) continue;
    CallFigures& figures = summary.calls[std::string(event.name())];
    figures.*counter += 1;
    int64_t duration = duration_of(event.text);
    if (duration == kNoDuration) continue;
    figures.*nanos += duration;
    summary.has_times = true;
  }
}

}  // namespace

std::string subject_of(const Divergence& divergence, const Trace& linux_trace, const Trace& lxnet_trace) {
  const Event& event = divergence.linux_event != kNoEvent ? linux_trace.events[divergence.linux_event]
                                                          : lxnet_trace.events[divergence.lxnet_event];
  if (event.kind == EventKind::Call) return std::string(event.name());
  return event.kind == EventKind::Exit ? "exit" : "signal";
}

Summary summarize(const RuleSet& rules, const Comparison& comparison, const Trace& linux_trace, const Trace& lxnet_trace) {
  Summary summary;
  count(rules, linux_trace, &CallFigures::linux_count, &CallFigures::linux_nanos, summary);
  count(rules, lxnet_trace, &CallFigures::lxnet_count, &CallFigures::lxnet_nanos, summary);
  for (const Divergence& divergence : comparison.divergences) {
    CallFigures& figures = summary.calls[subject_of(divergence, linux_trace, lxnet_trace)];
    (divergence.explanation.empty() ? figures.divergent : figures.explained)++;
    if (divergence.explanation.empty()) summary.by_class[static_cast<int>(divergence.which)]++;
  }
  return summary;
}

}  // namespace lxnet::trace
