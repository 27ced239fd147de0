// PathMtuTable: what ICMP told us of paths narrower than their first link (RFC 1191, RFC 8201).
//
// An entry lives for mtu_expires and is then forgotten, so that a wider path is found again. The table is bounded; when it is
// full the entry learnt longest ago goes, so a forger of ICMP errors can displace knowledge but not exhaust memory.
#pragma once

#include "base/list.hh"
#include "base/siphash.hh"
#include "base/time.hh"
#include "hal/memory.hh"
#include "hal/mutex.hh"
#include "stack/ip_address.hh"

namespace lxnet {

class PathMtuTable {
 public:
  static constexpr size_t kMaxEntries = 2048;

  explicit PathMtuTable(const Hal& hal) : mutex_(hal, LockRank::PathMtu), key_(hal.random<SipKey>()) {}
  ~PathMtuTable() { clear(); }

  struct Entry {
    uint32_t mtu = 0;        // 0: nothing is known
    bool is_locked = false;  // below min_pmtu: such packets are sent without DF and may be cut on the way
    Instant expires;
  };
  // any lock below rank PathMtu. What is known of the path to `destination` now.
  Entry find(const IpAddress& destination, Instant now) const;
  // Returns whether what find() says has changed. Without memory nothing is learnt.
  bool learn(const IpAddress& destination, const Entry& entry, Instant now);
  // Drops what has expired and says when the next does.
  Instant forget_expired(Instant now);
  void clear();
  size_t size() const;

 private:
  static constexpr size_t kBuckets = 256;
  struct Node {
    IpAddress destination;
    Entry entry;
    Node* bucket_next = nullptr;
    ListLink age_link;
  };

  size_t bucket_of(const IpAddress& destination) const { return siphash_1_3(key_, destination) % kBuckets; }
  Node* find_node(const IpAddress& destination) const REQUIRES(mutex_);
  Node* create_node(const IpAddress& destination) REQUIRES(mutex_);
  void remove(Node& node) REQUIRES(mutex_);

  mutable Mutex mutex_;
  SipKey key_;
  bool has_entries_ = false;  // peeked at without the lock: most stacks never learn anything
  size_t count_ GUARDED_BY(mutex_) = 0;
  Node* buckets_[kBuckets] GUARDED_BY(mutex_) = {};
  List<Node, &Node::age_link> by_age_ GUARDED_BY(mutex_);  // oldest first
};

}  // namespace lxnet
