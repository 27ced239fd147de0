// AnycastMembers: IPv6 addresses that several hosts have at once, and which sockets have theirs take part (net/ipv6/anycast.c).
//
// A host with a member answers for the address as for its own, by a route of the local table, but never speaks from it.
// Not implemented: the subnet-router anycast addresses that a Linux router joins by itself; /proc/net/anycast6.
#pragma once

#include "compat/syscalls/option_table.hh"

namespace lxnet {

class AnycastMembers {
 public:
  explicit AnycastMembers(const Hal& hal) : mutex_(hal, LockRank::SocketInventory), hal_(hal) {}
  ~AnycastMembers();

  // Null: nobody has joined any yet.
  static AnycastMembers* find(Stack& stack);
  static Result<AnycastMembers*> find_or_create(Stack& stack);

  // EPERM; EINVAL: not an address for many, or our own; EADDRNOTAVAIL: no interface is on its subnet; ENODEV.
  Result<> join(SyscallContext& context, const Socket& socket, uint32_t interface_index, const Ipv6Address& address);
  // Interface 0: whichever it was. ENOENT.
  Result<> leave(Entry& entry, const Socket& socket, uint32_t interface_index, const Ipv6Address& address);
  void leave_all(Entry& entry, const Socket& socket);

 private:
  struct Member {
    ListLink link;
    const Socket* socket = nullptr;
    uint32_t interface_index = 0;
    Ipv6Address address;
  };

  bool is_joined_locked(uint32_t interface_index, const Ipv6Address& address) REQUIRES(mutex_);
  Member* take(const Socket& socket, uint32_t interface_index, const Ipv6Address* address);
  void leave_one(Entry& entry, Stack& stack, Member* member);

  Mutex mutex_;
  const Hal& hal_;
  List<Member, &Member::link> members_ GUARDED_BY(mutex_);  // the latest first
};

// IPV6_JOIN_ANYCAST and IPV6_LEAVE_ANYCAST.
Result<> join_anycast(const OptionInput& input);
Result<> leave_anycast(const OptionInput& input);

}  // namespace lxnet
