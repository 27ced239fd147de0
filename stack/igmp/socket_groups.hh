// SocketGroups: the multicast memberships of one socket. Memberships changes them and guards them with its lock.
#pragma once

#include "base/assert.hh"
#include "hal/memory.hh"
#include "stack/ip_address.hh"

namespace lxnet {

enum class FilterMode : uint8_t { Exclude = 0, Include = 1 };  // MCAST_*

// One membership of a socket.
struct SocketGroup {
  SocketGroup(const IpAddress& of, uint32_t on, FilterMode in) : group(of), interface_index(on), mode(in) {}

  IpAddress group;
  Ipv4Address asked_address;  // IPv4: of the interface, as the program named it
  uint32_t interface_index;
  FilterMode mode;
  HeapArray<IpAddress> sources = {};
  uint32_t source_count = 0;
  SocketGroup* next = nullptr;
};

// Lives in a socket, where nearly all have none: a chain costs them less than a list. Emptied with Memberships::leave_all()
// before it dies.
class SocketGroups {
 public:
  SocketGroups() = default;
  SocketGroups(const SocketGroups&) = delete;
  SocketGroups& operator=(const SocketGroups&) = delete;
  ~SocketGroups() { ASSERT(is_empty()); }

  // A hint, without the lock.
  bool is_empty() const { return __atomic_load_n(&first_, __ATOMIC_RELAXED) == nullptr; }

 private:
  friend class Memberships;
  struct Iterator {
    SocketGroup& operator*() const { return *group; }
    Iterator& operator++() {
      group = group->next;
      return *this;
    }
    bool operator==(const Iterator&) const = default;
    SocketGroup* group;
  };
  Iterator begin() const { return {first_}; }
  Iterator end() const { return {nullptr}; }
  void push_back(SocketGroup& group) { __atomic_store_n(place_of(nullptr), &group, __ATOMIC_RELAXED); }
  void remove(SocketGroup& group) { __atomic_store_n(place_of(&group), group.next, __ATOMIC_RELAXED); }
  // What points to it; to null: the end of the chain.
  SocketGroup** place_of(const SocketGroup* group) {
    SocketGroup** place = &first_;
    while (*place != group) place = &(*place)->next;
    return place;
  }

  SocketGroup* first_ = nullptr;
};

}  // namespace lxnet
