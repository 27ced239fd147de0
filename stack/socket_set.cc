// Adding, removing and finding. Scores and matches follow Linux's compute_score and inet_match.
#include "stack/socket_set.hh"

#include "stack/reuse_port_group.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

template <typename T, size_t... I>
std::array<T, sizeof...(I)> make_shards(const Hal& hal, std::index_sequence<I...>) {
  return {((void)I, T(hal))...};
}
template <typename T, size_t N>
std::array<T, N> make_shards(const Hal& hal) {
  return make_shards<T>(hal, std::make_index_sequence<N>());
}

uint32_t bound_interface_of(const DemuxEntry& entry) {
  return entry.socket == nullptr ? entry.bound_interface
                                 : __atomic_load_n(&entry.socket->options.bound_interface, __ATOMIC_RELAXED);
}

bool admits_interface(const DemuxEntry& entry, const PacketTuple& packet) {
  const uint32_t bound = bound_interface_of(entry);
  return bound == 0 || bound == packet.interface_index;
}

// Both say no to most of what shares a hash chain, so they are compared as words.
bool is_flow_of(const DemuxEntry& entry, const PacketTuple& packet) {
  return entry.space == packet.space && entry.local_port == packet.local_port && entry.remote_port == packet.remote_port &&
         entry.local == packet.local && entry.remote == packet.remote && admits_interface(entry, packet);
}

// 0.0.0.0 and :: are one place: who is bound there is told apart by family and v6_only.
IpAddress place_of(const IpAddress& local) { return local.is_unspecified() ? IpAddress() : local; }
bool is_one_place(const IpAddress& a, const IpAddress& b) { return a == b || (a.is_unspecified() && b.is_unspecified()); }

bool is_bound_to(const DemuxEntry& entry, const PacketTuple& packet, const IpAddress& local) {
  if (entry.space != packet.space || entry.local_port != packet.local_port || !is_one_place(entry.local, local)) return false;
  const bool is_v4 = packet.local.is_v4();
  if (is_v4 && entry.family == IpFamily::V6 && entry.v6_only) return false;
  // ::ffff:0.0.0.0 is any address of IPv4's alone.
  return is_v4 || (entry.family == IpFamily::V6 && !entry.local.is_v4());
}

constexpr int kNoMatch = -1;

// How well an entry that is_bound_to() suits; the processor counts only for who asked for it.
int score_of(const Hal& hal, const DemuxEntry& entry, const PacketTuple& packet) {
  const bool is_listener = entry.space == DemuxSpace::Tcp;
  int score = entry.family == IpFamily::V4 ? 2 : 1;
  if (!entry.remote.is_unspecified() && !(entry.is_remote_former && packet.local.is_v4())) {
    if (!(entry.remote == packet.remote)) return kNoMatch;
    score += 4;
  }
  if (entry.remote_port != 0) {
    if (entry.remote_port != packet.remote_port) return kNoMatch;
    score += 4;
  }
  const uint32_t bound = bound_interface_of(entry);
  if (bound != 0) {
    if (bound != packet.interface_index) return kNoMatch;
    score += is_listener ? 1 : 4;
  }
  if (entry.socket != nullptr) {
    const uint32_t cpu = entry.socket->options.incoming_cpu.load();
    if (cpu != ~0u && cpu == hal.processor()) ++score;
  }
  return score;
}

Ref<Socket> try_ref(const DemuxEntry& entry) {
  if (entry.socket == nullptr || !entry.socket->ref_unless_zero()) return nullptr;
  return Ref<Socket>::adopt(entry.socket);
}

Flow flow_of(const DemuxEntry& entry) {
  if (entry.socket != nullptr) return Flow{.socket = try_ref(entry), .mini = nullptr};
  if (!entry.mini->ref_unless_zero()) return {};
  return Flow{.socket = nullptr, .mini = Ref<MiniSocket>::adopt(entry.mini)};
}

