// NEWSET, DELSET, DESTROYSET.
#include "compat/afnetlink/nftables/face.hh"

namespace lxnet::nft {
namespace {

constexpr uint32_t kAllFlags = 0x1ff;
constexpr uint32_t kReservedType = 0xffffff00;  // NFT_DATA_RESERVED_MASK
constexpr uint32_t kLastObject = 10;

constexpr NlaPolicy kFieldPolicy[] = {{}, {NlaKind::U32}};
constexpr NlaPolicy kDescriptionPolicy[] = {
    {}, {NlaKind::U32}, {.kind = NlaKind::Array, .inside = kFieldPolicy, .inside_last = 1}};

// What a program asks of a set, checked: nft_set_desc and flags.
struct Wish {
  uint32_t flags = 0, key_type = 0, data_type = 0, object_type = 0, policy = 0;
  uint16_t key_size = 0, data_size = 0;
  uint32_t size = 0, collect_ms = 0;
  uint64_t timeout_ms = 0;
  uint8_t field_count = 0, field_sizes[NftSet::kFields] = {};
};

bool has_all(uint32_t flags, uint32_t bits) { return (flags & bits) == bits; }

Result<> read_flags(const Context& context, Wish& wish) {
  if (!context[kSetFlags]) return ok();
  const uint32_t flags = context[kSetFlags].be32();
  if ((flags & ~kAllFlags) != 0) return Errno::EOPNOTSUPP;
  if (has_all(flags, kNftSetMap | kNftSetObject)) return Errno::EOPNOTSUPP;
  if (has_all(flags, kNftSetEval | kNftSetObject)) return Errno::EOPNOTSUPP;
  if ((flags & (kNftSetAnonymous | kNftSetTimeout | kNftSetEval)) == (kNftSetAnonymous | kNftSetTimeout))
    return Errno::EOPNOTSUPP;
  if (has_all(flags, kNftSetConstant | kNftSetTimeout)) return Errno::EOPNOTSUPP;
  wish.flags = flags;
  return ok();
}

Result<> read_data_type(const Context& context, Wish& wish) {
  const bool is_map = (wish.flags & kNftSetMap) != 0;
  if (!context[kSetDataType]) return is_map ? Result<>(Errno::EINVAL) : Result<>(ok());
  if (!is_map) return Errno::EINVAL;
  wish.data_type = context[kSetDataType].be32();
  if ((wish.data_type & kReservedType) == kReservedType && wish.data_type != kNftVerdictType) return Errno::EINVAL;
  if (wish.data_type == kNftVerdictType) {
    wish.data_size = sizeof(NftVerdict);
    return ok();
  }
  if (!context[kSetDataLength]) return Errno::EINVAL;
  const uint32_t size = context[kSetDataLength].be32();
  if (size == 0 || size > kNftDataSize) return Errno::EINVAL;
  wish.data_size = static_cast<uint16_t>(size);
  return ok();
}

Result<> read_object_type(const Context& context, Wish& wish) {
  const bool is_object = (wish.flags & kNftSetObject) != 0;
  if (!context[kSetObjectType]) return is_object ? Result<>(Errno::EINVAL) : Result<>(ok());
  if (!is_object) return Errno::EINVAL;
  wish.object_type = context[kSetObjectType].be32();
  if (wish.object_type == 0 || wish.object_type > kLastObject) return Errno::EOPNOTSUPP;
  return ok();
}

Result<> read_times(const Context& context, Wish& wish) {
  for (const uint8_t attribute : {kSetTimeout, kSetCollectInterval}) {
    if (!context[attribute]) continue;
    if ((wish.flags & kNftSetTimeout) == 0) return Errno::EINVAL;
    if ((wish.flags & kNftSetAnonymous) != 0) return Errno::EOPNOTSUPP;
    if (attribute == kSetTimeout) {
      wish.timeout_ms = TRY(read_millis(context[attribute]));
    } else {
      wish.collect_ms = context[attribute].be32();
    }
  }
  return ok();
}

Result<> read_fields(Nla list, Wish& wish) {
  for (const Nla entry : NlaRange(list)) {
    if (entry.type() != kListElement) return Errno::EINVAL;
    if (wish.field_count >= NftSet::kFields) return Errno::E2BIG;
    NlaTable inner;
    TRY(parse_attributes(inner, entry.value(), 1, kFieldPolicy));
    if (!inner[1]) return Errno::EINVAL;
    const uint32_t size = inner[1].be32();
    if (size == 0 || size > UINT8_MAX) return Errno::EINVAL;
    wish.field_sizes[wish.field_count++] = static_cast<uint8_t>(size);
  }
  uint32_t whole = 0;
  for (size_t i = 0; i < wish.field_count; ++i) whole += (wish.field_sizes[i] + uint32_t{3}) & ~uint32_t{3};
  if (whole != wish.key_size) return Errno::EINVAL;
  return ok();
}

Result<> read_description(const Context& context, Wish& wish) {
  const bool is_concat = (wish.flags & kNftSetConcat) != 0;
  if (!context[kSetDescription]) return is_concat ? Result<>(Errno::EINVAL) : Result<>(ok());
  NlaTable inner;
  TRY(parse_attributes(inner, context[kSetDescription].value(), kDescriptionConcat, kDescriptionPolicy));
  if (inner[kDescriptionSize]) wish.size = inner[kDescriptionSize].be32();
  if (inner[kDescriptionConcat]) TRY(read_fields(inner[kDescriptionConcat], wish));
  return (wish.field_count > 1) == is_concat ? Result<>(ok()) : Result<>(Errno::EINVAL);
}

Result<Wish> read_wish(const Context& context) {
  Wish wish;
  if (context[kSetKeyType]) {
    wish.key_type = context[kSetKeyType].be32();
    if ((wish.key_type & kReservedType) == kReservedType) return Errno::EINVAL;
  }
  const uint32_t size = context[kSetKeyLength].be32();
  if (size == 0 || size > kNftDataSize) return Errno::EINVAL;
  wish.key_size = static_cast<uint16_t>(size);
  TRY(read_flags(context, wish));
  TRY(read_data_type(context, wish));
  TRY(read_object_type(context, wish));
  TRY(read_times(context, wish));
  if (context[kSetPolicy]) {
    wish.policy = context[kSetPolicy].be32();
    if (wish.policy > 1) return Errno::EOPNOTSUPP;
  }
  TRY(read_description(context, wish));
  return wish;
}

// ---- expressions that new elements begin with

struct Expressions {
  NftExpression* items[NftSet::kExpressions] = {};
  uint8_t count = 0;
};

void free_expressions(Context& context, Expressions& expressions) {
  for (size_t i = 0; i < expressions.count; ++i) free_expression(context, expressions.items[i]);
  expressions.count = 0;
}

Result<> read_each(Context& context, uint32_t flags, Expressions& expressions) {
  if (const Nla one = context[kSetExpression]; one) {
    expressions.items[0] = TRY(make_stateful(context, one));
    expressions.count = 1;
    return ok();
  }
  const Nla list = context[kSetExpressions];
  if (!list) return ok();
  if ((flags & kNftSetExpression) == 0) return Errno::EINVAL;
  for (const Nla entry : NlaRange(list)) {
    if (expressions.count == NftSet::kExpressions) return Errno::E2BIG;
    if (entry.type() != kListElement) return Errno::EINVAL;
    expressions.items[expressions.count] = TRY(make_stateful(context, entry));
    ++expressions.count;
  }
  return ok();
}

Result<> read_expressions(Context& context, uint32_t flags, Expressions& expressions) {
  auto read = read_each(context, flags, expressions);
  if (!read.is_ok()) free_expressions(context, expressions);
  return read;
}

// ---- of a set that is there

bool is_same(const NftSet& set, const Wish& wish, const Expressions& expressions) {
  if (set.key_type != wish.key_type || set.data_type != wish.data_type || set.flags != wish.flags ||
      set.key_size != wish.key_size || set.data_size != wish.data_size || set.field_count != wish.field_count ||
      set.expression_count != expressions.count) {
    return false;
  }
  if (memcmp(set.field_sizes, wish.field_sizes, wish.field_count) != 0) return false;
  for (size_t i = 0; i < expressions.count; ++i) {
    if (set.expressions[i]->kind != expressions.items[i]->kind) return false;
  }
  return true;
}

Result<> update_set(Context& context, NftSet& set, const Wish& wish) {
  if (context.has(kExclusive)) return context.blame(context[kSetName], Errno::EEXIST);
  if (context.has(kReplace) || set.is_anonymous()) return Errno::EOPNOTSUPP;
  Expressions expressions;
  TRY(read_expressions(context, wish.flags, expressions));
  const bool agrees = is_same(set, wish, expressions);
  free_expressions(context, expressions);
  if (!agrees) return context.blame(context[kSetName], Errno::EEXIST);
  Transaction* made = new_transaction(context, kNewSet);
  if (made == nullptr) return Errno::ENOMEM;
  made->set = &set;
  made->is_update = true;
  made->timeout_ms = wish.timeout_ms;
  made->collect_ms = wish.collect_ms;
  made->size = set.kind->doubles_size ? wish.size * 2 : wish.size;
  add_transaction(context.tables, *made);
  return ok();
}

// ---- of a new one

// A name with %d gets the lowest number that is free.
Result<NftName> choose_name(Context& context) {
  const ByteSpan pattern = context[kSetName].text();
  constexpr size_t kMostAnonymous = 16;
  size_t percent = pattern.size();
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    if (percent != pattern.size() || i + 1 == pattern.size() || pattern[i + 1] != 'd') return Errno::EINVAL;
    percent = i;
  }
  if (percent == pattern.size()) return copy_name(context.hal(), pattern);
  if (pattern.size() >= kMostAnonymous) return Errno::EINVAL;
  for (uint32_t number = 0;; ++number) {
    uint8_t text[kMostAnonymous + 12];
    size_t size = percent;
    memcpy(text, pattern.data(), percent);
    uint8_t digits[10];
    size_t count = 0;
    uint32_t rest = number;
    do digits[count++] = static_cast<uint8_t>('0' + rest % 10);
    while ((rest /= 10) != 0);
    while (count > 0) text[size++] = digits[--count];
    const ByteSpan end = pattern.subspan(percent + 2);
    if (!end.empty()) memcpy(text + size, end.data(), end.size());
    size += end.size();
    bool is_free = true;
    for (const NftSet& set : context.table->sets) {
      if (!context.tables.generations.is_next(set)) continue;
      is_free &= set.name.size() != size + 1 || memcmp(set.name.data(), text, size) != 0;
    }
    if (is_free) return copy_name(context.hal(), ByteSpan(text, size));
  }
}

void shape_set(NftSet& set, const Wish& wish) {
  set.flags = wish.flags;
  set.key_type = wish.key_type;
  set.data_type = wish.data_type;
  set.object_type = wish.object_type;
  set.policy = wish.policy;
  set.key_size = wish.key_size;
  set.data_size = wish.data_size;
  set.size = set.kind->doubles_size ? wish.size * 2 : wish.size;
  set.timeout_ms = wish.timeout_ms;
  set.collect_ms = wish.collect_ms;
  set.field_count = wish.field_count;
  memcpy(set.field_sizes, wish.field_sizes, sizeof set.field_sizes);
}

Result<> complete_set(Context& context, NftSet& set, const Wish& wish) {
  const Hal& hal = context.hal();
  set.name = TRY(choose_name(context));
  if (context[kSetUserData]) set.user_data = TRY(copy_user_data(hal, context[kSetUserData]));
  set.table = context.table;
  set.generations = &context.tables.generations;
  shape_set(set, wish);
  for (size_t i = 0; i < set.field_count && set.field_count > 1; ++i) {
    // A field of ranges is no longer than an address.
    if ((set.flags & kNftSetInterval) != 0 && set.field_sizes[i] > 16) return Errno::EOPNOTSUPP;
  }
  set.store = TRY(set.kind->create(hal, set));
  Expressions expressions;
  TRY(read_expressions(context, wish.flags, expressions));
  set.expression_count = expressions.count;
  for (size_t i = 0; i < expressions.count; ++i) set.expressions[i] = expressions.items[i];
  set.handle = ++context.table->last_handle;
  return ok();
}

Result<> add_set(Context& context, const Wish& wish, const NftStoreKind& kind) {
  TRY(use(context.table->use));
  auto* set = construct<NftSet>(context.hal());
  Transaction* made = set == nullptr ? nullptr : new_transaction(context, kNewSet);
  Errno error = made == nullptr ? Errno::ENOMEM : Errno{};
  if (set != nullptr) set->kind = &kind;
  if (error == Errno{}) {
    if (auto completed = complete_set(context, *set, wish); !completed.is_ok()) error = completed.error();
  }
  if (error != Errno{}) {
    if (made != nullptr) dispose(context.hal(), made);
    if (set != nullptr) destroy_set(context, set);
    --context.table->use;
    return error;
  }
  made->set = set;
  made->id = context[kSetId].be32();
  context.tables.generations.appear_next(*set);
  add_transaction(context.tables, *made);
  context.table->sets.push_back(*set);
  return ok();
}

}  // namespace

