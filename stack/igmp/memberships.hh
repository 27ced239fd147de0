// Memberships: which multicast groups an interface listens to, on whose behalf, with which source filters (IGMPv3, MLDv2).
//
// A socket holds its memberships in a SocketGroups; the calls below change it and what the interface listens to together, or fail
// and change nothing. Errors are Linux's (net/ipv4/igmp.c, net/ipv6/mcast.c). What changes on an interface is reported to the
// link's routers (reports.cc), whose queries are answered (queries.cc), in the version they speak.
//
// One lock of rank Multicast guards it all, the sockets' lists included. Memberships of a socket survive their interface, as on
// Linux.
#pragma once

#include "base/siphash.hh"
#include "hal/timer.hh"
#include "stack/igmp/group.hh"
#include "stack/igmp/link_multicast.hh"
#include "stack/igmp/socket_groups.hh"
#include "stack/interface.hh"
#include "stack/network_event.hh"

namespace lxnet {

// How a program names the interface: by index, else (IPv4) by one of its addresses, else by the route to the group.
struct GroupInterface {
  uint32_t index = 0;
  Ipv4Address address = {};
};

// Whether the interface is a router's for IPv6, who listens to ff01::2, ff02::2 and ff05::2 without joining.
bool hears_routers(const Interface& interface);

class Memberships {
 public:
  explicit Memberships(Stack& stack);
  ~Memberships();

  // ---- for sockets: below rank Multicast
  // EINVAL: not a multicast address; ENODEV: no such interface; EADDRINUSE: joined already; ENOBUFS: igmp_max_memberships, or
  // memory.
  Result<> join(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on);
  // ENODEV; EADDRNOTAVAIL: not joined.
  Result<> leave(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on);
  // IP_ADD_SOURCE_MEMBERSHIP, MCAST_JOIN_SOURCE_GROUP: joins if need be. EADDRNOTAVAIL: has it; EINVAL: the group is in EXCLUDE
  // mode; ENOBUFS: igmp_max_msf, or memory.
  Result<> join_source(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                       const IpAddress& source);
  // The last source gone, the group goes too. EADDRNOTAVAIL; EINVAL: not joined, or in EXCLUDE mode.
  Result<> leave_source(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                        const IpAddress& source);
  // IP_BLOCK_SOURCE and its opposite. EINVAL: not joined, or in INCLUDE mode; EADDRNOTAVAIL: is so already.
  Result<> block_source(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                        const IpAddress& source);
  Result<> unblock_source(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                          const IpAddress& source);
  // IP_MSFILTER: the whole filter. INCLUDE of nothing leaves. EINVAL: not joined; ENOBUFS.
  Result<> set_filter(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on, FilterMode mode,
                      std::span<const IpAddress> sources);
  // How many sources there are; as many of them as fit are copied. EADDRNOTAVAIL: not joined.
  Result<uint32_t> get_filter(Entry& entry, const SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                              FilterMode& mode, std::span<IpAddress> sources);
  void leave_all(Entry& entry, SocketGroups& groups);
  // Whether a packet is for this socket: by the filter of the membership it has, or by `otherwise` (IP_MULTICAST_ALL) where it
  // has none. IPv4 memberships count on their interface only, IPv6 ones anywhere, as on Linux.
  bool is_wanted(const SocketGroups& groups, const IpAddress& group, const IpAddress& source, uint32_t interface_index,
                 bool otherwise) const;

  // ---- for the stack itself (solicited-node groups)
  void hold(Entry& entry, const Interface& interface, const IpAddress& group);
  void release(Entry& entry, const Interface& interface, const IpAddress& group);
  // ---- for packet sockets: a link-layer address by itself, which the device is to hear as long as somebody holds it. ENOBUFS.
  Result<> hold_link_address(const Interface& interface, MacAddress address);
  void release_link_address(const Interface& interface, MacAddress address);
  // net.ipv6.conf.IF.forwarding was written: the device is to hear what is sent to routers, or no longer.
  void follow_forwarding(const Interface& interface);
  // Whether somebody on this host listens on the interface to what `source` sends to `group`; an unspecified source asks for any.
  bool accepts(const Interface& interface, const IpAddress& group, const IpAddress& source) const;
  // ---- for IGMP and MLD input: no lock
  void heard_query(Entry& entry, const Interface& interface, const GroupQuery& query);
  void heard_report(Entry& entry, const Interface& interface, const IpAddress& group);

  // For /proc/net: under the lock, in the order in which they came; visit(const InterfaceGroup&), and for link-layer addresses
  // that are held by themselves visit(interface_index, MacAddress, count).
  template <typename Visitor>
  void for_each_group(Visitor&& visit) const {
    MutexLock lock(mutex_);
    for (const InterfaceGroup& group : in_order_) visit(group);
  }
  template <typename Visitor>
  void for_each_held_address(Visitor&& visit) const {
    MutexLock lock(mutex_);
    for (const LinkAddressHold& hold : holds_) visit(hold.interface_index, hold.address, hold.count);
  }
  // IGMP's 1 to 3, MLD's 1 and 2: what is spoken on the link now.
  uint8_t version_on(uint32_t interface_index, IpFamily family, Instant now) const;

