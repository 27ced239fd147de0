// FastOpenQueue: how many of a listener's connections may have been opened by a SYN alone (TCP_FASTOPEN's length), and whose
// cookies it takes.
//
// The listener and each such connection share it, so that a connection leaves it without owning the listener. One that was reset
// after it was accepted counts for a minute more: a flood with stolen cookies turns Fast Open off and nothing else (RFC
// 7413, 5.1).
#pragma once

#include "base/list.hh"
#include "base/ref.hh"
#include "base/time.hh"
#include "hal/memory.hh"
#include "hal/mutex.hh"
#include "stack/tcp/fast_open/keys.hh"

namespace lxnet {

// One place in the queue.
struct FastOpenTicket {
  ListLink reset_link;
  Instant expires_at;
};

class FastOpenQueue : public RefCounted<FastOpenQueue> {
 public:
  explicit FastOpenQueue(const Hal& hal) : mutex_(hal, LockRank::FastOpen) {}
  static void destroy(FastOpenQueue* queue) {
    const Hal& hal = queue->mutex_.hal();
    dispose(hal, queue);
  }

  // Whether one more may join; a reset one whose minute is over makes room.
  bool has_room(Instant now);
  // Null without memory.
  FastOpenTicket* join();
  enum class Left : uint8_t { Well, Reset };
  void leave(FastOpenTicket* ticket, Left how, Instant now);

  void set_limit(uint32_t limit);
  uint32_t limit();
  // The listener's own; count 0: the stack's.
  void set_keys(const FastOpenKeys& keys);
  FastOpenKeys keys();

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  ~FastOpenQueue();

  Mutex mutex_;
  uint32_t limit_ GUARDED_BY(mutex_) = 0;
  uint32_t length_ GUARDED_BY(mutex_) = 0;
  List<FastOpenTicket, &FastOpenTicket::reset_link> resets_ GUARDED_BY(mutex_);  // eldest first; of length_
  FastOpenKeys keys_ GUARDED_BY(mutex_);
};

}  // namespace lxnet
