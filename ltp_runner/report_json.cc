#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ltp_runner/json.hh"
#include "ltp_runner/report.hh"

namespace lxnet::ltp {
namespace {

std::string run_json(const TestRun& run) {
  const Counts& counts = run.output.counts;
  return absl::StrFormat("{\"pass\": %d, \"fail\": %d, \"brok\": %d, \"conf\": %d, \"warn\": %d, \"seconds\": %.2f, \"end\": %s}",
                         counts.pass, counts.fail, counts.brok, counts.conf, counts.warn,
                         absl::ToDoubleSeconds(run.process.elapsed), json_string(run.process.description()));
}

}  // namespace

std::string json_report(const Report& report) {
  std::string text = "[";
  for (const Row& row : report.rows) {
    const SuiteEntry& entry = row.test.entry;
    absl::StrAppend(&text, text.size() > 1 ? ",\n " : "\n ", "{\"test\": ", json_string(entry.test),
                    ", \"call\": ", json_string(entry.call), ", \"suite\": ", json_string(row.test.suite),
                    ", \"verdict\": ", json_string(verdict_name(row.comparison.verdict)));
    if (row.comparison.verdict == Verdict::Excluded) {
      absl::StrAppend(&text, ", \"reason\": ", json_string(entry.excluded));
    } else {
      absl::StrAppend(&text, ", \"linux\": ", run_json(row.linux_run), ", ", json_string(report.second_side), ": ",
                      run_json(row.lxnet_run));
    }
    if (!row.comparison.why.empty()) absl::StrAppend(&text, ", \"why\": ", json_string(row.comparison.why));
    text += "}";
  }
  return text + "\n]\n";
}

}  // namespace lxnet::ltp
