#include "compat/afpacket/packet_inbox.hh"

namespace lxnet {

void PacketInbox::push(Ref<Packet> packet, IsCounted counted) {
  MutexLock lock(mutex_);
  if (counted == IsCounted::Yes) ++statistics_.packets;
  FrameInfo& info = FrameInfo::of(*packet);
  info.charge = packet->true_size();
  info.drops = total_drops();
  __atomic_store_n(&bytes_, bytes_ + info.charge, __ATOMIC_RELAXED);
  __atomic_store_n(&count_, count_ + 1, __ATOMIC_RELEASE);
  packets_.push_back(std::move(packet));
}

Ref<Packet> PacketInbox::take() {
  MutexLock lock(mutex_);
  Ref<Packet> packet = packets_.take_front();
  if (!packet) return packet;
  __atomic_store_n(&bytes_, bytes_ - FrameInfo::of(*packet).charge, __ATOMIC_RELAXED);
  __atomic_store_n(&count_, count_ - 1, __ATOMIC_RELEASE);
  return packet;
}

Ref<Packet> PacketInbox::peek() {
  MutexLock lock(mutex_);
  Packet* front = packets_.front();
  return front == nullptr ? nullptr : Ref<Packet>::share(*front);
}

size_t PacketInbox::front_size() {
  MutexLock lock(mutex_);
  return packets_.front() == nullptr ? 0 : packets_.front()->size();
}

void PacketInbox::clear() {
  while (take()) {
  }
}

void PacketInbox::count_drop(IsCounted counted) {
  if (counted == IsCounted::Yes) __atomic_fetch_add(&drops_, 1u, __ATOMIC_RELAXED);
  __atomic_fetch_add(&total_drops_, 1u, __ATOMIC_RELAXED);
}

PacketStatistics PacketInbox::take_statistics() {
  MutexLock lock(mutex_);
  PacketStatistics taken = std::exchange(statistics_, {});
  taken.drops = __atomic_exchange_n(&drops_, 0u, __ATOMIC_RELAXED);
  taken.packets += taken.drops;
  return taken;
}

}  // namespace lxnet
