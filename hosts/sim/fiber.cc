#include "hosts/sim/fiber.hh"

#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdio>
#include <cstdlib>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LXNET_SIM_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define LXNET_SIM_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define LXNET_SIM_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define LXNET_SIM_TSAN 1
#endif

#if defined(LXNET_SIM_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(LXNET_SIM_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace lxnet::sim {
namespace {

namespace context = boost::context::detail;

// What the sanitizers are told; nothing without them.
#if defined(LXNET_SIM_ASAN)
void start_switch(void** fake_stack, const void* bottom, size_t size) {
  __sanitizer_start_switch_fiber(fake_stack, bottom, size);
}
void finish_switch(void* fake_stack, const void** bottom, size_t* size) {
  __sanitizer_finish_switch_fiber(fake_stack, bottom, size);
}
#else
void start_switch(void**, const void*, size_t) {}
void finish_switch(void*, const void**, size_t*) {}
#endif
#if defined(LXNET_SIM_TSAN)
void* create_thread_state() { return __tsan_create_fiber(0); }
void destroy_thread_state(void* state) { __tsan_destroy_fiber(state); }
void* current_thread_state() { return __tsan_get_current_fiber(); }
void switch_thread_state(void* state) { __tsan_switch_to_fiber(state, 0); }
#else
void* create_thread_state() { return nullptr; }
void destroy_thread_state(void*) {}
void* current_thread_state() { return nullptr; }
void switch_thread_state(void*) {}
#endif

size_t page_size() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

Fiber::Fiber(std::function<void()> body, size_t stack_size) : body_(std::move(body)), stack_size_(stack_size) {
  const size_t guard = page_size();
  void* mapping = mmap(nullptr, stack_size + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED || mprotect(mapping, guard, PROT_NONE) != 0) {
    perror("lxnet sim: a fiber's stack");
    abort();
  }
  mapping_ = static_cast<std::byte*>(mapping);
  own_thread_state_ = create_thread_state();
  inside_ = context::make_fcontext(mapping_ + guard + stack_size, stack_size, [](context::transfer_t transfer) {
    Fiber& self = *static_cast<Fiber*>(transfer.data);
    self.outside_ = transfer.fctx;
    self.run();
  });
}

Fiber::~Fiber() {
  if (!has_ended_) {
    fprintf(stderr, "lxnet sim: a fiber is destroyed before it ended\n");
    abort();
  }
  destroy_thread_state(own_thread_state_);
  munmap(mapping_, stack_size_ + page_size());
}

void Fiber::resume() {
  void* fake_stack = nullptr;
  outer_thread_state_ = current_thread_state();
  start_switch(&fake_stack, mapping_ + page_size(), stack_size_);
  switch_thread_state(own_thread_state_);
  inside_ = context::jump_fcontext(inside_, this).fctx;
  finish_switch(fake_stack, nullptr, nullptr);
}

void Fiber::suspend() {
  start_switch(&own_fake_stack_, outer_stack_, outer_stack_size_);
  leave();
  finish_switch(own_fake_stack_, &outer_stack_, &outer_stack_size_);
}

void Fiber::run() {
  finish_switch(nullptr, &outer_stack_, &outer_stack_size_);
  body_();
  body_ = nullptr;
  has_ended_ = true;
  // Null: what the address sanitizer keeps for this stack is no longer needed.
  start_switch(nullptr, outer_stack_, outer_stack_size_);
  leave();
  abort();
}

void Fiber::leave() {
  switch_thread_state(outer_thread_state_);
  outside_ = context::jump_fcontext(outside_, nullptr).fctx;
}

}  // namespace lxnet::sim
