#include "hosts/linux/uring/buffer_groups.hh"

#include <cstddef>

#include "hosts/linux/user_memory.hh"

namespace lxnet::host::uring {

void BufferGroups::add(const io_uring_buf_reg& group) {
  const bool is_power_of_two = group.ring_entries != 0 && (group.ring_entries & (group.ring_entries - 1)) == 0;
  if (is_power_of_two && !has(group.bgid)) groups_[group.bgid] = {.address = group.ring_addr, .entries = group.ring_entries};
}

std::optional<BufferGroups::Buffer> BufferGroups::next(uint16_t number, pid_t tid) const {
  const auto found = groups_.find(number);
  if (found == groups_.end()) return std::nullopt;
  const Group& group = found->second;
  uint16_t tail = 0;
  if (copy_from_task(tid, &tail, group.address + offsetof(io_uring_buf_ring, tail), sizeof tail) != 0 || tail == group.head) {
    return std::nullopt;
  }
  io_uring_buf buffer;
  const uint64_t place = group.address + (group.head & (group.entries - 1)) * sizeof buffer;
  if (copy_from_task(tid, &buffer, place, sizeof buffer) != 0) return std::nullopt;
  return Buffer{.address = buffer.addr, .size = buffer.len, .id = buffer.bid};
}

void BufferGroups::take(uint16_t group) {
  if (const auto found = groups_.find(group); found != groups_.end()) found->second.head++;
}

}  // namespace lxnet::host::uring
