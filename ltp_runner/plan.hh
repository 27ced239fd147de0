// Which tests are run, and how.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ltp_runner/suite_file.hh"

namespace lxnet::ltp {

struct PlannedTest {
  std::string suite;
  SuiteEntry entry;
  std::string command;  // empty when it is not run
};

struct PlanRequest {
  std::string root;  // of LTP
  std::string suite_directory;
  std::vector<std::string> suites;  // empty: all
  std::vector<std::string> tests;   // empty: all of the suites
};

// Tests that LTP has not built are excluded with that as the reason. A test of several suites is run once, for the first of them.
absl::StatusOr<std::vector<PlannedTest>> make_plan(const PlanRequest& request);

// An LTP's root: the first of `given`, $LTPROOT and /opt/ltp that is not empty, if it is one.
absl::StatusOr<std::string> find_ltp(const std::string& given);
// Its version, from its file Version.
std::string ltp_version(const std::string& root);

}  // namespace lxnet::ltp
