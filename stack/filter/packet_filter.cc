#include "stack/filter/packet_filter.hh"

#include "stack/drop_reason.hh"
#include "stack/filter/answer.hh"
#include "stack/filter/filter_table.hh"
#include "stack/ip/ip_info.hh"
#include "stack/stack.hh"

namespace lxnet {

PacketFilter::~PacketFilter() {
  for (auto& family : tables_) {
    for (FilterTable*& table : family) static_cast<void>(Ref<FilterTable>::adopt(std::exchange(table, nullptr)));
  }
}

FilterVerdict PacketFilter::pass(FilterPacket& packet, bool* routes_anew) {
  FilterVerdict verdict = FilterVerdict::Accept;
  {
    MutexLock lock(mutex_);
    for (size_t kind = 0; kind < kFilterTableCount && verdict == FilterVerdict::Accept; ++kind) {
      FilterTable* table = tables_[index_of(packet.family)][kind];
      if (table == nullptr || (table->hooks() & hook_bit(packet.hook)) == 0) continue;
      packet.is_routed_differently = false;
      verdict = table->walk(packet);
      if (routes_anew != nullptr && FilterTableKind{static_cast<uint8_t>(kind)} == FilterTableKind::Mangle)
        *routes_anew = packet.is_routed_differently;
    }
  }
  if (packet.is_broken) return FilterVerdict::Drop;
  if (packet.answer != FilterPacket::kNoAnswer) answer_refused(packet);
  return verdict;
}

Ref<FilterTable> PacketFilter::find(IpFamily family, FilterTableKind kind) {
  MutexLock lock(mutex_);
  FilterTable* table = tables_[index_of(family)][static_cast<size_t>(kind)];
  return table == nullptr ? nullptr : Ref<FilterTable>::share(*table);
}

Ref<FilterTable> PacketFilter::add(IpFamily family, FilterTableKind kind, Ref<FilterTable> table) {
  MutexLock lock(mutex_);
  const size_t index = index_of(family), place = static_cast<size_t>(kind);
  FilterTable*& slot = tables_[index][place];
  if (slot == nullptr) {
    slot = table.leak();
    uint8_t newest = 0;
    for (const uint8_t number : order_[index]) newest = number > newest ? number : newest;
    order_[index][place] = static_cast<uint8_t>(newest + 1);
    learn_hooks(index);
  }
  return Ref<FilterTable>::share(*slot);
}

Result<Ref<FilterTable>> PacketFilter::replace(IpFamily family, FilterTableKind kind, Ref<FilterTable> table,
                                               size_t expected_rules) {
  MutexLock lock(mutex_);
  FilterTable*& slot = tables_[index_of(family)][static_cast<size_t>(kind)];
  if (slot == nullptr || slot->rules().size() != expected_rules) return Errno::EAGAIN;
  return Ref<FilterTable>::adopt(std::exchange(slot, table.leak()));
}

void PacketFilter::learn_hooks(size_t family) {
  uint8_t hooks = 0;
  for (const FilterTable* table : tables_[family]) {
    if (table != nullptr) hooks = static_cast<uint8_t>(hooks | table->hooks());
  }
  __atomic_store_n(&hooks_[family], hooks, __ATOMIC_RELAXED);
}

void PacketFilter::read_counters(const FilterTable& table, std::span<FilterCounters> counters) {
  MutexLock lock(mutex_);
  for (size_t i = 0; i < counters.size(); ++i) counters[i] = table.counters_of(i);
}

Result<> PacketFilter::add_counters(IpFamily family, FilterTableKind kind, std::span<const FilterCounters> counters) {
  MutexLock lock(mutex_);
  FilterTable* table = tables_[index_of(family)][static_cast<size_t>(kind)];
  if (table == nullptr || table->rules().size() != counters.size()) return Errno::EINVAL;
  for (size_t i = 0; i < counters.size(); ++i) {
    FilterCounters& own = table->counters_of(i);
    own.packets += counters[i].packets;
    own.bytes += counters[i].bytes;
  }
  return ok();
}

size_t PacketFilter::list(IpFamily family, FilterTableKind (&kinds)[kFilterTableCount]) {
  MutexLock lock(mutex_);
  const uint8_t(&order)[kFilterTableCount] = order_[index_of(family)];
  size_t count = 0;
  for (size_t number = kFilterTableCount; number > 0; --number) {
    for (size_t kind = 0; kind < kFilterTableCount; ++kind) {
      if (order[kind] == number) kinds[count++] = FilterTableKind{static_cast<uint8_t>(kind)};
    }
  }
  return count;
}

Ref<Packet> filter_received(Entry& entry, Ref<Packet> packet, IpFamily family, FilterHook hook, const Interface* input,
                            const Interface* output) {
  FilterPacket seen(entry, *packet, family, hook, input, output);
  const FilterVerdict verdict = entry.stack().filter().pass(seen);
  if (verdict == FilterVerdict::Accept) {
    // What is known of the packet is what its header says now.
    ip_info(*packet).ttl = seen.time_to_live;
    ip_info(*packet).tos = seen.type_of_service;
    return packet;
  }
  drop(entry, std::move(packet), DropReason::PacketFilter);
  return nullptr;
}

}  // namespace lxnet
