// LTP's own lists of tests: files of runtest/, a line each of a tag and the command line that runs it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lxnet::ltp {

struct RuntestEntry {
  std::string tag;
  std::string command;  // for sh
};

std::vector<RuntestEntry> parse_runtest(absl::string_view text);

absl::StatusOr<std::vector<RuntestEntry>> read_runtest(const std::string& root, absl::string_view name);

}  // namespace lxnet::ltp
