// Task: a simulated thread. What the core knows as lxnet_task.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hal/hal.h"
#include "hosts/sim/event_queue.hh"
#include "hosts/sim/fiber.hh"

namespace lxnet::sim {

class Host;
class Process;

// Ends a task's body from inside a call: thrown in test code, never through the core.
struct TaskKilled {};

enum class RestartCalls : uint8_t { No, Yes };  // SA_RESTART

struct Task {
  std::string name;
  Host* host = nullptr;
  Process* process = nullptr;
  int32_t thread_id = 0;
  std::unique_ptr<Fiber> fiber;  // null: the test's own stack
  void* lock_slot = nullptr;     // the core's chain of held locks

  enum class State : uint8_t { Ready, Running, Parked, Ended } state = State::Ready;
  bool is_woken = false;  // an unpark() came that no park() has seen
  bool is_killed = false;
  bool is_interruptible = false;  // the present park
  int park_answer = LXNET_PARK_WOKEN;
  EventQueue::Id deadline_event;
  EventQueue::Id resume_event;
  const char* call_name = nullptr;  // the call it is in

  // A signal that waits for the end of the call. Its handler is the number of times it ran.
  bool is_signal_pending = false;
  RestartCalls restart = RestartCalls::No;
  uint32_t signals_handled = 0;

  bool has_ended() const { return state == State::Ended; }
};

}  // namespace lxnet::sim
