// LinkTaps: who looks at the frames that come and go, packet sockets and captures. Nobody looking costs one test.
#pragma once

#include "base/list.hh"
#include "hal/mutex.hh"

namespace lxnet {

class Entry;
class Interface;
class Packet;

enum class TapDirection : uint8_t { Received, Sent };

class LinkTap {
 public:
  // Called with the frame's front at its link header, under the lock of the taps (rank LinkTaps) and no other. Clones what it
  // keeps.
  using Callback = void (*)(LinkTap& tap, Entry& entry, Interface& interface, const Packet& frame, TapDirection direction);

  explicit LinkTap(Callback callback, uint32_t only_interface = 0) : callback_(callback), interface_index_(only_interface) {}

  // Only while nobody calls it: before add(), or after remove().
  void watch(uint32_t only_interface) { interface_index_ = only_interface; }
  bool is_added() const { return link_.is_linked(); }

 private:
  friend class LinkTaps;

  ListLink link_;
  Callback callback_;
  uint32_t interface_index_;  // 0: all
};

class LinkTaps {
 public:
  explicit LinkTaps(const Hal& hal) : mutex_(hal, LockRank::LinkTaps) {}

  void add(LinkTap& tap);
  // After it returns the callback is not running and will not run.
  void remove(LinkTap& tap);
  bool is_empty() const { return __atomic_load_n(&count_, __ATOMIC_RELAXED) == 0; }
  // no lock.
  void show(Entry& entry, Interface& interface, const Packet& frame, TapDirection direction);

 private:
  Mutex mutex_;
  List<LinkTap, &LinkTap::link_> taps_ GUARDED_BY(mutex_);
  uint32_t count_ = 0;
};

}  // namespace lxnet
