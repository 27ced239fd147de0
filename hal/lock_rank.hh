// The order in which locks are taken, outermost first. docs/locking.md says for each what it protects and why it stands here.
#pragma once

#include <cstdint>

namespace lxnet {

enum class LockRank : uint8_t {
  Configuration = 10,    // changes of interfaces, addresses, routes: one at a time
  EpollSet = 14,         // one epoll set's entries
  Listener = 18,         // a listening socket, while it creates a child
  Socket = 20,           // one socket
  SocketPeer = 22,       // the other end of a pair, when both are held
  LinkTaps = 28,         // who looks at frames, while they look
  PortTable = 30,        // ListenTable's buckets
  SocketTable = 32,      // SocketSet's buckets
  SocketInventory = 34,  // SocketSet's list of all
  ErrorQueue = 36,       // a socket's queues that packets reach without its lock
  Multicast = 38,        // group memberships
  PacketFilter = 39,     // the hooks and who is at them, while a packet is there
  Interfaces = 40,       // the registry's lists and one interface's addresses
  Routes = 42,
  Neighbours = 44,
  Fragments = 46,
  PathMtu = 47,  // what ICMP told of paths; asked under Routes
  RateLimit = 48,
  FastOpen = 50,     // TCP Fast Open: its keys, the length of a listener's queue
  TcpPeers = 52,     // what TCP remembers of peers
  PeerWaiters = 58,  // who waits for room at an AF_UNIX socket; relays to the wait queues of others
  WaitQueue = 60,
  // An epoll set's wait queues, from inside a wake-up. A set that watches sets stands a rank higher for each level
  // (compat/epoll/epoll_nesting.cc), up to 67.
  EpollWaiters = 62,
  Device = 74,  // the queues of a device that is software
  Timers = 76,
  Capture = 78,  // a capture being written
  Memory = 80,   // pools and global accounting: the leaf
};

}  // namespace lxnet
