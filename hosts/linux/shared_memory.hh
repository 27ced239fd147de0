// Memory of the core's that a program may map: whole pages, which it asks for only for what a program is to share (the rings of
// AF_PACKET). Each block is a memory file of the kernel's, sealed at its size, so that nobody can pull a page from under us.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {

class SharedMemory {
 public:
  static constexpr size_t kPage = 4096;

  SharedMemory() = default;
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  // Null when there is none. Zeroed.
  void* allocate(size_t size);
  // False: the block is not one of these.
  bool free(void* block);
  // -1: the block is not one of these.
  int fd_of(const void* block) const;

 private:
  struct Block {
    OwnedFd fd;
    size_t size;
  };
  std::unordered_map<const void*, Block> blocks_;
};

}  // namespace lxnet::host
