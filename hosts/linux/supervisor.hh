// Serves the calls of supervised programs from the core. One thread; the order within a turn is the rule that makes close()
// exact:
//
//   a notice is served only after the event loop has looked again since it was received. Whatever the program closed before it
//   made the call has hung up by then and is closed in the core too, so that close-then-bind finds the port free.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "hal/lxnet.h"
#include "hosts/linux/async_io.hh"
#include "hosts/linux/call.hh"
#include "hosts/linux/call_table.hh"
#include "hosts/linux/event_loop.hh"
#include "hosts/linux/fiber.hh"
#include "hosts/linux/file_table.hh"
#include "hosts/linux/foreign_file.hh"
#include "hosts/linux/landlock/confinement.hh"
#include "hosts/linux/ring_mapping.hh"
#include "hosts/linux/shared_memory.hh"
#include "hosts/linux/signal_watch.hh"
#include "hosts/linux/stack_table.hh"
#include "hosts/linux/task.hh"
#include "hosts/linux/uring/service.hh"

namespace lxnet::host {

struct Statistics {
  uint64_t served = 0;       // answered by the core
  uint64_t continued = 0;    // noticed, but left to the kernel
  uint64_t interrupted = 0;  // by a signal
};

class Supervisor {
 public:
  // Messages up to `log_level` (LXNET_LOG_*) go to standard error.
  explicit Supervisor(int log_level);

  // Before create_stack(). Each call that the core answers becomes a line of `file`, as strace prints it.
  void print_calls_to(std::shared_ptr<OwnedFd> file);
  absl::Status create_stack(bool serves_unix);
  lxnet_stack* default_stack() const { return stacks_.default_stack(); }
  Listener* add_listener(OwnedFd listener);
  bool has_programs() const;
  // Whoever started them is gone.
  void kill_programs_of(const Listener& listener);
  // One descriptor of ours stands for each socket of all programs together. After the fork: programs keep their own limit.
  static void raise_descriptor_limit();
  // One round: waits for something to happen, at most until `deadline`, and deals with it.
  void turn(int64_t deadline);
  // After the last program has ended: lets the calls of the dead unwind and the files they held close.
  void finish();

  size_t socket_count() const { return files_.size(); }
  const Statistics& statistics() const { return statistics_; }
  EventLoop& loop() { return loop_; }
  SignalWatch& signals() { return signals_; }

  // For the HAL table.
  Fiber* current_fiber() const { return fibers_.current(); }
  Call* current_call() const { return fibers_.current() == nullptr ? nullptr : fibers_.current()->call; }
  void** lock_slot() { return fibers_.current() == nullptr ? &loop_lock_slot_ : &fibers_.current()->lock_slot; }
  FiberScheduler& fibers() { return fibers_; }
  FileTable& files() { return files_; }
  TaskTable& tasks() { return tasks_; }
  StackTable& stacks() { return stacks_; }
  ForeignTable& foreign_files() { return foreign_files_; }
  SharedMemory& shared_memory() { return shared_memory_; }
  // Whether the caller has it where it counts: in the user namespace that owns the network. Null: the caller's own.
  bool is_capable(const Call& call, int capability, const lxnet_stack* stack) const;
  // The stack of a network namespace (hal.h: find_stack).
  lxnet_stack* find_stack(const Call& call, int kind, int32_t number, int* error);
  void log(int level, const char* message) const;

 private:
  size_t receive_all();
  void close_file(lxnet_file* file);
  void on_death(Task& task);
  void serve(Listener& listener, const seccomp_notif& notice);
  bool is_ours(Call& call, int* error) const;
  void sweep_sets(const CallRow& row);
  void serve_open(Call& call);
  void serve_map(const Call& call);
  void serve_async(Call call);
  void serve_confining(const Call& call);
  void serve_ring(Call& call);
  int64_t open_tun(Call& call, lxnet_stack* stack, uint64_t flags);
  void start_call(Call call);
  void resume_call(Call call);
  void run_call(Call& call, int number, const uint64_t* arguments, int64_t restart_deadline);
  void finish_call(Call& call, int64_t result, int number, const uint64_t* arguments, int64_t restart_deadline);
  void answer(const Call& call, int64_t result);
  void continue_natively(const Listener& listener, uint64_t id);
  bool is_left_to_the_kernel(const Call& call, int64_t result);

  struct Received {
    Listener* listener;
    seccomp_notif notice;
  };

  int log_level_;
  EventLoop loop_;
  FiberScheduler fibers_;
  TaskTable tasks_;
  SharedMemory shared_memory_;
  RingMappings rings_;
  FileTable files_;
  ForeignTable foreign_files_;
  AsyncIo async_io_;
  uring::Service uring_;
  StackTable stacks_;
  SignalWatch signals_;
  landlock::Confinement confinement_;
  CallTable native_calls_;
  CallTable i386_calls_;
  lxnet_hal hal_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<Received> received_;
  std::shared_ptr<OwnedFd> call_log_;
  std::set<uint64_t> families_left_;  // already mentioned in the log
  void* loop_lock_slot_ = nullptr;
  int64_t next_sweep_ = 0;
  Statistics statistics_;
};

}  // namespace lxnet::host
