// Starts a program under the filter.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>

#include "absl/status/statusor.h"
#include "hosts/linux/filter.hh"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {

struct Program {
  pid_t pid = 0;
  OwnedFd listener;
};

// Forks; the child runs `body` under the filter, with `signal_mask`, and exits with what it returns: an exec, or a test. The
// child dies with the calling thread.
absl::StatusOr<Program> start_program(const std::function<int()>& body, const sigset_t& signal_mask,
                                      const FilterOptions& filter_options);

// A body: execvp. Returns only on failure, with the status a shell gives: 127 when there is no such program, else 126.
int exec_program(char* const arguments[]);

}  // namespace lxnet::host
