// mmap() of a packet socket's ring.
//
// The kernel's own mmap() makes the mapping, but what stands for the socket in the program is a socketpair's end, which cannot be
// mapped. So for the length of that call the ring's memory stands under the number instead; the end is put back before the next
// call of the process is served, and kept until then. A copy that the program makes of the number in between is recognised by
// the memory's inode.
//
// munmap() is not noticed: whether a ring is still mapped is looked up in /proc when somebody wants to change it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "hosts/linux/call.hh"
#include "hosts/linux/owned_fd.hh"
#include "hosts/linux/shared_memory.hh"

namespace lxnet::host {

inline constexpr char kRingMemoryName[] = "lxnet-ring";

class RingMappings {
 public:
  RingMappings(const SharedMemory& memory, TaskTable& tasks) : memory_(memory), tasks_(tasks) {}

  // Before mmap() of `file` under the number `fd`. 0: the kernel may go on; or a negative errno.
  int lend(const Call& call, lxnet_file* file, int fd, uint64_t size, uint64_t offset);
  // Before any call of a process is served, and when one of its threads has ended.
  void put_back(const Call& call);
  void forget_ended();
  bool has_lent() const { return !lent_.empty(); }

  // Before a ring may change: gives back to the core what no program maps any more.
  void recount();
  bool is_empty() const { return mapped_.empty(); }
  // The socket is closed.
  void forget(lxnet_file* file) { mapped_.erase(file); }

  // What a descriptor of a program is a copy of; null when it is no ring's memory.
  lxnet_file* find(int copy) const;

 private:
  struct Lent {
    pid_t process;
    int number;
    bool is_cloexec;
    ino_t inode;
    OwnedFd end;  // what belongs there
  };
  struct Mapped {
    ino_t inode;
    unsigned count;
  };

  const SharedMemory& memory_;
  TaskTable& tasks_;
  std::vector<Lent> lent_;
  std::unordered_map<lxnet_file*, Mapped> mapped_;
};

}  // namespace lxnet::host
