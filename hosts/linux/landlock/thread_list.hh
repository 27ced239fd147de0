// The machine's threads, as /proc shows them.
#pragma once

#include <functional>
#include <vector>

#include "hosts/linux/landlock/creation_ledger.hh"

namespace lxnet::host::landlock {

// Those for which is_known() is false. Ours are the known, the supervisor, and who descends from them.
std::vector<ThreadName> list_threads(const std::function<bool(pid_t tid)>& is_known);
// When a thread began; zero when there is none.
uint64_t start_of_thread(pid_t tid);
// Whether a thread is in the system call of this number.
Creating look_at_call(pid_t tid, int number);

}  // namespace lxnet::host::landlock
