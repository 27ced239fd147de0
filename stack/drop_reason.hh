// Why a packet died. Drops are not errors: each is counted by name, and shown to a capture that runs.
#pragma once

#include <cstdint>

#include "base/ref.hh"
#include "netdev/packet.hh"

namespace lxnet {

enum class DropReason : uint8_t {
#define LXNET_DROP_REASON(enumerator, name) enumerator,
#include "stack/drop_reason_rows.inc"
#undef LXNET_DROP_REASON
};

inline constexpr const char* kDropReasonNames[] = {
#define LXNET_DROP_REASON(enumerator, name) name,
#include "stack/drop_reason_rows.inc"
#undef LXNET_DROP_REASON
};
inline constexpr unsigned kDropReasonCount = sizeof(kDropReasonNames) / sizeof(kDropReasonNames[0]);

constexpr const char* drop_reason_name(DropReason reason) {
  return static_cast<unsigned>(reason) < kDropReasonCount ? kDropReasonNames[static_cast<unsigned>(reason)] : "unknown";
}

class Entry;
// Counts it and lets the packet go.
void drop(Entry& entry, Ref<Packet> packet, DropReason reason);

class DropCounters {
 public:
  // A capture that runs sees each dropped packet, under whatever lock it was dropped. Set while nothing is under way.
  using Observer = void (*)(void* context, const Packet& packet, DropReason reason);
  void observe(Observer observer, void* context) {
    observer_ = observer;
    observer_context_ = context;
  }
  void report(const Packet& packet, DropReason reason) const {
    if (observer_ != nullptr) observer_(observer_context_, packet, reason);
  }

  void count(DropReason reason) { __atomic_fetch_add(&counts_[static_cast<unsigned>(reason)], 1u, __ATOMIC_RELAXED); }
  uint64_t get(DropReason reason) const { return __atomic_load_n(&counts_[static_cast<unsigned>(reason)], __ATOMIC_RELAXED); }

 private:
  uint64_t counts_[kDropReasonCount] = {};
  Observer observer_ = nullptr;
  void* observer_context_ = nullptr;
};

}  // namespace lxnet
