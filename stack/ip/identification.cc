// Choosing identifications.
#include "stack/ip/identification.hh"

namespace lxnet {

namespace {

struct IdentKey {
  Ipv4Address source, destination;
  uint8_t protocol[4];
};

}  // namespace

void Identification::fill() { hal_.random_bytes(MutableByteSpan(reinterpret_cast<uint8_t*>(counters_), sizeof counters_)); }

uint16_t Identification::next_v4(Instant now, Ipv4Address source, Ipv4Address destination, uint8_t protocol, uint32_t count) {
  const uint64_t hash = siphash_1_3(key_, IdentKey{source, destination, {protocol, 0, 0, 0}});
  const size_t slot = hash % kCounters;
  const auto tick = static_cast<uint32_t>(now.in_nanos() / 1'000'000);
  uint32_t before = __atomic_load_n(&last_used_[slot], __ATOMIC_RELAXED);
  if (before != tick) before = __atomic_exchange_n(&last_used_[slot], tick, __ATOMIC_RELAXED);
  const uint32_t idle = tick - before;
  uint32_t step = 0;
  if (idle != 0) step = static_cast<uint32_t>((uint64_t{hal_.random<uint32_t>()} * idle) >> 32);
  return static_cast<uint16_t>(fetch_add(counters_[slot], count + step, hal_.sharing()) + step);
}

uint32_t Identification::next_v6() const {
  uint32_t id = 0;
  while (id == 0) id = hal_.random<uint32_t>();
  return id;
}

}  // namespace lxnet
