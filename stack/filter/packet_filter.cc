#include "stack/filter/packet_filter.hh"

#include "stack/conntrack/connection_tracker.hh"
#include "stack/conntrack/tracker_slot.hh"
#include "stack/filter/filter_table.hh"

namespace lxnet {
namespace {

int32_t priority_of(FilterTableKind kind, FilterHook hook) {
  switch (kind) {
    case FilterTableKind::Raw:
      return hook_priority::kRaw;
    case FilterTableKind::Mangle:
      return hook_priority::kMangle;
    case FilterTableKind::Nat:
      return nat_side_of(hook) == NatSide::Source ? hook_priority::kSourceNat : hook_priority::kDestinationNat;
    case FilterTableKind::Filter:
      return hook_priority::kFilter;
    case FilterTableKind::Security:
      break;
  }
  return hook_priority::kSecurity;
}

}  // namespace

PacketFilter::~PacketFilter() {
  for (auto& family : places_) {
    for (size_t kind = 0; kind < kFilterTableCount; ++kind) {
      {
        MutexLock lock(hooks_.mutex());
        leave(family[kind], FilterTableKind{static_cast<uint8_t>(kind)});
      }
      static_cast<void>(Ref<FilterTable>::adopt(std::exchange(family[kind].table, nullptr)));
    }
  }
}

void PacketFilter::leave(Place& place, FilterTableKind kind) {
  for (PacketHook& hook : place.hooks) {
    if (!hook.chain_link.is_linked()) continue;
    if (kind == FilterTableKind::Nat) {
      connections_.tracker()->nat().remove_rules_locked(hooks_, hook);
    } else {
      hooks_.remove_locked(hook);
    }
  }
}

FilterVerdict PacketFilter::walk(PacketHook& hook, FilterPacket& packet) {
  Place& place = *static_cast<Place::Hook&>(hook).place;
  packet.is_routed_differently = false;
  const FilterVerdict verdict = place.table->walk(packet);
  packet.wants_other_route |= place.chooses_routes && packet.is_routed_differently;
  return verdict;
}

Ref<FilterTable> PacketFilter::find(IpFamily family, FilterTableKind kind) {
  MutexLock lock(hooks_.mutex());
  FilterTable* table = place_of(family, kind).table;
  return table == nullptr ? nullptr : Ref<FilterTable>::share(*table);
}

Ref<FilterTable> PacketFilter::add(IpFamily family, FilterTableKind kind, Ref<FilterTable> table) {
  MutexLock lock(hooks_.mutex());
  Place& place = place_of(family, kind);
  if (place.table == nullptr) {
    place.table = table.leak();
    join(place, family, kind);
  }
  return Ref<FilterTable>::share(*place.table);
}

void PacketFilter::join(Place& place, IpFamily family, FilterTableKind kind) {
  uint8_t newest = 0;
  for (const Place& other : places_[index_of(family)]) newest = other.order > newest ? other.order : newest;
  place.order = static_cast<uint8_t>(newest + 1);
  place.chooses_routes = kind == FilterTableKind::Mangle;
  for (size_t at = 0; at < kFilterHookCount; ++at) {
    const FilterHook where{static_cast<uint8_t>(at)};
    if ((place.table->hooks() & hook_bit(where)) == 0) continue;
    Place::Hook& hook = place.hooks[at];
    hook.place = &place;
    hook.family = family;
    hook.hook = where;
    hook.priority = priority_of(kind, where);
    hook.run = &PacketFilter::walk;
    if (kind == FilterTableKind::Nat) {
      connections_.tracker()->nat().add_rules_locked(hooks_, hook);
    } else {
      hooks_.add_locked(hook);
    }
  }
}

Result<Ref<FilterTable>> PacketFilter::replace(IpFamily family, FilterTableKind kind, Ref<FilterTable> table,
                                               size_t expected_rules) {
  MutexLock lock(hooks_.mutex());
  FilterTable*& slot = place_of(family, kind).table;
  if (slot == nullptr || slot->rules().size() != expected_rules) return Errno::EAGAIN;
  return Ref<FilterTable>::adopt(std::exchange(slot, table.leak()));
}

void PacketFilter::read_counters(const FilterTable& table, std::span<FilterCounters> counters) {
  MutexLock lock(hooks_.mutex());
  for (size_t i = 0; i < counters.size(); ++i) counters[i] = table.counters_of(i);
}

Result<> PacketFilter::add_counters(IpFamily family, FilterTableKind kind, std::span<const FilterCounters> counters) {
  MutexLock lock(hooks_.mutex());
  FilterTable* table = place_of(family, kind).table;
  if (table == nullptr || table->rules().size() != counters.size()) return Errno::EINVAL;
  for (size_t i = 0; i < counters.size(); ++i) {
    FilterCounters& own = table->counters_of(i);
    own.packets += counters[i].packets;
    own.bytes += counters[i].bytes;
  }
  return ok();
}

size_t PacketFilter::list(IpFamily family, FilterTableKind (&kinds)[kFilterTableCount]) {
  MutexLock lock(hooks_.mutex());
  size_t count = 0;
  for (size_t number = kFilterTableCount; number > 0; --number) {
    for (size_t kind = 0; kind < kFilterTableCount; ++kind) {
      if (places_[index_of(family)][kind].order == number) kinds[count++] = FilterTableKind{static_cast<uint8_t>(kind)};
    }
  }
  return count;
}

}  // namespace lxnet
