#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ltp_runner/report.hh"

namespace lxnet::ltp {
namespace {

double seconds(const TestRun& run) { return absl::ToDoubleSeconds(run.process.elapsed); }

void add_test(const Row& row, std::string& text) {
  if (row.comparison.verdict == Verdict::Excluded) return;
  absl::StrAppendFormat(&text, "%-28s %-22s %7.2f s   %-22s %7.2f s   %s\n", row.test.entry.test, run_text(row.linux_run),
                        seconds(row.linux_run), run_text(row.lxnet_run), seconds(row.lxnet_run),
                        verdict_name(row.comparison.verdict));
  if (row.comparison.verdict == Verdict::Waiting) absl::StrAppend(&text, "    waits for ", row.test.entry.waits, "\n");
  if (row.comparison.verdict != Verdict::Worse) return;
  absl::StrAppend(&text, "    ", row.comparison.why, "\n");
  if (!row.comparison.difference.empty()) {
    absl::StrAppend(&text, "    ", absl::StrReplaceAll(row.comparison.difference, {{"\n", "\n    "}}), "\n");
  }
  absl::StrAppend(&text, "    ", row.linux_output_file, "\n    ", row.lxnet_output_file, "\n");
  if (!row.diff_file.empty()) absl::StrAppend(&text, "    ", row.diff_file, "\n");
}

void add_sums(absl::string_view title, const std::vector<Sum>& all, std::string& text) {
  absl::StrAppendFormat(&text, "\n%-28s %6s %6s %6s %6s %6s %6s %12s %12s\n", title, "tests", "same", "better", "worse", "wait",
                        "excl.", "TPASS Linux", "here");
  for (const Sum& sum : all) {
    absl::StrAppendFormat(&text, "%-28s %6d %6d %6d %6d %6d %6d %12d %12d\n", sum.name, sum.tests, sum.same, sum.better,
                          sum.worse, sum.waiting, sum.excluded, sum.linux_counts.pass, sum.lxnet_counts.pass);
  }
}

}  // namespace

std::string text_report(const Report& report) {
  std::string text = absl::StrCat("LTP ", report.ltp_version, " on ", report.kernel, ", ", report.date, "\n\n");
  absl::StrAppendFormat(&text, "%-28s %-22s %9s   %-22s %9s   %s\n", "test", "Linux", "", report.second_side, "", "verdict");
  for (const Row& row : report.rows) add_test(row, text);
  bool has_title = false;
  for (const Row& row : report.rows) {
    if (row.comparison.verdict != Verdict::Excluded) continue;
    if (!has_title) absl::StrAppend(&text, "\nNot run:\n");
    has_title = true;
    absl::StrAppendFormat(&text, "  %-26s %s\n", row.test.entry.test, row.test.entry.excluded);
  }
  add_sums("call", sums(report, SumBy::Call), text);
  std::vector<Sum> suites = sums(report, SumBy::Suite);
  suites.push_back(total(report));
  add_sums("suite", suites, text);
  return text;
}

}  // namespace lxnet::ltp
