// NetlinkDomain: who has which port in a stack, and what the protocols do with requests.
#pragma once

#include "compat/afnetlink/netlink_message.hh"
#include "hal/mutex.hh"

namespace lxnet {

class NetlinkSocket;
class Stack;

// A protocol served: NETLINK_SOCK_DIAG.
struct NetlinkProtocol {
  int number;
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
  };

  NetlinkDomain(const Hal& hal, InodeOf inode_of) : mutex_(hal, LockRank::Listener), inode_of_(inode_of) {}
  static NetlinkDomain& of(Stack& stack);
  // Null for a protocol that is not served.
  static const NetlinkProtocol* find_protocol(int number);

  // EADDRINUSE.
  Result<> take_port(Port& port, uint32_t number);
  // The caller's process id if it is free, else a number no process has. EADDRINUSE when there is none.
  Result<> take_any_port(Port& port, uint32_t process);
  void leave(Port& port);
  // Whether somebody has it.
  bool is_taken(int protocol, uint32_t number);

  // The inode under which programs see the socket; 0: nobody has it open.
  uint64_t inode_of(const Hal& hal, uint64_t cookie) const {
    return inode_of_ == nullptr ? cookie & 0xffffffff : inode_of_(hal.context(), cookie);
  }

 private:
  bool is_taken_locked(int protocol, uint32_t number) REQUIRES(mutex_);

  Mutex mutex_;
  InodeOf inode_of_;
  uint32_t next_number_ GUARDED_BY(mutex_) = static_cast<uint32_t>(-4097);
  List<Port, &Port::link> ports_ GUARDED_BY(mutex_);
};

}  // namespace lxnet
