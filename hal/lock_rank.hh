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
  PortTable = 30,        // ListenTable's buckets
  SocketTable = 32,      // SocketSet's buckets
  SocketInventory = 34,  // SocketSet's list of all
  ErrorQueue = 36,       // a socket's queues that packets reach without its lock
  Multicast = 38,        // group memberships
  Interfaces = 40,       // the registry's lists and one interface's addresses
  Routes = 42,
  Neighbours = 44,
  Fragments = 46,
  RateLimit = 48,
  WaitQueue = 60,
  EpollReady = 62,       // an epoll set's ready list, from inside a wake-up
  EpollWaiters = 64,     // the wait queue of an epoll set
  EpollReadyOuter = 66,  // the same of a set that watches a set
  Device = 68,           // the queues of a device that is software
  Timers = 70,
  Capture = 72,  // a capture being written
  Memory = 80,   // pools and global accounting: the leaf
};

}  // namespace lxnet
