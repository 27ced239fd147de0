// Fiber: a function with a stack of its own, which suspends itself and is resumed where it stopped.
//
// Resumed only from a thread's ordinary stack, never from another fiber. The address and thread sanitizers are told of each
// switch. A fiber is not unwound: it must have ended before it is destroyed.
#pragma once

#include <cstddef>
#include <functional>

namespace lxnet::sim {

class Fiber {
 public:
  static constexpr size_t kStackSize = 512 * 1024;

  explicit Fiber(std::function<void()> body, size_t stack_size = kStackSize);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs it until it suspends or ends.
  void resume();
  // On the fiber itself.
  void suspend();
  bool has_ended() const { return has_ended_; }

 private:
  void run();
  void leave();

  std::function<void()> body_;
  size_t stack_size_;
  std::byte* mapping_;       // one guard page, then the stack
  void* inside_ = nullptr;   // where it continues
  void* outside_ = nullptr;  // where who resumed it continues
  bool has_ended_ = false;

  // For the sanitizers.
  void* own_fake_stack_ = nullptr;
  const void* outer_stack_ = nullptr;
  size_t outer_stack_size_ = 0;
  void* own_thread_state_ = nullptr;
  void* outer_thread_state_ = nullptr;
};

}  // namespace lxnet::sim
