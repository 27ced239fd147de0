// ConnectionTracker: follows the connections that pass a stack, while anything there needs it. Linux's nf_conntrack_core.c.
//
// Rules that ask for connections, and address translation, hold a ConnectionUse of their family; the tracker is at the hooks from
// the first to the last of them, and packets are put together before they come by. It remembers what it knows beyond that.
#pragma once

#include "stack/conntrack/connection_table.hh"
#include "stack/filter/packet_hooks.hh"
#include "stack/nat/nat.hh"
#include "stack/network_event.hh"

namespace lxnet {

class ConnectionTracker {
 public:
  // The stack's, made if it has none yet; it stays as long as the stack. ENOMEM.
  static Result<ConnectionTracker*> obtain(Stack& stack);

  ConnectionTable& table() { return table_; }
  Nat& nat() { return nat_; }
  // Whether packets of the family are followed now, and so have to be whole.
  bool is_following(IpFamily family) const { return __atomic_load_n(&users_[index_of(family)], __ATOMIC_RELAXED) != 0; }

  // no lock. By ConnectionUse.
  void begin(IpFamily family);
  void end(IpFamily family);

 private:
  friend class TrackerSlot;
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  explicit ConnectionTracker(Stack& stack);
  ~ConnectionTracker();

  struct Hook : PacketHook {
    ConnectionTracker* tracker = nullptr;
  };
  static constexpr size_t kHooks = 4;
  static constexpr size_t index_of(IpFamily family) { return family == IpFamily::V6 ? 1 : 0; }
  static FilterVerdict follow(PacketHook& hook, FilterPacket& packet);
  static FilterVerdict confirm(PacketHook& hook, FilterPacket& packet);
  static void network_changed(NetworkObserver& observer, Entry& entry, const NetworkEvent& event);
  void forget_windows(IpFamily family);

  Stack& stack_;
  ConnectionTable table_;
  Nat nat_;
  uint32_t users_[2] = {};  // under the lock of the hooks, but for is_following()
  Hook hooks_[2][kHooks];
  NetworkObserver observer_{&ConnectionTracker::network_changed};
};

// Held by who needs the connections of a family to be followed.
class ConnectionUse {
 public:
  ConnectionUse() = default;
  // ENOMEM.
  static Result<ConnectionUse> create(Stack& stack, IpFamily family);
  ConnectionUse(ConnectionUse&& other) noexcept : tracker_(std::exchange(other.tracker_, nullptr)), family_(other.family_) {}
  ConnectionUse& operator=(ConnectionUse&& other) noexcept {
    std::swap(tracker_, other.tracker_);
    std::swap(family_, other.family_);
    return *this;
  }
  // no lock of rank PacketFilter or above.
  ~ConnectionUse() {
    if (tracker_ != nullptr) tracker_->end(family_);
  }
  explicit operator bool() const { return tracker_ != nullptr; }

 private:
  ConnectionUse(ConnectionTracker* tracker, IpFamily family) : tracker_(tracker), family_(family) {}

  ConnectionTracker* tracker_ = nullptr;
  IpFamily family_ = IpFamily::V4;
};

}  // namespace lxnet
