// The buffers that a program has provided, in rings (IORING_REGISTER_PBUF_RING) or one by one (IORING_OP_PROVIDE_BUFFERS), for
// requests that choose theirs when there is something to receive (IOSQE_BUFFER_SELECT). The program fills such a ring in its own
// memory; how far it is used up is known here, and separately in the kernel: a group serves sockets or the kernel's files, not
// both.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "hosts/linux/uring/abi.hh"

namespace lxnet::host::uring {

class BufferGroups {
 public:
  struct Buffer {
    uint64_t address = 0;
    uint32_t size = 0;
    uint16_t id = 0;
  };

  void add(const io_uring_buf_reg& group);
  // What the entry's completion says; absent: it is the kernel's.
  std::optional<int32_t> provide(const io_uring_sqe& entry);
  std::optional<int32_t> withdraw(const io_uring_sqe& entry);
  void remove(uint16_t group) { groups_.erase(group); }
  bool has(uint16_t group) const { return groups_.contains(group); }

  // The next one, which stays until it is taken. Absent: there is none.
  std::optional<Buffer> next(uint16_t group, pid_t tid) const;
  void take(uint16_t group);

 private:
  struct Group {
    uint64_t address = 0;  // of a ring
    uint32_t entries = 0;
    uint16_t head = 0;
    std::deque<Buffer> buffers;  // of one without
    bool is_ring() const { return entries != 0; }
  };
  std::map<uint16_t, Group> groups_;
};

}  // namespace lxnet::host::uring
