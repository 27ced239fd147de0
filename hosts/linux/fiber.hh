// Fibers: each call of the program runs on one, so that thousands of blocked calls cost stacks and no threads.
//
// Fibers are switched only by the event loop's thread. A fiber that has ended keeps its stack and waits for the next call.
#pragma once

#include <boost/context/fiber.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

namespace lxnet::host {

struct Call;

// What the core knows as lxnet_task.
class Fiber {
 public:
  Call* call = nullptr;       // the program's call it runs; none for the supervisor's own work
  void* lock_slot = nullptr;  // the core's, in debug builds

 private:
  friend class FiberScheduler;
  enum class State : uint8_t { Idle, Ready, Running, Parked };

  boost::context::fiber inside_;   // where it continues, while the loop runs
  boost::context::fiber outside_;  // where the loop continues, while it runs
  std::function<void()> work_;
  int64_t deadline_ = 0;
  int park_answer_ = 0;
  State state_ = State::Idle;
  bool is_woken_ = false;  // an unpark() came that no park() has seen
  bool is_interruptible_ = false;
};

class FiberScheduler {
 public:
  // Event loop only: runs `work` until it parks or ends.
  void start(std::function<void()> work);
  void run_ready();
  // Ends the parks whose deadline has passed.
  void expire(int64_t now);
  int64_t next_deadline() const { return deadlines_.empty() ? INT64_MAX : deadlines_.begin()->first; }
  bool has_ready() const { return !ready_.empty(); }

  // The fiber that is running, or null on the event loop.
  Fiber* current() const { return current_; }
  // On a fiber. The answers are LXNET_PARK_*.
  int park(int64_t deadline, bool is_interruptible);
  void unpark(Fiber* fiber);
  // A signal: ends a park that allows it. False when the fiber is not in one.
  bool interrupt(Fiber* fiber);

  const std::unordered_set<Fiber*>& interruptible() const { return interruptible_; }
  size_t created() const { return fibers_.size(); }
  size_t busy() const { return fibers_.size() - idle_.size(); }

 private:
  Fiber* take_idle();
  void resume(Fiber* fiber);
  void make_ready(Fiber* fiber, int park_answer);

  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  std::deque<Fiber*> ready_;
  std::set<std::pair<int64_t, Fiber*>> deadlines_;
  std::unordered_set<Fiber*> interruptible_;
  Fiber* current_ = nullptr;
};

}  // namespace lxnet::host
