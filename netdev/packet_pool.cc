// Free lists of packets, blocks and small objects: magazines per processor, a depot of full ones, and the host behind them.
//
// No lock is taken while another is held here: a batch is out of one place before it is put into the next.
#include "netdev/packet_pool.hh"

namespace lxnet {
namespace {

#if defined(__SANITIZE_ADDRESS__)
#define LXNET_POOL_RECYCLES false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LXNET_POOL_RECYCLES false
#endif
#endif
#if !defined(LXNET_POOL_RECYCLES)
#define LXNET_POOL_RECYCLES true
#endif
// Recycled memory would hide every use after free from AddressSanitizer.
constexpr bool kRecycles = LXNET_POOL_RECYCLES;

struct SizeClass {
  uint32_t capacity;  // of a block
  uint32_t batch;     // objects moved to and from the depot at once
};
constexpr SizeClass kSizeClasses[] = {
    {.capacity = 0, .batch = 64},           // Packet
    {.capacity = 0, .batch = 64},           // small objects
    {.capacity = 2048, .batch = 32},        // a frame with its headroom
    {.capacity = 4096, .batch = 16},        // a page
    {.capacity = 8192, .batch = 8},         //
    {.capacity = 16384, .batch = 8},        // a stream's usual piece
    {.capacity = 32768, .batch = 4},        //
    {.capacity = 65536 + 1024, .batch = 2}  // the largest datagram with all headers
};
constexpr uint32_t kDepotBatches = 8;
constexpr size_t kAlignment = alignof(Packet);
static_assert(sizeof(DataBlock) == 32);

size_t block_size(size_t capacity) { return sizeof(DataBlock) + capacity; }

}  // namespace

PacketPool::~PacketPool() {
  trim();
  ASSERT(__atomic_load_n(&held_, __ATOMIC_RELAXED) == 0);
}

size_t PacketPool::size_of_class(size_t size_class) {
  if (size_class == kPacketClass) return sizeof(Packet);
  return size_class == kSmallClass ? kSmallSize : block_size(kSizeClasses[size_class].capacity);
}

uint32_t PacketPool::batch_of_class(size_t size_class) { return kSizeClasses[size_class].batch; }

// kClasses when the capacity is beyond them all.
size_t PacketPool::class_of_capacity(size_t capacity) {
  static_assert(std::size(kSizeClasses) == kClasses);
  for (size_t i = kFirstBlockClass; i < kClasses; ++i) {
    if (capacity <= kSizeClasses[i].capacity) return i;
  }
  return kClasses;
}

void* PacketPool::take(size_t size_class) {
  ProcessorCache& cache = caches_[hal_.processor() % kProcessors];
  {
    MutexLock lock(cache.mutex);
    Chain& working = cache.working[size_class];
    if (working.count == 0) std::swap(working, cache.full[size_class]);
    if (working.count != 0) [[likely]] {
      FreeItem* item = working.first;
      working.first = item->next;
      --working.count;
      return item;
    }
  }
  return take_slowly(size_class);
}

void PacketPool::give(size_t size_class, void* memory) {
  if constexpr (!kRecycles) return give_to_host(memory, size_of_class(size_class));
  Chain overflow;
  {
    ProcessorCache& cache = caches_[hal_.processor() % kProcessors];
    MutexLock lock(cache.mutex);
    Chain& working = cache.working[size_class];
    if (working.count == batch_of_class(size_class)) [[unlikely]] {
      overflow = std::exchange(cache.full[size_class], working);
      working = Chain();
    }
    working.first = new (memory) FreeItem{.next = working.first, .next_batch = nullptr};
    ++working.count;
  }
  if (overflow.count != 0) give_slowly(size_class, overflow);
}

// A batch from the depot, of which the caller gets the first object; else one object of the host's.
void* PacketPool::take_slowly(size_t size_class) {
  FreeItem* batch = nullptr;
  {
    MutexLock lock(depot_.mutex);
    batch = depot_.batches[size_class];
    if (batch != nullptr) {
      depot_.batches[size_class] = batch->next_batch;
      --depot_.count[size_class];
    }
  }
  if (batch == nullptr) return take_from_host(size_of_class(size_class));
  Chain rest{.first = batch->next, .count = batch_of_class(size_class) - 1};
  {
    // This processor's chains were empty a moment ago; should they have filled since, the rest is more than it needs.
    ProcessorCache& cache = caches_[hal_.processor() % kProcessors];
    MutexLock lock(cache.mutex);
    if (cache.working[size_class].count == 0) std::swap(cache.working[size_class], rest);
  }
  if (rest.count != 0) give_chain_to_host(size_class, rest.first);
  return batch;
}

void PacketPool::give_slowly(size_t size_class, Chain batch) {
  {
    MutexLock lock(depot_.mutex);
    if (depot_.count[size_class] < kDepotBatches && batch.count == batch_of_class(size_class)) {
      batch.first->next_batch = std::exchange(depot_.batches[size_class], batch.first);
      ++depot_.count[size_class];
      return;
    }
  }
  give_chain_to_host(size_class, batch.first);
}

void* PacketPool::take_from_host(size_t size) {
  if (__atomic_add_fetch(&held_, size, __ATOMIC_RELAXED) > limit_) {
    trim();
    if (__atomic_load_n(&held_, __ATOMIC_RELAXED) > limit_) {
      __atomic_fetch_sub(&held_, size, __ATOMIC_RELAXED);
      return nullptr;
    }
  }
  void* memory = hal_.alloc(size, kAlignment);
  if (memory == nullptr) __atomic_fetch_sub(&held_, size, __ATOMIC_RELAXED);
  return memory;
}

void PacketPool::give_to_host(void* memory, size_t size) {
  hal_.free(memory, size);
  __atomic_fetch_sub(&held_, size, __ATOMIC_RELAXED);
}

void PacketPool::give_chain_to_host(size_t size_class, FreeItem* first) {
  while (first != nullptr) {
    FreeItem* next = first->next;
    give_to_host(first, size_of_class(size_class));
    first = next;
  }
}

void PacketPool::trim() {
  for (size_t size_class = 0; size_class < kClasses; ++size_class) {
    for (ProcessorCache& cache : caches_) {
      Chain working, full;
      {
        MutexLock lock(cache.mutex);
        std::swap(working, cache.working[size_class]);
        std::swap(full, cache.full[size_class]);
      }
      give_chain_to_host(size_class, working.first);
      give_chain_to_host(size_class, full.first);
    }
    FreeItem* batches = nullptr;
    {
      MutexLock lock(depot_.mutex);
      std::swap(batches, depot_.batches[size_class]);
      depot_.count[size_class] = 0;
    }
    while (batches != nullptr) {
      FreeItem* next = batches->next_batch;
      give_chain_to_host(size_class, batches);
      batches = next;
    }
  }
}

size_t PacketPool::bytes_live() const { return __atomic_load_n(&held_, __ATOMIC_RELAXED) - bytes_cached(); }

size_t PacketPool::bytes_cached() const {
  size_t bytes = 0;
  for (size_t size_class = 0; size_class < kClasses; ++size_class) {
    size_t count = 0;
    for (const ProcessorCache& cache : caches_) {
      MutexLock lock(cache.mutex);
      count += cache.working[size_class].count + cache.full[size_class].count;
    }
    MutexLock lock(depot_.mutex);
    count += size_t{depot_.count[size_class]} * batch_of_class(size_class);
    bytes += count * size_of_class(size_class);
  }
  return bytes;
}

void* PacketPool::take_block(size_t capacity, uint32_t& actual) {
  const size_t size_class = class_of_capacity(capacity);
  if (size_class != kClasses) {
    actual = kSizeClasses[size_class].capacity;
    return take(size_class);
  }
  if (capacity > UINT32_MAX - sizeof(DataBlock)) return nullptr;
  actual = static_cast<uint32_t>(capacity);
  return take_from_host(block_size(capacity));
}

void PacketPool::give_block(void* memory, uint32_t capacity) {
  const size_t size_class = class_of_capacity(capacity);
  if (size_class != kClasses) return give(size_class, memory);
  give_to_host(memory, block_size(capacity));
}

Result<Ref<DataBlock>> DataBlock::create(PacketPool& pool, size_t capacity) {
  uint32_t actual = 0;
  void* memory = pool.take_block(capacity, actual);
  if (memory == nullptr) return Errno::ENOBUFS;
  return Ref<DataBlock>::adopt(new (memory) DataBlock(pool, actual));
}

void DataBlock::destroy(DataBlock* block) {
  PacketPool& pool = block->pool_;
  const uint32_t capacity = block->capacity_;
  block->~DataBlock();
  pool.give_block(block, capacity);
}

}  // namespace lxnet
