#include "netdev/pair/pair_end.hh"

#include "netdev/frame_copy.hh"

namespace lxnet {
PairEnd::PairEnd(const Hal& hal, PacketPool& pool, const DeviceCapabilities& capabilities, size_t queue_limit)
    : pool_(pool), capabilities_(capabilities), queue_limit_(queue_limit), mutex_(hal, LockRank::Device) {}

void PairEnd::connect(PairEnd& a, PairEnd& b) {
  ASSERT(!a.is_link_up() && !b.is_link_up());
  __atomic_store_n(&a.peer_, &b, __ATOMIC_RELEASE);
  __atomic_store_n(&b.peer_, &a, __ATOMIC_RELEASE);
  a.tell_link_changed();
  b.tell_link_changed();
}

void PairEnd::disconnect() {
  PairEnd* peer = __atomic_exchange_n(&peer_, nullptr, __ATOMIC_ACQ_REL);
  if (peer == nullptr) return;
  __atomic_store_n(&peer->peer_, nullptr, __ATOMIC_RELEASE);
  tell_link_changed();
  peer->tell_link_changed();
}

void PairEnd::tell_link_changed() {
  if (client().link_changed != nullptr) client().link_changed(client().owner);
}

void PairEnd::set_wake(Wake wake, void* context) {
  wake_ = wake;
  wake_context_ = context;
}

bool PairEnd::has_waiting() const {
  MutexLock lock(mutex_);
  return !waiting_.is_empty();
}

void PairEnd::pump() {
  if (client().schedule_poll != nullptr) client().schedule_poll(client().owner);
}

Result<> PairEnd::start() {
  MutexLock lock(mutex_);
  is_started_ = true;
  return ok();
}

void PairEnd::stop() {
  PacketQueue discarded;
  MutexLock lock(mutex_);
  is_started_ = false;
  discarded.append(waiting_);
}

void PairEnd::transmit(Entry&, Instant, PacketQueue& batch) {
  PairEnd* peer = __atomic_load_n(&peer_, __ATOMIC_ACQUIRE);
  while (Ref<Packet> packet = batch.take_front()) {
    if (peer == nullptr) {
      counters_.count_send_drop();
      continue;
    }
    counters_.count_sent(*packet);
    peer->take_from_wire(*packet);
  }
}

void PairEnd::take_from_wire(const Packet& packet) {
  auto copy = copy_frame(pool_, packet);
  if (!copy.is_ok()) return counters_.count_receive_drop();
  bool was_empty = false;
  {
    MutexLock lock(mutex_);
    if (!is_started_) return;
    was_empty = waiting_.is_empty();
    if (waiting_.count() >= queue_limit_) return counters_.count_receive_drop();
    waiting_.push_back(copy.take());
  }
  if (was_empty && wake_ != nullptr) wake_(wake_context_);
}

size_t PairEnd::poll(Entry& entry, size_t budget) {
  PacketQueue batch;
  {
    MutexLock lock(mutex_);
    while (batch.count() < budget && !waiting_.is_empty()) batch.push_back(waiting_.take_front());
  }
  const size_t count = batch.count();
  if (count == 0) return 0;
  for (Packet* packet = batch.front(); packet != nullptr; packet = batch.next(*packet)) counters_.count_received(*packet);
  if (client().receive != nullptr) client().receive(client().owner, entry, batch);
  return count;
}

Result<> PairEnd::set_mtu(uint32_t mtu) {
  if (mtu < capabilities_.min_mtu || mtu > capabilities_.max_mtu) return Errno::EINVAL;
  capabilities_.mtu = mtu;
  return ok();
}

}  // namespace lxnet