Result<> new_set(Context& context) {
  if (!context[kSetTable] || !context[kSetName] || !context[kSetKeyLength] || !context[kSetId]) return Errno::EINVAL;
  const Wish wish = TRY(read_wish(context));
  const uint8_t next = context.tables.generations.next();
  auto table = find_table(context.tables, context[kSetTable], context.family, next, context.header.port);
  if (!table.is_ok()) return context.blame(context[kSetTable], table.error());
  context.table = table.take();
  auto found = find_set(*context.table, context[kSetName], next);
  if (found.is_ok()) return update_set(context, *found.take(), wish);
  if (!context.has(kCreate)) return Errno::ENOENT;
  const NftStoreWish asked{.flags = wish.flags,
                           .size = wish.size,
                           .policy = wish.policy,
                           .key_size = wish.key_size,
                           .field_count = wish.field_count,
                           .has_expressions = context[kSetExpression] || context[kSetExpressions]};
  const NftStoreKind* kind = TRY(choose_store(asked));
  return add_set(context, wish, *kind);
}

Result<> delete_one_set(Context& context, NftSet& set) {
  Transaction* made = new_transaction(context, kDelSet);
  if (made == nullptr) return Errno::ENOMEM;
  made->set = &set;
  add_transaction(context.tables, *made);
  if ((set.flags & (kNftSetMap | kNftSetObject)) != 0) deactivate_map(context, set);
  context.tables.generations.vanish_next(set);
  --context.table->use;
  return ok();
}

