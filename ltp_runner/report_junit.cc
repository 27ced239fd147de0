#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ltp_runner/markup.hh"
#include "ltp_runner/report.hh"

namespace lxnet::ltp {
namespace {

std::string skipped(absl::string_view reason) { return absl::StrCat("<skipped message=\"", escaped(reason), "\"/>"); }

std::string case_body(const Report& report, const Row& row) {
  switch (row.comparison.verdict) {
    case Verdict::Excluded:
      return skipped(row.test.entry.excluded);
    case Verdict::Waiting:
      return skipped(absl::StrCat("waits for ", row.test.entry.waits, ": ", row.comparison.why));
    case Verdict::Worse:
      return absl::StrCat("<failure message=\"", escaped(row.comparison.why), "\">", escaped(row.comparison.difference),
                          "</failure>");
    case Verdict::Same:
    case Verdict::Better:
      break;
  }
  return absl::StrCat("<system-out>", "Linux: ", escaped(run_text(row.linux_run)), "; ", escaped(report.second_side), ": ",
                      escaped(run_text(row.lxnet_run)), "</system-out>");
}

}  // namespace

std::string junit_report(const Report& report) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"LTP\">\n";
  for (const Sum& suite : sums(report, SumBy::Suite)) {
    absl::StrAppend(&text, "  <testsuite name=\"", escaped(suite.name), "\" tests=\"", suite.tests + suite.excluded,
                    "\" failures=\"", suite.worse, "\" errors=\"0\" skipped=\"", suite.excluded + suite.waiting, "\">\n");
    for (const Row& row : report.rows) {
      if (row.test.suite != suite.name) continue;
      absl::StrAppendFormat(&text, "    <testcase classname=\"%s\" name=\"%s\" time=\"%.2f\">%s</testcase>\n",
                            escaped(row.test.entry.call), escaped(row.test.entry.test),
                            absl::ToDoubleSeconds(row.lxnet_run.process.elapsed), case_body(report, row));
    }
    text += "  </testsuite>\n";
  }
  return text + "</testsuites>\n";
}

}  // namespace lxnet::ltp
