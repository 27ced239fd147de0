// Reassembly: the datagrams of one family that are under way in fragments.
//
// Bounded in memory (ipfrag_high_thresh: new datagrams are refused above it), in time (ipfrag_time), and for IPv4 by how many
// other fragments their source sent meanwhile (ipfrag_max_dist), so that identifications that came round do not mix two
// datagrams.
#pragma once

#include "base/siphash.hh"
#include "hal/memory.hh"
#include "hal/timer.hh"
#include "stack/entry.hh"
#include "stack/ip/fragment_queue.hh"
#include "stack/mib.hh"

namespace lxnet {

class Stack;

class Reassembly {
 public:
  Reassembly(Stack& stack, IpFamily family);
  ~Reassembly();

  // A whole datagram: the first fragment's packet with all payload behind it.
  struct Whole {
    Ref<Packet> packet = {};
    uint32_t payload_size = 0;
    uint16_t largest_fragment = 0;  // IP packet that a piece came in
    uint8_t ecn_bits = 0;
    bool has_df = false;
  };
  // Takes a fragment, its front at its payload, its network header marked. Whole::packet is null while fragments are missing and
  // when the datagram was given up.
  Whole add(Entry& entry, Ref<Packet> packet, const FragmentKey& key, const FragmentPiece& piece);

  size_t memory() const;
  size_t queue_count() const;

 private:
  static constexpr size_t kBuckets = 256;
  static constexpr size_t kSources = 256;
  struct Sweep : Timer {
    explicit Sweep(Reassembly& of);
    Reassembly& reassembly;
  };
  using Bucket = List<FragmentQueue, &FragmentQueue::bucket_link>;

  static void sweep_expired(Entry& entry, Timer& timer);
  void expire(Entry& entry);
  FragmentQueue* find_or_create(Entry& entry, const FragmentKey& key) REQUIRES(mutex_);
  void check_distance(FragmentQueue& queue, Instant deadline) REQUIRES(mutex_);
  Whole insert(Entry& entry, FragmentQueue& queue, Ref<Packet>& packet, const FragmentPiece& piece) REQUIRES(mutex_);
  Whole finish(Entry& entry, FragmentQueue& queue) REQUIRES(mutex_);
  void give_up(Entry& entry, FragmentQueue& queue, FragmentOutcome why) REQUIRES(mutex_);
  void remove(FragmentQueue& queue) REQUIRES(mutex_);
  void arm_sweep() REQUIRES(mutex_);
  Instant deadline(Instant now) const;
  size_t memory_limit() const;
  Mib mib(Mib v4, Mib v6) const { return family_ == IpFamily::V4 ? v4 : v6; }

  Stack& stack_;
  IpFamily family_;
  SipKey key_;
  mutable Mutex mutex_;
  Sweep sweep_;
  size_t memory_ GUARDED_BY(mutex_) = 0;
  size_t count_ GUARDED_BY(mutex_) = 0;
  Bucket buckets_[kBuckets] GUARDED_BY(mutex_);
  List<FragmentQueue, &FragmentQueue::age_link> by_age_ GUARDED_BY(mutex_);
  uint32_t source_counts_[kSources] GUARDED_BY(mutex_) = {};  // fragments seen, by hash of their source
};

}  // namespace lxnet
