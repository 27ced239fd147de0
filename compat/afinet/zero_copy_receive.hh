// TCP_ZEROCOPY_RECEIVE, for programs whose sockets are not mapped.
#pragma once

#include "compat/syscalls/option_table.hh"

namespace lxnet {

Result<> receive_zero_copy(const OptionOutput& output);

}  // namespace lxnet