Result<> delete_set(Context& context) {
  if (context.family == kNftUnspecified) return Errno::EAFNOSUPPORT;
  const uint8_t next = context.tables.generations.next();
  auto table = find_table(context.tables, context[kSetTable], context.family, next, context.header.port);
  if (!table.is_ok()) return context.blame(context[kSetTable], table.error());
  context.table = table.take();
  const Nla blamed = context[kSetHandle] ? context[kSetHandle] : context[kSetName];
  auto found =
      context[kSetHandle] ? find_set_by_handle(*context.table, blamed.be64(), next) : find_set(*context.table, blamed, next);
  if (!found.is_ok()) {
    if (found.error() == Errno::ENOENT && context.message == kDestroySet) return ok();
    return context.blame(blamed, found.error());
  }
  NftSet& set = *found.take();
  if (set.use != 0 || (context.has(kNotRecursive) && set.element_count > 0)) return context.blame(blamed, Errno::EBUSY);
  return delete_one_set(context, set);
}

void destroy_set(Context& context, NftSet* set) {
  for (size_t i = 0; i < set->expression_count; ++i) free_expression(context, set->expressions[i]);
  for (auto* list : {&set->elements, &set->catch_all, &set->expired}) {
    while (NftElement* element = list->front()) {
      if (list == &set->elements) {
        set->store->remove(*element);
      } else {
        list->remove(*element);
      }
      destroy_element(context, *set, element);
    }
  }
  if (set->store != nullptr) set->store->dispose(context.hal());
  dispose(context.hal(), set);
}

