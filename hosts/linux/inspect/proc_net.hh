// The text of /proc/net/NAME as a program on lxnet is to see it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hal/lxnet.h"

namespace lxnet::host {

class FileTable;

// Absent for names that are none of these.
std::optional<std::string> proc_net_text(lxnet_stack* stack, const FileTable& files, std::string_view name);

// Files that Linux fills from its own IPv4 and IPv6, which lxnet hides, and that are not among the above: for a program they do
// not exist, as on a kernel built without them. All other names belong to what is left to the kernel.
bool is_hidden_proc_net(std::string_view name);

// Files that only who administers the network may read (mode 0440).
bool is_private_proc_net(std::string_view name);

}  // namespace lxnet::host
