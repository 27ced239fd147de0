// strace logs: whatever stands in the two halves of the input is read, compared and reported, or refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "trace_diff/comparison.hh"
#include "trace_diff/report.hh"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lxnet::trace;
  static const RuleSet rules;
  static const KnownDifferences known;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t middle = text.find("\n\n");
  absl::StatusOr<Trace> a = read_trace("a", text.substr(0, middle));
  absl::StatusOr<Trace> b = read_trace("b", middle == text.npos ? text : text.substr(middle + 2));
  if (!a.ok() || !b.ok()) return 0;
  Comparison comparison = compare_traces(rules, known, *a, *b);
  Summary summary = summarize(rules, comparison, *a, *b);
  Report report{comparison, summary, *a, *b};
  if (text_report(report, {}).empty() || json_report(report).empty()) __builtin_trap();
  return 0;
}
