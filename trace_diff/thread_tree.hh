// Who started whom: thread numbers differ between two runs, but the k-th child of the j-th child of the first thread does not.
#pragma once

#include "trace_diff/trace.hh"

namespace lxnet::trace {

// Fills in parent, shares_files and path of every thread.
void build_thread_tree(Trace& trace);

// fork, vfork, clone, clone3.
bool starts_thread(std::string_view call_name);

}  // namespace lxnet::trace
