// lookup, dynset, objref: what programs say of them.
#include "compat/afnetlink/nftables/face.hh"
#include "stack/nft/expression_set.hh"

namespace lxnet::nft {
namespace {

enum : uint8_t { kLookupSet = 1, kLookupFrom, kLookupTo, kLookupSetId, kLookupFlags };
enum : uint8_t {
  kUpdateSet = 1,
  kUpdateSetId,
  kUpdateOp,
  kUpdateKey,
  kUpdateData,
  kUpdateTimeout,
  kUpdateExpression,
  kUpdatePad,
  kUpdateFlags,
  kUpdateExpressions,
};
enum : uint8_t { kUseType = 1, kUseName, kUseFrom, kUseSet, kUseSetId };

constexpr NlaPolicy kU32{NlaKind::U32}, kText{NlaKind::Text, kNameLength};
constexpr NlaPolicy kLookupPolicy[] = {{}, kText, kU32, kU32, kU32, {.kind = NlaKind::U32, .mask = 1}};
constexpr NlaPolicy kUpdatePolicy[] = {{},
                                       kText,
                                       kU32,
                                       {.kind = NlaKind::U32, .most = 255},
                                       kU32,
                                       kU32,
                                       {NlaKind::U64},
                                       {NlaKind::Nested},
                                       {},
                                       kU32,
                                       {NlaKind::Nested}};
constexpr NlaPolicy kUsePolicy[] = {{}, kU32, kText, kU32, kText, kU32};
constexpr uint32_t kInverted = 1, kSaysExpressions = 2;

template <typename T>
void activate(Context& context, NftExpression& self) {
  activate_set(context, *nft_cast<T>(self).set);
}
template <typename T>
void deactivate(Context& context, NftExpression& self, Phase phase) {
  auto& own = nft_cast<T>(self);
  deactivate_set(context, *own.set, own.binding, phase);
}
template <typename T>
void destroy(Context& context, NftExpression& self) {
  destroy_bound_set(context, *nft_cast<T>(self).set);
}

Result<NftSet*> find_named(Context& context, Nla name, Nla id) {
  return find_set_anywhere(context.tables, *context.table, name, id, context.tables.generations.next());
}

// ---- lookup

Result<> read_lookup(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftLookup>(self);
  if (!tb[kLookupSet] || !tb[kLookupFrom]) return Errno::EINVAL;
  NftSet& set = *TRY(find_named(context, tb[kLookupSet], tb[kLookupSetId]));
  own.from = TRY(load_register(context, tb[kLookupFrom], set.key_size));
  own.is_inverted = tb[kLookupFlags] && (tb[kLookupFlags].be32() & kInverted) != 0;
  if (tb[kLookupTo]) {
    if (own.is_inverted || !set.is_map()) return Errno::EINVAL;
    own.to = TRY(store_register(context, tb[kLookupTo], set.has_verdicts() ? DataType::Verdict : DataType::Value, set.data_size));
    own.gives_data = true;
  } else if (set.is_map() && set.is_anonymous()) {
    return Errno::EINVAL;
  }
  own.binding.flags = set.flags & kNftSetMap;
  TRY(bind_set(context, set, own.binding));
  own.set = &set;
  return ok();
}

void write_lookup(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftLookup>(self);
  writer.put_text(kLookupSet, own.set->name.data());
  write_register(writer, kLookupFrom, own.from);
  if (own.gives_data) write_register(writer, kLookupTo, own.to);
  writer.put_be32(kLookupFlags, own.is_inverted ? kInverted : 0);
}

Result<> check_element(Context& context, const NftElement& element) {
  if (!element.is_in(context.tables.generations.next()) || element.is_end() || !leads_on(element.data().verdict)) return ok();
  ++context.level;
  TRY(validate_chain(context, *element.data().verdict.chain));
  --context.level;
  return ok();
}

Result<> check_lookup(Context& context, NftExpression& self) {
  const NftSet& set = *nft_cast<NftLookup>(self).set;
  if (!set.has_verdicts()) return ok();
  for (const NftElement& element : set.elements) TRY(check_element(context, element));
  for (const NftElement& element : set.catch_all) TRY(check_element(context, element));
  return ok();
}

// ---- dynset

void free_all(Context& context, NftUpdate& own) {
  for (size_t i = 0; i < own.expression_count; ++i) free_expression(context, own.expressions[i]);
  own.expression_count = 0;
}

Result<> add_expression(Context& context, NftUpdate& own, const NftSet& set, Nla nest) {
  const size_t at = own.expression_count;
  own.expressions[at] = TRY(make_stateful(context, nest));
  ++own.expression_count;
  if (set.expression_count == 0) return ok();
  if (at >= set.expression_count) return Errno::EINVAL;
  return own.expressions[at]->kind == set.expressions[at]->kind ? Result<>(ok()) : Result<>(Errno::EOPNOTSUPP);
}

Result<> read_expressions(Context& context, NftUpdate& own, const NftSet& set, const NlaTable& tb) {
  const Nla one = tb[kUpdateExpression], list = tb[kUpdateExpressions];
  if ((one || list) && (set.flags & kNftSetEval) == 0) return Errno::EINVAL;
  if (one) {
    TRY(add_expression(context, own, set, one));
    return set.expression_count > 1 ? Result<>(Errno::EOPNOTSUPP) : Result<>(ok());
  }
  if (list) {
    if (!own.says_expressions) return Errno::EINVAL;
    for (const Nla entry : NlaRange(list)) {
      if (own.expression_count == NftSet::kExpressions) return Errno::E2BIG;
      if (entry.type() != kListElement) return Errno::EINVAL;
      TRY(add_expression(context, own, set, entry));
    }
    const bool agrees = set.expression_count == 0 || set.expression_count == own.expression_count;
    return agrees ? Result<>(ok()) : Result<>(Errno::EOPNOTSUPP);
  }
  for (size_t i = 0; i < set.expression_count; ++i) {
    own.expressions[i] = TRY(clone_expression(context, *set.expressions[i]));
    ++own.expression_count;
  }
  return ok();
}

Result<> read_update_set(Context& context, NftUpdate& own, const NlaTable& tb) {
  if (!tb[kUpdateSet] || !tb[kUpdateOp] || !tb[kUpdateKey]) return Errno::EINVAL;
  if (tb[kUpdateFlags]) {
    const uint32_t flags = tb[kUpdateFlags].be32();
    if ((flags & ~(kInverted | kSaysExpressions)) != 0) return Errno::EOPNOTSUPP;
    own.is_inverted = (flags & kInverted) != 0;
    own.says_expressions = (flags & kSaysExpressions) != 0;
  }
  NftSet& set = *TRY(find_named(context, tb[kUpdateSet], tb[kUpdateSetId]));
  if ((set.flags & kNftSetObject) != 0 || !set.kind->takes_updates) return Errno::EOPNOTSUPP;
  if ((set.flags & kNftSetConstant) != 0) return Errno::EBUSY;
  const uint32_t op = tb[kUpdateOp].be32();
  if (op > static_cast<uint32_t>(NftUpdateOp::Delete)) return Errno::EOPNOTSUPP;
  own.op = NftUpdateOp{static_cast<uint8_t>(op)};
  if (tb[kUpdateTimeout]) {
    if ((set.flags & kNftSetTimeout) == 0) return Errno::EOPNOTSUPP;
    own.timeout_ms = TRY(read_millis(tb[kUpdateTimeout]));
  }
  own.key_from = TRY(load_register(context, tb[kUpdateKey], set.key_size));
  if (tb[kUpdateData]) {
    if (!set.is_map() || set.has_verdicts()) return Errno::EOPNOTSUPP;
    own.data_from = TRY(load_register(context, tb[kUpdateData], set.data_size));
  } else if (set.is_map()) {
    return Errno::EINVAL;
  }
  own.set = &set;
  return ok();
}

Result<> read_update(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftUpdate>(self);
  TRY(read_update_set(context, own, tb));
  const auto read = [&]() -> Result<> {
    TRY(read_expressions(context, own, *own.set, tb));
    return bind_set(context, *own.set, own.binding);
  }();
  if (!read.is_ok()) {
    free_all(context, own);
    return read.error();
  }
  constexpr uint32_t kDefaultSize = 0xffff;
  MutexLock lock(context.tables.stack.hooks().mutex());
  if (own.set->size == 0) own.set->size = kDefaultSize;
  return ok();
}

void write_update(NftTables& tables, MessageWriter& writer, NftExpression& self, bool resets) {
  const auto& own = nft_cast<NftUpdate>(self);
  write_register(writer, kUpdateKey, own.key_from);
  if (own.set->is_map()) write_register(writer, kUpdateData, own.data_from);
  writer.put_be32(kUpdateOp, static_cast<uint32_t>(own.op));
  writer.put_text(kUpdateSet, own.set->name.data());
  writer.put_be64(kUpdateTimeout, own.timeout_ms);
  if (own.set->expression_count == 0 && own.expression_count == 1) {
    write_expression(tables, writer, kUpdateExpression, *own.expressions[0], resets);
  } else if (own.set->expression_count == 0 && own.expression_count > 1) {
    const size_t list = writer.nest(kUpdateExpressions);
    for (size_t i = 0; i < own.expression_count; ++i) write_expression(tables, writer, kListElement, *own.expressions[i], resets);
    writer.end_nest(list);
  }
  writer.put_be32(kUpdateFlags, own.is_inverted ? kInverted : 0);
}

void destroy_update(Context& context, NftExpression& self) {
  auto& own = nft_cast<NftUpdate>(self);
  free_all(context, own);
  destroy_bound_set(context, *own.set);
}

// ---- objref

Result<> read_use(Context& context, NftExpression& self, const NlaTable& tb) {
  auto found = find_object(*context.table, tb[kUseName], tb[kUseType].be32(), context.tables.generations.next());
  if (!found.is_ok()) return Errno::ENOENT;
  NftObject* object = found.take();
  TRY(use(object->use));
  nft_cast<NftObjectUse>(self).object = object;
  return ok();
}

void write_use(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const NftObject& object = *nft_cast<NftObjectUse>(self).object;
  writer.put_text(kUseName, object.name.data());
  writer.put_be32(kUseType, object.type);
}

void activate_use(Context&, NftExpression& self) { ++nft_cast<NftObjectUse>(self).object->use; }
void deactivate_use(Context&, NftExpression& self, Phase phase) {
  if (phase != Phase::Commit) --nft_cast<NftObjectUse>(self).object->use;
}

Result<> read_map(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftObjectMap>(self);
  NftSet& set = *TRY(find_named(context, tb[kUseSet], tb[kUseSetId]));
  if ((set.flags & kNftSetObject) == 0) return Errno::EINVAL;
  own.from = TRY(load_register(context, tb[kUseFrom], set.key_size));
  own.binding.flags = set.flags & kNftSetObject;
  TRY(bind_set(context, set, own.binding));
  own.set = &set;
  return ok();
}

void write_map(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftObjectMap>(self);
  write_register(writer, kUseFrom, own.from);
  writer.put_text(kUseSet, own.set->name.data());
}

// ---- rows

constexpr NftExpressionFace kLookupFace{.name = "lookup",
                                        .make = &make_expression<NftLookup>,
                                        .read = &read_lookup,
                                        .write = &write_lookup,
                                        .activate = &activate<NftLookup>,
                                        .deactivate = &deactivate<NftLookup>,
                                        .destroy = &destroy<NftLookup>,
                                        .check = &check_lookup};
constexpr NftExpressionFace kUpdateFace{.name = "dynset",
                                        .make = &make_expression<NftUpdate>,
                                        .read = &read_update,
                                        .write = &write_update,
                                        .activate = &activate<NftUpdate>,
                                        .deactivate = &deactivate<NftUpdate>,
                                        .destroy = &destroy_update};
constexpr NftExpressionFace kUseFace{.name = "objref",
                                     .make = &make_expression<NftObjectUse>,
                                     .read = &read_use,
                                     .write = &write_use,
                                     .activate = &activate_use,
                                     .deactivate = &deactivate_use};
constexpr NftExpressionFace kMapFace{.name = "objref",
                                     .make = &make_expression<NftObjectMap>,
                                     .read = &read_map,
                                     .write = &write_map,
                                     .activate = &activate<NftObjectMap>,
                                     .deactivate = &deactivate<NftObjectMap>,
                                     .destroy = &destroy<NftObjectMap>};
constexpr NftExpressionKind kLookup{kNftSizeOf<NftLookup>, &evaluate_lookup, nullptr, &kLookupFace};
constexpr NftExpressionKind kUpdate{kNftSizeOf<NftUpdate>, &evaluate_update, nullptr, &kUpdateFace};
constexpr NftExpressionKind kUse{kNftSizeOf<NftObjectUse>, &evaluate_object, nullptr, &kUseFace};
constexpr NftExpressionKind kMap{kNftSizeOf<NftObjectMap>, &evaluate_object_map, nullptr, &kMapFace};

Result<const NftExpressionKind*> choose_use(Context&, const NlaTable& tb) {
  if (tb[kUseFrom] && (tb[kUseSet] || tb[kUseSetId])) return &kMap;
  if (tb[kUseName] && tb[kUseType]) return &kUse;
  return Errno::EOPNOTSUPP;
}

constexpr ExpressionType kTypes[] = {
    {.name = "lookup", .last = kLookupFlags, .policy = kLookupPolicy, .kind = &kLookup},
    {.name = "dynset", .last = kUpdateExpressions, .policy = kUpdatePolicy, .kind = &kUpdate},
    {.name = "objref", .last = kUseSetId, .policy = kUsePolicy, .choose = &choose_use},
};

}  // namespace

std::span<const ExpressionType> set_types() { return kTypes; }

}  // namespace lxnet::nft
