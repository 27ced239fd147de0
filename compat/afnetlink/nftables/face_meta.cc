// meta, rt, fib: what programs say of them. Keys that need the sender's socket or control group
// fail as where they are not built in, and so does tracing.
#include "compat/afnetlink/nftables/face.hh"
#include "stack/nft/expression_meta.hh"

namespace lxnet::nft {
namespace {

enum : uint8_t { kMetaTo = 1, kMetaKey, kMetaFrom };
enum : uint8_t { kRouteTo = 1, kRouteKey };
enum : uint8_t { kFibTo = 1, kFibResult, kFibFlags };

constexpr NlaPolicy kU32{NlaKind::U32}, kByte{.kind = NlaKind::U32, .most = 255};
constexpr NlaPolicy kMetaPolicy[] = {{}, kU32, kByte, kU32};
constexpr NlaPolicy kRoutePolicy[] = {{}, kU32, kByte};
constexpr NlaPolicy kFibPolicy[] = {{}, kU32, kU32, {.kind = NlaKind::U32, .mask = 63}};

// ---- meta

// How much of a register a key fills; 0: there is no such key.
uint32_t size_of_key(uint32_t key) {
  switch (NftMetaKey{static_cast<uint8_t>(key)}) {
    case NftMetaKey::Protocol:
    case NftMetaKey::InputType:
    case NftMetaKey::OutputType:
      return 2;
    case NftMetaKey::Family:
    case NftMetaKey::Transport:
    case NftMetaKey::Length:
    case NftMetaKey::Priority:
    case NftMetaKey::Mark:
    case NftMetaKey::InputIndex:
    case NftMetaKey::OutputIndex:
    case NftMetaKey::SlaveIndex:
    case NftMetaKey::Realm:
    case NftMetaKey::PacketType:
    case NftMetaKey::Processor:
    case NftMetaKey::InputGroup:
    case NftMetaKey::OutputGroup:
    case NftMetaKey::Random:
    case NftMetaKey::TimeHour:
      return 4;
    case NftMetaKey::InputName:
    case NftMetaKey::OutputName:
    case NftMetaKey::InputKind:
    case NftMetaKey::OutputKind:
    case NftMetaKey::SlaveName:
      return 16;
    case NftMetaKey::HasSecurityPath:
    case NftMetaKey::TimeDay:
      return 1;
    case NftMetaKey::TimeNanos:
      return 8;
    default:
      return 0;
  }
}

Result<> read_meta(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftMeta>(self);
  const uint32_t size = size_of_key(tb[kMetaKey].be32());
  if (size == 0) return Errno::EOPNOTSUPP;
  own.key = NftMetaKey{static_cast<uint8_t>(tb[kMetaKey].be32())};
  own.at = TRY(store_register(context, tb[kMetaTo], DataType::Value, size));
  return ok();
}

Result<> read_meta_set(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftMeta>(self);
  own.key = NftMetaKey{static_cast<uint8_t>(tb[kMetaKey].be32())};
  uint32_t size = 0;
  switch (own.key) {
    case NftMetaKey::Mark:
    case NftMetaKey::Priority:
      size = 4;
      break;
    case NftMetaKey::PacketType:
      size = 1;
      break;
    default:
      return Errno::EOPNOTSUPP;
  }
  own.at = TRY(load_register(context, tb[kMetaFrom], size));
  return ok();
}

void write_meta(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftMeta>(self);
  writer.put_be32(kMetaKey, static_cast<uint32_t>(own.key));
  write_register(writer, kMetaTo, own.at);
}
void write_meta_set(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftMeta>(self);
  writer.put_be32(kMetaKey, static_cast<uint32_t>(own.key));
  write_register(writer, kMetaFrom, own.at);
}

Result<> check_meta(Context& context, NftExpression& self) {
  uint32_t hooks = 0;
  switch (nft_cast<NftMeta>(self).key) {
    case NftMetaKey::HasSecurityPath:
      hooks = kPreRoutingBit | kLocalInBit | kForwardBit;
      break;
    case NftMetaKey::SlaveIndex:
    case NftMetaKey::SlaveName:
      hooks = kLocalInBit | kForwardBit;
      break;
    default:
      return ok();
  }
  return is_internet(context.family) ? check_hooks(context, hooks) : Result<>(Errno::EOPNOTSUPP);
}

Result<> check_meta_set(Context& context, NftExpression& self) {
  if (nft_cast<NftMeta>(self).key != NftMetaKey::PacketType) return ok();
  if (context.family == kNftBridge || is_internet(context.family)) return check_hooks(context, kPreRoutingBit);
  return Errno::EOPNOTSUPP;
}

constexpr NftExpressionFace kMetaFace{
    .name = "meta", .make = &make_expression<NftMeta>, .read = &read_meta, .write = &write_meta, .check = &check_meta};
constexpr NftExpressionFace kMetaSetFace{.name = "meta",
                                         .make = &make_expression<NftMeta>,
                                         .read = &read_meta_set,
                                         .write = &write_meta_set,
                                         .check = &check_meta_set};
constexpr NftExpressionKind kMeta{kNftSizeOf<NftMeta>, &evaluate_meta, nullptr, &kMetaFace};
constexpr NftExpressionKind kMetaSet{kNftSizeOf<NftMeta>, &evaluate_meta_set, nullptr, &kMetaSetFace};

Result<const NftExpressionKind*> choose_meta(Context&, const NlaTable& tb) {
  if (!tb[kMetaKey] || static_cast<bool>(tb[kMetaTo]) == static_cast<bool>(tb[kMetaFrom])) return Errno::EINVAL;
  return tb[kMetaTo] ? &kMeta : &kMetaSet;
}

// ---- rt

Result<> read_route(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftRoute>(self);
  if (!tb[kRouteKey] || !tb[kRouteTo]) return Errno::EINVAL;
  constexpr uint8_t kSizes[] = {4, 4, 16, 2, 1};
  const uint32_t key = tb[kRouteKey].be32();
  if (key >= std::size(kSizes)) return Errno::EOPNOTSUPP;
  own.key = NftRouteKey{static_cast<uint8_t>(key)};
  own.to = TRY(store_register(context, tb[kRouteTo], DataType::Value, kSizes[key]));
  return ok();
}

void write_route(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftRoute>(self);
  writer.put_be32(kRouteKey, static_cast<uint32_t>(own.key));
  write_register(writer, kRouteTo, own.to);
}

Result<> check_route(Context& context, NftExpression& self) {
  if (!is_internet(context.family)) return Errno::EOPNOTSUPP;
  if (nft_cast<NftRoute>(self).key != NftRouteKey::SegmentSize) return ok();
  return check_hooks(context, kForwardBit | kLocalOutBit | kPostRoutingBit);
}

constexpr NftExpressionFace kRouteFace{
    .name = "rt", .make = &make_expression<NftRoute>, .read = &read_route, .write = &write_route, .check = &check_route};
constexpr NftExpressionKind kRoute{kNftSizeOf<NftRoute>, &evaluate_route, nullptr, &kRouteFace};

// ---- fib

Result<uint32_t> size_of_result(const NftFib& own, uint32_t result) {
  switch (NftFibResult{static_cast<uint8_t>(result)}) {
    case NftFibResult::OutputIndex:
      if ((own.flags & kNftFibOutput) != 0) return Errno::EINVAL;
      return (own.flags & kNftFibPresent) != 0 ? uint32_t{1} : uint32_t{4};
    case NftFibResult::OutputName:
      if ((own.flags & (kNftFibOutput | kNftFibPresent)) != 0) return Errno::EINVAL;
      return uint32_t{16};
    case NftFibResult::AddressType:
      if ((own.flags & kNftFibPresent) != 0) return Errno::EINVAL;
      return uint32_t{4};
  }
  return Errno::EINVAL;
}

Result<> read_fib(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftFib>(self);
  if (!tb[kFibTo] || !tb[kFibResult] || !tb[kFibFlags]) return Errno::EINVAL;
  own.flags = tb[kFibFlags].be32();
  constexpr uint32_t kAddresses = kNftFibSource | kNftFibDestination, kLinks = kNftFibInput | kNftFibOutput;
  const uint32_t address = own.flags & kAddresses;
  if (address == 0 || address == kAddresses || (own.flags & kLinks) == kLinks) return Errno::EINVAL;
  const uint32_t size = TRY(size_of_result(own, tb[kFibResult].be32()));
  own.result = NftFibResult{static_cast<uint8_t>(tb[kFibResult].be32())};
  own.to = TRY(store_register(context, tb[kFibTo], DataType::Value, size));
  return ok();
}

void write_fib(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftFib>(self);
  write_register(writer, kFibTo, own.to);
  writer.put_be32(kFibResult, static_cast<uint32_t>(own.result));
  writer.put_be32(kFibFlags, own.flags);
}

Result<> check_fib(Context& context, NftExpression& self) {
  const auto& own = nft_cast<NftFib>(self);
  constexpr uint32_t kComing = kPreRoutingBit | kLocalInBit | kForwardBit;
  if (!is_internet(context.family)) return Errno::EOPNOTSUPP;
  if (own.result != NftFibResult::AddressType || (own.flags & kNftFibInput) != 0) return check_hooks(context, kComing);
  if ((own.flags & kNftFibOutput) != 0) return check_hooks(context, kLocalOutBit | kPostRoutingBit | kForwardBit);
  return check_hooks(context, kComing | kLocalOutBit | kPostRoutingBit);
}

constexpr NftExpressionFace kFibFace{
    .name = "fib", .make = &make_expression<NftFib>, .read = &read_fib, .write = &write_fib, .check = &check_fib};
constexpr NftExpressionKind kFib{kNftSizeOf<NftFib>, &evaluate_fib, nullptr, &kFibFace};

Result<const NftExpressionKind*> choose_fib(Context&, const NlaTable& tb) {
  if (!tb[kFibResult]) return Errno::EINVAL;
  const uint32_t result = tb[kFibResult].be32();
  return result >= 1 && result <= 3 ? &kFib : Result<const NftExpressionKind*>(Errno::EOPNOTSUPP);
}

constexpr ExpressionType kTypes[] = {
    {.name = "meta", .last = kMetaFrom, .policy = kMetaPolicy, .choose = &choose_meta},
    {.name = "rt", .last = kRouteKey, .policy = kRoutePolicy, .kind = &kRoute},
    {.name = "fib", .family = kNftInet, .last = kFibFlags, .policy = kFibPolicy, .kind = &kFib},
    {.name = "fib", .family = kNftV4, .last = kFibFlags, .policy = kFibPolicy, .choose = &choose_fib},
    {.name = "fib", .family = kNftV6, .last = kFibFlags, .policy = kFibPolicy, .choose = &choose_fib},
};

}  // namespace

std::span<const ExpressionType> meta_types() { return kTypes; }

}  // namespace lxnet::nft
