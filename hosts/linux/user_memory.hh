// The program's memory, copied once in each direction by the kernel.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace lxnet::host {

// How many bytes at the end could not be copied. The kernel stops exactly at the first page it cannot reach, as copy_to_user
// does.
size_t copy_from_task(pid_t tid, void* to, uint64_t from, size_t size);
size_t copy_to_task(pid_t tid, uint64_t to, const void* from, size_t size);

}  // namespace lxnet::host
