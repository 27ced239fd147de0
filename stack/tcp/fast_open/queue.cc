#include "stack/tcp/fast_open/queue.hh"

namespace lxnet {

FastOpenQueue::~FastOpenQueue() {
  while (FastOpenTicket* ticket = resets_.take_front()) dispose(mutex_.hal(), ticket);
}

bool FastOpenQueue::has_room(Instant now) {
  FastOpenTicket* forgotten = nullptr;
  {
    MutexLock lock(mutex_);
    if (length_ < limit_) return true;
    FastOpenTicket* eldest = resets_.front();
    if (limit_ == 0 || eldest == nullptr || eldest->expires_at > now) return false;
    forgotten = resets_.take_front();
    --length_;
  }
  dispose(mutex_.hal(), forgotten);
  return true;
}

FastOpenTicket* FastOpenQueue::join() {
  FastOpenTicket* ticket = construct<FastOpenTicket>(mutex_.hal());
  if (ticket == nullptr) return nullptr;
  MutexLock lock(mutex_);
  ++length_;
  return ticket;
}

void FastOpenQueue::leave(FastOpenTicket* ticket, Left how, Instant now) {
  {
    MutexLock lock(mutex_);
    if (how == Left::Reset) {
      ticket->expires_at = now + Duration::seconds(60);
      resets_.push_back(*ticket);
      return;
    }
    --length_;
  }
  dispose(mutex_.hal(), ticket);
}

void FastOpenQueue::set_limit(uint32_t limit) {
  MutexLock lock(mutex_);
  limit_ = limit;
}

uint32_t FastOpenQueue::limit() {
  MutexLock lock(mutex_);
  return limit_;
}

void FastOpenQueue::set_keys(const FastOpenKeys& keys) {
  MutexLock lock(mutex_);
  keys_ = keys;
}

FastOpenKeys FastOpenQueue::keys() {
  MutexLock lock(mutex_);
  return keys_;
}

}  // namespace lxnet
