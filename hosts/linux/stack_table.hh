// Which Stack serves a thread: one per network namespace of the kernel, found by the namespace the thread is in.
//
// A namespace that a program makes (unshare, clone) gets a fresh Stack with `lo` down, as on Linux. We keep the namespace open,
// so its number cannot come again for another one while its Stack exists; Stacks live as long as the supervisor.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "hal/lxnet.h"
#include "hosts/linux/owned_fd.hh"
#include "hosts/linux/task.hh"

namespace lxnet::host {

// Of the process that the thread knows by this number; closed when there is none.
OwnedFd open_namespace_of(pid_t tid, pid_t process);

class StackTable {
 public:
  struct Entry {
    lxnet_stack* stack = nullptr;
    OwnedFd net_namespace;      // keeps its number
    ino_t user_namespace = 0;   // the owner: capabilities count only there
    int64_t alarm = INT64_MAX;  // monotonic
  };

  // The Stack of the supervisor's own namespace, where programs start. With `serves_unix` every Stack has AF_UNIX.
  absl::Status create_default(const lxnet_hal& hal, bool serves_unix);
  // Every Stack made from now on prints its calls.
  void print_calls(const lxnet_trace& trace) { trace_ = trace; }
  // Null when none can be made.
  lxnet_stack* get(Task& task, const lxnet_hal& hal);
  // Of the network namespace that this is open on; null for any other file.
  lxnet_stack* get(OwnedFd net_namespace, const lxnet_hal& hal);
  // Whether the thread's user namespace owns the network namespace it is in.
  bool is_owner(pid_t tid, const lxnet_stack* stack) const;

  lxnet_stack* default_stack() const { return entries_.front()->stack; }
  void set_alarm(lxnet_stack* stack, int64_t time);
  int64_t next_alarm() const;
  // Rings the alarms that are due, and those that become so by it: what one stack sends to another waits for that one's.
  void expire();

 private:
  Entry* find(const lxnet_stack* stack) const;
  int create_stack(const lxnet_hal& hal, uint32_t flags, lxnet_stack** stack, const char** message) const;

  lxnet_trace trace_ = {};
  bool serves_unix_ = false;
  std::unordered_map<ino_t, Entry*> by_namespace_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace lxnet::host
