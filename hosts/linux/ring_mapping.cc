#include "hosts/linux/ring_mapping.hh"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "hal/lxnet.h"

namespace lxnet::host {
namespace {

ino_t inode_of(int fd) {
  struct stat status;
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

// Whether the number still has the memory that was put there.
bool still_has(pid_t process, int number, ino_t inode) {
  struct stat status;
  const std::string path = absl::StrCat("/proc/", process, "/fd/", number);
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_ino == inode;
}

// FD_CLOEXEC of another process's descriptor.
bool is_cloexec(pid_t tid, int number) {
  std::ifstream info(absl::StrCat("/proc/", tid, "/fdinfo/", number));
  for (std::string line; std::getline(info, line);) {
    if (absl::StartsWith(line, "flags:")) return (std::stoul(line.substr(6), nullptr, 8) & O_CLOEXEC) != 0;
  }
  return true;
}

// Adds the inodes of the rings that the process maps.
void add_mapped(pid_t process, std::set<ino_t>& inodes) {
  std::ifstream maps(absl::StrCat("/proc/", process, "/maps"));
  const std::string name = absl::StrCat("/memfd:", kRingMemoryName);
  for (std::string line; std::getline(maps, line);) {
    if (!absl::StrContains(line, name)) continue;
    // from-to permissions offset device inode path
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (uint64_t inode = 0; words.size() > 4 && absl::SimpleAtoi(words[4], &inode)) inodes.insert(inode);
  }
}

}  // namespace

int RingMappings::lend(const Call& call, lxnet_file* file, int fd, uint64_t size, uint64_t offset) {
  void* memory = nullptr;
  const uint64_t whole_pages = (size + SharedMemory::kPage - 1) & ~uint64_t{SharedMemory::kPage - 1};
  const int error = lxnet_packet_ring_map(file, offset == 0 ? whole_pages : 0, &memory);
  if (error != 0) return error;
  const int ring = memory_.fd_of(memory);
  const ino_t inode = inode_of(ring);
  Lent lent{.process = call.task->process(), .number = fd, .is_cloexec = is_cloexec(call.tid(), fd), .inode = inode, .end = {}};
  lent.end = OwnedFd(call.task->copy_fd(fd));
  if (!lent.end.is_open() || call.listener.put_fd(call.notice.id, ring, fd, lent.is_cloexec) < 0) {
    lxnet_packet_ring_unmap(file);
    return -ENOMEM;
  }
  lent_.push_back(std::move(lent));
  Mapped& mapped = mapped_[file];
  mapped.inode = inode;
  mapped.count++;
  return 0;
}

void RingMappings::put_back(const Call& call) {
  const pid_t process = call.task->process();
  std::erase_if(lent_, [&](const Lent& lent) {
    if (lent.process != process) return false;
    // The program may have closed the number, or put something else there.
    if (still_has(process, lent.number, lent.inode))
      call.listener.put_fd(call.notice.id, lent.end.get(), lent.number, lent.is_cloexec);
    return true;
  });
}

void RingMappings::forget_ended() {
  std::erase_if(lent_, [](const Lent& lent) { return !still_has(lent.process, lent.number, lent.inode); });
}

void RingMappings::recount() {
  std::set<pid_t> processes;
  tasks_.for_each([&](Task& task) { processes.insert(task.process()); });
  std::set<ino_t> inodes;
  for (const pid_t process : processes) add_mapped(process, inodes);
  for (auto entry = mapped_.begin(); entry != mapped_.end();) {
    auto& [file, mapped] = *entry;
    if (inodes.contains(mapped.inode)) {
      ++entry;
      continue;
    }
    for (; mapped.count != 0; mapped.count--) lxnet_packet_ring_unmap(file);
    entry = mapped_.erase(entry);
  }
}

lxnet_file* RingMappings::find(int copy) const {
  struct stat status;
  if (mapped_.empty() || ::fstat(copy, &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  const auto is_it = [&](const auto& entry) { return entry.second.inode == status.st_ino; };
  const auto found = std::find_if(mapped_.begin(), mapped_.end(), is_it);
  return found == mapped_.end() ? nullptr : found->first;
}

}  // namespace lxnet::host
