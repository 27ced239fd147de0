#include "ltp_runner/baseline.hh"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ltp_runner/json.hh"

namespace lxnet::ltp {
namespace {

bool was_run(const BaselineRow& row) { return row.verdict != verdict_name(Verdict::Excluded); }

// Empty when nothing was lost.
std::string lost(const BaselineRow& before, const Row& now) {
  if (now.comparison.verdict == Verdict::Excluded)
    return was_run(before) ? absl::StrCat("is excluded: ", now.test.entry.excluded) : "";
  if (!was_run(before)) return "";
  const Counts& counts = now.lxnet_run.output.counts;
  auto changed = [](absl::string_view word, int from, int to) { return absl::StrCat(word, " went from ", from, " to ", to); };
  // What Linux gave may have changed, with its kernel; a pass lost on both is no regression of lxnet's.
  if (counts.pass < before.counts.pass && counts.pass < now.linux_run.output.counts.pass) {
    return changed("TPASS", before.counts.pass, counts.pass);
  }
  if (counts.fail > before.counts.fail) return changed("TFAIL", before.counts.fail, counts.fail);
  if (counts.brok > before.counts.brok) return changed("TBROK", before.counts.brok, counts.brok);
  bool was_worse = before.verdict == verdict_name(Verdict::Worse) || before.verdict == verdict_name(Verdict::Waiting);
  bool is_worse = now.comparison.verdict == Verdict::Worse || now.comparison.verdict == Verdict::Waiting;
  return is_worse && !was_worse ? now.comparison.why : "";
}

}  // namespace

absl::StatusOr<std::vector<BaselineRow>> parse_baseline(absl::string_view text) {
  absl::StatusOr<Json> json = parse_json(text);
  if (!json.ok()) return json.status();
  if (json->kind != Json::Kind::Array) return absl::InvalidArgumentError("a report is an array of rows");
  std::vector<BaselineRow> rows;
  for (const Json& item : json->items) {
    BaselineRow row = {.test = item.text_or("test", ""), .verdict = item.text_or("verdict", ""), .counts = {}};
    if (row.test.empty() || row.verdict.empty()) return absl::InvalidArgumentError("a row has no test or no verdict");
    const Json* run = item.find("lxnet");
    if (run == nullptr) run = item.find("qemu");
    if (run != nullptr) {
      row.counts = {.pass = run->number_or("pass", 0),
                    .fail = run->number_or("fail", 0),
                    .brok = run->number_or("brok", 0),
                    .conf = run->number_or("conf", 0),
                    .warn = run->number_or("warn", 0)};
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> regressions(const std::vector<BaselineRow>& baseline, const Report& report) {
  absl::flat_hash_map<std::string, const BaselineRow*> by_test;
  for (const BaselineRow& row : baseline) by_test[row.test] = &row;
  std::vector<std::string> sentences;
  for (const Row& row : report.rows) {
    auto found = by_test.find(row.test.entry.test);
    if (found == by_test.end()) continue;
    if (std::string what = lost(*found->second, row); !what.empty()) {
      sentences.push_back(absl::StrCat(row.test.entry.test, ": ", what));
    }
  }
  return sentences;
}

}  // namespace lxnet::ltp
