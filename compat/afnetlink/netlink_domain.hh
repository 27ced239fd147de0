// NetlinkDomain: who has which port in a stack, and what the protocols do with requests.
#pragma once

#include "compat/afnetlink/netlink_message.hh"
#include "hal/mutex.hh"
#include "stack/network_event.hh"

namespace lxnet {

class NetlinkSocket;
class Stack;
struct NeighbourInfo;

// A protocol served.
struct NetlinkProtocol {
  int number;
  uint32_t groups;  // the number of the last multicast group
  bool (*is_question)(uint16_t type);
  // One request of the program's; answers go to the output. The error goes into the NLMSG_ERROR.
  Result<> (*handle)(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output);
};

class NetlinkDomain {
 public:
  using InodeOf = uint64_t (*)(void* ctx, uint64_t cookie);
  // A bound socket's place in the list of all.
  struct Port {
    ListLink link;
    NetlinkSocket* socket = nullptr;
    int protocol = 0;
    uint32_t number = 0;
    uint64_t groups = 0;  // bit n: group n + 1
  };

  NetlinkDomain(Stack& stack, InodeOf inode_of);
  ~NetlinkDomain();
  static NetlinkDomain& of(Stack& stack);
  // Null for a protocol that is not served.
  static const NetlinkProtocol* find_protocol(int number);

  // EADDRINUSE.
  Result<> take_port(Port& port, uint32_t number);
  // The caller's process id if it is free, else a number no process has. EADDRINUSE when there is none.
  Result<> take_any_port(Port& port, uint32_t process);
  void leave(Port& port);
  void set_groups(Port& port, uint64_t groups);
  // Whether anybody would hear a message to the group; one without hearers need not be written.
  bool has_members(int protocol, uint32_t group);
  // To every socket of the protocol that joined the group.
  void multicast(int protocol, uint32_t group, ByteSpan datagram);
  // Whether somebody has it.
  bool is_taken(int protocol, uint32_t number);

  // The number under which this namespace knows another: the next free one when it is first named; -1 without memory.
  int32_t namespace_id(uint64_t cookie);

  // The inode under which programs see the socket; 0: nobody has it open.
  uint64_t inode_of(const Hal& hal, uint64_t cookie) const {
    return inode_of_ == nullptr ? cookie & 0xffffffff : inode_of_(hal.context(), cookie);
  }

 private:
  bool is_taken_locked(int protocol, uint32_t number) REQUIRES(mutex_);
  // route_events.cc
  static void network_changed(NetworkObserver& observer, Entry& entry, const NetworkEvent& event);
  static void neighbour_changed(void* self, Entry& entry, const NeighbourInfo& info);

  struct Observer : NetworkObserver {
    explicit Observer(NetlinkDomain& of) : NetworkObserver(&network_changed), domain(of) {}
    NetlinkDomain& domain;
  };

  Stack& stack_;
  Observer observer_;
  Mutex mutex_;
  InodeOf inode_of_;
  uint32_t next_number_ GUARDED_BY(mutex_) = static_cast<uint32_t>(-4097);
  List<Port, &Port::link> ports_ GUARDED_BY(mutex_);
  HeapArray<uint64_t> namespaces_ GUARDED_BY(mutex_);  // their cookies, by number
  size_t namespace_count_ GUARDED_BY(mutex_) = 0;
};

}  // namespace lxnet