PacketTuple tuple_of(const DemuxEntry& entry) {
  return PacketTuple{.space = entry.space,
                     .local = entry.local,
                     .remote = entry.remote,
                     .local_port = entry.local_port,
                     .remote_port = entry.remote_port,
                     .interface_index = bound_interface_of(entry)};
}

// One user's sockets that ask for exactly the same (Linux: reuseport_add_sock's callers).
bool may_share_group(const DemuxEntry& a, const DemuxEntry& b) {
  return a.reuse_port && b.reuse_port && a.space == b.space && a.family == b.family && a.v6_only == b.v6_only && a.uid == b.uid &&
         a.local_port == b.local_port && a.local == b.local && bound_interface_of(a) == bound_interface_of(b);
}

}  // namespace

SocketSet::SocketSet(Stack& stack)
    : hal_(stack.hal()),
      key_(stack.hal().random<SipKey>()),
      flows_(make_shards<DemuxShard, kFlowShards>(stack.hal())),
      bound_(make_shards<DemuxShard, kBoundShards>(stack.hal())),
      inventory_(make_shards<InventoryShard, kInventoryShards>(stack.hal())),
      lock_mutexes_(stack.hal(), LockRank::Socket) {}

// -------------------------------------------------------------------------------------------------------------------- hashes

// IPv4 packets, whose tuple is short, need not pay for IPv6.
uint64_t SocketSet::hash_flow(const PacketTuple& packet) const {
  if (packet.local.is_v4() && packet.remote.is_v4()) {
    const struct {
      uint32_t local, remote;
      uint16_t local_port, remote_port;
      uint32_t space;
    } words{packet.local.v4().value(), packet.remote.v4().value(), packet.local_port, packet.remote_port,
            static_cast<uint32_t>(packet.space)};
    return siphash_1_3(key_, words);
  }
  const struct {
    uint64_t local[2], remote[2];
    uint16_t local_port, remote_port;
    uint32_t space;
  } words{{packet.local.v6().high(), packet.local.v6().low()},
          {packet.remote.v6().high(), packet.remote.v6().low()},
          packet.local_port,
          packet.remote_port,
          static_cast<uint32_t>(packet.space)};
  return siphash_1_3(key_, words);
}

uint64_t SocketSet::bound_hash(DemuxSpace space, const IpAddress& local, uint16_t port) const {
  const IpAddress place = place_of(local);
  if (place.is_v4() || place.is_unspecified()) {
    const struct {
      uint32_t local;
      uint16_t port, space;
    } words{static_cast<uint32_t>(place.v6().low()), port, static_cast<uint16_t>(space)};
    return siphash_1_3(key_, words);
  }
  const struct {
    uint64_t local[2];
    uint32_t port, space;
  } words{{place.v6().high(), place.v6().low()}, port, static_cast<uint32_t>(space)};
  return siphash_1_3(key_, words);
}

ReceiverHashes SocketSet::receiver_hashes(const PacketTuple& packet) const {
  return {.flow = hash_flow(packet),
          .bound = bound_hash(packet.space, packet.local, packet.local_port),
          .anywhere = bound_hash(packet.space, IpAddress(), packet.local_port)};
}

// ---------------------------------------------------------------------------------------------------------- adding, removing

Result<> SocketSet::add_flow(DemuxEntry& entry, FlowSharing sharing, Flow* occupant) {
  const PacketTuple tuple = tuple_of(entry);
  const uint64_t hash = flow_hash(tuple);
  DemuxShard& shard = flow_shard(hash);
  {
    MutexLock lock(shard.mutex);
    if (sharing == FlowSharing::Unique) {
      if (const DemuxEntry* found = find_flow_locked(shard, hash, tuple)) {
        if (occupant != nullptr) *occupant = flow_of(*found);
        return Errno::EADDRNOTAVAIL;
      }
    }
    TRY(shard.table.insert(entry, hash));
    entry.is_flow_ = true;
  }
  count_added(entry, 1);
  list(entry);
  return ok();
}

