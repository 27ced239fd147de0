// counter, quota, limit, last: what programs say of them, as expressions and as objects.
#include "compat/afnetlink/nftables/stateful.hh"
#include "stack/nft/expression_state.hh"

namespace lxnet::nft {
namespace {

enum : uint8_t { kQuotaBytes = 1, kQuotaFlags, kQuotaPad, kQuotaConsumed };
enum : uint8_t { kLimitRate = 1, kLimitUnit, kLimitBurst, kLimitType, kLimitFlags };
enum : uint8_t { kLastSet = 1, kLastMillis };

constexpr NlaPolicy kU32{NlaKind::U32}, kU64{NlaKind::U64};
constexpr NlaPolicy kCounterPolicy[] = {{}, kU64, kU64};
constexpr NlaPolicy kQuotaPolicy[] = {{}, kU64, kU32, {}, kU64};
constexpr NlaPolicy kLimitPolicy[] = {{}, kU64, kU64, kU32, kU32, kU32};
constexpr NlaPolicy kLastPolicy[] = {{}, kU32, kU64};
constexpr uint32_t kInverted = 1, kDepleted = 2;

// ---- counter

Result<> read_counter(Context&, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftCounter>(self);
  if (tb[kCounterPackets]) own.packets = tb[kCounterPackets].be64();
  if (tb[kCounterBytes]) own.bytes = tb[kCounterBytes].be64();
  return ok();
}

void write_counter(NftTables&, MessageWriter& writer, NftExpression& self, bool resets) {
  auto& own = nft_cast<NftCounter>(self);
  writer.put_be64(kCounterBytes, own.bytes);
  writer.put_be64(kCounterPackets, own.packets);
  if (resets) own.bytes = own.packets = 0;
}

// ---- quota

Result<> read_quota(Context&, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftQuota>(self);
  if (!tb[kQuotaBytes]) return Errno::EINVAL;
  own.limit = tb[kQuotaBytes].be64();
  if (own.limit > INT64_MAX) return Errno::EOVERFLOW;
  if (tb[kQuotaConsumed]) {
    own.consumed = tb[kQuotaConsumed].be64();
    if (own.consumed > own.limit) return Errno::EINVAL;
  }
  if (tb[kQuotaFlags]) {
    const uint32_t flags = tb[kQuotaFlags].be32();
    if ((flags & ~kInverted) != 0) return Errno::EINVAL;
    own.is_inverted = flags == kInverted;
  }
  return ok();
}

void write_quota(NftTables&, MessageWriter& writer, NftExpression& self, bool resets) {
  auto& own = nft_cast<NftQuota>(self);
  const bool is_depleted = own.consumed >= own.limit;
  writer.put_be64(kQuotaBytes, own.limit);
  writer.put_be64(kQuotaConsumed, is_depleted ? own.limit : own.consumed);
  writer.put_be32(kQuotaFlags, (own.is_inverted ? kInverted : 0) | (is_depleted ? kDepleted : 0));
  if (resets) own.consumed = 0;
}

// ---- limit

constexpr uint64_t kNanosPerSecond = 1'000'000'000;
constexpr uint32_t kDefaultBurst = 5;

Result<> read_rate(Context& context, NftLimit& own, const NlaTable& tb, bool of_packets) {
  if (!tb[kLimitRate] || !tb[kLimitUnit]) return Errno::EINVAL;
  own.rate = tb[kLimitRate].be64();
  if (own.rate == 0) return Errno::EINVAL;
  if (__builtin_mul_overflow(tb[kLimitUnit].be64(), kNanosPerSecond, &own.nanos)) return Errno::EOVERFLOW;
  if (tb[kLimitBurst]) own.burst = tb[kLimitBurst].be32();
  if (of_packets && own.burst == 0) own.burst = kDefaultBurst;
  uint64_t with_burst = 0, whole = 0;
  if (__builtin_add_overflow(own.rate, uint64_t{own.burst}, &with_burst)) return Errno::EOVERFLOW;
  if (of_packets) {
    own.cost = own.nanos / own.rate;
    if (__builtin_mul_overflow(own.cost, uint64_t{own.burst}, &own.most)) return Errno::EOVERFLOW;
  } else {
    if (__builtin_mul_overflow(own.nanos, with_burst, &whole)) return Errno::EOVERFLOW;
    own.most = whole / own.rate;
  }
  if (tb[kLimitFlags]) {
    const uint32_t flags = tb[kLimitFlags].be32();
    if ((flags & ~kInverted) != 0) return Errno::EOPNOTSUPP;
    own.is_inverted = flags == kInverted;
  }
  begin_limit(own, context.now());
  return ok();
}
Result<> read_packet_limit(Context& context, NftExpression& self, const NlaTable& tb) {
  return read_rate(context, nft_cast<NftLimit>(self), tb, true);
}
Result<> read_byte_limit(Context& context, NftExpression& self, const NlaTable& tb) {
  return read_rate(context, nft_cast<NftLimit>(self), tb, false);
}

void write_rate(MessageWriter& writer, const NftLimit& own, uint32_t type) {
  writer.put_be64(kLimitRate, own.rate);
  writer.put_be64(kLimitUnit, own.nanos / kNanosPerSecond);
  writer.put_be32(kLimitBurst, own.burst);
  writer.put_be32(kLimitType, type);
  writer.put_be32(kLimitFlags, own.is_inverted ? kInverted : 0);
}
void write_packet_limit(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  write_rate(writer, nft_cast<NftLimit>(self), 0);
}
void write_byte_limit(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  write_rate(writer, nft_cast<NftLimit>(self), 1);
}

// ---- last

Result<> read_last(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftLast>(self);
  if (tb[kLastSet]) own.has_seen = tb[kLastSet].be32() != 0;
  if (!own.has_seen || !tb[kLastMillis]) return ok();
  const uint64_t millis = TRY(read_millis(tb[kLastMillis]));
  own.when = context.now() - Duration::millis(static_cast<int64_t>(millis % (INT64_MAX / 2'000'000)));
  return ok();
}

void write_last(NftTables& tables, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftLast>(self);
  const int64_t ago = own.has_seen ? (tables.stack.hal().now() - own.when).in_millis() : 0;
  writer.put_be32(kLastSet, own.has_seen ? 1 : 0);
  writer.put_be64(kLastMillis, static_cast<uint64_t>(ago < 0 ? 0 : ago));
}

// ---- rows

constexpr NftExpressionFace kCounterFace{
    .name = "counter", .remembers = true, .make = &make_expression<NftCounter>, .read = &read_counter, .write = &write_counter};
constexpr NftExpressionFace kQuotaFace{
    .name = "quota", .remembers = true, .make = &make_expression<NftQuota>, .read = &read_quota, .write = &write_quota};
constexpr NftExpressionFace kPacketLimitFace{.name = "limit",
                                             .remembers = true,
                                             .make = &make_expression<NftLimit>,
                                             .read = &read_packet_limit,
                                             .write = &write_packet_limit};
constexpr NftExpressionFace kByteLimitFace{
    .name = "limit", .remembers = true, .make = &make_expression<NftLimit>, .read = &read_byte_limit, .write = &write_byte_limit};
constexpr NftExpressionFace kLastFace{
    .name = "last", .remembers = true, .make = &make_expression<NftLast>, .read = &read_last, .write = &write_last};

constexpr NftExpressionKind kCounter{kNftSizeOf<NftCounter>, &evaluate_counter, nullptr, &kCounterFace};
constexpr NftExpressionKind kQuota{kNftSizeOf<NftQuota>, &evaluate_quota, nullptr, &kQuotaFace};
constexpr NftExpressionKind kPacketLimit{kNftSizeOf<NftLimit>, &evaluate_packet_limit, &begin_limit, &kPacketLimitFace};
constexpr NftExpressionKind kByteLimit{kNftSizeOf<NftLimit>, &evaluate_byte_limit, &begin_limit, &kByteLimitFace};
constexpr NftExpressionKind kLast{kNftSizeOf<NftLast>, &evaluate_last, nullptr, &kLastFace};

Result<const NftExpressionKind*> choose_limit(Context&, const NlaTable& tb) {
  const uint32_t type = tb[kLimitType] ? tb[kLimitType].be32() : 0;
  if (type > 1) return Errno::EOPNOTSUPP;
  return type == 0 ? &kPacketLimit : &kByteLimit;
}

constexpr ExpressionType kTypes[] = {
    {.name = "counter", .last = kCounterPackets, .policy = kCounterPolicy, .kind = &kCounter},
    {.name = "quota", .last = kQuotaConsumed, .policy = kQuotaPolicy, .kind = &kQuota},
    {.name = "limit", .last = kLimitFlags, .policy = kLimitPolicy, .choose = &choose_limit},
    {.name = "last", .last = kLastMillis, .policy = kLastPolicy, .kind = &kLast},
};

constexpr StatefulType kObjects[] = {
    {kCounterObject, &kTypes[0]},
    {kQuotaObject, &kTypes[1]},
    {kLimitObject, &kTypes[2]},
};

}  // namespace

std::span<const ExpressionType> state_types() { return kTypes; }

const StatefulType* find_stateful(uint32_t number) {
  for (const StatefulType& row : kObjects) {
    if (row.number == number) return &row;
  }
  return nullptr;
}

void update_quota(NftExpression& known, const NftExpression& fresh) {
  nft_cast<NftQuota>(known).limit = nft_cast<NftQuota>(fresh).limit;
  nft_cast<NftQuota>(known).is_inverted = nft_cast<NftQuota>(fresh).is_inverted;
}

}  // namespace lxnet::nft
