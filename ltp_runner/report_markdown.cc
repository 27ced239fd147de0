#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ltp_runner/report.hh"

namespace lxnet::ltp {
namespace {

std::string cell(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"|", "\\|"}, {"\n", "<br>"}, {"_", "\\_"}, {"*", "\\*"}});
}

void add_list(absl::string_view title, const Report& report, Verdict verdict, std::string& text) {
  bool has_title = false;
  for (const Row& row : report.rows) {
    if (row.comparison.verdict != verdict) continue;
    if (!has_title) absl::StrAppend(&text, "\n## ", title, "\n\n");
    has_title = true;
    absl::StrAppend(&text, "- `", row.test.entry.test, "`: ");
    if (verdict == Verdict::Excluded) absl::StrAppend(&text, cell(row.test.entry.excluded));
    if (verdict == Verdict::Waiting)
      absl::StrAppend(&text, "waits for ", cell(row.test.entry.waits), " (", cell(row.comparison.why), ")");
    if (verdict == Verdict::Worse || verdict == Verdict::Better) absl::StrAppend(&text, cell(row.comparison.why));
    text += "\n";
  }
}

void add_suites(const Report& report, std::string& text) {
  absl::StrAppend(&text, "| suite | tests | same | better | worse | waiting | excluded | TPASS on Linux | TPASS on ",
                  report.second_side, " |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  std::vector<Sum> suites = sums(report, SumBy::Suite);
  suites.push_back(total(report));
  for (const Sum& sum : suites) {
    absl::StrAppend(&text, "| ", sum.name);
    for (int number :
         {sum.tests, sum.same, sum.better, sum.worse, sum.waiting, sum.excluded, sum.linux_counts.pass, sum.lxnet_counts.pass}) {
      absl::StrAppend(&text, " | ", number);
    }
    text += " |\n";
  }
}

}  // namespace

std::string markdown_report(const Report& report) {
  std::string text =
      absl::StrCat("# The Linux Test Project on ", report.second_side, "\n\nLTP ", report.ltp_version, " on ", report.kernel,
                   ", ", report.date, ". Each test ran natively and on ", report.second_side,
                   "; `./lxnet ltp --markdown FILE` writes this page.\n\n"
                   "*Same*: the same counts of TPASS and no more of anything else. A TCONF where Linux passes is worse.\n\n");
  add_suites(report, text);
  add_list("Worse", report, Verdict::Worse, text);
  add_list("Waiting", report, Verdict::Waiting, text);
  add_list("Better", report, Verdict::Better, text);
  add_list("Not run", report, Verdict::Excluded, text);
  absl::StrAppend(&text, "\n## Every test\n\n| call | test | Linux | ", report.second_side,
                  " | verdict |\n| --- | --- | --- | --- | --- |\n");
  for (const Row& row : report.rows) {
    if (row.comparison.verdict == Verdict::Excluded) continue;
    absl::StrAppend(&text, "| ", row.test.entry.call, " | ", row.test.entry.test, " | ", run_text(row.linux_run), " | ",
                    run_text(row.lxnet_run), " | ", verdict_name(row.comparison.verdict), " |\n");
  }
  return text;
}

}  // namespace lxnet::ltp
