// Scheduler: tasks on the virtual clock. One runs at a time, until it parks or ends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hosts/sim/task.hh"

namespace lxnet::sim {

class Scheduler {
 public:
  // What is wrong with a run: tasks that wait for ever, a body that threw. Replaced by a test's framework.
  using Problem = std::function<void(const std::string&)>;

  Scheduler();
  ~Scheduler();

  EventQueue& events() { return events_; }
  Instant now() const { return events_.now(); }
  Problem on_problem;

  // Starts at the present instant, after what is already due.
  Task& spawn(std::string name, Host* host, Process* process, std::function<void()> body);
  // The one that runs, or null in an event and on the test's own stack.
  Task* current() { return current_; }

  // Runs until all tasks have ended; a problem when none can go on, or when they still wait at `limit`.
  void run(Instant limit);
  void run_until(Instant when);
  // Ends every task as a killed thread ends: its call returns, and then its body is left.
  void kill_all();
  // "client (connect), server (accept)": who has not ended.
  std::string describe_waiting() const;
  size_t live_count() const { return live_.size(); }

  // ---- the HAL's side. A task without a fiber runs the simulation while it waits.
  int park(Task& task, int64_t deadline, bool is_interruptible);
  void unpark(Task& task);
  // Whether a signal ended or will end its interruptible wait.
  void signal(Task& task, RestartCalls restart);
  // The host's thread, or the first thread of its process, with this number; false when there is none.
  bool signal_by_id(const Host* host, int32_t id, bool is_thread);
  bool has_task(const Host* host, int32_t id) const;

 private:
  void resume(Task& task);
  void wake(Task& task, int answer);
  void run_body(Task& task, const std::function<void()>& body);
  void forget_ended();
  bool step(Instant limit);

  EventQueue events_;
  std::vector<std::unique_ptr<Task>> live_;
  std::vector<std::unique_ptr<Task>> ended_;  // handles stay valid
  Task* current_ = nullptr;
  int32_t next_thread_id_ = 1000;
  uint64_t steps_at_instant_ = 0;
  Instant step_instant_;
};

}  // namespace lxnet::sim
