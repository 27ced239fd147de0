#include "stack/filter/packet_filter.hh"

#include "stack/filter/filter_table.hh"

namespace lxnet {
namespace {

constexpr int32_t kPriorities[kFilterTableCount] = {hook_priority::kRaw, hook_priority::kMangle, hook_priority::kFilter,
                                                    hook_priority::kSecurity};

}  // namespace

PacketFilter::~PacketFilter() {
  for (auto& family : places_) {
    for (Place& place : family) {
      for (PacketHook& hook : place.hooks) {
        if (hook.chain_link.is_linked()) hooks_.remove(hook);
      }
      static_cast<void>(Ref<FilterTable>::adopt(std::exchange(place.table, nullptr)));
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
    hook.priority = kPriorities[static_cast<size_t>(kind)];
    hook.run = &PacketFilter::walk;
    hooks_.add_locked(hook);
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
