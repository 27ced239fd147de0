#include "hosts/sim/process.hh"

#include <utility>

#include "base/errno.hh"
#include "hal/lxnet.h"

namespace lxnet::sim {
namespace {

constexpr int kFirstFree = 3;  // 0 to 2 are the terminal's
constexpr uint32_t kCloseOnExec = 02000000;

int negative(Errno error) { return -static_cast<int>(error); }

}  // namespace

Process::Process(int32_t id) {
  credentials.pid = credentials.tgid = id;
  credentials.uid = credentials.euid = credentials.suid = credentials.gid = credentials.egid = credentials.sgid = 1000;
}

int Process::put(lxnet_file* file, int lowest, uint32_t flags) {
  size_t fd = static_cast<size_t>(lowest);
  while (fd < slots_.size() && slots_[fd].file != nullptr) ++fd;
  if (fd >= descriptor_limit) return negative(Errno::EMFILE);
  if (fd >= slots_.size()) slots_.resize(fd + 1);
  slots_[fd] = {.file = file, .closes_on_exec = (flags & kCloseOnExec) != 0};
  return static_cast<int>(fd);
}

int Process::install(lxnet_file* file, uint32_t flags) { return put(file, lowest_number, flags); }

lxnet_file* Process::find(int fd, int* error) const {
  if (!is_open(fd)) {
    // The terminal is open, and no socket.
    *error = static_cast<int>(fd >= 0 && fd < kFirstFree ? Errno::ENOTSOCK : Errno::EBADF);
    return nullptr;
  }
  lxnet_file* file = slots_[static_cast<size_t>(fd)].file;
  lxnet_file_ref(file);
  return file;
}

void Process::release(int fd) {
  // The call that installed it gives it back before anybody saw it: no close() of the file.
  lxnet_file_unref(std::exchange(slots_[static_cast<size_t>(fd)].file, nullptr));
}

int Process::close(int fd) {
  if (!is_open(fd)) return negative(Errno::EBADF);
  lxnet_file* file = std::exchange(slots_[static_cast<size_t>(fd)].file, nullptr);
  lxnet_file_unref(file);
  return 0;
}

int Process::duplicate(int fd, int lowest, uint32_t flags) {
  if (!is_open(fd)) return negative(Errno::EBADF);
  if (lowest < 0 || static_cast<uint64_t>(lowest) >= descriptor_limit) return negative(Errno::EINVAL);
  lxnet_file* file = slots_[static_cast<size_t>(fd)].file;
  const int copy = put(file, lowest == 0 ? kFirstFree : lowest, flags);
  if (copy >= 0) lxnet_file_ref(file);
  return copy;
}

int Process::duplicate_to(int fd, int target, uint32_t flags) {
  if (!is_open(fd) || target < 0 || static_cast<uint64_t>(target) >= descriptor_limit) return negative(Errno::EBADF);
  if (fd == target) return target;
  lxnet_file* file = slots_[static_cast<size_t>(fd)].file;
  lxnet_file_ref(file);
  if (is_open(target)) close(target);
  return put(file, target, flags);
}

void Process::close_all() {
  for (size_t fd = 0; fd < slots_.size(); ++fd) {
    if (slots_[fd].file != nullptr) close(static_cast<int>(fd));
  }
}

size_t Process::open_count() const {
  size_t count = 0;
  for (const Slot& slot : slots_) count += slot.file != nullptr;
  return count;
}

}  // namespace lxnet::sim