Result<> SocketSet::add_bound(DemuxEntry& entry) {
  const uint64_t hash = bound_hash(entry.space, entry.local, entry.local_port);
  DemuxShard& shard = bound_shard(hash);
  {
    MutexLock lock(shard.mutex);
    if (entry.reuse_port) TRY(join_group_locked(shard, entry, hash));
    // Linux puts IPv6 sockets that share their port behind all others.
    const bool goes_last = entry.reuse_port && entry.family == IpFamily::V6;
    auto inserted = goes_last ? shard.table.insert_last(entry, hash) : shard.table.insert(entry, hash);
    if (!inserted.is_ok()) {
      ReusePortGroup::leave(hal_, entry);
      return inserted.error();
    }
    entry.is_flow_ = false;
  }
  count_added(entry, 1);
  list(entry);
  return ok();
}

Result<> SocketSet::join_group_locked(DemuxShard& shard, DemuxEntry& entry, uint64_t hash) {
  for (DemuxEntry* other = shard.table.first(hash); other != nullptr; other = shard.table.next(*other)) {
    if (other->group_ != nullptr && may_share_group(entry, *other)) return other->group_->join(hal_, entry);
  }
  ReusePortGroup* group = ReusePortGroup::create(hal_, entry);
  if (group == nullptr) return Errno::ENOMEM;
  if (entry.socket != nullptr) group->set_program(entry.socket->attachments.group_program());
  return ok();
}

void SocketSet::remove(DemuxEntry& entry) {
  // Only the owner adds and removes, so what it sees of its own entry holds.
  if (!entry.is_added()) return;
  unlist(entry);
  const uint64_t hash = entry.table_link_.hash();
  DemuxShard& shard = entry.is_flow_ ? flow_shard(hash) : bound_shard(hash);
  {
    MutexLock lock(shard.mutex);
    ReusePortGroup::leave(hal_, entry);
    shard.table.remove(entry);
  }
  count_added(entry, ~size_t{0});
}

Result<> SocketSet::set_group_program(DemuxEntry& entry, Ref<BpfProgram> program) {
  if (!entry.is_added() || entry.is_flow_) return Errno::EINVAL;
  DemuxShard& shard = bound_shard(entry.table_link_.hash());
  const bool takes_away = !program;
  Ref<BpfProgram> before;
  {
    MutexLock lock(shard.mutex);
    if (entry.group_ == nullptr) return Errno::EINVAL;
    before = entry.group_->set_program(std::move(program));
  }
  return takes_away && !before ? Result<>(Errno::ENOENT) : ok();
}

Ref<Socket> SocketSet::select_heir(const DemuxEntry& former, uint64_t flow_hash) {
  const uint64_t hash = former.table_link_.hash();
  DemuxShard& shard = bound_shard(hash);
  MutexLock lock(shard.mutex);
  for (const DemuxEntry* entry = shard.table.first(hash); entry != nullptr; entry = shard.table.next(*entry)) {
    if (entry->group_ != nullptr && may_share_group(former, *entry))
      return try_ref(entry->group_->select(PacketTuple(), flow_hash));
  }
  return nullptr;
}

void SocketSet::replace_flow(DemuxEntry& from, DemuxEntry& to) {
  ASSERT(from.is_added() && from.is_flow_ && from.space == to.space);
  unlist(from);
  const uint64_t hash = from.table_link_.hash();
  DemuxShard& shard = flow_shard(hash);
  {
    MutexLock lock(shard.mutex);
    shard.table.remove(from);
    // Cannot fail: the table has buckets, for `from` was in one.
    ASSERT(shard.table.insert(to, hash).is_ok());
    to.is_flow_ = true;
  }
  list(to);
}

// ------------------------------------------------------------------------------------------------------------------- finding

DemuxEntry* SocketSet::find_flow_locked(DemuxShard& shard, uint64_t hash, const PacketTuple& packet) {
  DemuxEntry* entry = shard.table.first(hash);
  while (entry != nullptr && !is_flow_of(*entry, packet)) entry = shard.table.next(*entry);
  return entry;
}

