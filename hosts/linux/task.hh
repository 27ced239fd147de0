// The program's threads, as the supervisor knows them: one Task each, from its first call to its end.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "hosts/linux/event_loop.hh"
#include "hosts/linux/owned_fd.hh"

struct lxnet_stack;

namespace lxnet::host {

class Fiber;
class Listener;
class TaskTable;
namespace landlock {
class Domain;
}

// A poll that a signal interrupted and that goes on when restart_syscall comes.
struct PendingRestart {
  int number = -1;
  uint32_t arch = 0;
  uint64_t arguments[6] = {};
  int64_t deadline = 0;
};

class Task : public EventSource, public std::enable_shared_from_this<Task> {
 public:
  Task(TaskTable& table, pid_t tid, OwnedFd pidfd);

  // The thread has ended.
  void on_event(uint32_t events) override;

  pid_t tid() const { return tid_; }
  bool is_dead() const { return is_dead_; }
  // A copy of the thread's descriptor, or a negative errno: EBADF, ESRCH of a dead thread, EPERM of one we may not look into.
  int copy_fd(int fd) const;
  // /proc/<tid>/status, opened once.
  int status_fd();
  // Of its process; asked for once. 0 when it has ended.
  pid_t process();

  lxnet_stack* stack = nullptr;        // cached; null when it must be looked up (again)
  const Listener* listener = nullptr;  // the filter it runs under
  Fiber* fiber = nullptr;              // of its call under way
  PendingRestart restart;
  std::shared_ptr<landlock::Domain> domain;  // what confines it; null for nothing
  bool is_creating = false;                  // a thread, by its last call
  uint64_t calls = 0;                        // that were noticed
  uint64_t told_signals = 0;                 // its own that wait, of which who polls a signalfd was told
  int suspected_scans = 0;                   // SignalWatch: how often a signal seemed to be for this thread without certainty

 private:
  friend class TaskTable;
  TaskTable& table_;
  pid_t tid_;
  OwnedFd pidfd_;
  OwnedFd status_;
  pid_t process_ = 0;
  bool is_dead_ = false;
};

class TaskTable {
 public:
  // `on_death` hears of every thread that ended; its call may be under way.
  TaskTable(EventLoop& loop, std::function<void(Task&)> on_death) : loop_(loop), on_death_(std::move(on_death)) {}
  // Null when the thread is already gone.
  std::shared_ptr<Task> find_or_create(pid_t tid);
  size_t size() const { return tasks_.size(); }
  // Whether a notice of it has come.
  bool is_known(pid_t tid) const {
    auto found = tasks_.find(tid);
    return found != tasks_.end() && found->second->calls != 0;
  }
  template <typename Visit>
  void for_each(Visit visit) {
    for (const auto& [tid, task] : tasks_) visit(*task);
  }

 private:
  friend class Task;
  EventLoop& loop_;
  std::function<void(Task&)> on_death_;
  std::unordered_map<pid_t, std::shared_ptr<Task>> tasks_;
};

}  // namespace lxnet::host
