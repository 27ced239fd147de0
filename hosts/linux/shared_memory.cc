#include "hosts/linux/shared_memory.hh"

#include <fcntl.h>
#include <sys/mman.h>

#include <utility>

#include "hosts/linux/ring_mapping.hh"

namespace lxnet::host {

SharedMemory::~SharedMemory() {
  for (const auto& [block, entry] : blocks_) ::munmap(const_cast<void*>(block), entry.size);
}

void* SharedMemory::allocate(size_t size) {
  OwnedFd fd(::memfd_create(kRingMemoryName, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.is_open() || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return nullptr;
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return nullptr;
  void* block = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (block == MAP_FAILED) return nullptr;
  blocks_.emplace(block, Block{std::move(fd), size});
  return block;
}

bool SharedMemory::free(void* block) {
  const auto found = blocks_.find(block);
  if (found == blocks_.end()) return false;
  ::munmap(block, found->second.size);
  blocks_.erase(found);
  return true;
}

int SharedMemory::fd_of(const void* block) const {
  const auto found = blocks_.find(block);
  return found == blocks_.end() ? -1 : found->second.fd.get();
}

}  // namespace lxnet::host