SocketHold SocketSet::hold(const DemuxEntry* entry) const {
  if (entry == nullptr || entry->socket == nullptr) return {};
  if (hal_.has_locks()) return SocketHold(try_ref(*entry));
  return entry->socket->reference_count() == 0 ? SocketHold() : SocketHold(*entry->socket);
}

Flow SocketSet::find_flow(const PacketTuple& packet) {
  const uint64_t hash = flow_hash(packet);
  DemuxShard& shard = flow_shard(hash);
  MutexLock lock(shard.mutex);
  const DemuxEntry* entry = find_flow_locked(shard, hash, packet);
  return entry == nullptr ? Flow{} : flow_of(*entry);
}

bool SocketSet::is_worth_fetching() const {
  constexpr size_t kMany = 4096;
  const auto count_of = [this](DemuxSpace space) { return __atomic_load_n(&flow_counts_[count_index(space)], __ATOMIC_RELAXED); };
  return count_of(DemuxSpace::Tcp) + count_of(DemuxSpace::Udp) >= kMany;
}

// The tables, then their buckets, then the first two flows of each: every round waits for memory once, and not once a packet.
void SocketSet::fetch_flows(std::span<const uint64_t> hashes) {
  for (const uint64_t hash : hashes) flow_shard(hash).fetch();
  for (const uint64_t hash : hashes) {
    DemuxShard& shard = flow_shard(hash);
    MutexLock lock(shard.mutex);
    shard.table.fetch_bucket(hash);
  }
  for (const uint64_t hash : hashes) {
    DemuxShard& shard = flow_shard(hash);
    MutexLock lock(shard.mutex);
    shard.table.fetch_first(hash);
  }
  for (const uint64_t hash : hashes) {
    DemuxShard& shard = flow_shard(hash);
    MutexLock lock(shard.mutex);
    shard.table.fetch_second(hash);
  }
}

bool SocketSet::has_flow(const PacketTuple& packet) {
  const uint64_t hash = flow_hash(packet);
  DemuxShard& shard = flow_shard(hash);
  MutexLock lock(shard.mutex);
  return find_flow_locked(shard, hash, packet) != nullptr;
}

Ref<Socket> SocketSet::find_listener(const PacketTuple& packet) {
  const SocketHold here = find_bound_here(packet);
  return here ? here.share() : find_bound_anywhere(packet).share();
}

SocketHold SocketSet::find_datagram(const PacketTuple& packet) {
  if (__atomic_load_n(&flow_counts_[count_index(packet.space)], __ATOMIC_RELAXED) != 0) {
    SocketHold connected = find_connected(packet);
    if (connected) return connected;
  }
  SocketHold here = find_bound_here(packet);
  return here ? std::move(here) : find_bound_anywhere(packet);
}

// Several datagram sockets may have connected to the same peer: the best score is the receiver.
SocketHold SocketSet::find_connected(const PacketTuple& packet) {
  const uint64_t hash = flow_hash(packet);
  DemuxShard& shard = flow_shard(hash);
  MutexLock lock(shard.mutex);
  const DemuxEntry* best = nullptr;
  int best_score = kNoMatch;
  for (const DemuxEntry* entry = shard.table.first(hash); entry != nullptr; entry = shard.table.next(*entry)) {
    if (!is_flow_of(*entry, packet)) continue;
    const int score = score_of(hal_, *entry, packet);
    if (score > best_score) {
      best = entry;
      best_score = score;
    }
  }
  return hold(best);
}

SocketHold SocketSet::find_bound_here(const PacketTuple& packet) {
  const uint64_t known = packet.hashes.bound;
  return find_bound(packet, packet.local, known != 0 ? known : bound_hash(packet.space, packet.local, packet.local_port));
}

