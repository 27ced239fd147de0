#include "compat/tun/tun_queues.hh"

namespace lxnet {
namespace {

// The same for both directions of a flow: addresses and ports count without order.
uint32_t flow_hash(const Packet& frame, size_t link_size) {
  uint8_t head[60] = {};
  frame.read(link_size, head);
  const bool is_v4 = head[0] >> 4 == 4;
  if (!is_v4 && head[0] >> 4 != 6) return 0;
  const size_t address_at = is_v4 ? 12 : 8, address_size = is_v4 ? 4 : 16;
  const size_t transport_at = is_v4 ? size_t{head[0] & 0xfu} * 4 : 40;
  const uint8_t protocol = is_v4 ? head[9] : head[6];
  const bool is_fragment = is_v4 && ((head[6] & 0x3f) != 0 || head[7] != 0);
  uint32_t mixed = protocol;
  for (size_t i = 0; i < address_size; ++i) {
    mixed = mixed * 31 + static_cast<uint32_t>(head[address_at + i] ^ head[address_at + address_size + i]);
  }
  if ((protocol == 6 || protocol == 17) && !is_fragment && transport_at + 4 <= sizeof head) {
    mixed = mixed * 31 + static_cast<uint32_t>((head[transport_at] ^ head[transport_at + 2]) << 8 |
                                               (head[transport_at + 1] ^ head[transport_at + 3]));
  }
  mixed = (mixed ^ mixed >> 16) * 0x9e3779b1u;
  return mixed ^ mixed >> 15;
}

}  // namespace

size_t TunQueues::count() const {
  MutexLock lock(mutex_);
  return enabled_;
}

size_t TunQueues::disabled() const {
  MutexLock lock(mutex_);
  return total_ - enabled_;
}

bool TunQueues::is_empty() const {
  MutexLock lock(mutex_);
  return total_ == 0;
}

bool TunQueues::has_several() const {
  MutexLock lock(mutex_);
  return total_ > 1;
}

Ref<TunQueue> TunQueues::at(size_t place) const {
  MutexLock lock(mutex_);
  return place < total_ ? queues_[place] : nullptr;
}

size_t TunQueues::place_of_locked(const TunQueue& queue) const {
  size_t place = 0;
  while (place < total_ && queues_[place].get() != &queue) ++place;
  return place;
}

void TunQueues::swap_locked(size_t a, size_t b) { std::swap(queues_[a], queues_[b]); }

Result<> TunQueues::add(const Ref<TunQueue>& queue, Several several) {
  MutexLock lock(mutex_);
  if (several == Several::No && enabled_ == 1) return Errno::EBUSY;
  if (total_ == kMost) return Errno::E2BIG;
  queues_[total_] = queue;
  swap_locked(enabled_++, total_++);
  queue->open();
  return ok();
}

void TunQueues::remove(TunQueue& queue) {
  Ref<TunQueue> gone;
  {
    MutexLock lock(mutex_);
    size_t place = place_of_locked(queue);
    if (place == total_) return;
    if (place < enabled_) {
      swap_locked(place, --enabled_);
      place = enabled_;
    }
    swap_locked(place, --total_);
    std::swap(gone, queues_[total_]);
  }
  forget_flows();
}

void TunQueues::set_enabled(TunQueue& queue, bool is_enabled) {
  {
    MutexLock lock(mutex_);
    const size_t place = place_of_locked(queue);
    if (place == total_ || (place < enabled_) == is_enabled) return;
    if (is_enabled) {
      swap_locked(place, enabled_++);
    } else {
      swap_locked(place, --enabled_);
    }
  }
  forget_flows();
}

bool TunQueues::is_enabled(const TunQueue& queue) const {
  MutexLock lock(mutex_);
  return place_of_locked(queue) < enabled_;
}

Ref<TunQueue> TunQueues::choose(const Packet& frame, size_t link_size) const {
  {
    MutexLock lock(mutex_);
    if (enabled_ == 0) return nullptr;
    if (enabled_ == 1) return queues_[0];
  }
  const uint32_t hash = flow_hash(frame, link_size);
  const uint64_t flow = __atomic_load_n(&flows_[hash % kFlows], __ATOMIC_RELAXED);
  const size_t learnt = static_cast<size_t>(flow & 0xffff);
  MutexLock lock(mutex_);
  if (enabled_ == 0) return nullptr;
  if (flow >> 32 == hash && learnt != 0 && learnt <= enabled_) return queues_[learnt - 1];
  return queues_[static_cast<size_t>(uint64_t{hash} * enabled_ >> 32)];
}

void TunQueues::learn(const Packet& frame, size_t link_size, const TunQueue& queue) {
  size_t place = 0;
  {
    MutexLock lock(mutex_);
    place = place_of_locked(queue);
    if (enabled_ < 2 || place >= enabled_) return;
  }
  const uint32_t hash = flow_hash(frame, link_size);
  __atomic_store_n(&flows_[hash % kFlows], uint64_t{hash} << 32 | (place + 1), __ATOMIC_RELAXED);
}

void TunQueues::forget_flows() {
  for (uint64_t& flow : flows_) __atomic_store_n(&flow, 0u, __ATOMIC_RELAXED);
}

void TunQueues::shut_all() {
  while (const Ref<TunQueue> queue = at(0)) {
    queue->shut();
    remove(*queue);
  }
}

}  // namespace lxnet
