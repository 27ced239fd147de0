// A ring of the supervisor's own, from which completions are posted into the rings of programs (IORING_OP_MSG_RING): to a program
// they look like any other, and they wake whoever waits there and what is registered to be told.
#pragma once

#include <cstdint>

#include "hosts/linux/owned_fd.hh"
#include "hosts/linux/uring/abi.hh"

namespace lxnet::host::uring {

class Port {
 public:
  Port() = default;
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  // Once. 0, or the errno of a kernel whose rings cannot be served: ENOSYS, or EPERM where it forbids them.
  int open();
  bool is_open() const { return ring_.is_open(); }
  // 0, or a negative errno: EBADFD for a ring that is not enabled yet.
  int post(int ring, uint64_t user_data, int32_t result, uint32_t flags);
  // Whether the ring was made with IORING_SETUP_R_DISABLED and is so still.
  bool is_disabled(int ring);

  // Where things are in the memory of every ring of this kernel, but for the array.
  const io_sqring_offsets& submission() const { return parameters_.sq_off; }
  const io_cqring_offsets& completion() const { return parameters_.cq_off; }

 private:
  int map();
  int check_kernel();
  int run(const io_uring_sqe& entry);
  uint32_t& word(uint32_t offset) { return *reinterpret_cast<uint32_t*>(memory_ + offset); }

  OwnedFd ring_;
  io_uring_params parameters_ = {};
  char* memory_ = nullptr;
  size_t size_ = 0;
  io_uring_sqe* entries_ = nullptr;
  bool is_tried_ = false;
  int error_ = 0;
};

// The inode of a ring, which no other file has.
uint64_t inode_of(int fd);

}  // namespace lxnet::host::uring
