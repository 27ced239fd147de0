// What /proc/<tid>/status tells of a thread: who it is, what it may do, and which signals wait for it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace lxnet::host {

struct ProcessStatus {
  pid_t tgid = 0;
  pid_t own_tgid = 0, own_tid = 0;  // in its own PID namespace, which may be below ours
  uint32_t uid = 0, euid = 0, saved_uid = 0, fsuid = 0;
  uint32_t gid = 0, egid = 0, saved_gid = 0, fsgid = 0;
  uint32_t umask = 0;
  uint32_t threads = 0;
  uint32_t fd_table_size = 0;
  std::vector<uint32_t> groups;
  uint64_t effective_capabilities = 0;
  uint32_t has_no_new_privileges = 0;
  uint64_t pending = 0, shared_pending = 0, blocked = 0;  // bit n-1 is signal n
};

// Absent when there is no such thread (any more).
std::optional<ProcessStatus> read_process_status(pid_t tid);
// The same through a descriptor of /proc/<tid>/status that is kept open.
std::optional<ProcessStatus> read_process_status_at(int status_fd);

// personality(2), from /proc/<tid>/personality; zero when it cannot be read.
uint32_t read_personality(pid_t tid);

// A soft limit by its RLIMIT_* number, from /proc/<tid>/limits.
std::optional<uint64_t> read_soft_limit(pid_t tid, int resource);

}  // namespace lxnet::host
