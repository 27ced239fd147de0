// A suite: which tests, and why not the others. A text file of suites/:
//
//   # The suite's title: the first comment.
//   runtest syscalls net.ipv6_lib     where LTP keeps the command lines, in the order to look
//   [accept]                          the call that the tests below are about
//   accept01
//   accept02 - REASON                 not run
//   setsockopt02 waits: REASON        run; when it is worse on lxnet it is listed, and is no failure of the run
//   select02 timeout=180 alone        seconds it may take; not beside other tests
//   landlock08 --landlock             an option of `lxnet run`, for this test
//   bind06 LTP_RUNTIME_MUL=0.1        a variable of LTP's, for this test
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lxnet::ltp {

struct SuiteEntry {
  std::string test;
  std::string call;
  std::string excluded;  // why it is not run
  std::string waits;     // what it waits for
  int timeout_seconds = 0;
  bool alone = false;
  std::vector<std::string> variables;    // LTP_NAME=VALUE
  std::vector<std::string> run_options;  // of lxnet run
};

struct Suite {
  std::string name;
  std::string title;
  std::vector<std::string> runtest_files;
  std::vector<SuiteEntry> entries;
};

absl::StatusOr<Suite> parse_suite(absl::string_view name, absl::string_view text);

absl::StatusOr<Suite> read_suite(const std::string& directory, absl::string_view name);

// The names of a directory's suites, sorted.
std::vector<std::string> list_suites(const std::string& directory);

}  // namespace lxnet::ltp
