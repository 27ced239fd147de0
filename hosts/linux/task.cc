#include "hosts/linux/task.hh"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "absl/strings/str_cat.h"
#include "hosts/linux/process_status.hh"

// Linux 6.9: a pidfd of one thread, not of its process.
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

namespace lxnet::host {
namespace {

int open_pidfd(pid_t tid) {
  int fd = static_cast<int>(::syscall(SYS_pidfd_open, tid, PIDFD_THREAD));
  if (fd >= 0 || errno != EINVAL) return fd;
  // An older kernel: the process stands for its threads, which is right as long as they share their descriptors.
  std::optional<ProcessStatus> status = read_process_status(tid);
  return status ? static_cast<int>(::syscall(SYS_pidfd_open, status->tgid, 0)) : -1;
}

}  // namespace

Task::Task(TaskTable& table, pid_t tid, OwnedFd pidfd) : table_(table), tid_(tid), pidfd_(std::move(pidfd)) {
  table_.loop_.add(pidfd_.get(), EPOLLIN, this);
}

void Task::on_event(uint32_t) {
  std::shared_ptr<Task> keep_alive = shared_from_this();
  is_dead_ = true;
  table_.loop_.remove(pidfd_.get(), this);
  status_.close();
  auto found = table_.tasks_.find(tid_);
  if (found != table_.tasks_.end() && found->second.get() == this) table_.tasks_.erase(found);
  table_.on_death_(*this);
}

int Task::copy_fd(int fd) const {
  int copy = static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd_.get(), fd, 0));
  return copy >= 0 ? copy : -errno;
}

int Task::status_fd() {
  if (!status_.is_open()) {
    status_ = OwnedFd(::open(absl::StrCat("/proc/", tid_, "/status").c_str(), O_RDONLY | O_CLOEXEC));
  }
  return status_.get();
}

pid_t Task::process() {
  if (process_ != 0) return process_;
  std::optional<ProcessStatus> status = read_process_status_at(status_fd());
  return process_ = status ? status->tgid : 0;
}

std::shared_ptr<Task> TaskTable::find_or_create(pid_t tid) {
  if (auto found = tasks_.find(tid); found != tasks_.end()) return found->second;
  OwnedFd pidfd(open_pidfd(tid));
  if (!pidfd.is_open()) return nullptr;
  auto task = std::make_shared<Task>(*this, tid, std::move(pidfd));
  tasks_.emplace(tid, task);
  return task;
}

}  // namespace lxnet::host
