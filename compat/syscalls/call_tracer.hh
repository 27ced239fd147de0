// CallTracer: who is told of each call before it begins and after it has ended; compat/trace prints them.
#pragma once

#include "compat/syscalls/syscall_table.hh"

namespace lxnet {

struct CallTracer {
  // Runs the row's handler and returns its result.
  Result<int64_t> (*run)(CallTracer& tracer, SyscallContext& context, const SyscallRow& row, const uint64_t* arguments);
  void (*destroy)(const Hal& hal, CallTracer* tracer);
};

}  // namespace lxnet
