// Which free port: Linux's inet_csk_find_open_port, __inet_hash_connect (RFC 6056, section 3.3.4) and udp_lib_get_port.
//
// bind() prefers ports of the other parity than the range's first, connect() those of the same, so that neither eats up what the
// other needs. Every port of the range is tried before there is said to be none; but where many ports in a row are taken,
// connect() looks among the free ones before it goes on asking, so that a range nearly full costs no more than an empty one. Not
// implemented: ip_local_reserved_ports, ip_autobind_reuse.
#include "listen_table/listen_table.hh"

#include <algorithm>

namespace lxnet {
namespace {

constexpr uint8_t kTcp = 6;
// How many ports a connect() asks in Linux's order, where it may share one with connections to elsewhere, before it looks for one
// that nobody holds.
constexpr uint32_t kQuickTries = 32;

}  // namespace

ListenTable::PortRange ListenTable::range_of(const PortClaim& claim) const {
  const TunableValues& tunables = stack_.tunables().values();
  PortRange range{static_cast<uint32_t>(tunables.ip_local_port_low), static_cast<uint32_t>(tunables.ip_local_port_high), false};
  if (claim.owner == nullptr) return range;
  const uint32_t own_low = claim.owner->ip_options->local_port_low, own_high = claim.owner->ip_options->local_port_high;
  if (own_low == 0 && own_high == 0) return range;
  // A bound outside of what the administrator allows does not count.
  const uint32_t low = range.low, high = range.high;
  if (low <= own_low && own_low <= high) range.low = own_low;
  if (range.low <= own_high && own_high <= high) range.high = own_high;
  range.is_own = true;
  return range;
}

uint32_t ListenTable::random_below(uint32_t limit) const {
  return static_cast<uint32_t>(uint64_t{hal_.random<uint32_t>()} * limit >> 32);
}

Result<> ListenTable::try_chosen(PortClaim& claim, uint16_t port, BindLeniency leniency) {
  Shard& shard = shard_of(port);
  MutexLock lock(shard.mutex);
  const PortBucket* bucket = find_locked(shard, claim.protocol, port);
  if (bucket != nullptr) {
    const bool refuses = claim.protocol == kTcp ? bucket->tcp_refuses_chosen(claim, leniency) : bucket->udp_refuses_chosen(claim);
    if (refuses) return Errno::EADDRINUSE;
  }
  return add_locked(shard, claim, port);
}

// ---------------------------------------------------------------------------------------------------------------- bind() of TCP

Result<> ListenTable::choose_tcp(PortClaim& claim) {
  const PortRange range = range_of(claim);
  const uint32_t end = range.high + 1;
  // Who reuses addresses gets the lower half first, and leaves the upper to those who need a port of their own.
  if (view_of(claim).reuse_address && end - range.low >= 4) {
    const uint32_t half = range.low + ((end - range.low) >> 2 << 1);
    auto lower = choose_tcp_in(claim, range.low, half, kChosenPort);
    if (!lower.is_error(Errno::EADDRINUSE)) return lower;
    return choose_tcp_in(claim, half, end, kChosenPort);
  }
  return choose_tcp_in(claim, range.low, end, kChosenPort);
}

Result<> ListenTable::choose_tcp_in(PortClaim& claim, uint32_t low, uint32_t end, BindLeniency leniency) {
  uint32_t count = end - low;
  if (count > 1) count &= ~1u;
  const uint32_t first = random_below(count) | 1;
  for (uint32_t parity = 0; parity < 2; ++parity) {
    for (uint32_t i = 0; i < count; i += 2) {
      const uint32_t offset = (first - parity + i) % count;
      auto chosen = try_chosen(claim, static_cast<uint16_t>(low + offset), leniency);
      if (!chosen.is_error(Errno::EADDRINUSE)) return chosen;
    }
  }
  return Errno::EADDRINUSE;
}

// ------------------------------------------------------------------------------------------------------------- connect() of TCP

Result<> ListenTable::claim_for_connect(PortClaim& claim, const Endpoint& remote) {
  const PortRange range = range_of(claim);
  const uint32_t step = range.is_own ? 1 : 2;
  uint32_t count = range.high + 1 - range.low;
  if (!range.is_own && count > 1) count &= ~1u;
  const struct {
    uint64_t local[2], remote[2], port;
  } words{{claim.address->v6().high(), claim.address->v6().low()},
          {remote.address.v6().high(), remote.address.v6().low()},
          remote.port};
  const uint64_t hash = siphash_1_3(key_, words);
  uint32_t& perturbation = perturbation_[hash & 0xff];
  uint32_t first = (__atomic_load_n(&perturbation, __ATOMIC_RELAXED) + static_cast<uint32_t>(hash >> 32)) % count;
  if (!range.is_own) first &= ~1u;
  const Search search{.low = range.low, .count = count, .first = first, .step = step};
  uint32_t steps = 0;
  auto chosen = search_for_connect(claim, remote, search, steps);
  if (chosen.is_error(Errno::EADDRINUSE)) return Errno::EADDRNOTAVAIL;
  // The next port is not simply the following one.
  const uint32_t jump = random_below(8) * step;
  __atomic_fetch_add(&perturbation, std::max(steps * step, jump) + step, __ATOMIC_RELAXED);
  return chosen;
}

Result<> ListenTable::search_for_connect(PortClaim& claim, const Endpoint& remote, const Search& search, uint32_t& steps) {
  for (uint32_t parity = 0; parity < search.step; ++parity) {
    auto quick = try_in_turn(claim, remote, search, parity, kQuickTries, steps);
    if (!quick.is_error(Errno::EADDRINUSE)) return quick;
    auto unheld = try_unheld(claim, remote, search, parity);
    if (!unheld.is_error(Errno::EADDRINUSE)) return unheld;
  }
  for (uint32_t parity = 0; parity < search.step; ++parity) {
    auto any = try_in_turn(claim, remote, search, parity, search.count, steps);
    if (!any.is_error(Errno::EADDRINUSE)) return any;
  }
  return Errno::EADDRINUSE;
}

Result<> ListenTable::try_in_turn(PortClaim& claim, const Endpoint& remote, const Search& search, uint32_t parity, uint32_t tries,
                                  uint32_t& steps) {
  steps = 0;
  for (uint32_t i = 0; i < search.count && steps < tries; i += search.step, ++steps) {
    const uint32_t offset = (search.first + parity + i) % search.count;
    auto chosen = try_for_connect(claim, static_cast<uint16_t>(search.low + offset), remote);
    if (!chosen.is_error(Errno::EADDRINUSE)) return chosen;
  }
  return Errno::EADDRINUSE;
}

Result<> ListenTable::try_unheld(PortClaim& claim, const Endpoint& remote, const Search& search, uint32_t parity) {
  const uint32_t begin = search.low + parity, end = search.low + search.count;
  const uint32_t from = search.low + (search.first + parity) % search.count;
  const struct { uint32_t begin, end; } kHalves[] = {{from, end}, {begin, from}};
  for (const auto& half : kHalves) {
    for (uint32_t port = half.begin; port < half.end; port += search.step) {
      port = held_by_tcp_.find_missing(port, half.end, search.step);
      if (port >= half.end) break;
      auto chosen = try_for_connect(claim, static_cast<uint16_t>(port), remote);
      if (!chosen.is_error(Errno::EADDRINUSE)) return chosen;
    }
  }
  return Errno::EADDRINUSE;
}

Result<> ListenTable::try_for_connect(PortClaim& claim, uint16_t port, const Endpoint& remote) {
  Shard& shard = shard_of(port);
  MutexLock lock(shard.mutex);
  const PortBucket* bucket = find_locked(shard, claim.protocol, port);
  if (bucket != nullptr) {
    if (!bucket->is_for_connections()) return Errno::EADDRINUSE;
    const PacketTuple tuple{.space = DemuxSpace::Tcp,
                            .local = *claim.address,
                            .remote = remote.address,
                            .local_port = port,
                            .remote_port = remote.port,
                            .interface_index = view_of(claim).bound_interface};
    if (stack_.sockets().has_flow(tuple)) return Errno::EADDRINUSE;
  }
  claim.is_connected = true;
  return add_locked(shard, claim, port);
}

// ------------------------------------------------------------------------------------------------------------------ UDP and ICMP

// All ports in an order nobody can foresee: steps of a random odd number visit every one of the 65536.
Result<> ListenTable::choose_udp(PortClaim& claim) {
  const PortRange range = range_of(claim);
  const auto step = static_cast<uint16_t>(hal_.random<uint16_t>() | 1);
  auto port = static_cast<uint16_t>(range.low + random_below(range.high - range.low + 1));
  for (uint32_t i = 0; i < 65536; ++i, port = static_cast<uint16_t>(port + step)) {
    if (port < range.low || port > range.high) continue;
    auto chosen = try_chosen(claim, port, kChosenPort);
    if (!chosen.is_error(Errno::EADDRINUSE)) return chosen;
  }
  return Errno::EADDRINUSE;
}

// Identifiers in order, each that nobody holds at all.
Result<> ListenTable::choose_ping(PortClaim& claim) {
  constexpr uint8_t kIcmp4 = 1;
  uint16_t identifier = __atomic_load_n(&ping_rover_, __ATOMIC_RELAXED);
  for (uint32_t i = 0; i < 65536; ++i) {
    if (++identifier == 0) continue;
    Shard& shard = shard_of(identifier);
    MutexLock lock(shard.mutex);
    if (find_locked(shard, kIcmp4, identifier) != nullptr) continue;
    __atomic_store_n(&ping_rover_, identifier, __ATOMIC_RELAXED);
    return add_locked(shard, claim, identifier);
  }
  return Errno::EADDRINUSE;
}

}  // namespace lxnet
