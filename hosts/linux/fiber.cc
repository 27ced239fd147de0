#include "hosts/linux/fiber.hh"

#include <boost/context/protected_fixedsize_stack.hpp>

#include "hal/hal.h"

namespace lxnet::host {
namespace {
// Only what a call touches becomes memory; the guard page turns an overflow into a crash instead of a corruption.
constexpr size_t kStackSize = 256 * 1024;
}  // namespace

void FiberScheduler::start(std::function<void()> work) {
  Fiber* fiber = take_idle();
  fiber->work_ = std::move(work);
  fiber->is_woken_ = false;
  resume(fiber);
}

Fiber* FiberScheduler::take_idle() {
  if (!idle_.empty()) {
    Fiber* fiber = idle_.back();
    idle_.pop_back();
    return fiber;
  }
  fibers_.push_back(std::make_unique<Fiber>());
  Fiber* fiber = fibers_.back().get();
  auto body = [this, fiber](boost::context::fiber&& outside) {
    fiber->outside_ = std::move(outside);
    for (;;) {
      fiber->work_();
      fiber->work_ = nullptr;
      fiber->call = nullptr;
      fiber->state_ = Fiber::State::Idle;
      idle_.push_back(fiber);
      fiber->outside_ = std::move(fiber->outside_).resume();
    }
    return boost::context::fiber();
  };
  fiber->inside_ = boost::context::fiber(std::allocator_arg, boost::context::protected_fixedsize_stack(kStackSize), body);
  return fiber;
}

void FiberScheduler::resume(Fiber* fiber) {
  fiber->state_ = Fiber::State::Running;
  current_ = fiber;
  fiber->inside_ = std::move(fiber->inside_).resume();
  current_ = nullptr;
}

void FiberScheduler::run_ready() {
  // Only those that are ready now: two fibers that keep waking each other must not starve the event loop.
  for (size_t count = ready_.size(); count > 0; count--) {
    Fiber* fiber = ready_.front();
    ready_.pop_front();
    resume(fiber);
  }
}

void FiberScheduler::expire(int64_t now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) make_ready(deadlines_.begin()->second, LXNET_PARK_TIMED_OUT);
}

int FiberScheduler::park(int64_t deadline, bool is_interruptible) {
  Fiber* fiber = current_;
  if (std::exchange(fiber->is_woken_, false)) return LXNET_PARK_WOKEN;
  fiber->deadline_ = deadline;
  fiber->is_interruptible_ = is_interruptible;
  fiber->state_ = Fiber::State::Parked;
  if (deadline != INT64_MAX) deadlines_.emplace(deadline, fiber);
  if (is_interruptible) interruptible_.insert(fiber);
  fiber->outside_ = std::move(fiber->outside_).resume();
  fiber->is_woken_ = false;
  return fiber->park_answer_;
}

void FiberScheduler::unpark(Fiber* fiber) {
  fiber->is_woken_ = true;
  if (fiber->state_ == Fiber::State::Parked) make_ready(fiber, LXNET_PARK_WOKEN);
}

bool FiberScheduler::interrupt(Fiber* fiber) {
  if (fiber->state_ != Fiber::State::Parked || !fiber->is_interruptible_) return false;
  make_ready(fiber, LXNET_PARK_INTERRUPTED);
  return true;
}

void FiberScheduler::make_ready(Fiber* fiber, int park_answer) {
  if (fiber->deadline_ != INT64_MAX) deadlines_.erase({fiber->deadline_, fiber});
  if (fiber->is_interruptible_) interruptible_.erase(fiber);
  fiber->park_answer_ = park_answer;
  fiber->state_ = Fiber::State::Ready;
  ready_.push_back(fiber);
}

}  // namespace lxnet::host
