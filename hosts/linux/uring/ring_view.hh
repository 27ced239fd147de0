// The memory of a program's ring, mapped for a moment: who keeps a mapping keeps the ring open.
//
// The program can write all of it at any time. What is read is copied once; how large it is the kernel says, and not the ring.
#pragma once

#include <cstdint>
#include <optional>

#include "hosts/linux/uring/abi.hh"
#include "hosts/linux/uring/port.hh"

namespace lxnet::host::uring {

struct Geometry {
  uint32_t sq_entries = 0, cq_entries = 0;
};
// By the kernel's own word (/proc/self/fdinfo). Absent: it is not a ring.
std::optional<Geometry> read_geometry(int ring);
// The inode of the socket that is registered at `index`; 0 when there is none.
uint64_t registered_socket(int ring, uint32_t index);

// What the kernel says of its own requests: whether polls are under way, and if so whether a thread of theirs has work waiting.
struct KernelWork {
  uint32_t completion_tail = 0;
  bool has_polls = false, is_waiting = false;
};
KernelWork read_kernel_work(int ring);

class RingView {
 public:
  RingView(const Port& port, int ring, const Geometry& geometry);
  ~RingView();
  RingView(const RingView&) = delete;
  RingView& operator=(const RingView&) = delete;
  bool is_mapped() const;

  uint32_t head() const { return load(port_.submission().head); }
  uint32_t tail() const { return load(port_.submission().tail); }
  uint32_t completion_tail() const { return load(port_.completion().tail); }
  // Which entry stands at a position of the queue. Absent: the kernel drops it.
  std::optional<uint32_t> slot_at(uint32_t position) const;
  io_uring_sqe read(uint32_t slot) const;

  // An entry is changed, and restored, by these two of its eight words: opcode, flags, priority and descriptor; length and flags.
  struct Words {
    uint64_t first = 0, fourth = 0;
  };
  Words words(uint32_t slot) const;
  void write(uint32_t slot, const Words& words);
  // Only if nobody has written there since.
  void restore(uint32_t slot, const Words& written, const Words& original);

 private:
  uint32_t load(uint32_t offset) const;
  uint64_t& word(uint32_t slot, unsigned index) const;

  const Port& port_;
  Geometry geometry_;
  size_t size_;
  char* memory_;
  io_uring_sqe* entries_;
};

}  // namespace lxnet::host::uring
