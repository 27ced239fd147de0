// ListenTable: which ports are held, by whom, and which are free. The stack reaches it through PortHooks.
//
// Buckets by protocol and port hold all claims on a port; a claim is admitted by the rules in bind_conflict.hh. Buckets exist
// while they hold claims, so the table is as large as what is bound. Free ports are chosen as Linux chooses them
// (port_choice.cc).
#pragma once

#include <array>

#include "base/siphash.hh"
#include "listen_table/port_bucket.hh"
#include "listen_table/port_set.hh"
#include "stack/stack.hh"

namespace lxnet {

class ListenTable {
 public:
  // Makes a table and hangs it into the stack's hooks. ENOMEM.
  static Result<> install(Stack& stack);
  // Every claim has been released.
  static void uninstall(Stack& stack);

  Result<> claim(PortClaim& claim);
  Result<> claim_for_connect(PortClaim& claim, const Endpoint& remote);
  void release(PortClaim& claim);
  void move(PortClaim& from, PortClaim& to);
  void inherit(PortClaim& listener, PortClaim& child);
  void readdress(PortClaim& claim, const IpAddress& local);

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  static constexpr size_t kShards = 16;
  struct alignas(64) Shard {
    explicit Shard(const Hal& hal) : mutex(hal, LockRank::PortTable), buckets(hal) {}
    Mutex mutex;
    HashTable<PortBucket, &PortBucket::table_link> buckets GUARDED_BY(mutex);
  };
  // [low, high], and whether the program chose it (IP_LOCAL_PORT_RANGE).
  struct PortRange {
    uint32_t low, high;
    bool is_own;
  };

  explicit ListenTable(Stack& stack);
  ~ListenTable() = default;

  Shard& shard_of(uint16_t port) { return shards_[port % kShards]; }
  PortBucket* find_locked(Shard& shard, uint8_t protocol, uint16_t port) REQUIRES(shard.mutex);
  PortBucket* find_or_add_locked(Shard& shard, uint8_t protocol, uint16_t port) REQUIRES(shard.mutex);
  void drop_if_empty_locked(Shard& shard, PortBucket& bucket) REQUIRES(shard.mutex);
  Result<> add_locked(Shard& shard, PortClaim& claim, uint16_t port) REQUIRES(shard.mutex);
  Result<> claim_port(PortClaim& claim, uint16_t port);

  // port_choice.cc. Each returns EADDRINUSE or EADDRNOTAVAIL when it found none.
  Result<> choose_tcp(PortClaim& claim);
  Result<> choose_tcp_in(PortClaim& claim, uint32_t low, uint32_t end, BindLeniency leniency);
  Result<> choose_udp(PortClaim& claim);
  Result<> choose_ping(PortClaim& claim);
  // Where the search of a connect() begins, and how it steps.
  struct Search {
    uint32_t low, count, first, step;
  };
  Result<> search_for_connect(PortClaim& claim, const Endpoint& remote, const Search& search, uint32_t& steps);
  // EADDRINUSE: none of `tries` ports of this parity, beginning at the search's first. `steps` grows by how many were tried.
  Result<> try_in_turn(PortClaim& claim, const Endpoint& remote, const Search& search, uint32_t parity, uint32_t tries,
                       uint32_t& steps);
  // The same of the ports nobody holds, which takes no longer where they are few.
  Result<> try_unheld(PortClaim& claim, const Endpoint& remote, const Search& search, uint32_t parity);
  // EADDRINUSE: not this one.
  Result<> try_chosen(PortClaim& claim, uint16_t port, BindLeniency leniency);
  Result<> try_for_connect(PortClaim& claim, uint16_t port, const Endpoint& remote);
  PortRange range_of(const PortClaim& claim) const;
  uint32_t random_below(uint32_t limit) const;

  Stack& stack_;
  const Hal& hal_;
  const SipKey key_;
  uint16_t ping_rover_ = 0;          // relaxed atomics: hints where to go on
  uint32_t perturbation_[256] = {};  // RFC 6056, algorithm 4: per hash of the destination
  PortSet held_by_tcp_;              // ports with a bucket of TCP
  std::array<Shard, kShards> shards_;
};

}  // namespace lxnet
