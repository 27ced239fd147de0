// A path as a thread of the program finds it: from its root and its directory, and with its own /proc/self.
#pragma once

#include <cstdint>
#include <string>

#include "hosts/linux/process_status.hh"

namespace lxnet::host {

// What it names, links followed, as an O_PATH descriptor, or a negative errno. The file system asks who we are: the caller has
// taken on the thread's user. Flags: O_DIRECTORY or none.
int open_path(pid_t tid, const ProcessStatus& status, const std::string& path, uint64_t flags);

}  // namespace lxnet::host
