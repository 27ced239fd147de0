// The end of what was started: nothing is left behind, whoever dies first.
#pragma once

#include <sys/types.h>

namespace lxnet::host {

// The status that lxnet run exits with when it failed itself, as env and timeout do.
inline constexpr int kOwnFailure = 125;

// As a shell shows it: the exit status, or 128 and the signal's number.
int shell_status(int wait_status);

// Whether it is below this process; not, when it has gone already.
bool is_descendant(pid_t pid);

// Kills every descendant of this process, which must be their subreaper, and waits until none is left. `one_round` is called
// while waiting, so that a supervisor goes on to serve the dying.
template <typename OneRound>
void kill_descendants(OneRound one_round);

// Kills the present children; false when there was none.
bool kill_children();

template <typename OneRound>
void kill_descendants(OneRound one_round) {
  while (kill_children()) one_round();
}

}  // namespace lxnet::host
