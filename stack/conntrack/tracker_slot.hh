// TrackerSlot: the place a stack has for what follows connections, empty until something first needs it.
#pragma once

namespace lxnet {

class ConnectionTracker;

class TrackerSlot {
 public:
  TrackerSlot() = default;
  TrackerSlot(const TrackerSlot&) = delete;
  TrackerSlot& operator=(const TrackerSlot&) = delete;
  ~TrackerSlot();

  // Null: nothing has needed it yet.
  ConnectionTracker* tracker() const { return __atomic_load_n(&tracker_, __ATOMIC_ACQUIRE); }

 private:
  friend class ConnectionTracker;
  ConnectionTracker* tracker_ = nullptr;
};

}  // namespace lxnet
