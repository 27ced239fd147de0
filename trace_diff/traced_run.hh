// A program run under strace: in a fresh network namespace of Linux's, and on lxnet.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace lxnet::trace {

struct RunSettings {
  std::vector<std::string> program;
  std::string calls;                     // for strace's -e trace=
  std::string lxnet_run;                 // the program that does `lxnet run`
  std::vector<std::string> run_options;  // of it
  size_t string_limit = 4096;            // for strace's -s
  bool shows_output = false;             // the program's own, else it goes to FILE.out beside the trace
};

// The trace is written to `trace_file`. Returns the program's exit status.
absl::StatusOr<int> run_on_linux(const RunSettings& settings, const std::string& trace_file);
absl::StatusOr<int> run_on_lxnet(const RunSettings& settings, const std::string& trace_file);

// What is traced when the user does not say.
extern const char kDefaultCalls[];

}  // namespace lxnet::trace
