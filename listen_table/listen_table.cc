// Claims and their buckets.
#include "listen_table/listen_table.hh"

namespace lxnet {
namespace {

constexpr uint8_t kTcp = 6, kIcmp4 = 1, kIcmp6 = 58;

template <typename T, size_t... I>
std::array<T, sizeof...(I)> make_shards(const Hal& hal, std::index_sequence<I...>) {
  return {((void)I, T(hal))...};
}

// ICMP echo identifiers of both families are one space.
uint8_t space_of(const PortClaim& claim) { return claim.protocol == kIcmp6 ? kIcmp4 : claim.protocol; }

uint64_t hash_of(uint8_t protocol, uint16_t port) { return (uint64_t{protocol} << 16 | port) * 0x9e37'79b9'7f4a'7c15 >> 16; }

ListenTable& table_of(void* table) { return *static_cast<ListenTable*>(table); }

}  // namespace

ListenTable::ListenTable(Stack& stack)
    : stack_(stack),
      hal_(stack.hal()),
      key_(stack.hal().random<SipKey>()),
      shards_(make_shards<Shard>(stack.hal(), std::make_index_sequence<kShards>())) {}

Result<> ListenTable::install(Stack& stack) {
  ListenTable* table = construct<ListenTable>(stack.hal(), stack);
  if (table == nullptr) return Errno::ENOMEM;
  stack.ports() = PortHooks{
      .table = table,
      .claim = [](void* t, Entry&, PortClaim& claim) { return table_of(t).claim(claim); },
      .claim_for_connect = [](void* t, Entry&, PortClaim& claim,
                              const Endpoint& remote) { return table_of(t).claim_for_connect(claim, remote); },
      .release = [](void* t, PortClaim& claim) { table_of(t).release(claim); },
      .move = [](void* t, PortClaim& from, PortClaim& to) { table_of(t).move(from, to); },
      .inherit = [](void* t, PortClaim& listener, PortClaim& child) { table_of(t).inherit(listener, child); },
      .readdress = [](void* t, PortClaim& claim, const IpAddress& local) { table_of(t).readdress(claim, local); },
  };
  return ok();
}

void ListenTable::uninstall(Stack& stack) {
  if (stack.ports().table == nullptr) return;
  dispose(stack.hal(), &table_of(stack.ports().table));
  stack.ports() = PortHooks();
}

PortBucket* ListenTable::find_locked(Shard& shard, uint8_t protocol, uint16_t port) {
  const uint64_t hash = hash_of(protocol, port);
  PortBucket* bucket = shard.buckets.first(hash);
  while (bucket != nullptr && (bucket->protocol() != protocol || bucket->port() != port)) bucket = shard.buckets.next(*bucket);
  return bucket;
}

PortBucket* ListenTable::find_or_add_locked(Shard& shard, uint8_t protocol, uint16_t port) {
  if (PortBucket* bucket = find_locked(shard, protocol, port)) return bucket;
  PortBucket* bucket = construct<PortBucket>(hal_, protocol, port);
  if (bucket == nullptr) return nullptr;
  if (shard.buckets.insert(*bucket, hash_of(protocol, port)).is_ok()) {
    if (protocol == kTcp) held_by_tcp_.add(port);
    return bucket;
  }
  dispose(hal_, bucket);
  return nullptr;
}

void ListenTable::drop_if_empty_locked(Shard& shard, PortBucket& bucket) {
  if (!bucket.is_empty()) return;
  shard.buckets.remove(bucket);
  if (bucket.protocol() == kTcp) held_by_tcp_.remove(bucket.port());
  dispose(hal_, &bucket);
}

// The port is the claim's from here on.
Result<> ListenTable::add_locked(Shard& shard, PortClaim& claim, uint16_t port) {
  PortBucket* bucket = find_or_add_locked(shard, space_of(claim), port);
  if (bucket == nullptr) return Errno::ENOMEM;
  if (claim.protocol == kTcp && !claim.is_connected) bucket->remember(claim);
  claim.port = port;
  bucket->add(claim);
  return ok();
}

Result<> ListenTable::claim(PortClaim& claim) {
  if (claim.port != 0) return claim_port(claim, claim.port);
  switch (space_of(claim)) {
    case kTcp:
      return choose_tcp(claim);
    case kIcmp4:
      return choose_ping(claim);
    default:
      return choose_udp(claim);
  }
}

Result<> ListenTable::claim_port(PortClaim& claim, uint16_t port) {
  const uint8_t space = space_of(claim);
  Shard& shard = shard_of(port);
  MutexLock lock(shard.mutex);
  PortBucket* bucket = find_locked(shard, space, port);
  if (bucket != nullptr) {
    const bool refuses = space == kTcp     ? bucket->tcp_refuses(claim)
                         : space == kIcmp4 ? bucket->ping_refuses(claim)
                                           : bucket->udp_refuses(claim);
    if (refuses) return Errno::EADDRINUSE;
    if (claim.is_claimed) {
      if (space == kTcp) bucket->remember(claim);
      return ok();
    }
  }
  return add_locked(shard, claim, port);
}

void ListenTable::release(PortClaim& claim) {
  Shard& shard = shard_of(claim.port);
  MutexLock lock(shard.mutex);
  if (!claim.is_claimed) return;
  PortBucket* bucket = find_locked(shard, space_of(claim), claim.port);
  ASSERT(bucket != nullptr);
  bucket->remove(claim);
  drop_if_empty_locked(shard, *bucket);
}

void ListenTable::move(PortClaim& from, PortClaim& to) {
  Shard& shard = shard_of(from.port);
  MutexLock lock(shard.mutex);
  PortBucket* bucket = find_locked(shard, space_of(from), from.port);
  ASSERT(bucket != nullptr && to.port == from.port);
  bucket->replace(from, to);
}

void ListenTable::inherit(PortClaim& listener, PortClaim& child) {
  Shard& shard = shard_of(listener.port);
  MutexLock lock(shard.mutex);
  PortBucket* bucket = find_locked(shard, space_of(listener), listener.port);
  ASSERT(bucket != nullptr && child.port == listener.port);
  bucket->add(child);
}

void ListenTable::readdress(PortClaim& claim, const IpAddress& local) {
  Shard& shard = shard_of(claim.port);
  MutexLock lock(shard.mutex);
  *claim.address = local;
}

}  // namespace lxnet
