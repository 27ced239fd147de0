// The calls on a tunable that a program has opened for writing.
#pragma once

#include <optional>

#include "hosts/linux/call.hh"
#include "hosts/linux/proc_file.hh"

namespace lxnet::host {

// The answer; absent: the kernel's own call on the descriptor that stands for it is right.
std::optional<int64_t> serve_tunable_call(const Call& call, TunableFile& file);

}  // namespace lxnet::host
