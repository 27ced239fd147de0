#include "hosts/sim/scheduler.hh"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "hosts/sim/process.hh"

namespace lxnet::sim {
namespace {

// More events than this at one instant are a loop that time cannot leave.
constexpr uint64_t kStepsPerInstant = 20'000'000;

}  // namespace

Scheduler::Scheduler() {
  on_problem = [](const std::string& problem) {
    fprintf(stderr, "lxnet sim: %s\n", problem.c_str());
    abort();
  };
}

Scheduler::~Scheduler() { kill_all(); }

Task& Scheduler::spawn(std::string name, Host* host, Process* process, std::function<void()> body) {
  auto owned = std::make_unique<Task>();
  Task& task = *owned;
  task.name = std::move(name);
  task.host = host;
  task.process = process;
  task.thread_id = next_thread_id_++;
  task.fiber = std::make_unique<Fiber>([this, &task, body = std::move(body)] { run_body(task, body); });
  task.resume_event = events_.schedule(now(), [this, &task] { resume(task); });
  live_.push_back(std::move(owned));
  return task;
}

void Scheduler::run_body(Task& task, const std::function<void()>& body) {
  if (task.is_killed) return;
  try {
    body();
  } catch (const TaskKilled&) {
  } catch (const std::exception& error) {
    on_problem(task.name + " threw: " + error.what());
  }
}

void Scheduler::resume(Task& task) {
  task.resume_event = {};
  Task* const outer = std::exchange(current_, &task);
  task.state = Task::State::Running;
  task.fiber->resume();
  current_ = outer;
  if (task.fiber->has_ended()) task.state = Task::State::Ended;
}

void Scheduler::forget_ended() {
  for (auto& task : live_) {
    if (!task->has_ended()) continue;
    task->fiber = nullptr;  // its stack; who keeps the task may go on asking it
    ended_.push_back(std::move(task));
  }
  std::erase(live_, nullptr);
}

bool Scheduler::step(Instant limit) {
  if (!events_.run_next(limit)) return false;
  steps_at_instant_ = step_instant_ == now() ? steps_at_instant_ + 1 : 0;
  step_instant_ = now();
  if (steps_at_instant_ < kStepsPerInstant) return true;
  on_problem("time stands still: too many events at one instant; waiting: " + describe_waiting());
  return false;
}

void Scheduler::run(Instant limit) {
  for (forget_ended(); !live_.empty(); forget_ended()) {
    if (step(limit)) continue;
    const std::string who = describe_waiting();
    if (events_.next_time().is_never()) {
      on_problem("deadlock: nothing will ever happen, and these wait: " + who);
    } else {
      on_problem("these still wait at the time limit: " + who);
    }
    return;
  }
}

void Scheduler::run_until(Instant when) {
  while (step(when)) {
  }
  events_.advance_to(when);
  forget_ended();
}

void Scheduler::kill_all() {
  forget_ended();
  for (auto& task : live_) {
    task->is_killed = true;
    wake(*task, task->is_interruptible ? LXNET_PARK_INTERRUPTED : LXNET_PARK_TIMED_OUT);
  }
  // Killed tasks do not park again, so this ends; timers and packets of other tasks may run meanwhile.
  while (!live_.empty() && step(events_.now())) forget_ended();
  forget_ended();
  if (live_.empty()) return;
  fprintf(stderr, "lxnet sim: could not be killed: %s\n", describe_waiting().c_str());
  abort();
}

std::string Scheduler::describe_waiting() const {
  std::string text;
  for (const auto& task : live_) {
    if (!text.empty()) text += ", ";
    text += task->name;
    text += task->call_name != nullptr ? std::string(" (in ") + task->call_name + ")" : std::string(" (not in a call)");
  }
  return text.empty() ? "nobody" : text;
}

int Scheduler::park(Task& task, int64_t deadline, bool is_interruptible) {
  if (std::exchange(task.is_woken, false)) return LXNET_PARK_WOKEN;
  if (is_interruptible && (task.is_signal_pending || task.is_killed)) return LXNET_PARK_INTERRUPTED;
  if (task.is_killed) return LXNET_PARK_TIMED_OUT;
  if (deadline <= now().in_nanos()) return LXNET_PARK_TIMED_OUT;
  task.is_interruptible = is_interruptible;
  task.state = Task::State::Parked;
  if (deadline != INT64_MAX) {
    task.deadline_event = events_.schedule(Instant::from_nanos(deadline), [this, &task] {
      task.deadline_event = {};
      wake(task, LXNET_PARK_TIMED_OUT);
    });
  }
  if (task.fiber != nullptr) {
    task.fiber->suspend();
  } else {
    Task* const outer = std::exchange(current_, nullptr);
    while (task.state == Task::State::Parked) {
      if (step(Instant::from_nanos(INT64_MAX - 1))) continue;
      on_problem("deadlock: nothing will ever happen, and the test itself waits (in " +
                 std::string(task.call_name != nullptr ? task.call_name : "a call") + "); also: " + describe_waiting());
      wake(task, LXNET_PARK_INTERRUPTED);
    }
    current_ = outer;
    task.state = Task::State::Running;
  }
  task.is_woken = false;
  return task.park_answer;
}

void Scheduler::wake(Task& task, int answer) {
  if (task.state != Task::State::Parked) return;
  events_.cancel(task.deadline_event);
  task.state = Task::State::Ready;
  task.park_answer = answer;
  if (task.fiber != nullptr) task.resume_event = events_.schedule(now(), [this, &task] { resume(task); });
}

void Scheduler::unpark(Task& task) {
  if (task.state == Task::State::Parked) return wake(task, LXNET_PARK_WOKEN);
  task.is_woken = true;
}

void Scheduler::signal(Task& task, RestartCalls restart) {
  task.is_signal_pending = true;
  task.restart = restart;
  if (task.is_interruptible) wake(task, LXNET_PARK_INTERRUPTED);
}

bool Scheduler::signal_by_id(const Host* host, int32_t id, bool is_thread) {
  for (const auto& task : live_) {
    if (task->host != host || task->has_ended()) continue;
    if ((is_thread ? task->thread_id : task->process->credentials.tgid) != id) continue;
    signal(*task, RestartCalls::No);
    return true;
  }
  return false;
}

bool Scheduler::has_task(const Host* host, int32_t id) const {
  for (const auto& task : live_) {
    const bool is_it = task->thread_id == id || task->process->credentials.tgid == id;
    if (is_it && task->host == host && !task->has_ended()) return true;
  }
  return false;
}

}  // namespace lxnet::sim
