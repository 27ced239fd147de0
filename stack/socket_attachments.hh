// SocketAttachments: the counted objects that a program attaches to a socket and may replace at any time, while the packet path
// and other tasks use them: filter programs, sticky IP options and extension headers.
//
// Rule kept: who uses one holds a count of it, so that replacing never waits. Most sockets have none: what holds them is made
// with the first and stays as long as the socket, and until then a look costs one load.
#pragma once

#include "hal/memory.hh"
#include "hal/mutex.hh"
#include "stack/bpf/bpf_program.hh"
#include "stack/sticky_headers.hh"

namespace lxnet {

class Packet;

class SocketAttachments {
 public:
  SocketAttachments() = default;
  ~SocketAttachments();
  SocketAttachments(const SocketAttachments&) = delete;
  SocketAttachments& operator=(const SocketAttachments&) = delete;

  // Nothing was ever attached.
  bool is_empty() const { return __atomic_load_n(&holder_, __ATOMIC_ACQUIRE) == nullptr; }
  Ref<BpfProgram> filter() const { return get(&Holder::filter); }                // SO_ATTACH_FILTER
  Ref<BpfProgram> group_program() const { return get(&Holder::group_program); }  // SO_ATTACH_REUSEPORT_CBPF, until bound
  bool has_options_v4() const { return !is_empty() && options_v4(); }
  Ref<StickyHeaders> options_v4() const { return get(&Holder::options_v4); }        // IP_OPTIONS
  Ref<StickyHeaders> extensions_v6() const { return get(&Holder::extensions_v6); }  // IPV6_HOPOPTS and its like
  // Each gives back what was there. ENOMEM: nothing has changed; never for null.
  Result<Ref<BpfProgram>> set_filter(const Hal& hal, Ref<BpfProgram> program) {
    return exchange(hal, &Holder::filter, std::move(program));
  }
  Result<Ref<BpfProgram>> set_group_program(const Hal& hal, Ref<BpfProgram> program) {
    return exchange(hal, &Holder::group_program, std::move(program));
  }
  Result<> set_options_v4(const Hal& hal, Ref<StickyHeaders> options) {
    return replace(hal, &Holder::options_v4, std::move(options));
  }
  Result<> set_extensions_v6(const Hal& hal, Ref<StickyHeaders> headers) {
    return replace(hal, &Holder::extensions_v6, std::move(headers));
  }
  // An accepted connection has its listener's, but for the group's program and the options of IPv4. ENOMEM.
  Result<> inherit(const Hal& hal, const SocketAttachments& listener);

  // Runs the filter over the packet, whose front is where the program's offset 0 is to be, and cuts off what it does not keep,
  // but never below `least` bytes. False: the packet is to be dropped.
  bool admits(Packet& packet, size_t least) const;

 private:
  struct Holder {
    explicit Holder(const Hal& hal) : mutex(hal, LockRank::ErrorQueue) {}

    Mutex mutex;
    Ref<BpfProgram> filter, group_program;
    Ref<StickyHeaders> options_v4, extensions_v6;
  };

  template <typename T>
  Ref<T> get(Ref<T> Holder::*slot) const {
    Holder* holder = __atomic_load_n(&holder_, __ATOMIC_ACQUIRE);
    if (holder == nullptr) return nullptr;
    MutexLock lock(holder->mutex);
    return holder->*slot;
  }
  template <typename T>
  Result<Ref<T>> exchange(const Hal& hal, Ref<T> Holder::*slot, Ref<T> object) {
    Holder* holder = __atomic_load_n(&holder_, __ATOMIC_ACQUIRE);
    if (holder == nullptr && !object) return Ref<T>();
    if (holder == nullptr) holder = TRY(make_holder(hal));
    MutexLock lock(holder->mutex);
    return std::exchange(holder->*slot, std::move(object));
  }
  template <typename T>
  Result<> replace(const Hal& hal, Ref<T> Holder::*slot, Ref<T> object) {
    const Ref<T> before = TRY(exchange(hal, slot, std::move(object)));
    return ok();
  }
  Result<Holder*> make_holder(const Hal& hal);

  Holder* holder_ = nullptr;  // atomic
};

}  // namespace lxnet
