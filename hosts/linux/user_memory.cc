#include "hosts/linux/user_memory.hh"

#include <sys/uio.h>

namespace lxnet::host {
namespace {

// The kernel transfers at most 2 GiB less a page at once; more than that is continued.
template <typename Transfer>
size_t transfer_all(uint64_t local, uint64_t remote, size_t size, Transfer transfer) {
  while (size > 0) {
    iovec here = {.iov_base = reinterpret_cast<void*>(local), .iov_len = size};
    iovec there = {.iov_base = reinterpret_cast<void*>(remote), .iov_len = size};
    ssize_t done = transfer(&here, &there);
    if (done <= 0) return size;
    local += static_cast<uint64_t>(done);
    remote += static_cast<uint64_t>(done);
    size -= static_cast<size_t>(done);
  }
  return 0;
}

}  // namespace

size_t copy_from_task(pid_t tid, void* to, uint64_t from, size_t size) {
  return transfer_all(reinterpret_cast<uint64_t>(to), from, size,
                      [&](iovec* here, iovec* there) { return ::process_vm_readv(tid, here, 1, there, 1, 0); });
}

size_t copy_to_task(pid_t tid, uint64_t to, const void* from, size_t size) {
  return transfer_all(reinterpret_cast<uint64_t>(from), to, size,
                      [&](iovec* here, iovec* there) { return ::process_vm_writev(tid, here, 1, there, 1, 0); });
}

}  // namespace lxnet::host
