#include "ltp_runner/report.hh"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace lxnet::ltp {
namespace {

void add_row(const Row& row, Sum& sum) {
  Verdict verdict = row.comparison.verdict;
  if (verdict == Verdict::Excluded) {
    sum.excluded++;
    return;
  }
  sum.tests++;
  sum.linux_counts.add(row.linux_run.output.counts);
  sum.lxnet_counts.add(row.lxnet_run.output.counts);
  if (verdict == Verdict::Same) sum.same++;
  if (verdict == Verdict::Better) sum.better++;
  if (verdict == Verdict::Worse) sum.worse++;
  if (verdict == Verdict::Waiting) sum.waiting++;
}

}  // namespace

std::vector<Sum> sums(const Report& report, SumBy by) {
  std::vector<Sum> all;
  for (const Row& row : report.rows) {
    const std::string& name = by == SumBy::Suite ? row.test.suite : row.test.entry.call;
    auto found = std::find_if(all.begin(), all.end(), [&](const Sum& sum) { return sum.name == name; });
    if (found == all.end()) {
      found = all.emplace(all.end());
      found->name = name;
    }
    add_row(row, *found);
  }
  return all;
}

Sum total(const Report& report) {
  Sum sum;
  sum.name = "all";
  for (const Row& row : report.rows) add_row(row, sum);
  return sum;
}

std::string run_text(const TestRun& run) {
  const Counts& counts = run.output.counts;
  std::string text;
  auto add = [&](int count, absl::string_view word) {
    if (count != 0) absl::StrAppend(&text, text.empty() ? "" : " ", count, " ", word);
  };
  add(counts.pass, "pass");
  add(counts.fail, "fail");
  add(counts.brok, "brok");
  add(counts.conf, "conf");
  add(counts.warn, "warn");
  if (text.empty() || run.process.ending != Ending::Exited) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", run.process.description());
  }
  return text;
}

}  // namespace lxnet::ltp
