#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ltp_runner/markup.hh"
#include "ltp_runner/report.hh"

namespace lxnet::ltp {
namespace {

constexpr char kStyle[] =
    "body{font:14px sans-serif;margin:2em}table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;padding:.2em "
    ".6em;"
    "text-align:left;vertical-align:top}td.n{text-align:right}tr.worse{background:#fdd}tr.better{background:#dfd}"
    "tr.waiting{background:#ffd}tr.excluded{color:#777}pre{margin:.3em 0;white-space:pre-wrap}";

std::string test_cells(const Row& row) {
  if (row.comparison.verdict == Verdict::Excluded) {
    return absl::StrCat("<td colspan=4></td><td>excluded</td><td>", escaped(row.test.entry.excluded), "</td>");
  }
  std::string remark;
  if (row.comparison.verdict == Verdict::Waiting) remark = absl::StrCat("waits for ", escaped(row.test.entry.waits), ". ");
  absl::StrAppend(&remark, escaped(row.comparison.why));
  if (!row.comparison.difference.empty()) absl::StrAppend(&remark, "<pre>", escaped(row.comparison.difference), "</pre>");
  return absl::StrFormat("<td>%s</td><td class=n>%.2f</td><td>%s</td><td class=n>%.2f</td><td>%s</td><td>%s</td>",
                         escaped(run_text(row.linux_run)), absl::ToDoubleSeconds(row.linux_run.process.elapsed),
                         escaped(run_text(row.lxnet_run)), absl::ToDoubleSeconds(row.lxnet_run.process.elapsed),
                         verdict_name(row.comparison.verdict), remark);
}

void add_sums(absl::string_view title, const std::vector<Sum>& all, std::string& text) {
  absl::StrAppend(&text, "<table><tr><th>", title,
                  "<th>tests<th>same<th>better<th>worse<th>waiting<th>excluded<th>TPASS on Linux<th>TPASS here</tr>\n");
  for (const Sum& sum : all) {
    absl::StrAppend(&text, "<tr><td>", escaped(sum.name));
    for (int number :
         {sum.tests, sum.same, sum.better, sum.worse, sum.waiting, sum.excluded, sum.linux_counts.pass, sum.lxnet_counts.pass}) {
      absl::StrAppend(&text, "<td class=n>", number);
    }
    text += "</tr>\n";
  }
  text += "</table>\n";
}

}  // namespace

std::string html_report(const Report& report) {
  std::string text = absl::StrCat("<!doctype html><html lang=en><meta charset=utf-8><title>LTP on lxnet</title><style>", kStyle,
                                  "</style>\n<h1>LTP on lxnet</h1><p>LTP ", escaped(report.ltp_version), ", ",
                                  escaped(report.kernel), ", ", escaped(report.date), "</p>\n");
  std::vector<Sum> suites = sums(report, SumBy::Suite);
  suites.push_back(total(report));
  add_sums("suite", suites, text);
  add_sums("call", sums(report, SumBy::Call), text);
  absl::StrAppend(&text, "<table><tr><th>suite<th>call<th>test<th>Linux<th>s<th>", escaped(report.second_side),
                  "<th>s<th>verdict<th>remark</tr>\n");
  for (const Row& row : report.rows) {
    absl::StrAppend(&text, "<tr class=", verdict_name(row.comparison.verdict), "><td>", escaped(row.test.suite), "</td><td>",
                    escaped(row.test.entry.call), "</td><td>", escaped(row.test.entry.test), "</td>", test_cells(row), "</tr>\n");
  }
  return text + "</table></html>\n";
}

}  // namespace lxnet::ltp
