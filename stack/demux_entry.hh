// DemuxEntry: one way packets reach a socket (or what holds a 4-tuple without being one); lives in its owner, and the SocketSet
// links it.
//
// Rule kept: the fields are filled before the entry is added and do not change until it is removed. A socket that connects or
// disconnects adds a second entry first and removes the other after, so that no packet falls between them.
#pragma once

#include "base/list.hh"
#include "base/ref.hh"
#include "hal/hash_table.hh"
#include "netdev/packet.hh"
#include "stack/ip_address.hh"

namespace lxnet {

class Entry;

class Socket;
class ReusePortGroup;

// What holds a TCP 4-tuple without being a socket: a connection that a listener has only half of, or what is left of one in
// TIME-WAIT (RFC 9293, 3.6.1). TCP derives both.
class MiniSocket : public RefCounted<MiniSocket> {
 public:
  enum class Kind : uint8_t { HalfOpen, TimeWait };
  static void destroy(MiniSocket* mini) { mini->destroy_self(); }
  Kind kind() const { return kind_; }
  // Before its time, by a task: nothing finds it any more, and what it held is free.
  virtual void end(Entry& entry) = 0;

 protected:
  explicit MiniSocket(Kind kind) : kind_(kind) {}
  ~MiniSocket() = default;
  virtual void destroy_self() = 0;

 private:
  const Kind kind_;
};

// Ports of different spaces do not meet: a protocol number of the transports with ports (for ICMP echo sockets the identifier is
// the port), or raw sockets of a family, whose "port" is the protocol number.
enum class DemuxSpace : uint16_t { Icmp4 = 1, Tcp = 6, Udp = 17, Icmp6 = 58, UdpLite = 136, Raw4 = 260, Raw6 = 262 };

// A place in the enumeration of all sockets: an entry, or a cursor that rests there.
struct InventoryNode {
  ListLink inventory_link;
  bool is_cursor = false;
};

// Two cache lines: what a match leads to, and what a lookup compares, link and key in one, so that passing another entry of the
// chain costs one miss.
class DemuxEntry : public InventoryNode {
 public:
  bool reuse_port = false;
  bool is_remote_former = false;  // a peer that was left: IPv6 is still heard from it alone, IPv4 from everybody (Linux)
  // One of the two.
  Socket* socket = nullptr;
  MiniSocket* mini = nullptr;
  uint32_t bound_interface = 0;  // of a MiniSocket; a socket's own option counts, which may change at any time
  uint32_t uid = 0;              // only one user's sockets share a port by SO_REUSEPORT

  bool is_added() const { return table_link_.is_linked(); }
  uint64_t flow_hash() const { return table_link_.hash(); }  // of a flow that is added
  bool is_in_group() const { return group_ != nullptr; }

 private:
  friend class SocketSet;
  friend class ReusePortGroup;
  friend struct DemuxShard;

  bool is_flow_ = false;
  uint32_t group_index_ = 0;
  ReusePortGroup* group_ = nullptr;

  alignas(64) HashLink table_link_;

 public:
  IpAddress local, remote;  // unspecified: any
  uint16_t local_port = 0, remote_port = 0;
  DemuxSpace space{};
  IpFamily family = IpFamily::V4;  // of the socket, not of its addresses
  bool v6_only = false;
};
static_assert(sizeof(DemuxEntry) == 128);

// What a packet says of its receiver: `local` is its destination.
struct PacketTuple {
  DemuxSpace space{};
  IpAddress local, remote;
  uint16_t local_port = 0, remote_port = 0;
  uint32_t interface_index = 0;
  // As the packet's sender knew them: SocketSet::receiver_hashes() of this tuple, or zeros.
  ReceiverHashes hashes = {};
  // The packet itself, its front at the transport's header, for programs that choose among sockets by its payload.
  Packet* packet = nullptr;
  uint16_t header_size = 0;
};

}  // namespace lxnet
