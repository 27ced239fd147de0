// The command line of lxnet ltp.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace lxnet::ltp {

struct Options {
  std::string root;
  std::vector<std::string> suites;
  std::vector<std::string> tests;
  bool lists = false;
  bool helps = false;
  int jobs = 0;  // 0: as many as there are processors, or one where tests share the machine's network
  int timeout_seconds = 300;
  std::string output_directory = "ltp-output";
  std::string json_file, junit_file, html_file, markdown_file;
  std::string baseline_file;
  bool diffs = false;
  std::string differ = "lxnet-diff";
  std::string guest_kernel;     // run there instead of on lxnet
  std::string suite_directory;  // given by the command, not by people
  std::string lxnet_run = "lxnet-run";
};

absl::StatusOr<Options> parse_options(const std::vector<std::string>& arguments);

std::string help_text();

}  // namespace lxnet::ltp
