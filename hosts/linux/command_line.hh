// The commands of the installed `lxnet`: run, net, ps, ss.
#pragma once

#include <string>
#include <vector>

#include "hosts/linux/run.hh"

namespace lxnet::host {

struct RunCommand {
  RunOptions options;
  std::string network;
  std::vector<std::string> program;
  int exit_status = -1;  // when there is nothing to run: it has been said why
};

// What follows `lxnet run`. Complains on standard error.
RunCommand parse_run(const std::vector<std::string>& words);
int run_command(const std::vector<std::string>& words);

// `lxnet WORD...`: the exit status.
int command_main(const std::vector<std::string>& words);

}  // namespace lxnet::host