 private:
  struct ReportTimer : Timer {
    explicit ReportTimer(Memberships& of);
    Memberships& memberships;
  };
  struct Observer : NetworkObserver {
    explicit Observer(Memberships& of);
    Memberships& memberships;
  };
  enum class SourceChange : uint8_t { Add, Remove };

  // interfaces.cc: following them
  static void interfaces_changed(NetworkObserver& observer, Entry& entry, const NetworkEvent& event);
  void interface_up(Entry& entry, const Interface& interface);
  void interface_down(const Interface& interface);
  void interface_removed(const Interface& interface);

  // memberships.cc: an interface's groups
  InterfaceGroup* find_group(uint32_t interface_index, const IpAddress& group) const REQUIRES(mutex_);
  Result<InterfaceGroup*> find_or_create_group(uint32_t interface_index, const IpAddress& group) REQUIRES(mutex_);
  void finish_change(Entry& entry, InterfaceGroup& group, uint32_t users_before) REQUIRES(mutex_);
  void filter_device(const InterfaceGroup& group, bool listens) REQUIRES(mutex_);
  // Whether another group than `except` listens through the address, or somebody holds it.
  bool is_heard_on_link(const Interface& interface, MacAddress address, const InterfaceGroup* except) const REQUIRES(mutex_);
  static void filter(const Interface& interface, MacAddress address, bool listens);
  // What needs no membership to be listened to, for a device that has just come up.
  void hear_always(const Interface& interface) REQUIRES(mutex_);
  void forget_group(InterfaceGroup& group) REQUIRES(mutex_);
  uint64_t hash(uint32_t interface_index, const IpAddress& group) const;
  // link_addresses.cc
  struct LinkAddressHold {
    ListLink link;
    uint32_t interface_index = 0, count = 0;
    MacAddress address;
  };
  LinkAddressHold* find_hold(uint32_t interface_index, MacAddress address) const REQUIRES(mutex_);
  // socket_groups.cc
  Result<uint32_t> find_interface(Entry& entry, const IpAddress& group, const GroupInterface& on) const;
  SocketGroup* find_membership(const SocketGroups& groups, const IpAddress& group, uint32_t interface_index) const
      REQUIRES(mutex_);
  Result<> join_as(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on, FilterMode mode);
  void end_membership(Entry& entry, SocketGroups& groups, SocketGroup& membership) REQUIRES(mutex_);
  Result<> change_source(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                         const IpAddress& source, FilterMode mode, SourceChange change);
  Result<> insert_source(Entry& entry, SocketGroup& membership, const IpAddress& source) REQUIRES(mutex_);
  Result<> erase_source(Entry& entry, SocketGroups& groups, SocketGroup& membership, const IpAddress& source) REQUIRES(mutex_);
  Result<> replace_filter(Entry& entry, SocketGroup& membership, FilterMode mode, HeapArray<IpAddress> sources, uint32_t count)
      REQUIRES(mutex_);
  bool has_joined(const SocketGroups& groups, const IpAddress& group, uint32_t interface_index);
  uint32_t source_limit(const IpAddress& group) const;
  // reports.cc
  LinkMulticast* find_link(uint32_t interface_index, IpFamily family) const REQUIRES(mutex_);
  LinkMulticast* find_or_create_link(uint32_t interface_index, IpFamily family) REQUIRES(mutex_);
  void group_changed(Entry& entry, InterfaceGroup& group) REQUIRES(mutex_);
  void group_joined(Entry& entry, InterfaceGroup& group) REQUIRES(mutex_);
  void group_left(Entry& entry, InterfaceGroup& group) REQUIRES(mutex_);
  bool is_reported(const InterfaceGroup& group) const;
  void run_due(Entry& entry) REQUIRES(mutex_);
  void run_link(Entry& entry, LinkMulticast& link) REQUIRES(mutex_);
  void run_group(Entry& entry, InterfaceGroup& group) REQUIRES(mutex_);
  void send_changes(Entry& entry, LinkMulticast& link) REQUIRES(mutex_);
  void send_state(Entry& entry, LinkMulticast& link, InterfaceGroup* only) REQUIRES(mutex_);
  void send_old_report(Entry& entry, const InterfaceGroup& group, uint8_t version) REQUIRES(mutex_);
  void send_old_leave(Entry& entry, const InterfaceGroup& group) REQUIRES(mutex_);
  void arm_timer() REQUIRES(mutex_);
  Duration random_delay(Duration limit) const;
  static void timer_expired(Entry& entry, Timer& timer);
  // queries.cc
  void hear_old_query(LinkMulticast& link, const GroupQuery& query, Instant now) REQUIRES(mutex_);
  void mark_queried_sources(InterfaceGroup& group, const GroupQuery& query, bool was_pending) REQUIRES(mutex_);

  Stack& stack_;
  mutable Mutex mutex_;
  SipKey key_;
  ReportTimer timer_;
  Observer observer_;
  HashTable<InterfaceGroup, &InterfaceGroup::table_link> groups_ GUARDED_BY(mutex_);
  List<InterfaceGroup, &InterfaceGroup::order_link> in_order_ GUARDED_BY(mutex_);
  List<LinkMulticast, &LinkMulticast::link> links_ GUARDED_BY(mutex_);
  List<LinkAddressHold, &LinkAddressHold::link> holds_ GUARDED_BY(mutex_);
};

}  // namespace lxnet
