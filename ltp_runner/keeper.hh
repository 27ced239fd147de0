// The process that looks after one program: see process.hh.
#pragma once

#include <sys/types.h>

#include "ltp_runner/process.hh"

namespace lxnet::ltp {

// Through a pipe to the runner, whole.
struct KeeperReport {
  Ending ending;
  int number;
  int left_behind;
  bool is_cut;
};

// The keeper's whole life, in a process of its own. `parent` is the runner: the keeper dies with it.
[[noreturn]] void keep(const ProcessSpec& spec, pid_t parent, int report_fd);

}  // namespace lxnet::ltp
