#include "hosts/linux/uring/port.hh"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>

namespace lxnet::host::uring {
namespace {

constexpr unsigned kEntries = 4;

int setup(io_uring_params& parameters) {
  const long fd = ::syscall(SYS_io_uring_setup, kEntries, &parameters);
  if (fd < 0) return -errno;
  ::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
  return static_cast<int>(fd);
}

void* map_shared(int fd, size_t size, off_t offset) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

uint64_t inode_of(int fd) {
  struct stat status;
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

Port::~Port() {
  if (memory_ != nullptr) ::munmap(memory_, size_);
  if (entries_ != nullptr) ::munmap(entries_, kEntries * sizeof *entries_);
}

int Port::open() {
  if (is_tried_) return error_;
  is_tried_ = true;
  ring_ = OwnedFd(setup(parameters_));
  error_ = !ring_.is_open() ? (ring_.get() == -EPERM ? EPERM : ENOSYS) : map();
  if (error_ == 0) error_ = check_kernel();
  if (error_ != 0) ring_.close();
  return error_;
}

int Port::map() {
  size_ = parameters_.sq_off.array + parameters_.sq_entries * sizeof(uint32_t);
  memory_ = static_cast<char*>(map_shared(ring_.get(), size_, IORING_OFF_SQ_RING));
  entries_ =
      static_cast<io_uring_sqe*>(map_shared(ring_.get(), kEntries * sizeof *entries_, static_cast<off_t>(IORING_OFF_SQES)));
  return memory_ != nullptr && entries_ != nullptr ? 0 : ENOSYS;
}

// What is relied on, tried out: results of NOPs (6.10), flags of messages (6.3), and an inode for each ring.
int Port::check_kernel() {
  const uint32_t behind = parameters_.cq_off.cqes + parameters_.cq_entries * static_cast<uint32_t>(sizeof(io_uring_cqe));
  if (behind > parameters_.sq_off.array || parameters_.sq_off.array - behind >= 64) return ENOSYS;
  io_uring_sqe entry = {};
  entry.opcode = IORING_OP_NOP;
  entry.len = static_cast<uint32_t>(-ENOTTY);
  entry.rw_flags = kNopInjectResult;
  if (run(entry) != -ENOTTY) return ENOSYS;
  io_uring_params parameters = {};
  OwnedFd other(setup(parameters));
  if (!other.is_open() || inode_of(other.get()) == inode_of(ring_.get())) return ENOSYS;
  return post(other.get(), 0, -1, IORING_CQE_F_MORE) == 0 ? 0 : ENOSYS;
}

int Port::run(const io_uring_sqe& entry) {
  const uint32_t tail = word(parameters_.sq_off.tail), slot = tail & (parameters_.sq_entries - 1);
  entries_[slot] = entry;
  word(parameters_.sq_off.array + slot * 4) = slot;
  std::atomic_ref(word(parameters_.sq_off.tail)).store(tail + 1, std::memory_order_release);
  if (::syscall(SYS_io_uring_enter, ring_.get(), 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) != 1) return -errno;
  const uint32_t head = word(parameters_.cq_off.head);
  const auto* completions = reinterpret_cast<const io_uring_cqe*>(memory_ + parameters_.cq_off.cqes);
  const int32_t result = completions[head & (parameters_.cq_entries - 1)].res;
  std::atomic_ref(word(parameters_.cq_off.head)).store(head + 1, std::memory_order_release);
  return result;
}

int Port::post(int ring, uint64_t user_data, int32_t result, uint32_t flags) {
  io_uring_sqe entry = {};
  entry.opcode = IORING_OP_MSG_RING;
  entry.fd = ring;
  entry.addr = IORING_MSG_DATA;
  entry.off = user_data;
  entry.len = static_cast<uint32_t>(result);
  entry.msg_ring_flags = flags != 0 ? kMsgRingFlagsPass : 0;
  entry.file_index = flags;
  return run(entry);
}

// A message with a descriptor that is not there says so, but for a ring that takes no messages.
bool Port::is_disabled(int ring) {
  io_uring_sqe entry = {};
  entry.opcode = IORING_OP_MSG_RING;
  entry.fd = ring;
  entry.addr = IORING_MSG_SEND_FD;
  return run(entry) == -EBADFD;
}

}  // namespace lxnet::host::uring
