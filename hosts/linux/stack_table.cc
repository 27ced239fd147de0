#include "hosts/linux/stack_table.hh"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "hosts/linux/clock.hh"
#include "hosts/linux/hal_table.hh"

namespace lxnet::host {
namespace {

ino_t inode_of(int fd) {
  struct stat status;
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

ino_t namespace_of(pid_t tid, const char* kind) {
  struct stat status;
  return ::stat(absl::StrCat("/proc/", tid, "/ns/", kind).c_str(), &status) == 0 ? status.st_ino : 0;
}

OwnedFd open_namespace(const std::string& process) {
  return OwnedFd(::open(absl::StrCat(process, "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
}

ino_t owner_of(const OwnedFd& net_namespace) {
  OwnedFd owner(::ioctl(net_namespace.get(), NS_GET_USERNS));
  return owner.is_open() ? inode_of(owner.get()) : 0;
}

// As many as the machine's own kernel allows a user.
void set_watch_limit(lxnet_stack* stack) {
  uint64_t limit = 0;
  std::ifstream("/proc/sys/fs/epoll/max_user_watches") >> limit;
  if (limit == 0) return;
  limit = std::min<uint64_t>(limit, INT32_MAX);
  lxnet_tunable_set(stack, "fs.epoll.max_user_watches", absl::StrCat(limit).c_str());
}

#if defined(LXNET_ACCELERATES_AFALG)
int enable_afalg(lxnet_stack* stack) {
  const int error = lxnet_enable_afalg(stack);
  return error != 0 ? error : lxnet_enable_afalg_x86(stack);
}
#elif defined(LXNET_SERVES_AFALG)
int enable_afalg(lxnet_stack* stack) { return lxnet_enable_afalg(stack); }
#else
int enable_afalg(lxnet_stack*) { return 0; }
#endif

}  // namespace

// In a namespace of processes of its own the thread's /proc is the one that has its numbers.
OwnedFd open_namespace_of(pid_t tid, pid_t process) {
  const bool shares_numbers = namespace_of(tid, "pid") == namespace_of(::getpid(), "pid");
  const std::string proc = shares_numbers ? "/proc/" : absl::StrCat("/proc/", tid, "/root/proc/");
  return process <= 0 ? OwnedFd() : open_namespace(absl::StrCat(proc, process));
}

// 0 or a negative errno.
int StackTable::create_stack(const lxnet_hal& hal, uint32_t flags, lxnet_stack** stack, const char** message) const {
  lxnet_config config = {};
  config.struct_size = sizeof config;
  config.flags = flags;
  if (int error = lxnet_stack_create(&hal, &config, stack, message); error != 0) return error;
  int error = lxnet_enable_epoll(*stack);
  if (error == 0) error = lxnet_enable_afnetlink(*stack, &inode_of_socket);
  if (error == 0) error = lxnet_enable_afpacket(*stack);
  if (error == 0) error = enable_afalg(*stack);
  if (error == 0 && serves_unix_) error = lxnet_enable_afunix(*stack);
  if (error == 0 && trace_.line != nullptr) error = lxnet_trace_enable(*stack, &trace_);
  if (error == 0) {
    set_watch_limit(*stack);
  } else {
    lxnet_stack_destroy(*stack);
  }
  return error;
}

absl::Status StackTable::create_default(const lxnet_hal& hal, bool serves_unix) {
  serves_unix_ = serves_unix;
  auto entry = std::make_unique<Entry>();
  entry->net_namespace = open_namespace("/proc/self");
  // lxnet's default network belongs to whoever started it, whoever owns the kernel's namespace it hides.
  entry->user_namespace = namespace_of(::getpid(), "user");
  const char* message = "";
  entries_.push_back(std::move(entry));
  int error = create_stack(hal, 0, &entries_.back()->stack, &message);
  if (error != 0) return absl::InternalError(absl::StrCat("the stack cannot start: ", message, " (", std::strerror(-error), ")"));
  by_namespace_.emplace(inode_of(entries_.back()->net_namespace.get()), entries_.back().get());
  return absl::OkStatus();
}

lxnet_stack* StackTable::get(Task& task, const lxnet_hal& hal) {
  if (task.stack != nullptr) return task.stack;
  ino_t inode = namespace_of(task.tid(), "net");
  auto found = by_namespace_.find(inode);
  if (found != by_namespace_.end()) return task.stack = found->second->stack;
  // One we may not look into (its user changed, or it is not dumpable) has not left where it began.
  if (inode == 0) return default_stack();

  OwnedFd opened = open_namespace(absl::StrCat("/proc/", task.tid()));
  if (inode_of(opened.get()) != inode) return nullptr;
  return task.stack = get(std::move(opened), hal);
}

lxnet_stack* StackTable::get(OwnedFd net_namespace, const lxnet_hal& hal) {
  if (::ioctl(net_namespace.get(), NS_GET_NSTYPE) != CLONE_NEWNET) return nullptr;
  const ino_t inode = inode_of(net_namespace.get());
  auto found = by_namespace_.find(inode);
  if (found != by_namespace_.end()) return found->second->stack;
  auto entry = std::make_unique<Entry>();
  entry->user_namespace = owner_of(net_namespace);
  entry->net_namespace = std::move(net_namespace);
  entries_.push_back(std::move(entry));
  if (create_stack(hal, LXNET_CONFIG_LOOPBACK_DOWN, &entries_.back()->stack, nullptr) != 0) {
    entries_.pop_back();
    return nullptr;
  }
  by_namespace_.emplace(inode, entries_.back().get());
  return entries_.back()->stack;
}

bool StackTable::is_owner(pid_t tid, const lxnet_stack* stack) const {
  const Entry* entry = find(stack);
  if (entry == nullptr) return false;
  ino_t user_namespace = namespace_of(tid, "user");
  // Whoever is still in the supervisor's user namespace is in an ancestor of every namespace made below it.
  return user_namespace == entry->user_namespace || user_namespace == entries_.front()->user_namespace;
}

StackTable::Entry* StackTable::find(const lxnet_stack* stack) const {
  for (const auto& entry : entries_) {
    if (entry->stack == stack) return entry.get();
  }
  return nullptr;
}

void StackTable::set_alarm(lxnet_stack* stack, int64_t time) {
  // While a stack is being created it is the last one and does not know its own address yet.
  Entry* entry = find(stack);
  if (entry == nullptr) entry = entries_.back().get();
  entry->alarm = time;
}

int64_t StackTable::next_alarm() const {
  int64_t next = INT64_MAX;
  for (const auto& entry : entries_) next = std::min(next, entry->alarm);
  return next;
}

void StackTable::expire() {
  constexpr int kMostRounds = 64;
  for (int round = 0; round < kMostRounds; round++) {
    const int64_t now = now_nanos();
    bool has_rung = false;
    for (size_t i = 0; i < entries_.size(); i++) {
      if (entries_[i]->alarm > now) continue;
      entries_[i]->alarm = INT64_MAX;
      lxnet_timer_expire(entries_[i]->stack);
      has_rung = true;
    }
    if (!has_rung) return;
  }
}

}  // namespace lxnet::host
