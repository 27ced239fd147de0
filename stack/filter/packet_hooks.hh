// PacketHooks: where what looks at packets joins their way. Linux's nf_hook_ops.
//
// For each family and hook there is a list, in order of priority; a packet that is there passes all of it, until one says other
// than Accept. Who joins may leave again at any time. A stack whose lists are empty pays one load and one branch at each hook.
//
// Rules kept: one lock covers all lists and whatever their members change of themselves when a packet comes by (docs/decisions/
// 0012). Nothing in a pass allocates, but for a connection that is new, or sends: what is to be sent is noted in the packet.
#pragma once

#include "base/list.hh"
#include "hal/mutex.hh"
#include "netdev/packet.hh"
#include "stack/filter/filter_hook.hh"
#include "stack/ip_address.hh"

namespace lxnet {

class Entry;
class Interface;
struct FilterPacket;

// NF_IP_PRI_*: the lower, the earlier. Any number may stand between.
namespace hook_priority {
inline constexpr int32_t kRaw = -300, kConnections = -200, kMangle = -150, kDestinationNat = -100, kFilter = 0, kSecurity = 50,
                         kSourceNat = 100, kConfirm = INT32_MAX;
}  // namespace hook_priority

// One member of one list. Derive from it to find what belongs to it in `run`.
struct PacketHook {
  // Under the lock of PacketHooks. Accept: the packet goes on to the next.
  using Run = FilterVerdict (*)(PacketHook& self, FilterPacket& packet);

  IpFamily family = IpFamily::V4;
  FilterHook hook = FilterHook::PreRouting;
  int32_t priority = 0;
  Run run = nullptr;
  ListLink chain_link = {};
};

using PacketHookChain = List<PacketHook, &PacketHook::chain_link>;
// Of those of one priority that are there it comes first, as nf_hook_entries_grow() has it.
void insert_by_priority(PacketHookChain& chain, PacketHook& hook);

class PacketHooks {
 public:
  explicit PacketHooks(const Hal& hal) : mutex_(hal, LockRank::PacketFilter) {}

  // Whether anybody is at one of the hooks (hook_bit()).
  bool is_active(IpFamily family, uint8_t hooks) const {
    return (__atomic_load_n(&active_[index_of(family)], __ATOMIC_RELAXED) & hooks) != 0;
  }

  // any lock below rank PacketFilter. Through the packet's list. What is sent in answer to a packet that was refused is on its
  // way when this returns.
  FilterVerdict pass(FilterPacket& packet);

  // The lock, for who changes in task context what a pass uses.
  Mutex& mutex() RETURN_CAPABILITY(mutex_) { return mutex_; }

  // The hook joins its list, before those of its priority that are there, and stays where it is in memory until it has left.
  void add_locked(PacketHook& hook) REQUIRES(mutex_);
  void remove_locked(PacketHook& hook) REQUIRES(mutex_);
  void add(PacketHook& hook) {
    MutexLock lock(mutex_);
    add_locked(hook);
  }
  // No packet is in it when this returns.
  void remove(PacketHook& hook) {
    MutexLock lock(mutex_);
    remove_locked(hook);
  }

 private:
  static constexpr size_t index_of(IpFamily family) { return family == IpFamily::V6 ? 1 : 0; }
  PacketHookChain& chain_of(IpFamily family, FilterHook hook) REQUIRES(mutex_) {
    return chains_[index_of(family)][static_cast<size_t>(hook)];
  }
  void learn_active(const PacketHook& hook) REQUIRES(mutex_);

  mutable Mutex mutex_;
  uint8_t active_[2] = {};  // by family: hook_bit() of the lists with members
  PacketHookChain chains_[2][kFilterHookCount] GUARDED_BY(mutex_);
};

// A packet that comes in or is forwarded, its front at the IP header. Null: it is gone, and counted.
Ref<Packet> filter_received(Entry& entry, Ref<Packet> packet, IpFamily family, FilterHook hook, const Interface* input,
                            const Interface* output = nullptr);

}  // namespace lxnet
