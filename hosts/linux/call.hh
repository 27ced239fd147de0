// One call of the program under way: what its notice said, and what the supervisor needs to answer it.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <memory>

#include "hosts/linux/listener.hh"
#include "hosts/linux/task.hh"

struct lxnet_file;
struct lxnet_stack;

namespace lxnet::host {

namespace uring {
struct RequestContext;
}
struct CallRow;
class TunableFile;

struct Call {
  Listener& listener;
  seccomp_notif notice;
  const CallRow& row;
  std::shared_ptr<Task> task;
  int64_t started = 0;           // monotonic
  lxnet_stack* stack = nullptr;  // that answers it: of the file it names, or of the thread's namespace

  // ppoll's, pselect's and epoll_pwait's: holds instead of the thread's own mask while the call waits.
  bool has_sigmask = false;
  uint64_t sigmask = 0;

  // Set with an interruption. Uncertain: a signal waits for the process, but perhaps the kernel chose another of its threads, so
  // that a restart errno might reach the program as it is. Natively: only the kernel's own call can swap the mask and run the
  // handler.
  bool is_interruption_uncertain = false;
  bool is_interruption_native = false;

  bool is_on_our_file = false;  // it names a descriptor that is one of lxnet's

  // The last find_fd(), while nothing can have changed since.
  int found_fd = -1;
  lxnet_file* found_file = nullptr;
  TunableFile* found_tunable = nullptr;

  // It serves a ring's entries: signals do not interrupt it, and its notice may be answered by now.
  bool serves_ring = false;
  uring::RequestContext* request = nullptr;  // the entry under way

  pid_t tid() const { return static_cast<pid_t>(notice.pid); }
};

}  // namespace lxnet::host