SocketHold SocketSet::find_bound_anywhere(const PacketTuple& packet) {
  const uint64_t known = packet.hashes.anywhere;
  return find_bound(packet, IpAddress(), known != 0 ? known : bound_hash(packet.space, IpAddress(), packet.local_port));
}

SocketHold SocketSet::find_bound(const PacketTuple& packet, const IpAddress& local, uint64_t hash) {
  DemuxShard& shard = bound_shard(hash);
  MutexLock lock(shard.mutex);
  const DemuxEntry* best = nullptr;
  int best_score = kNoMatch;
  for (const DemuxEntry* entry = shard.table.first(hash); entry != nullptr; entry = shard.table.next(*entry)) {
    // The members of a group score alike, but for the processor they ask for.
    if (!is_bound_to(*entry, packet, local)) continue;
    const int score = score_of(hal_, *entry, packet);
    if (score > best_score) {
      best = entry;
      best_score = score;
    }
  }
  const bool is_alone = best == nullptr || best->group_ == nullptr || best->group_->count() == 1;
  return hold(is_alone ? best : &best->group_->select(packet, flow_hash(packet)));
}

void SocketSet::visit_datagram(const PacketTuple& packet, Visitor visit, void* context) {
  if (__atomic_load_n(&flow_counts_[count_index(packet.space)], __ATOMIC_RELAXED) != 0) {
    const uint64_t hash = flow_hash(packet);
    DemuxShard& shard = flow_shard(hash);
    MutexLock lock(shard.mutex);
    for (const DemuxEntry* entry = shard.table.first(hash); entry != nullptr; entry = shard.table.next(*entry)) {
      if (is_flow_of(*entry, packet)) visit(context, *entry->socket);
    }
  }
  visit_bound(packet, packet.local, visit, context);
  visit_bound(packet, IpAddress(), visit, context);
}

void SocketSet::visit_bound(const PacketTuple& packet, const IpAddress& local, Visitor visit, void* context) {
  const uint64_t hash = bound_hash(packet.space, local, packet.local_port);
  DemuxShard& shard = bound_shard(hash);
  MutexLock lock(shard.mutex);
  for (const DemuxEntry* entry = shard.table.first(hash); entry != nullptr; entry = shard.table.next(*entry)) {
    if (is_bound_to(*entry, packet, local) && score_of(hal_, *entry, packet) != kNoMatch) visit(context, *entry->socket);
  }
}

void SocketSet::visit_raw(DemuxSpace space, uint8_t protocol, Visitor visit, void* context) {
  const uint64_t hash = bound_hash(space, IpAddress(), protocol);
  DemuxShard& shard = bound_shard(hash);
  MutexLock lock(shard.mutex);
  for (const DemuxEntry* entry = shard.table.first(hash); entry != nullptr; entry = shard.table.next(*entry)) {
    if (entry->space == space && entry->local_port == protocol) visit(context, *entry->socket);
  }
}

// ------------------------------------------------------------------------------------------------------------------ counting

constexpr size_t SocketSet::count_index(DemuxSpace space) {
  switch (space) {
    case DemuxSpace::Icmp4:
      return 0;
    case DemuxSpace::Tcp:
      return 1;
    case DemuxSpace::Udp:
      return 2;
    case DemuxSpace::Icmp6:
      return 3;
    case DemuxSpace::UdpLite:
      return 4;
    case DemuxSpace::Raw4:
      return 5;
    case DemuxSpace::Raw6:
      return 6;
  }
  return 0;
}

size_t SocketSet::count(DemuxSpace space) const { return __atomic_load_n(&counts_[count_index(space)], __ATOMIC_RELAXED); }

void SocketSet::count_added(const DemuxEntry& entry, size_t change) {
  __atomic_fetch_add(&counts_[count_index(entry.space)], change, __ATOMIC_RELAXED);
  if (entry.is_flow_) __atomic_fetch_add(&flow_counts_[count_index(entry.space)], change, __ATOMIC_RELAXED);
}

}  // namespace lxnet