bool fill_set(NftTables& tables, MessageWriter& writer, const Told& told, const NftSet& set) {
  writer.begin(static_cast<uint16_t>(kSubsystem << 8 | told.message), told.flags, told.sequence, told.port,
               {set.table->family, 0, Be16(static_cast<uint16_t>(tables.base_sequence))});
  writer.put_text(kSetTable, set.table->name.data());
  writer.put_text(kSetName, set.name.data());
  writer.put_be64(kSetHandle, set.handle);
  if (told.message == kDelSet || told.message == kDestroySet) return writer.end();
  if (set.flags != 0) writer.put_be32(kSetFlags, set.flags);
  writer.put_be32(kSetKeyType, set.key_type);
  writer.put_be32(kSetKeyLength, set.key_size);
  if (set.is_map()) {
    writer.put_be32(kSetDataType, set.data_type);
    writer.put_be32(kSetDataLength, set.data_size);
  }
  if ((set.flags & kNftSetObject) != 0) writer.put_be32(kSetObjectType, set.object_type);
  if (set.timeout_ms != 0) writer.put_be64(kSetTimeout, set.timeout_ms);
  if (set.collect_ms != 0) writer.put_be32(kSetCollectInterval, set.collect_ms);
  if (set.policy != 0) writer.put_be32(kSetPolicy, set.policy);
  if (!set.user_data.is_empty()) writer.put(kSetUserData, {set.user_data.data(), set.user_data.size()});
  const uint32_t share = set.kind->doubles_size ? 2 : 1;
  const size_t description = writer.nest(kSetDescription);
  if (set.size != 0) writer.put_be32(kDescriptionSize, set.size / share);
  if (set.field_count > 1) {
    const size_t concat = writer.nest(kDescriptionConcat);
    for (size_t i = 0; i < set.field_count; ++i) {
      const size_t field = writer.nest(kListElement);
      writer.put_be32(1, set.field_sizes[i]);
      writer.end_nest(field);
    }
    writer.end_nest(concat);
  }
  writer.end_nest(description);
  writer.put_text(kSetType, set.kind->name);
  writer.put_be32(kSetCount, set.element_count / share);
  if (set.expression_count == 1) {
    const size_t nest = writer.nest(kSetExpression);
    write_expression_inside(tables, writer, *set.expressions[0], false);
    writer.end_nest(nest);
  } else if (set.expression_count > 1) {
    const size_t nest = writer.nest(kSetExpressions);
    for (size_t i = 0; i < set.expression_count; ++i) write_expression(tables, writer, kListElement, *set.expressions[i], false);
    writer.end_nest(nest);
  }
  return writer.end();
}

}  // namespace lxnet::nft
