// Hal: the host's table as the core sees it.
//
// A normalised copy of the C table: members past the host's struct_size are null, and optional groups are asked for by a
// question (has_locks(), has_paths()) and never by comparing pointers elsewhere.
#pragma once

#include "base/assert.hh"
#include "base/bytes.hh"
#include "base/errno.hh"
#include "base/result.hh"
#include "base/sharing.hh"
#include "base/time.hh"
#include "hal/hal.h"

namespace lxnet {

enum class ParkResult : uint8_t { Woken, TimedOut, Interrupted };
enum class Interruptible : uint8_t { No, Yes };

class Hal {
 public:
  // Copies the host's table. When a required function is missing, EINVAL and *message names it.
  static Result<Hal> create(const lxnet_hal& table, const char** message);

  Instant now() const { return Instant::from_nanos(table_.monotonic_nanos(table_.ctx)); }
  int64_t wall_nanos() const { return table_.wall_nanos(table_.ctx); }
  void set_alarm(lxnet_stack* stack, Instant when) const { table_.set_alarm(table_.ctx, stack, when.in_nanos()); }

  void* alloc(size_t size, size_t align) const { return table_.alloc(table_.ctx, size, align); }
  void free(void* block, size_t size) const { table_.free(table_.ctx, block, size); }

  void random_bytes(MutableByteSpan out) const { table_.random_bytes(table_.ctx, out.data(), out.size()); }
  template <typename T>
  T random() const {
    T value{};
    random_bytes(mutable_bytes_of(value));
    return value;
  }

  lxnet_task* current_task() const { return table_.current_task(table_.ctx); }
  ParkResult park(Instant deadline, Interruptible interruptible) const {
    return static_cast<ParkResult>(table_.park(table_.ctx, deadline.in_nanos(), interruptible == Interruptible::Yes));
  }
  void unpark(lxnet_task* task) const { table_.unpark(table_.ctx, task); }

  bool has_locks() const { return table_.lock != nullptr; }
  Sharing sharing() const { return has_locks() ? Sharing::SeveralProcessors : Sharing::OneProcessor; }
  void lock(lxnet_lock& lock) const {
    if (table_.lock != nullptr) table_.lock(table_.ctx, &lock);
  }
  void unlock(lxnet_lock& lock) const {
    if (table_.lock != nullptr) table_.unlock(table_.ctx, &lock);
  }
  // The running context's chain of held locks, or nullptr when the host keeps none.
  void** lock_slot() const { return table_.lock_slot == nullptr ? nullptr : table_.lock_slot(table_.ctx); }
  uint32_t processor() const { return table_.processor == nullptr ? 0 : table_.processor(table_.ctx) % 64; }

  // The number of bytes, at the end, that could not be copied.
  size_t copy_from_user(void* to, uint64_t user_from, size_t size) const {
    return table_.copy_from_user(table_.ctx, to, user_from, size);
  }
  size_t copy_to_user(uint64_t user_to, const void* from, size_t size) const {
    return table_.copy_to_user(table_.ctx, user_to, from, size);
  }

  void credentials(lxnet_credentials& out) const { table_.credentials(table_.ctx, &out); }
  bool capable(int capability) const { return table_.capable(table_.ctx, capability) != 0; }
  // The stack of another network namespace (hal.h: find_stack). EBADF, EINVAL, ESRCH.
  Result<lxnet_stack*> find_stack(int kind, int32_t number) const {
    if (table_.find_stack == nullptr) return Errno::EINVAL;
    int error = static_cast<int>(Errno::EINVAL);
    lxnet_stack* stack = table_.find_stack(table_.ctx, kind, number, &error);
    if (stack == nullptr) return static_cast<Errno>(error);
    return stack;
  }
  bool capable_over(const lxnet_stack* stack, int capability) const {
    return table_.capable_over != nullptr && table_.capable_over(table_.ctx, stack, capability) != 0;
  }

  bool has_confinement() const { return table_.confinement != nullptr; }
  // LXNET_PORT_*
  int check_port(int use, uint16_t port) const {
    return has_confinement() ? table_.check_port(table_.ctx, use, port) : LXNET_PORT_UNCONFINED;
  }
  bool may_reach(const lxnet_confinement* maker) const { return !has_confinement() || table_.may_reach(table_.ctx, maker) != 0; }

  void log(int level, const char* message) const { table_.log(table_.ctx, level, message); }
  [[noreturn]] void panic(const char* message) const {
    table_.panic(table_.ctx, message);
    assertion_failed(message, __FILE__, __LINE__);
  }

  // For what only the compat layer calls: descriptors, signals, paths, foreign files, drivers' memory.
  const lxnet_hal& table() const { return table_; }
  void* context() const { return table_.ctx; }

 private:
  explicit Hal(const lxnet_hal& table) : table_(table) {}

  lxnet_hal table_;
};

}  // namespace lxnet
