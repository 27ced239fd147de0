// HashTable<T, &T::link_>: an intrusive hash table that grows one bucket at a time (linear hashing, Litwin 1980).
//
// Rule kept: no insertion ever rehashes the table, so its longest operation does not depend on its size. Buckets stand in
// segments that double (the largest is half of them all) and are never moved. When there is no memory for a segment the chains
// just grow longer; only the very first one can fail an insertion.
//
// The table does not own its elements, does no locking, and finds by the caller's comparison among elements of the same 64-bit
// hash. Elements of one chain stand newest first, and splitting a bucket keeps their order.
#pragma once

#include <bit>

#include "base/assert.hh"
#include "base/owner_of.hh"
#include "base/prefetch.hh"
#include "hal/memory.hh"

namespace lxnet {

class HashLink {
 public:
  HashLink() = default;
  HashLink(const HashLink&) = delete;
  HashLink& operator=(const HashLink&) = delete;
  ~HashLink() { ASSERT(!is_linked()); }

  // Also asked by the element's owner without the table's lock, while others come and go beside it.
  bool is_linked() const { return __atomic_load_n(&place_, __ATOMIC_RELAXED) != nullptr; }
  uint64_t hash() const { return hash_; }

 private:
  template <typename T, HashLink T::*Member>
  friend class HashTable;

  void put(HashLink** place) { __atomic_store_n(&place_, place, __ATOMIC_RELAXED); }

  HashLink* next_ = nullptr;
  HashLink** place_ = nullptr;  // what points to this link
  uint64_t hash_ = 0;
};

template <typename T, HashLink T::*Member>
class HashTable {
 public:
  explicit HashTable(const Hal& hal) : hal_(hal) {}
  HashTable(const HashTable&) = delete;
  HashTable& operator=(const HashTable&) = delete;
  ~HashTable() {
    ASSERT(count_ == 0);
    for (size_t i = 0; i < kMaxSegments; ++i) {
      if (segments_[i] != nullptr) hal_.free(segments_[i], segment_size(i) * sizeof(HashLink*));
    }
  }

  size_t size() const { return count_; }
  bool is_empty() const { return count_ == 0; }

  // ENOMEM only while the table has no bucket at all.
  Result<> insert(T& element, uint64_t hash) { return insert_at(element, hash, Place::First); }
  // Behind all others of its hash, as if it were the oldest.
  Result<> insert_last(T& element, uint64_t hash) { return insert_at(element, hash, Place::Last); }

  void remove(T& element) {
    HashLink& link = element.*Member;
    ASSERT(link.is_linked());
    *link.place_ = link.next_;
    if (link.next_ != nullptr) link.next_->put(link.place_);
    link.next_ = nullptr;
    link.put(nullptr);
    --count_;
  }

  // The elements of this hash, newest first: for (T* e = table.first(h); e != nullptr; e = table.next(*e)).
  T* first(uint64_t hash) const { return bucket_count_ == 0 ? nullptr : match(bucket(index_of(hash)), hash); }
  T* next(const T& element) const {
    const HashLink& link = element.*Member;
    return match(link.next_, link.hash_);
  }

  // A lookup of the hash will come. What it reads one after the other, the bucket, the element that begins it and the one behind,
  // is asked of memory without waiting, in this order; each step reads what the one before asked for.
  void fetch_bucket(uint64_t hash) const {
    if (bucket_count_ != 0) prefetch(&bucket(index_of(hash)));
  }
  void fetch_first(uint64_t hash) const { fetch(bucket_count_ == 0 ? nullptr : bucket(index_of(hash))); }
  void fetch_second(uint64_t hash) const {
    const HashLink* first = bucket_count_ == 0 ? nullptr : bucket(index_of(hash));
    if (first != nullptr && first->hash_ != hash) fetch(first->next_);
  }

  // Any order, each element once; nothing may be inserted meanwhile, and only the visited element removed.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (size_t i = 0; i < bucket_count_; ++i) {
      for (HashLink* link = bucket(i); link != nullptr;) {
        HashLink* next = link->next_;
        visit(*owner_of(link));
        link = next;
      }
    }
  }

 private:
  enum class Place : uint8_t { First, Last };
  static constexpr size_t kFirstBuckets = 8;
  static constexpr size_t kMaxSegments = 28;  // 1 Gi buckets

  // Segment 0 holds the first kFirstBuckets; segment i > 0 as many as all before it together.
  static constexpr size_t segment_size(size_t segment) { return segment == 0 ? kFirstBuckets : kFirstBuckets << (segment - 1); }
  static constexpr size_t segment_of(size_t index) { return static_cast<size_t>(std::bit_width(index / kFirstBuckets)); }

  HashLink*& bucket(size_t index) const {
    const size_t segment = segment_of(index);
    return segments_[segment][segment == 0 ? index : index - segment_size(segment)];
  }
  // Buckets below the split point of this round have been split already and use one bit more.
  size_t index_of(uint64_t hash) const {
    const size_t round = std::bit_floor(bucket_count_);
    const size_t wide = static_cast<size_t>(hash) & (2 * round - 1);
    return wide < bucket_count_ ? wide : wide & (round - 1);
  }

  Result<> insert_at(T& element, uint64_t hash, Place place) {
    HashLink& link = element.*Member;
    ASSERT(!link.is_linked());
    if (bucket_count_ == 0) {
      if (!add_segment(0)) return Errno::ENOMEM;
      bucket_count_ = kFirstBuckets;
    }
    link.hash_ = hash;
    HashLink** at = &bucket(index_of(hash));
    while (place == Place::Last && *at != nullptr) at = &(*at)->next_;
    push_front(*at, link);
    if (++count_ > bucket_count_) split_one();
    return ok();
  }

  bool add_segment(size_t segment) {
    const size_t size = segment_size(segment) * sizeof(HashLink*);
    void* block = hal_.alloc(size, alignof(HashLink*));
    if (block == nullptr) return false;
    memset(block, 0, size);
    segments_[segment] = static_cast<HashLink**>(block);
    return true;
  }

  void split_one() {
    const size_t added = bucket_count_;
    const size_t segment = segment_of(added);
    if (segment >= kMaxSegments || (segments_[segment] == nullptr && !add_segment(segment))) return;
    const size_t from = added - std::bit_floor(bucket_count_);
    ++bucket_count_;
    HashLink** keep = &bucket(from);
    HashLink** move = &bucket(added);
    HashLink* link = *keep;
    while (link != nullptr) {
      HashLink* next = link->next_;
      HashLink**& end = index_of(link->hash_) == added ? move : keep;
      *end = link;
      link->put(end);
      end = &link->next_;
      link = next;
    }
    *keep = nullptr;
    *move = nullptr;
  }

  static void push_front(HashLink*& head, HashLink& link) {
    link.next_ = head;
    link.put(&head);
    if (head != nullptr) head->put(&link.next_);
    head = &link;
  }
  static void fetch(HashLink* link) {
    if (link == nullptr) return;
    prefetch(link);
    prefetch(owner_of(link));
  }
  static T* match(HashLink* link, uint64_t hash) {
    while (link != nullptr && link->hash_ != hash) link = link->next_;
    return link == nullptr ? nullptr : owner_of(link);
  }
  static T* owner_of(HashLink* link) { return &lxnet::owner_of<Member>(*link); }

  const Hal& hal_;
  HashLink** segments_[kMaxSegments] = {};
  size_t bucket_count_ = 0;
  size_t count_ = 0;
};

}  // namespace lxnet
