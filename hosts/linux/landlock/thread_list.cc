#include "hosts/linux/landlock/thread_list.hh"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host::landlock {
namespace {

// The beginning of a small file of /proc, or nothing.
std::optional<std::string> read_proc(const std::string& path) {
  OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char text[1024];
  const ssize_t size = file.is_open() ? ::read(file.get(), text, sizeof text) : -1;
  return size > 0 ? std::optional(std::string(text, static_cast<size_t>(size))) : std::nullopt;
}

struct Stat {
  pid_t parent = 0;
  uint64_t start = 0;
};

// The name, in brackets, may have anything in it; after it comes the third field.
std::optional<Stat> read_stat(const std::string& directory) {
  constexpr int kParent = 4, kStart = 22;
  const std::optional<std::string> text = read_proc(directory + "/stat");
  const size_t name_end = text ? text->rfind(')') : std::string::npos;
  if (name_end == std::string::npos) return std::nullopt;
  Stat stat;
  const char* field = text->c_str() + name_end + 2;
  for (int number = 3; field != nullptr && number <= kStart; number++) {
    if (number == kParent) stat.parent = static_cast<pid_t>(std::strtol(field, nullptr, 10));
    if (number == kStart) stat.start = std::strtoull(field, nullptr, 10);
    field = std::strchr(field, ' ');
    if (field != nullptr) field++;
  }
  return stat;
}

template <typename Visit>
void each_number(const std::string& path, Visit visit) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return;
  while (dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') visit(static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)));
  }
  ::closedir(directory);
}

}  // namespace

std::vector<ThreadName> list_threads(const std::function<bool(pid_t tid)>& is_known) {
  struct Found {
    ThreadName thread;
    pid_t process;
  };
  std::vector<Found> found;
  std::unordered_map<pid_t, pid_t> parents;
  each_number("/proc", [&](pid_t process) {
    const std::string of_process = absl::StrCat("/proc/", process);
    const std::optional<Stat> own = read_stat(of_process);
    if (!own) return;
    parents.emplace(process, own->parent);
    each_number(of_process + "/task", [&](pid_t tid) {
      if (is_known(tid)) return;
      const std::optional<Stat> stat = tid == process ? own : read_stat(absl::StrCat(of_process, "/task/", tid));
      if (stat) found.push_back({{.tid = tid, .start = stat->start}, process});
    });
  });
  const pid_t supervisor = ::getpid();
  std::vector<ThreadName> threads;
  for (Found& entry : found) {
    if (entry.process == supervisor) continue;
    size_t steps = 0;
    for (pid_t at = entry.process; !entry.thread.is_ours && at != 0 && steps <= parents.size(); steps++) {
      entry.thread.is_ours = at == supervisor || is_known(at);
      auto next = parents.find(at);
      at = next == parents.end() ? 0 : next->second;
    }
    threads.push_back(entry.thread);
  }
  return threads;
}

uint64_t start_of_thread(pid_t tid) {
  const std::optional<Stat> stat = read_stat(absl::StrCat("/proc/", tid));
  return stat ? stat->start : 0;
}

Creating look_at_call(pid_t tid, int number) {
  const std::optional<std::string> text = read_proc(absl::StrCat("/proc/", tid, "/syscall"));
  // One that has ended, or that we may not look into.
  if (!text) return errno == ENOENT || errno == ESRCH ? Creating::Done : Creating::Running;
  if (text->starts_with("running")) return Creating::Running;
  return std::strtol(text->c_str(), nullptr, 10) == number ? Creating::Blocked : Creating::Done;
}

}  // namespace lxnet::host::landlock
