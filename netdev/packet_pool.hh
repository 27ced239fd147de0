// PacketPool: where packets, data blocks and the records of what was sent come from and return to, and the stack's bound on the
// memory they hold.
//
// Allocation on the packet path takes from a free list of the running processor and reaches the HAL only when that list and the
// depot, through which processors exchange whole batches, are empty. Free memory that is cached counts against the limit, and is
// given back before anybody is refused.
#pragma once

#include <array>

#include "hal/memory.hh"
#include "hal/mutex.hh"
#include "netdev/packet.hh"

namespace lxnet {

class PacketPool {
 public:
  // `limit` bounds the bytes of live packets and blocks; past it create() gives ENOBUFS.
  PacketPool(const Hal& hal, size_t limit) : PacketPool(hal, limit, std::make_index_sequence<kProcessors>()) {}
  ~PacketPool();  // every packet and block must have returned

  const Hal& hal() const { return hal_; }
  size_t bytes_live() const;
  size_t limit() const { return limit_; }
  // Gives cached free memory back to the HAL.
  void trim();
  // What the packet path makes and drops for itself, beside packets. Null: past the limit, or no memory.
  template <typename T>
  T* make_small() {
    static_assert(sizeof(T) <= kSmallSize && alignof(T) <= alignof(void*));
    void* memory = take(kSmallClass);
    return memory == nullptr ? nullptr : new (memory) T();
  }
  template <typename T>
  void drop_small(T* object) {
    object->~T();
    give(kSmallClass, object);
  }

 private:
  friend class Packet;
  friend class DataBlock;

  // A free object's own memory holds its links.
  struct FreeItem {
    FreeItem* next;
    FreeItem* next_batch;  // of a batch's first item, while the batch is in the depot
  };
  struct Chain {
    FreeItem* first = nullptr;
    uint32_t count = 0;
  };
  static constexpr size_t kProcessors = 16;  // more processors share
  static constexpr size_t kPacketClass = 0, kSmallClass = 1, kFirstBlockClass = 2;
  static constexpr size_t kClasses = kFirstBlockClass + 6;
  static constexpr size_t kSmallSize = 192;

  // What one processor keeps: per class, a chain it works on and a full one behind it, so that alternating around a batch's end
  // does not reach the depot each time.
  struct alignas(64) ProcessorCache {
    explicit ProcessorCache(const Hal& hal) : mutex(hal, LockRank::Memory) {}
    mutable Mutex mutex;
    std::array<Chain, kClasses> working GUARDED_BY(mutex);
    std::array<Chain, kClasses> full GUARDED_BY(mutex);
  };
  struct Depot {
    explicit Depot(const Hal& hal) : mutex(hal, LockRank::Memory) {}
    mutable Mutex mutex;
    std::array<FreeItem*, kClasses> batches GUARDED_BY(mutex) = {};
    std::array<uint32_t, kClasses> count GUARDED_BY(mutex) = {};
  };

  template <size_t... I>
  PacketPool(const Hal& hal, size_t limit, std::index_sequence<I...>)
      : hal_(hal), limit_(limit), depot_(hal), caches_{((void)I, ProcessorCache(hal))...} {}

  // Memory of the class, or null. The object is constructed by the caller.
  void* take(size_t size_class);
  void give(size_t size_class, void* memory);
  void* take_slowly(size_t size_class);
  void give_slowly(size_t size_class, Chain batch);
  void* take_from_host(size_t size);
  void give_to_host(void* memory, size_t size);
  void give_chain_to_host(size_t size_class, FreeItem* first);
  size_t bytes_cached() const;

  static size_t size_of_class(size_t size_class);
  static uint32_t batch_of_class(size_t size_class);
  static size_t class_of_capacity(size_t capacity);

  void* take_block(size_t capacity, uint32_t& actual);
  void give_block(void* memory, uint32_t capacity);

  const Hal& hal_;
  size_t limit_;
  size_t held_ = 0;  // atomic: bytes from the HAL, live and cached
  Depot depot_;
  std::array<ProcessorCache, kProcessors> caches_;
};

}  // namespace lxnet
