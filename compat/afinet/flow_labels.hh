// FlowLabels: the labels of IPv6's flows that programs leased (IPV6_FLOWLABEL_MGR, net/ipv6/ip6_flowlabel.c).
//
// Any label may be sent with, until somebody leases one for himself: from then on, and for as long as there is such a lease, a
// socket sends with what it holds alone. A lease that nobody holds any more lingers, so that the label is not somebody else's at
// once; what has expired is let go of when the table is next looked at.
// Not implemented: extension headers leased with a label, and reflected labels (net.ipv6.flowlabel_consistency is 1).
#pragma once

#include "compat/syscalls/option_table.hh"

namespace lxnet {

class FlowLabels {
 public:
  // struct in6_flowlabel_req.
  struct Request {
    Ipv6Address destination;
    Be32 label;
    uint8_t action, share;
    uint16_t flags, expires, linger;  // seconds
    uint32_t pad;
  };

  explicit FlowLabels(const Hal& hal) : mutex_(hal, LockRank::SocketInventory), hal_(hal) {}
  ~FlowLabels();

  // Null: nobody has leased any yet.
  static FlowLabels* find(Stack& stack);
  static Result<FlowLabels*> find_or_create(Stack& stack);

  // IPV6_FL_A_GET; a label of zero asks for any, which it then is.
  Result<> lease(SyscallContext& context, const Socket& socket, Request& request);
  Result<> give_back(SyscallContext& context, const Socket& socket, uint32_t label);
  Result<> renew(SyscallContext& context, const Socket& socket, const Request& request);
  // What the socket holds of that label. ENOENT.
  Result<> describe(SyscallContext& context, const Socket& socket, uint32_t label, Request& out);
  bool may_use(Entry& entry, const Socket& socket, uint32_t label);
  void give_back_all(Entry& entry, const Socket& socket);

 private:
  struct Lease {
    ListLink link;
    Ipv6Address destination;
    uint32_t label = 0;
    uint8_t share = 0;
    int64_t owner = 0;  // a process or a user, where it is shared with one
    uint32_t holders = 0;
    Instant last_use, expires;
    Duration linger;
  };
  struct Holding {
    ListLink link;
    const Socket* socket = nullptr;
    Lease* lease = nullptr;
  };

  static bool is_exclusive(const Lease& lease);
  static Result<> extend(SyscallContext& context, Lease& lease, const Request& request);
  static Result<> fill(SyscallContext& context, const Request& request, Lease& lease);
  Result<> check_room_locked(SyscallContext& context, const Socket& socket) REQUIRES(mutex_);
  Result<> join_locked(Lease& lease, const Lease& wanted, const Request& request, Holding& holding) REQUIRES(mutex_);
  Lease* find_locked(uint32_t label) REQUIRES(mutex_);
  Holding* find_holding_locked(const Socket& socket, uint32_t label) REQUIRES(mutex_);
  void release_locked(Holding& holding, Instant now) REQUIRES(mutex_);
  void forget_expired_locked(Instant now) REQUIRES(mutex_);

  Mutex mutex_;
  const Hal& hal_;
  List<Lease, &Lease::link> leases_ GUARDED_BY(mutex_);
  List<Holding, &Holding::link> holdings_ GUARDED_BY(mutex_);  // the latest first
  uint32_t count_ GUARDED_BY(mutex_) = 0;
  uint32_t exclusive_ = 0;  // written under mutex_, read without
};

Result<> manage_flow_labels(const OptionInput& input);
Result<> get_flow_label(const OptionOutput& output);
// EINVAL: somebody leases labels for himself, and this one is not the socket's.
Result<> check_flow_label(Entry& entry, const Socket& socket, uint32_t label);

}  // namespace lxnet
