// SocketSet: every socket of a stack that can receive. Finds the receiver of a packet in O(1) and lists them all.
//
// Two tables of sharded hash buckets, keyed by SipHash with a secret: flows by the whole 4-tuple (connected sockets, half-open
// ones, TIME_WAITs), and bound ones by local address and port (listeners, unconnected datagram sockets, raw sockets). In the
// order a packet asks:
//   1. a flow with its 4-tuple, bound to no interface or to the packet's
//   2. bound to its destination address and port
//   3. bound to any address and this port: an IPv4 packet also finds AF_INET6 sockets that are not v6-only
// Within 2 and 3 the highest score wins, then the newest (Linux's compute_score); a SO_REUSEPORT group is chosen from by flow.
//
// The tables hold no counts: a socket is removed before its last reference goes, and a lookup that races takes ref_unless_zero().
#pragma once

#include <array>

#include "base/prefetch.hh"
#include "base/siphash.hh"
#include "hal/hash_table.hh"
#include "hal/mutex_array.hh"
#include "stack/demux_entry.hh"
#include "stack/socket.hh"

namespace lxnet {

class SocketLock;

// What occupies a 4-tuple: one of the two, or neither.
struct Flow {
  Ref<Socket> socket;
  Ref<MiniSocket> mini;
  explicit operator bool() const { return socket || mini; }
};

// A socket that a packet found, for as long as the packet is looked at. On a host of one processor nobody can end it meanwhile,
// and then it is not counted.
class SocketHold {
 public:
  SocketHold() = default;
  explicit SocketHold(Socket& uncounted) : socket_(&uncounted) {}
  explicit SocketHold(Ref<Socket> counted) : count_(std::move(counted)), socket_(count_.get()) {}

  explicit operator bool() const { return socket_ != nullptr; }
  Socket* get() const { return socket_; }
  Socket* operator->() const { return socket_; }
  Socket& operator*() const { return *socket_; }
  Ref<Socket> share() const { return socket_ == nullptr ? nullptr : Ref<Socket>::share(*socket_); }

 private:
  Ref<Socket> count_;
  Socket* socket_ = nullptr;
};

// A DemuxEntry as it stood when it was seen.
struct DemuxDescription {
  DemuxSpace space{};
  IpFamily family = IpFamily::V4;
  bool v6_only = false;
  IpAddress local, remote;
  uint16_t local_port = 0, remote_port = 0;
  uint32_t uid = 0;
};

enum class FlowSharing : uint8_t { Unique, Shared };

struct alignas(64) DemuxShard {
  explicit DemuxShard(const Hal& hal) : mutex(hal, LockRank::SocketTable), table(hal) {}
  Mutex mutex;
  HashTable<DemuxEntry, &DemuxEntry::table_link_> table GUARDED_BY(mutex);

  // Asks memory for all of it.
  void fetch() const {
    for (size_t at = 0; at < sizeof(DemuxShard); at += alignof(DemuxShard)) prefetch(reinterpret_cast<const uint8_t*>(this) + at);
  }
};

class SocketSet {
 public:
  explicit SocketSet(Stack& stack);
  SocketSet(const SocketSet&) = delete;

  // ---- by the owners; below rank SocketTable
  // A connected 4-tuple. Unique (TCP): EADDRNOTAVAIL when a flow that the same packets would reach exists; who it is, if asked.
  // ENOMEM.
  Result<> add_flow(DemuxEntry& entry, FlowSharing sharing, Flow* occupant = nullptr);
  // Listeners and unconnected sockets. Conflicts are the ListenTable's business. ENOMEM.
  Result<> add_bound(DemuxEntry& entry);
  // Nothing finds it any more. Harmless when it was not added.
  void remove(DemuxEntry& entry);
  // The program of the group that the entry is in. EINVAL: it is in none. ENOENT: there was none to take away.
  Result<> set_group_program(DemuxEntry& entry, Ref<BpfProgram> program);
  // To whom the group that `former` has left gives a flow of this hash; null when nobody is left there.
  Ref<Socket> select_heir(const DemuxEntry& former, uint64_t flow_hash);
  // `to` takes over the 4-tuple of `from` in one step (TIME_WAIT, or a request becomes a socket).
  void replace_flow(DemuxEntry& from, DemuxEntry& to);

