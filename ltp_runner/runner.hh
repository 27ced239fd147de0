// Runs a plan: each test natively and on lxnet, several at a time where tests allow it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ltp_runner/report.hh"

namespace lxnet::ltp {

struct RunnerOptions {
  std::string root;                        // of LTP
  std::vector<std::string> lxnet_command;  // what a test's command line is appended to, as {"lxnet-run", "--unix", "--"}. Empty:
                                           // only the runs on Linux, which are not judged
  std::string output_directory;            // linux/TEST.txt and lxnet/TEST.txt are written there
  int jobs = 1;
  absl::Duration timeout = absl::Minutes(5);  // where the suite says nothing
  bool is_private = false;                    // see ProcessSpec
};

// What the suite and both runs make of a row.
void judge(Row& row);

// Runs `differ` (lxnet diff and its options, up to "--") on each test that is worse, and keeps what it prints.
absl::Status diff_worse(std::vector<Row>& rows, const RunnerOptions& options, const std::vector<std::string>& differ);

// `progress` is told of each row that is done, and how many are. Fails only when the output cannot be written or a signal ended
// the run.
using Progress = std::function<void(const Row& row, size_t done, size_t all)>;
absl::StatusOr<std::vector<Row>> run_plan(std::vector<PlannedTest> plan, const RunnerOptions& options, const Progress& progress);

}  // namespace lxnet::ltp
