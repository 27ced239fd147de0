// A ring by system calls alone, and what tests ask of it.
#pragma once

#include <errno.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ostream>
#include <utility>
#include <vector>

namespace lxnet::uring_test {

inline constexpr uint8_t kOpBind = 56, kOpListen = 57;  // newer than some headers

struct Completion {
  uint64_t user_data = 0;
  int32_t result = 0;
  uint32_t flags = 0;
  friend bool operator==(const Completion&, const Completion&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Completion& one) {
    return out << "{" << one.user_data << ": " << one.result << ", flags " << one.flags << "}";
  }
};

class Ring {
 public:
  explicit Ring(unsigned entries = 32, uint32_t flags = 0) {
    parameters_.flags = flags;
    fd_ = static_cast<int>(::syscall(SYS_io_uring_setup, entries, &parameters_));
    error_ = errno;
    if (fd_ < 0) return;
    const size_t with_array = parameters_.sq_off.array + parameters_.sq_entries * sizeof(uint32_t);
    const size_t with_completions = parameters_.cq_off.cqes + parameters_.cq_entries * sizeof(io_uring_cqe);
    size_ = with_array > with_completions ? with_array : with_completions;
    memory_ = static_cast<char*>(map(size_, IORING_OFF_SQ_RING));
    entries_ = static_cast<io_uring_sqe*>(map(parameters_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { close(); }
  void close() {
    if (fd_ < 0) return;
    ::munmap(memory_, size_);
    ::munmap(entries_, parameters_.sq_entries * sizeof(io_uring_sqe));
    ::close(std::exchange(fd_, -1));
  }

  int fd() const { return fd_; }
  int error() const { return error_; }
  uint32_t entry_count() const { return parameters_.sq_entries; }
  uint32_t features() const { return parameters_.features; }

  // The next free entry, which the next submit() hands in.
  io_uring_sqe& next(uint8_t opcode, int fd, uint64_t user_data) {
    const uint32_t tail = word(parameters_.sq_off.tail) + pending_, slot = tail & (parameters_.sq_entries - 1);
    word(parameters_.sq_off.array + slot * 4) = slot;
    pending_++;
    io_uring_sqe& entry = entries_[slot];
    entry = {};
    entry.opcode = opcode;
    entry.fd = fd;
    entry.user_data = user_data;
    return entry;
  }
  // What io_uring_enter() says.
  int submit(unsigned wait = 0) {
    const unsigned count = std::exchange(pending_, 0);
    std::atomic_ref tail(word(parameters_.sq_off.tail));
    tail.store(tail.load() + count, std::memory_order_release);
    return enter(count, wait, wait != 0 ? IORING_ENTER_GETEVENTS : 0);
  }
  int enter(unsigned count, unsigned wait, unsigned flags, const void* argument = nullptr, size_t size = 0) {
    const long result = ::syscall(SYS_io_uring_enter, fd_, count, wait, flags, argument, size);
    return result < 0 ? -errno : static_cast<int>(result);
  }
  int change(unsigned operation, const void* argument, unsigned count) {
    const long result = ::syscall(SYS_io_uring_register, fd_, operation, argument, count);
    return result < 0 ? -errno : static_cast<int>(result);
  }

  // Those that are there.
  std::vector<Completion> take() {
    std::vector<Completion> taken;
    std::atomic_ref head(word(parameters_.cq_off.head)), tail(word(parameters_.cq_off.tail));
    const auto* completions = reinterpret_cast<const io_uring_cqe*>(memory_ + parameters_.cq_off.cqes);
    for (uint32_t at = head.load(); at != tail.load(std::memory_order_acquire); head.store(++at, std::memory_order_release)) {
      const io_uring_cqe& one = completions[at & (parameters_.cq_entries - 1)];
      taken.push_back({one.user_data, one.res, one.flags});
    }
    return taken;
  }
  // So many, which are waited for.
  std::vector<Completion> await(size_t count) {
    std::vector<Completion> taken = take();
    while (taken.size() < count) {
      if (enter(0, static_cast<unsigned>(count - taken.size()), IORING_ENTER_GETEVENTS) < 0 && errno != EINTR) break;
      for (const Completion& one : take()) taken.push_back(one);
    }
    return taken;
  }
  // Hands in what was prepared and waits for one completion; its result.
  int32_t run() {
    EXPECT_EQ(submit(1), 1);
    const std::vector<Completion> taken = await(1);
    return taken.size() == 1 ? taken[0].result : INT32_MIN;
  }

  uint32_t& word(uint32_t offset) { return *reinterpret_cast<uint32_t*>(memory_ + offset); }
  const io_uring_params& parameters() const { return parameters_; }
  io_uring_sqe& entry(uint32_t slot) { return entries_[slot]; }

 private:
  void* map(size_t size, uint64_t offset) const {
    return ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, static_cast<off_t>(offset));
  }

  io_uring_params parameters_ = {};
  int fd_ = -1, error_ = 0;
  size_t size_ = 0;
  char* memory_ = nullptr;
  io_uring_sqe* entries_ = nullptr;
  unsigned pending_ = 0;
};

class UringTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const Ring ring;
    if (ring.fd() < 0) GTEST_SKIP() << "no io_uring here: " << strerror(ring.error());
  }
};

inline uint64_t address_of(const void* memory) { return reinterpret_cast<uint64_t>(memory); }

// Sockets of 127.0.0.1.
int listener(sockaddr_in& address, int flags = 0);
struct Pair {
  int one = -1, other = -1;
};
Pair connected(int flags = 0);
Pair datagrams();

}  // namespace lxnet::uring_test