  // ---- by packets
  Flow find_flow(const PacketTuple& packet);
  // Only whether there is one: takes no count, so it may be asked under a lock.
  bool has_flow(const PacketTuple& packet);
  // A TCP listener.
  Ref<Socket> find_listener(const PacketTuple& packet);
  // The one receiver of a unicast datagram (also an ICMP echo socket), connected or not.
  SocketHold find_datagram(const PacketTuple& packet);
  // What these lookups hash: a sender to itself does it once for all its packets.
  ReceiverHashes receiver_hashes(const PacketTuple& packet) const;
  uint64_t hash_flow(const PacketTuple& packet) const;
  // Of packets that are about to be looked for: what that will read of the tables is asked of memory now, for all at once.
  void fetch_flows(std::span<const uint64_t> hashes);
  // Whether there are more flows than caches hold.
  bool is_worth_fetching() const;
  // Every datagram socket that a multicast or broadcast packet may be for, under the lock of its bucket: rank SocketTable.
  using Visitor = void (*)(void* context, Socket& socket);
  void visit_datagram(const PacketTuple& packet, Visitor visit, void* context);
  // Every raw socket of a protocol, likewise.
  void visit_raw(DemuxSpace space, uint8_t protocol, Visitor visit, void* context);
  // Whether visit_raw() may find any: a hint without a lock.
  bool has_raw(DemuxSpace space) const { return count(space) != 0; }

  uint64_t next_cookie() { return __atomic_add_fetch(&last_cookie_, 1, __ATOMIC_RELAXED); }
  size_t count(DemuxSpace space) const;
  // Where those who find a socket owned leave word of it.
  Mutex& lock_mutex(const SocketLock& lock) { return lock_mutexes_.of(&lock); }
  // A secret of this stack for hashing flows.
  const SipKey& key() const { return key_; }

 private:
  friend class SocketCursor;

  static constexpr size_t kFlowShards = 64, kBoundShards = 16, kInventoryShards = 16, kSpaces = 7;

  struct InventoryShard {
    explicit InventoryShard(const Hal& hal) : mutex(hal, LockRank::SocketInventory) {}
    Mutex mutex;
    List<InventoryNode, &InventoryNode::inventory_link> nodes GUARDED_BY(mutex);
  };

  static constexpr size_t count_index(DemuxSpace space);
  DemuxShard& flow_shard(uint64_t hash) { return flows_[hash >> 58]; }
  DemuxShard& bound_shard(uint64_t hash) { return bound_[hash >> 60]; }
  uint64_t flow_hash(const PacketTuple& packet) const { return packet.hashes.flow != 0 ? packet.hashes.flow : hash_flow(packet); }
  uint64_t bound_hash(DemuxSpace space, const IpAddress& local, uint16_t port) const;
  DemuxEntry* find_flow_locked(DemuxShard& shard, uint64_t hash, const PacketTuple& packet) REQUIRES(shard.mutex);
  SocketHold hold(const DemuxEntry* entry) const;
  SocketHold find_connected(const PacketTuple& packet);
  SocketHold find_bound(const PacketTuple& packet, const IpAddress& local, uint64_t hash);
  SocketHold find_bound_here(const PacketTuple& packet);
  SocketHold find_bound_anywhere(const PacketTuple& packet);
  void visit_bound(const PacketTuple& packet, const IpAddress& local, Visitor visit, void* context);
  Result<> join_group_locked(DemuxShard& shard, DemuxEntry& entry, uint64_t hash) REQUIRES(shard.mutex);
  void list(DemuxEntry& entry);
  void unlist(DemuxEntry& entry);
  InventoryShard& inventory_shard(const DemuxEntry& entry);
  void count_added(const DemuxEntry& entry, size_t change);

  const Hal& hal_;
  const SipKey key_;
  uint64_t last_cookie_ = 0;
  size_t counts_[kSpaces] = {};       // by count_index(): all entries
  size_t flow_counts_[kSpaces] = {};  // flows alone: no flow, no lookup of one
  std::array<DemuxShard, kFlowShards> flows_;
  std::array<DemuxShard, kBoundShards> bound_;
  std::array<InventoryShard, kInventoryShards> inventory_;
  MutexArray<64> lock_mutexes_;
};

// Walks all sockets and MiniSockets in a stable order, however long it rests between two steps: what was there all the time is
// seen exactly once.
class SocketCursor {
 public:
  explicit SocketCursor(SocketSet& set);
  ~SocketCursor();
  SocketCursor(const SocketCursor&) = delete;
  SocketCursor& operator=(const SocketCursor&) = delete;

  // Empty at the end.
  Flow next(DemuxDescription* description = nullptr);
  void rewind();

 private:
  SocketSet& set_;
  InventoryNode place_;
  size_t shard_ = 0;
};

}  // namespace lxnet
