// SocketGroups: the multicast memberships of one socket. Memberships changes them and guards them with its lock.
#pragma once

#include "base/list.hh"
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
  ListLink link;
};

// Lives in a socket. Emptied with Memberships::leave_all() before it dies.
class SocketGroups {
 public:
  bool is_empty() const { return groups_.is_empty(); }

 private:
  friend class Memberships;
  List<SocketGroup, &SocketGroup::link> groups_;
};

}  // namespace lxnet
