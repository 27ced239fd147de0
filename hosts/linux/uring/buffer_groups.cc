#include "hosts/linux/uring/buffer_groups.hh"

#include <algorithm>
#include <cstddef>

#include "hosts/linux/user_memory.hh"

namespace lxnet::host::uring {

void BufferGroups::add(const io_uring_buf_reg& group) {
  const bool is_power_of_two = group.ring_entries != 0 && (group.ring_entries & (group.ring_entries - 1)) == 0;
  if (is_power_of_two && !has(group.bgid))
    groups_[group.bgid] = {.address = group.ring_addr, .entries = group.ring_entries, .head = 0, .buffers = {}};
}

std::optional<int32_t> BufferGroups::provide(const io_uring_sqe& entry) {
  constexpr uint64_t kMost = 65535;
  const auto count = static_cast<uint64_t>(entry.fd);
  const bool is_valid = entry.fd > 0 && count <= kMost && entry.off + count <= kMost + 1 && entry.len != 0 &&
                        entry.rw_flags == 0 && entry.splice_fd_in == 0 && entry.ioprio == 0 && entry.addr != 0;
  if (!is_valid) return std::nullopt;
  Group& group = groups_[entry.buf_group];
  if (group.is_ring() || group.buffers.size() + count > kMost) return std::nullopt;
  for (uint64_t i = 0; i < count; i++) {
    group.buffers.push_back(
        {.address = entry.addr + i * entry.len, .size = entry.len, .id = static_cast<uint16_t>(entry.off + i)});
  }
  return 0;
}

std::optional<int32_t> BufferGroups::withdraw(const io_uring_sqe& entry) {
  const auto found = groups_.find(entry.buf_group);
  const bool is_valid = entry.fd > 0 && entry.rw_flags == 0 && entry.addr == 0 && entry.len == 0 && entry.off == 0 &&
                        entry.splice_fd_in == 0 && entry.ioprio == 0;
  if (!is_valid || found == groups_.end() || found->second.is_ring()) return std::nullopt;
  std::deque<Buffer>& buffers = found->second.buffers;
  const size_t count = std::min(buffers.size(), static_cast<size_t>(entry.fd));
  buffers.erase(buffers.begin(), buffers.begin() + static_cast<std::ptrdiff_t>(count));
  return static_cast<int32_t>(count);
}

std::optional<BufferGroups::Buffer> BufferGroups::next(uint16_t number, pid_t tid) const {
  const auto found = groups_.find(number);
  if (found == groups_.end()) return std::nullopt;
  const Group& group = found->second;
  if (!group.is_ring()) return group.buffers.empty() ? std::nullopt : std::optional(group.buffers.front());
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
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;
  found->second.head++;
  if (!found->second.buffers.empty()) found->second.buffers.pop_front();
}

}  // namespace lxnet::host::uring
