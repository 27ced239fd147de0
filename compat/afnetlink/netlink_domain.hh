// NetlinkDomain: who has which port in a stack, and what the protocols do with requests.
#pragma once

#include "compat/afnetlink/netlink_attribute.hh"
#include "compat/afnetlink/netlink_message.hh"
#include "hal/mutex.hh"
#include "stack/network_event.hh"

namespace lxnet {

class Entry;
class NetlinkDomain;
class NetlinkSocket;
class Stack;
struct NeighbourInfo;

// A dump that is answered part by part, as the program reads.
class NetlinkDump {
 public:
  struct Part {
    size_t size = 0;
    bool is_last = false;
    bool is_interrupted = false;  // something has changed since the part before
  };
  // Whole messages. An error ends the dump.
  virtual Result<Part> fill(SyscallContext& context, MutableByteSpan room) = 0;
  virtual void dispose(const Hal& hal) = 0;

 protected:
  ~NetlinkDump() = default;
};

// The socket that a datagram came from, to a protocol that reads its datagrams itself.
class NetlinkPeer {
 public:
  virtual uint32_t port() const = 0;
  // One datagram. Where the socket's queue is full it is lost, and the next call is told.
  virtual void answer(ByteSpan datagram) = 0;
  virtual void acknowledge(ByteSpan message, Errno error, const NetlinkComplaint& complaint) = 0;
  // Takes the dump over. EBUSY: one is under way.
  virtual Result<> start_dump(SyscallContext& context, NetlinkDump* dump, const NetlinkHeader& request) = 0;
  // The first part of a dump that was started since. False: none was.
  virtual bool begin_dump(SyscallContext& context) = 0;

 protected:
  ~NetlinkPeer() = default;
};

// A protocol served.
struct NetlinkProtocol {
  int number;
  uint32_t groups;  // the number of the last multicast group
  bool (*is_question)(uint16_t type);
  // One request of the program's; answers go to the output. The error goes into the NLMSG_ERROR.
  Result<> (*handle)(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output);
  // Or all of a datagram, where messages belong together.
  void (*receive)(SyscallContext& context, ByteSpan datagram, NetlinkPeer& peer) = nullptr;
  // Whether a dump's end comes in a datagram of its own.
  bool (*ends_alone)(const NetlinkRequest& request) = nullptr;
  // A port is free again.
  void (*closed)(NetlinkDomain& domain, Entry& entry, uint32_t port) = nullptr;
  bool only_administrators_hear = false;
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
  // To every socket of the protocol that joined the group, but for one port.
  void multicast(int protocol, uint32_t group, ByteSpan datagram, uint32_t but_port = 0, uint32_t from_port = 0);
  // Something was lost that they would have heard.
  void overrun(int protocol, uint32_t group);
  // Whether somebody has it.
  bool is_taken(int protocol, uint32_t number);

  // Whose request is under way: what it changes is told of with its number.
  struct Requester {
    const Entry* entry = nullptr;
    uint32_t sequence = 0, port = 0;
  };
  void set_requester(const Requester& requester);
  Requester requester_of(const Entry& entry);

  // The number under which this namespace knows another: the next free one when it is first named; -1 without memory.
  int32_t namespace_id(uint64_t cookie);

  // The inode under which programs see the socket; 0: nobody has it open.
  uint64_t inode_of(const Hal& hal, uint64_t cookie) const {
    return inode_of_ == nullptr ? cookie & 0xffffffff : inode_of_(hal.context(), cookie);
  }

  // nfnetlink.cc: made when somebody first speaks of them.
  void* netfilter_tables = nullptr;

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
  Requester requester_ GUARDED_BY(mutex_);
  List<Port, &Port::link> ports_ GUARDED_BY(mutex_);
  HeapArray<uint64_t> namespaces_ GUARDED_BY(mutex_);  // their cookies, by number
  size_t namespace_count_ GUARDED_BY(mutex_) = 0;
};

}  // namespace lxnet
