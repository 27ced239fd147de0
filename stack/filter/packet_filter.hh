// PacketFilter: the tables of a stack, which a packet passes at five hooks. Linux's ip_tables and ip6_tables.
//
// A stack without tables has no memory here, and a hook costs it one load and one branch (is_active()). A table comes when
// somebody asks for it, and stays. One lock covers what packets change: counters, the stack of jumps, what a limit has left.
#pragma once

#include "hal/mutex.hh"
#include "netdev/packet.hh"
#include "stack/filter/filter_hook.hh"
#include "stack/ip_address.hh"

namespace lxnet {

class Entry;
class FilterTable;
class Interface;
struct FilterCounters;
struct FilterPacket;

class PacketFilter {
 public:
  explicit PacketFilter(const Hal& hal) : mutex_(hal, LockRank::PacketFilter) {}
  ~PacketFilter();

  // Whether any table has rules at one of the hooks (hook_bit()).
  bool is_active(IpFamily family, uint8_t hooks) const {
    return (__atomic_load_n(&hooks_[index_of(family)], __ATOMIC_RELAXED) & hooks) != 0;
  }

  // any lock below rank PacketFilter. Through all tables that have the packet's hook. What the rules send in answer to a packet
  // they refuse is on its way when this returns. Raw before Mangle before Filter before Security; `routes_anew` says whether
  // Mangle changed what routes are chosen by.
  FilterVerdict pass(FilterPacket& packet, bool* routes_anew = nullptr);

  // ---- for who reads and changes the tables: no lock
  // Null: not made yet.
  Ref<FilterTable> find(IpFamily family, FilterTableKind kind);
  // Puts in a table that nobody had made. Of two who do so at once, one is first: the one that counts comes back.
  Ref<FilterTable> add(IpFamily family, FilterTableKind kind, Ref<FilterTable> table);
  // In place of the one that is there, which comes back. EAGAIN: its number of rules is not the one that was expected.
  Result<Ref<FilterTable>> replace(IpFamily family, FilterTableKind kind, Ref<FilterTable> table, size_t expected_rules);
  // Of all rules of the table, in order; counters.size() is their number.
  void read_counters(const FilterTable& table, std::span<FilterCounters> counters);
  // EINVAL: as many as given are not the table's rules.
  Result<> add_counters(IpFamily family, FilterTableKind kind, std::span<const FilterCounters> counters);
  // The tables that are there, the newest first; how many.
  size_t list(IpFamily family, FilterTableKind (&kinds)[kFilterTableCount]);

 private:
  static constexpr size_t index_of(IpFamily family) { return family == IpFamily::V6 ? 1 : 0; }
  void learn_hooks(size_t family) REQUIRES(mutex_);

  mutable Mutex mutex_;
  uint8_t hooks_[2] = {};  // by family: where any table has rules
  FilterTable* tables_[2][kFilterTableCount] GUARDED_BY(mutex_) = {};
  uint8_t order_[2][kFilterTableCount] GUARDED_BY(mutex_) = {};  // which table came when, from 1
};

// A packet that comes in or is forwarded, its front at the IP header. Null: it is gone, and counted.
Ref<Packet> filter_received(Entry& entry, Ref<Packet> packet, IpFamily family, FilterHook hook, const Interface* input,
                            const Interface* output = nullptr);

}  // namespace lxnet
