// reject; match and target, by which iptables' rules are carried: what programs say of them.
#include "compat/afnetlink/nftables/connection_uses.hh"
#include "compat/afnetlink/nftables/face.hh"
#include "compat/afnetlink/nftables/messages.hh"
#include "stack/nft/expression_filter.hh"

namespace lxnet::nft {
namespace {

enum : uint8_t { kRejectType = 1, kRejectCode };
enum : uint8_t { kExtensionName = 1, kExtensionRevision, kExtensionInfo };
enum : uint8_t { kCompatProtocol = 1, kCompatFlags };

constexpr NlaPolicy kByte{.kind = NlaKind::U32, .most = 255};
constexpr NlaPolicy kRejectPolicy[] = {{}, kByte, {NlaKind::U8}};
constexpr NlaPolicy kExtensionPolicy[] = {{}, {NlaKind::EndedText, 29}, kByte, {NlaKind::Binary}};
constexpr NlaPolicy kCompatPolicy[] = {{}, {NlaKind::U32}, {NlaKind::U32}};

// ---- reject

Result<> read_reject(Context&, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftReject>(self);
  constexpr uint8_t kMostOfAny = 3;
  if (!tb[kRejectType]) return Errno::EINVAL;
  const uint32_t type = tb[kRejectType].be32();
  if (type > static_cast<uint32_t>(NftRejectType::UnreachableOfAny)) return Errno::EINVAL;
  own.type = NftRejectType{static_cast<uint8_t>(type)};
  if (own.type == NftRejectType::TcpReset) return ok();
  if (!tb[kRejectCode]) return Errno::EINVAL;
  own.code = tb[kRejectCode].u8();
  return own.type == NftRejectType::UnreachableOfAny && own.code > kMostOfAny ? Result<>(Errno::EINVAL) : Result<>(ok());
}

void write_reject(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftReject>(self);
  writer.put_be32(kRejectType, static_cast<uint32_t>(own.type));
  if (own.type != NftRejectType::TcpReset) writer.put_u8(kRejectCode, own.code);
}

Result<> check_reject(Context& context, NftExpression&) {
  return check_hooks(context, kLocalInBit | kForwardBit | kLocalOutBit | kPreRoutingBit);
}

constexpr NftExpressionFace kRejectFace{
    .name = "reject", .make = &make_expression<NftReject>, .read = &read_reject, .write = &write_reject, .check = &check_reject};
constexpr NftExpressionKind kReject{kNftSizeOf<NftReject>, &evaluate_reject, nullptr, &kRejectFace};

// ---- match, target

constexpr size_t align8(size_t size) { return (size + 7) & ~size_t{7}; }

struct Protocol {
  uint16_t number = 0;
  bool is_inverted = false;
};

// NFTA_RULE_COMPAT: the protocol that the rule asks for.
Result<Protocol> read_protocol(const Context& context) {
  const Nla nest = context[kRuleCompat];
  if (!nest) return Protocol{};
  constexpr uint32_t kUnused = 1, kInverted = 2;
  NlaTable inner;
  TRY(parse_attributes(inner, nest.value(), kCompatFlags, kCompatPolicy));
  if (!inner[kCompatProtocol] || !inner[kCompatFlags]) return Errno::EINVAL;
  const uint32_t flags = inner[kCompatFlags].be32();
  if ((flags & kUnused) != 0 || (flags & ~kInverted) != 0) return Errno::EINVAL;
  const uint32_t number = inner[kCompatProtocol].be32();
  if (number > UINT16_MAX) return Errno::EINVAL;
  return Protocol{static_cast<uint16_t>(number), (flags & kInverted) != 0};
}

// Extensions of any family are all that tables for both have.
template <typename Kind>
Result<const Kind*> find_extension(uint8_t family, const NlaTable& tb,
                                   Result<const Kind*> (*find)(IpFamily, const char*, uint8_t)) {
  if (!is_internet(family)) return Errno::ENOENT;
  const char* name = reinterpret_cast<const char*>(tb[kExtensionName].value().data());
  auto found = find(family == kNftV6 ? IpFamily::V6 : IpFamily::V4, name, static_cast<uint8_t>(tb[kExtensionRevision].be32()));
  if (!found.is_ok()) return Errno::ENOENT;
  const Kind* kind = found.take();
  if (family == kNftInet && kind->shape.list != ExtensionList::Any) return Errno::ENOENT;
  return kind;
}

bool has_settings(const NlaTable& tb) { return tb[kExtensionName] && tb[kExtensionRevision] && tb[kExtensionInfo]; }

// xt_check_match(), xt_check_target().
Result<> check_shape(Context& context, const ExtensionShape& shape, const NlaTable& tb, ByteSpan settings) {
  const Protocol protocol = TRY(read_protocol(context));
  if (align8(shape.size) != align8(tb[kExtensionInfo].value().size())) return Errno::EINVAL;
  if (shape.table != nullptr && !same_name(context.table->name.data(), shape.table)) return Errno::EINVAL;
  const NftChain& chain = *context.chain;
  const uint8_t hooks = chain.is_base() ? static_cast<uint8_t>(1u << chain.hook->number) : uint8_t{0};
  if (shape.hooks != 0 && (hooks & ~shape.hooks) != 0) return Errno::EINVAL;
  if (shape.protocol != 0 && (protocol.number != shape.protocol || protocol.is_inverted)) return Errno::EINVAL;
  if (shape.check == nullptr) return ok();
  return shape.check({.entry = context.call->entry(),
                      .family = context.family == kNftV6 ? IpFamily::V6 : IpFamily::V4,
                      .hooks = hooks,
                      .protocol = protocol.number,
                      .asks_protocol = context.family == kNftV6 ? protocol.number != 0 : true,
                      .inverts_protocol = protocol.is_inverted},
                     settings);
}

Result<HeapArray<uint8_t>> copy_settings(const Hal& hal, const ExtensionShape& shape, const NlaTable& tb) {
  auto copy = TRY(HeapArray<uint8_t>::create(hal, align8(shape.size)));
  copy_bytes({copy.data(), shape.size}, tb[kExtensionInfo].value());
  return copy;
}

Result<> follow_for(Context& context, const ExtensionShape& shape, ByteSpan settings, NftConnectionUses& uses) {
  if (shape.needs_connections == nullptr || !shape.needs_connections(settings)) return ok();
  return use_connections(context, context.family, uses);
}

Result<> read_match(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftMatch>(self);
  const MatchKind* kind = TRY(find_extension<MatchKind>(context.family, tb, &find_match));
  HeapArray<uint8_t> settings = TRY(copy_settings(context.hal(), kind->shape, tb));
  const MutableByteSpan bytes(settings.data(), kind->shape.size);
  TRY(check_shape(context, kind->shape, tb, bytes));
  TRY(follow_for(context, kind->shape, bytes, own.uses));
  own.settings = std::move(settings);
  own.match.kind = kind;
  own.match.data = bytes;
  if (kind->prepare != nullptr) kind->prepare(context.call->entry(), own.match, bytes);
  return ok();
}

Result<> read_target(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftTarget>(self);
  const TargetKind* kind = TRY(find_extension<TargetKind>(context.family, tb, &find_target));
  HeapArray<uint8_t> settings = TRY(copy_settings(context.hal(), kind->shape, tb));
  const ByteSpan bytes(settings.data(), kind->shape.size);
  TRY(check_shape(context, kind->shape, tb, bytes));
  TRY(follow_for(context, kind->shape, bytes, own.uses));
  own.settings = std::move(settings);
  own.target = kind;
  return ok();
}

// What a program gets back of its settings: the rest is nobody's business.
void write_extension(MessageWriter& writer, const ExtensionShape& shape, ByteSpan settings) {
  const size_t shown = shape.user_size != 0 ? shape.user_size : shape.size;
  writer.put_text(kExtensionName, shape.name);
  writer.put_be32(kExtensionRevision, shape.revision);
  writer.put_padded(kExtensionInfo, settings.first(shown), align8(shape.size));
}
void write_match(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftMatch>(self);
  write_extension(writer, own.match.kind->shape, {own.settings.data(), own.settings.size()});
}
void write_target(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftTarget>(self);
  write_extension(writer, own.target->shape, {own.settings.data(), own.settings.size()});
}

template <typename T>
void destroy_extension(Context&, NftExpression& self) {
  auto& own = nft_cast<T>(self);
  own.settings = HeapArray<uint8_t>();
  own.uses = NftConnectionUses();
}

Result<> check_place(Context& context, const ExtensionShape& shape) {
  if (!is_internet(context.family)) return Errno::EOPNOTSUPP;
  TRY(check_hooks(context, kPreRoutingBit | kLocalInBit | kForwardBit | kLocalOutBit | kPostRoutingBit));
  const NftChain& chain = *context.chain;
  if (!chain.is_base()) return ok();
  if (shape.hooks != 0 && (shape.hooks & 1u << chain.hook->number) == 0) return Errno::EINVAL;
  const bool is_nat = shape.table != nullptr && same_name(shape.table, "nat");
  return is_nat && chain.hook->type != NftChainType::Nat ? Result<>(Errno::EINVAL) : Result<>(ok());
}
Result<> check_match(Context& context, NftExpression& self) {
  return check_place(context, nft_cast<NftMatch>(self).match.kind->shape);
}
Result<> check_target(Context& context, NftExpression& self) {
  return check_place(context, nft_cast<NftTarget>(self).target->shape);
}

constexpr NftExpressionFace kMatchFace{.name = "match",
                                       .make = &make_expression<NftMatch>,
                                       .read = &read_match,
                                       .write = &write_match,
                                       .destroy = &destroy_extension<NftMatch>,
                                       .check = &check_match};
constexpr NftExpressionFace kTargetFace{.name = "target",
                                        .make = &make_expression<NftTarget>,
                                        .read = &read_target,
                                        .write = &write_target,
                                        .destroy = &destroy_extension<NftTarget>,
                                        .check = &check_target};
constexpr NftExpressionKind kMatch{kNftSizeOf<NftMatch>, &evaluate_match, nullptr, &kMatchFace};
constexpr NftExpressionKind kTarget{kNftSizeOf<NftTarget>, &evaluate_target, nullptr, &kTargetFace};

Result<const NftExpressionKind*> choose_match(Context& context, const NlaTable& tb) {
  if (!has_settings(tb)) return Errno::EINVAL;
  const MatchKind* kind = TRY(find_extension<MatchKind>(context.family, tb, &find_match));
  if (kind->shape.size > tb[kExtensionInfo].value().size()) return Errno::EINVAL;
  return &kMatch;
}

Result<const NftExpressionKind*> choose_target(Context& context, const NlaTable& tb) {
  if (!has_settings(tb)) return Errno::EINVAL;
  const char* name = reinterpret_cast<const char*>(tb[kExtensionName].value().data());
  if (same_name(name, kErrorTarget) || same_name(name, kStandardTarget) || same_name(name, "standard")) return Errno::EINVAL;
  const TargetKind* kind = TRY(find_extension<TargetKind>(context.family, tb, &find_target));
  if (kind->shape.size > tb[kExtensionInfo].value().size()) return Errno::EINVAL;
  return &kTarget;
}

constexpr ExpressionType kTypes[] = {
    {.name = "reject", .family = kNftInet, .last = kRejectCode, .policy = kRejectPolicy, .kind = &kReject},
    {.name = "reject", .family = kNftV4, .last = kRejectCode, .policy = kRejectPolicy, .kind = &kReject},
    {.name = "reject", .family = kNftV6, .last = kRejectCode, .policy = kRejectPolicy, .kind = &kReject},
    {.name = "match", .last = kExtensionInfo, .policy = kExtensionPolicy, .choose = &choose_match},
    {.name = "target", .last = kExtensionInfo, .policy = kExtensionPolicy, .choose = &choose_target},
};

// ---- NFNL_MSG_COMPAT_GET

enum : uint8_t { kAskName = 1, kAskRevision, kAskType };

// xt_find_revision(): ENOENT for a name that is unknown, EPROTONOSUPPORT for another revision; the highest that is there.
template <typename Kind>
Result<uint32_t> find_revision(std::span<const Kind> kinds, IpFamily family, const char* name, uint32_t wanted) {
  int best = -1;
  bool has_wanted = false;
  for (const Kind& kind : kinds) {
    if ((kind.shape.families & family_bit(family)) == 0 || !same_name(kind.shape.name, name)) continue;
    if (kind.shape.revision > best) best = kind.shape.revision;
    has_wanted |= kind.shape.revision == wanted;
  }
  if (best < 0) return Errno::ENOENT;
  return has_wanted ? Result<uint32_t>(static_cast<uint32_t>(best)) : Result<uint32_t>(Errno::EPROTONOSUPPORT);
}

}  // namespace

std::span<const ExpressionType> filter_types() { return kTypes; }

Result<> answer_compat(Context& context) {
  if (!context[kAskName] || !context[kAskRevision] || !context[kAskType]) return Errno::EINVAL;
  if (context.family == kNftBridge || context.family == kNftArp) return Errno::ENOENT;
  if (context.family != kNftV4 && context.family != kNftV6) return Errno::EINVAL;
  const char* name = reinterpret_cast<const char*>(context[kAskName].value().data());
  const uint32_t wanted = context[kAskRevision].be32();
  const bool is_target = context[kAskType].be32() == 1;
  const IpFamily family = context.family == kNftV4 ? IpFamily::V4 : IpFamily::V6;
  const uint32_t revision = is_target ? TRY(find_revision(target_kinds(), family, name, wanted))
                                      : TRY(find_revision(match_kinds(), family, name, wanted));
  uint8_t room[256];
  MessageWriter writer({room, sizeof room});
  writer.begin(kCompatSubsystem << 8, kMulti, context.header.sequence, context.header.port, {context.family, 0, Be16(0)});
  writer.put_text(kAskName, name);
  writer.put_be32(kAskRevision, revision);
  writer.put_be32(kAskType, is_target ? 1 : 0);
  if (writer.end()) context.peer->answer(writer.written());
  return ok();
}

}  // namespace lxnet::nft
