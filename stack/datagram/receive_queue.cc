// Queueing, taking and peeking.
#include "stack/datagram/receive_queue.hh"

namespace lxnet {

bool ReceiveQueue::push(Ref<Packet>& packet, size_t limit, size_t held_beside) {
  DatagramInfo& info = datagram_info(*packet);
  MutexLock lock(mutex_);
  if (!admits(bytes_ + held_beside, info.charge, limit)) {
    count_drop();
    return false;
  }
  info.drops = drops_;
  __atomic_store_n(&bytes_, bytes_ + info.charge, __ATOMIC_RELAXED);
  __atomic_store_n(&count_, count_ + 1, __ATOMIC_RELEASE);
  packets_.push_back(std::move(packet));
  return true;
}

Ref<Packet> ReceiveQueue::take() {
  MutexLock lock(mutex_);
  Ref<Packet> packet = packets_.take_front();
  if (!packet) return packet;
  __atomic_store_n(&bytes_, bytes_ - datagram_info(*packet).charge, __ATOMIC_RELAXED);
  __atomic_store_n(&count_, count_ - 1, __ATOMIC_RELAXED);
  return packet;
}

Ref<Packet> ReceiveQueue::peek(int64_t& offset) {
  MutexLock lock(mutex_);
  int64_t left = offset < 0 ? 0 : offset;
  for (Packet* packet = packets_.front(); packet != nullptr; packet = packets_.next(*packet)) {
    const auto size = static_cast<int64_t>(packet->size());
    // An empty datagram is seen by one peek, then the offset passes it.
    if (offset >= 0 && left >= size && (left != 0 || datagram_info(*packet).was_peeked)) {
      left -= size;
      continue;
    }
    if (size == 0) datagram_info(*packet).was_peeked = true;
    offset = left;
    return Ref<Packet>::share(*packet);
  }
  return nullptr;
}

int64_t ReceiveQueue::front_size() {
  MutexLock lock(mutex_);
  return packets_.is_empty() ? -1 : static_cast<int64_t>(packets_.front()->size());
}

void ReceiveQueue::clear() {
  PacketQueue all;
  {
    MutexLock lock(mutex_);
    all.append(packets_);
    __atomic_store_n(&bytes_, size_t{0}, __ATOMIC_RELAXED);
    __atomic_store_n(&count_, size_t{0}, __ATOMIC_RELAXED);
  }
}

}  // namespace lxnet
