// NeighbourTable: link-layer addresses of neighbours, learnt by ARP and NDP, with unreachability detection (RFC 4861, 7.3).
//
// One table for both families, under one lock, which output() takes once: a packet for a neighbour that is known costs one lock
// and one hash lookup. Nothing is sent and nobody told under the lock but frames queued in the entry.
// Bounded as Linux's (gc_thresh1..3), for each family by itself: past the third threshold entries that are in nobody's way go,
// oldest first; a scan of a subnet fills the table with failed entries and displaces no working one.
#pragma once

#include "stack/neighbour/neighbour.hh"

namespace lxnet {

// net.ipv4.neigh.default.gc_*, and the same of ipv6.
struct NeighbourLimits {
  int32_t gc_thresh1 = 128, gc_thresh2 = 512, gc_thresh3 = 1024;
  int32_t gc_interval_seconds = 30;
};

// What a message says of a neighbour (Linux's NEIGH_UPDATE_F_*).
struct NeighbourUpdate {
  NeighbourState state = NeighbourState::Stale;
  MacAddress mac = {};
  bool has_mac = false;           // otherwise the address that is known stays
  bool overrides = false;         // may replace another address
  bool weakly_overrides = false;  // if another is known and connected it becomes stale instead
  bool by_administrator = false;
  bool says_router = false;  // is_router is to be taken over
  bool is_router = false;
};

class NeighbourTable {
 public:
  explicit NeighbourTable(Stack& stack);
  ~NeighbourTable();

  // any lock below rank Interfaces. Sends the packet (front at the IP header) now, or once the neighbour answers. EHOSTUNREACH
  // goes to its sender as an ICMP error if none does. The interface is Ethernet's.
  void output(Entry& entry, Interface& interface, Ref<Packet> packet, const IpAddress& next_hop);
  // Upper layers saw forward progress (a TCP ACK, MSG_CONFIRM).
  void confirm(Entry& entry, Interface& interface, const IpAddress& neighbour);
  // Asking it has been in vain; false also for who is unknown.
  bool has_failed(const Interface& interface, const IpAddress& neighbour) const;

  // no lock. A message said this of a neighbour that is known; false if it is not.
  bool update(Entry& entry, Interface& interface, const IpAddress& neighbour, const NeighbourUpdate& update);
  // The same, and makes it known. ENOBUFS: the table is full; ENOMEM.
  Result<> learn(Entry& entry, Interface& interface, const IpAddress& neighbour, const NeighbourUpdate& update);
  // How long ago it was last changed, if it is known: ARP's locktime.
  bool was_updated_within(Entry& entry, Interface& interface, const IpAddress& neighbour, Duration age, bool& is_known) const;

  Result<NeighbourInfo> find(const Interface& interface, const IpAddress& neighbour) const;  // ENOENT
  // ENOENT.
  Result<> remove(Entry& entry, Interface& interface, const IpAddress& neighbour);
  // The interface went down, lost its carrier or changed its address: all but permanent entries go, with what waits for them.
  void forget_interface(Entry& entry, Interface& interface);
  void forget_all(Entry& entry, Interface& interface);
  // visit(const NeighbourInfo&), under the lock.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    MutexLock lock(mutex_);
    for (const Neighbour& neighbour : by_age_) visit(info_of(neighbour));
  }
  NeighbourLimits& limits(IpFamily family) { return limits_[family == IpFamily::V6]; }

  // When an entry changes in a way that netlink reports; no lock is held. One listener.
  void (*on_change)(void* owner, Entry& entry, const NeighbourInfo& info) = nullptr;
  void* on_change_owner = nullptr;

 private:
  // What is to be done about a neighbour once the lock is released.
  struct Action {
    bool solicits = false;
    bool is_unicast = false;  // asks the known address
    bool notifies = false;
    MacAddress mac;
    IpAddress source;
    PacketQueue failed;  // nobody answered for these
  };

  static NeighbourInfo info_of(const Neighbour& neighbour);
  uint64_t hash_of(const Interface& interface, const IpAddress& address) const;
  Neighbour* find_locked(const Interface& interface, const IpAddress& address) const REQUIRES(mutex_);
  Result<Neighbour*> create_locked(Entry& entry, Interface& interface, const IpAddress& address) REQUIRES(mutex_);
  void remove_locked(Neighbour& neighbour, PacketQueue& dropped) REQUIRES(mutex_);
  void forget(Entry& entry, Interface& interface, bool with_permanent);
  void send_or_wait(Entry& entry, Neighbour& neighbour, Ref<Packet> packet, Action& action) REQUIRES(mutex_);
  void enqueue(Entry& entry, Neighbour& neighbour, Ref<Packet> packet) REQUIRES(mutex_);
  void apply(Entry& entry, Neighbour& neighbour, const NeighbourUpdate& update, Action& action) REQUIRES(mutex_);
  void enter(Entry& entry, Neighbour& neighbour, NeighbourState state) REQUIRES(mutex_);
  void send_waiting(Entry& entry, Neighbour& neighbour) REQUIRES(mutex_);
  void carry_out(Entry& entry, const Ref<Neighbour>& neighbour, Action& action);
  // neighbour_timer.cc
  static void expired(Entry& entry, Timer& timer);
  void tick(Entry& entry, Neighbour& neighbour, Action& action) REQUIRES(mutex_);
  void ask(Entry& entry, Neighbour& neighbour, Action& action) REQUIRES(mutex_);
  bool make_room(Entry& entry, IpFamily family) REQUIRES(mutex_);
  static void collect_garbage(Entry& entry, Timer& timer);

  Stack& stack_;
  mutable Mutex mutex_;
  uint64_t hash_key_;
  HashTable<Neighbour, &Neighbour::hash_link_> table_ GUARDED_BY(mutex_);
  List<Neighbour, &Neighbour::age_link_> by_age_ GUARDED_BY(mutex_);  // holds the table's count
  size_t count_[2] GUARDED_BY(mutex_) = {};                           // IPv4, IPv6
  Instant last_flush_[2] GUARDED_BY(mutex_);
  NeighbourLimits limits_[2];
  Timer garbage_timer_;
};

}  // namespace lxnet
