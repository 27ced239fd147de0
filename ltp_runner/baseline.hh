// An earlier run's JSON report: what was reached once must not be lost.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ltp_runner/report.hh"

namespace lxnet::ltp {

struct BaselineRow {
  std::string test;
  std::string verdict;
  Counts counts;  // on lxnet
};

absl::StatusOr<std::vector<BaselineRow>> parse_baseline(absl::string_view json);

// One sentence per test that is worse on lxnet than it was in the baseline. A test that the baseline has and the report has not
// is no regression (fewer suites were run); one that is excluded now and was run then is.
std::vector<std::string> regressions(const std::vector<BaselineRow>& baseline, const Report& report);

}  // namespace lxnet::ltp
