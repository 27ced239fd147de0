// PacketFilter: the tables of a stack, which packets meet at its hooks. Linux's ip_tables and ip6_tables.
//
// A stack without tables has no memory here. A table comes when somebody asks for it, joins the hooks that it has rules for, and
// stays. What packets change of it is covered by the lock of the hooks: counters, the stack of jumps, what a limit has left.
#pragma once

#include "stack/filter/packet_hooks.hh"

namespace lxnet {

class FilterTable;
class TrackerSlot;
struct FilterCounters;

class PacketFilter {
 public:
  PacketFilter(PacketHooks& hooks, TrackerSlot& connections) : hooks_(hooks), connections_(connections) {}
  ~PacketFilter();

  // ---- for who reads and changes the tables: no lock
  // Null: not made yet.
  Ref<FilterTable> find(IpFamily family, FilterTableKind kind);
  // Puts in a table that nobody had made; of `nat`, when there is a ConnectionTracker. Of two who do so at once, one is first:
  // the one that counts comes back.
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
  // Where a table stands, and how packets come to it.
  struct Place {
    struct Hook : PacketHook {
      Place* place = nullptr;
    };
    FilterTable* table = nullptr;
    uint8_t order = 0;  // which table of its family came when, from 1
    bool chooses_routes = false;
    Hook hooks[kFilterHookCount] = {};
  };
  static FilterVerdict walk(PacketHook& hook, FilterPacket& packet);
  static constexpr size_t index_of(IpFamily family) { return family == IpFamily::V6 ? 1 : 0; }
  Place& place_of(IpFamily family, FilterTableKind kind) { return places_[index_of(family)][static_cast<size_t>(kind)]; }
  void join(Place& place, IpFamily family, FilterTableKind kind) REQUIRES(hooks_.mutex());
  void leave(Place& place, FilterTableKind kind) REQUIRES(hooks_.mutex());

  PacketHooks& hooks_;
  TrackerSlot& connections_;
  Place places_[2][kFilterTableCount];  // under the lock of the hooks
};

}  // namespace lxnet
