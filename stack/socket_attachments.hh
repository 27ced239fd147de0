// SocketAttachments: the counted objects that a program attaches to a socket and may replace at any time, while the packet path
// and other tasks use them: filter programs, sticky IP options and extension headers.
//
// Rule kept: who uses one holds a count of it, so that replacing never waits. Without an attachment a look costs one load.
#pragma once

#include "hal/mutex.hh"
#include "stack/bpf/bpf_program.hh"
#include "stack/sticky_headers.hh"

namespace lxnet {

class Packet;

class SocketAttachments {
 public:
  explicit SocketAttachments(const Hal& hal) : mutex_(hal, LockRank::ErrorQueue) {}

  Ref<BpfProgram> filter() const { return get(filter_); }                   // SO_ATTACH_FILTER
  Ref<BpfProgram> group_program() const { return get(group_program_); }     // SO_ATTACH_REUSEPORT_CBPF, until bound
  Ref<StickyHeaders> options_v4() const { return get(options_v4_); }        // IP_OPTIONS
  Ref<StickyHeaders> extensions_v6() const { return get(extensions_v6_); }  // IPV6_HOPOPTS and its like
  // Each gives back what was there.
  Ref<BpfProgram> set_filter(Ref<BpfProgram> program) { return exchange(filter_, std::move(program)); }
  Ref<BpfProgram> set_group_program(Ref<BpfProgram> program) { return exchange(group_program_, std::move(program)); }
  Ref<StickyHeaders> set_options_v4(Ref<StickyHeaders> options) { return exchange(options_v4_, std::move(options)); }
  Ref<StickyHeaders> set_extensions_v6(Ref<StickyHeaders> headers) { return exchange(extensions_v6_, std::move(headers)); }
  // An accepted connection has its listener's, but for the group's program.
  void inherit(const SocketAttachments& listener);

  // Runs the filter over the packet, whose front is where the program's offset 0 is to be, and cuts off what it does not keep,
  // but never below `least` bytes. False: the packet is to be dropped.
  bool admits(Packet& packet, size_t least) const;

 private:
  template <typename T>
  Ref<T> get(const Ref<T>& slot) const {
    if (__atomic_load_n(&count_, __ATOMIC_RELAXED) == 0) return nullptr;
    MutexLock lock(mutex_);
    return slot;
  }
  template <typename T>
  Ref<T> exchange(Ref<T>& slot, Ref<T> object) {
    MutexLock lock(mutex_);
    const uint32_t change = (object ? 1u : 0u) - (slot ? 1u : 0u);
    __atomic_store_n(&count_, count_ + change, __ATOMIC_RELAXED);
    return std::exchange(slot, std::move(object));
  }

  mutable Mutex mutex_;
  uint32_t count_ = 0;  // how many there are: written under mutex_, read without
  Ref<BpfProgram> filter_, group_program_;
  Ref<StickyHeaders> options_v4_, extensions_v6_;
};

}  // namespace lxnet
