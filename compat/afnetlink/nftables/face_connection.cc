// ct, notrack, nat, masq, redir: what programs say of them. Keys that need events, labels or security marks
// fail as where they are not built in.
#include "compat/afnetlink/nftables/connection_uses.hh"
#include "compat/afnetlink/nftables/face.hh"
#include "stack/nft/expression_connection.hh"
#include "stack/stack.hh"

namespace lxnet::nft {

Result<> use_connections(Context& context, uint8_t family, NftConnectionUses& uses) {
  NftConnectionUses all;
  Stack& stack = context.tables.stack;
  if (family == kNftInet || family == kNftV4 || family == kNftBridge) all.v4 = TRY(ConnectionUse::create(stack, IpFamily::V4));
  if (family == kNftInet || family == kNftV6 || family == kNftBridge) all.v6 = TRY(ConnectionUse::create(stack, IpFamily::V6));
  if (!all.v4 && !all.v6) return Errno::EPROTO;
  uses = std::move(all);
  return ok();
}

namespace {

enum : uint8_t { kConnectionTo = 1, kConnectionKey, kConnectionDirection, kConnectionFrom };
enum : uint8_t { kNatType = 1, kNatFamily, kNatFirst, kNatLast, kNatFirstPart, kNatLastPart, kNatFlags };
enum : uint8_t { kMasqFlags = 1, kMasqFirstPart, kMasqLastPart };
enum : uint8_t { kRedirFirstPart = 1, kRedirLastPart, kRedirFlags };

constexpr NlaPolicy kU32{NlaKind::U32}, kByte{.kind = NlaKind::U32, .most = 255};
constexpr NlaPolicy kRangeFlags{.kind = NlaKind::U32, .mask = 0x7f};
constexpr NlaPolicy kConnectionPolicy[] = {{}, kU32, kByte, {NlaKind::U8}, kU32};
constexpr NlaPolicy kNatPolicy[] = {{}, kU32, kU32, kU32, kU32, kU32, kU32, kRangeFlags};
constexpr NlaPolicy kMasqPolicy[] = {{}, kRangeFlags, kU32, kU32};
constexpr NlaPolicy kRedirPolicy[] = {{}, kU32, kU32, kRangeFlags};

// ---- ct

// What a key may say of directions.
enum class Direction : uint8_t { Never, Optional, Always };
struct KeyShape {
  uint8_t size = 0;  // 0: there is no such key
  Direction direction = Direction::Never;
};

KeyShape shape_of(NftConnectionKey key) {
  switch (key) {
    case NftConnectionKey::Direction:
      return {1};
    case NftConnectionKey::State:
    case NftConnectionKey::Status:
    case NftConnectionKey::Mark:
    case NftConnectionKey::Expiration:
      return {4};
    case NftConnectionKey::Helper:
      return {16};
    case NftConnectionKey::NetworkProtocol:
    case NftConnectionKey::Protocol:
      return {1, Direction::Optional};
    case NftConnectionKey::Source:
    case NftConnectionKey::Destination:
    case NftConnectionKey::SourceV6:
    case NftConnectionKey::DestinationV6:
      return {16, Direction::Always};
    case NftConnectionKey::SourceV4:
    case NftConnectionKey::DestinationV4:
      return {4, Direction::Always};
    case NftConnectionKey::SourcePart:
    case NftConnectionKey::DestinationPart:
      return {2, Direction::Always};
    case NftConnectionKey::Packets:
    case NftConnectionKey::Bytes:
    case NftConnectionKey::AveragePacket:
      return {8, Direction::Optional};
    case NftConnectionKey::Zone:
      return {2, Direction::Optional};
    default:
      return {};
  }
}

bool counts(NftConnectionKey key) {
  return key == NftConnectionKey::Packets || key == NftConnectionKey::Bytes || key == NftConnectionKey::AveragePacket;
}

Result<uint8_t> read_direction(Nla attribute) {
  if (!attribute) return kNftEitherDirection;
  return attribute.u8() > 1 ? Result<uint8_t>(Errno::EINVAL) : Result<uint8_t>(attribute.u8());
}

Result<> read_connection_get(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftConnectionGet>(self);
  own.key = NftConnectionKey{static_cast<uint8_t>(tb[kConnectionKey].be32())};
  KeyShape shape = shape_of(own.key);
  if (shape.size == 0) return Errno::EOPNOTSUPP;
  const bool has_direction{tb[kConnectionDirection]};
  if (has_direction ? shape.direction == Direction::Never : shape.direction == Direction::Always) return Errno::EINVAL;
  if (own.key == NftConnectionKey::Source || own.key == NftConnectionKey::Destination) {
    if (!is_internet(context.family)) return Errno::EAFNOSUPPORT;
    if (context.family == kNftV4) shape.size = 4;
  }
  own.direction = TRY(read_direction(tb[kConnectionDirection]));
  own.size = shape.size;
  own.to = TRY(store_register(context, tb[kConnectionTo], DataType::Value, shape.size));
  TRY(use_connections(context, context.family, own.uses));
  if (counts(own.key)) context.tables.stack.tunables().values().connection.acct = 1;
  return ok();
}

Result<> read_connection_set(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftConnectionSet>(self);
  own.key = NftConnectionKey{static_cast<uint8_t>(tb[kConnectionKey].be32())};
  if (own.key != NftConnectionKey::Mark && own.key != NftConnectionKey::Zone) return Errno::EOPNOTSUPP;
  const bool is_mark = own.key == NftConnectionKey::Mark;
  if (is_mark && tb[kConnectionDirection]) return Errno::EINVAL;
  own.direction = TRY(read_direction(tb[kConnectionDirection]));
  own.from = TRY(load_register(context, tb[kConnectionFrom], is_mark ? 4 : 2));
  return use_connections(context, context.family, own.uses);
}

void write_connection_get(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftConnectionGet>(self);
  write_register(writer, kConnectionTo, own.to);
  writer.put_be32(kConnectionKey, static_cast<uint32_t>(own.key));
  const bool is_shown = own.key != NftConnectionKey::NetworkProtocol && own.key != NftConnectionKey::Protocol;
  if (is_shown && own.direction != kNftEitherDirection) writer.put_u8(kConnectionDirection, own.direction);
}

void write_connection_set(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftConnectionSet>(self);
  write_register(writer, kConnectionFrom, own.from);
  writer.put_be32(kConnectionKey, static_cast<uint32_t>(own.key));
  if (own.direction != kNftEitherDirection) writer.put_u8(kConnectionDirection, own.direction);
}

template <typename T>
void stop_using(Context&, NftExpression& self) {
  nft_cast<T>(self).uses = NftConnectionUses();
}

constexpr NftExpressionFace kGetFace{.name = "ct",
                                     .make = &make_expression<NftConnectionGet>,
                                     .read = &read_connection_get,
                                     .write = &write_connection_get,
                                     .destroy = &stop_using<NftConnectionGet>};
constexpr NftExpressionFace kSetFace{.name = "ct",
                                     .make = &make_expression<NftConnectionSet>,
                                     .read = &read_connection_set,
                                     .write = &write_connection_set,
                                     .destroy = &stop_using<NftConnectionSet>};
constexpr NftExpressionKind kGet{kNftSizeOf<NftConnectionGet>, &evaluate_connection_get, nullptr, &kGetFace};
constexpr NftExpressionKind kSet{kNftSizeOf<NftConnectionSet>, &evaluate_connection_set, nullptr, &kSetFace};

Result<const NftExpressionKind*> choose_connection(Context&, const NlaTable& tb) {
  if (!tb[kConnectionKey]) return Errno::EINVAL;
  const bool gets{tb[kConnectionTo]}, sets{tb[kConnectionFrom]};
  if (gets == sets) return Errno::EINVAL;
  return gets ? &kGet : &kSet;
}

// ---- notrack

Result<> read_nothing(Context&, NftExpression&, const NlaTable&) { return ok(); }
constexpr NftExpressionFace kNoTrackFace{.name = "notrack", .make = &make_expression<NftNoTrack>, .read = &read_nothing};
constexpr NftExpressionKind kNoTrack{kNftSizeOf<NftNoTrack>, &evaluate_no_track, nullptr, &kNoTrackFace};

// ---- nat, masq, redir

template <typename T>
Result<bool> read_parts(Context& context, T& own, Nla first, Nla last) {
  if (!first) return false;
  own.first_part = TRY(load_register(context, first, 2));
  own.last_part = last ? TRY(load_register(context, last, 2)) : own.first_part;
  return true;
}

Result<> read_nat(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftNat>(self);
  if (!tb[kNatType] || (!tb[kNatFirst] && !tb[kNatFirstPart])) return Errno::EINVAL;
  const uint32_t type = tb[kNatType].be32();
  if (type > 1) return Errno::EOPNOTSUPP;
  own.side = type == 0 ? NatSide::Source : NatSide::Destination;
  if (!tb[kNatFamily]) return Errno::EINVAL;
  const uint32_t family = tb[kNatFamily].be32();
  if (context.family != kNftInet && context.family != family) return Errno::EOPNOTSUPP;
  if (tb[kNatFirst] && family != kNftV4 && family != kNftV6) return Errno::EAFNOSUPPORT;
  own.family = static_cast<uint8_t>(family);
  if (tb[kNatFirst]) {
    const uint32_t size = family == kNftV4 ? 4 : 16;
    own.first = TRY(load_register(context, tb[kNatFirst], size));
    own.last = tb[kNatLast] ? TRY(load_register(context, tb[kNatLast], size)) : own.first;
    own.flags |= kNatMapAddresses;
  }
  if (TRY(read_parts(context, own, tb[kNatFirstPart], tb[kNatLastPart]))) own.flags |= kNatMapParts;
  if (tb[kNatFlags]) own.flags |= tb[kNatFlags].be32();
  return family > UINT8_MAX ? Result<>(Errno::EPROTO) : use_connections(context, own.family, own.uses);
}

Result<> read_masq(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftOwnNat>(self);
  if (tb[kMasqFlags]) own.flags = tb[kMasqFlags].be32();
  TRY(read_parts(context, own, tb[kMasqFirstPart], tb[kMasqLastPart]));
  return use_connections(context, context.family, own.uses);
}

Result<> read_redir(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftOwnNat>(self);
  if (TRY(read_parts(context, own, tb[kRedirFirstPart], tb[kRedirLastPart]))) own.flags |= kNatMapParts;
  if (tb[kRedirFlags]) own.flags = tb[kRedirFlags].be32();
  return use_connections(context, context.family, own.uses);
}

template <typename T>
void write_parts(MessageWriter& writer, const T& own, uint16_t first, uint16_t last) {
  if (own.first_part == 0) return;
  write_register(writer, first, own.first_part);
  write_register(writer, last, own.last_part);
}

void write_nat(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftNat>(self);
  writer.put_be32(kNatType, own.side == NatSide::Source ? 0 : 1);
  writer.put_be32(kNatFamily, own.family);
  if (own.first != 0) {
    write_register(writer, kNatFirst, own.first);
    write_register(writer, kNatLast, own.last);
  }
  write_parts(writer, own, kNatFirstPart, kNatLastPart);
  if (own.flags != 0) writer.put_be32(kNatFlags, own.flags);
}
void write_masq(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftOwnNat>(self);
  if (own.flags != 0) writer.put_be32(kMasqFlags, own.flags);
  write_parts(writer, own, kMasqFirstPart, kMasqLastPart);
}
void write_redir(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftOwnNat>(self);
  write_parts(writer, own, kRedirFirstPart, kRedirLastPart);
  if (own.flags != 0) writer.put_be32(kRedirFlags, own.flags);
}

Result<> check_nat_chain(Context& context, uint32_t hooks) {
  if (!is_internet(context.family)) return Errno::EOPNOTSUPP;
  const NftChain& chain = *context.chain;
  if (chain.is_base() && chain.hook->type != NftChainType::Nat) return Errno::EOPNOTSUPP;
  return check_hooks(context, hooks);
}
Result<> check_nat(Context& context, NftExpression& self) {
  const bool is_source = nft_cast<NftNat>(self).side == NatSide::Source;
  return check_nat_chain(context, is_source ? kPostRoutingBit | kLocalInBit : kPreRoutingBit | kLocalOutBit);
}
Result<> check_masq(Context& context, NftExpression&) { return check_nat_chain(context, kPostRoutingBit); }
Result<> check_redir(Context& context, NftExpression&) { return check_nat_chain(context, kPreRoutingBit | kLocalOutBit); }

constexpr NftExpressionFace kNatFace{.name = "nat",
                                     .make = &make_expression<NftNat>,
                                     .read = &read_nat,
                                     .write = &write_nat,
                                     .destroy = &stop_using<NftNat>,
                                     .check = &check_nat};
constexpr NftExpressionFace kMasqFace{.name = "masq",
                                      .make = &make_expression<NftOwnNat>,
                                      .read = &read_masq,
                                      .write = &write_masq,
                                      .destroy = &stop_using<NftOwnNat>,
                                      .check = &check_masq};
constexpr NftExpressionFace kRedirFace{.name = "redir",
                                       .make = &make_expression<NftOwnNat>,
                                       .read = &read_redir,
                                       .write = &write_redir,
                                       .destroy = &stop_using<NftOwnNat>,
                                       .check = &check_redir};
constexpr NftExpressionKind kNat{kNftSizeOf<NftNat>, &evaluate_nat, nullptr, &kNatFace};
constexpr NftExpressionKind kMasq{kNftSizeOf<NftOwnNat>, &evaluate_masquerade, nullptr, &kMasqFace};
constexpr NftExpressionKind kRedir{kNftSizeOf<NftOwnNat>, &evaluate_redirect, nullptr, &kRedirFace};

constexpr ExpressionType kTypes[] = {
    {.name = "ct", .last = kConnectionFrom, .policy = kConnectionPolicy, .choose = &choose_connection},
    {.name = "notrack", .kind = &kNoTrack},
    {.name = "nat", .last = kNatFlags, .policy = kNatPolicy, .kind = &kNat},
    {.name = "masq", .family = kNftV4, .last = kMasqLastPart, .policy = kMasqPolicy, .kind = &kMasq},
    {.name = "masq", .family = kNftV6, .last = kMasqLastPart, .policy = kMasqPolicy, .kind = &kMasq},
    {.name = "masq", .family = kNftInet, .last = kMasqLastPart, .policy = kMasqPolicy, .kind = &kMasq},
    {.name = "redir", .family = kNftV4, .last = kRedirFlags, .policy = kRedirPolicy, .kind = &kRedir},
    {.name = "redir", .family = kNftV6, .last = kRedirFlags, .policy = kRedirPolicy, .kind = &kRedir},
    {.name = "redir", .family = kNftInet, .last = kRedirFlags, .policy = kRedirPolicy, .kind = &kRedir},
};

}  // namespace

std::span<const ExpressionType> connection_types() { return kTypes; }

}  // namespace lxnet::nft
