// Neighbour: who has an IP address on a link, as far as we know: the state machine of RFC 4861, 7.3, for ARP as for NDP.
#pragma once

#include "hal/hash_table.hh"
#include "hal/owned_timer.hh"
#include "stack/interface.hh"

namespace lxnet {

// NUD_*, Linux's numbers.
enum class NeighbourState : uint8_t {
  None = 0,
  Incomplete = 0x01,  // asked, no answer yet: packets wait
  Reachable = 0x02,   // answered lately
  Stale = 0x04,       // answered once: used as it is, and then verified
  Delay = 0x08,       // used while stale: waits for an upper layer to confirm before it asks
  Probe = 0x10,       // asks the known address directly
  Failed = 0x20,
  NoArp = 0x40,      // needs no asking: broadcast and its like
  Permanent = 0x80,  // an administrator said so
};

constexpr bool has_link_address(NeighbourState state) {
  constexpr unsigned kValid = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80;
  return (static_cast<unsigned>(state) & kValid) != 0;
}
constexpr bool is_connected(NeighbourState state) { return (static_cast<unsigned>(state) & (0x02u | 0x40u | 0x80u)) != 0; }

// A copy of what is known, for `ip neigh` and /proc/net/arp.
struct NeighbourInfo {
  uint32_t interface_index = 0;
  IpAddress address = {};
  MacAddress mac = {};
  NeighbourState state = NeighbourState::None;
  bool is_router = false;
  Instant confirmed = {}, used = {}, updated = {};
  uint32_t probes = 0;
  uint32_t queued_packets = 0;
};

class Neighbour : public RefCounted<Neighbour> {
 public:
  static void destroy(Neighbour* neighbour);

 private:
  friend class NeighbourTable;
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  Neighbour(Interface& interface, const IpAddress& address, Timer::Callback expired)
      : interface_(Ref<Interface>::share(interface)), address_(address), timer_(*this, expired) {}
  ~Neighbour();

  const NeighbourSettings& settings() const { return address_.is_v4() ? interface_->settings().arp : interface_->settings().ndp; }

  // All of it is guarded by the lock of the table.
  Ref<Interface> interface_ = {};
  IpAddress address_ = {};
  MacAddress mac_ = {};
  NeighbourState state_ = NeighbourState::None;
  bool is_router_ = false;
  uint32_t probes_ = 0;
  Instant confirmed_ = {}, used_ = {}, updated_ = {};
  Duration reachable_time_;       // drawn anew at every confirmation
  IpAddress wanted_source_ = {};  // of the first packet that waits: whom to ask as
  PacketQueue waiting_;
  uint32_t waiting_bytes_ = 0;
  OwnedTimer<Neighbour> timer_;
  HashLink hash_link_;
  ListLink age_link_;  // oldest first
};

}  // namespace lxnet
