// NEWSETELEM, DELSETELEM, DESTROYSETELEM.
#include "compat/afnetlink/nftables/element_reader.hh"

namespace lxnet::nft {
namespace {

NftInsertion insert_catch_all(NftTables& tables, NftSet& set, NftElement& element, NftElement*& other) {
  for (NftElement& at : set.catch_all) {
    if (!tables.generations.is_next(at)) continue;
    other = &at;
    return NftInsertion::Exists;
  }
  set.catch_all.push_back(element);
  return NftInsertion::Done;
}

NftInsertion insert(NftTables& tables, NftSet& set, NftElement& element, NftElement*& other) {
  MutexLock lock(tables.stack.hooks().mutex());
  element.absent = tables.generations.current();
  if (element.is_catch_all()) return insert_catch_all(tables, set, element, other);
  const NftInsertion result = set.store->insert(element, tables.batch_time, other);
  if (result == NftInsertion::Done) ++set.element_count;
  return result;
}

// EEXIST: the same key leads elsewhere.
bool clashes(const NftSet& set, const NftElement& one, const NftElement& other) {
  if (one.has_data() != other.has_data() || (one.object != nullptr) != (other.object != nullptr)) return true;
  if (one.has_data() && memcmp(&one.data(), &other.data(), set.data_size) != 0) return true;
  return one.object != other.object;
}

// What is there lives on, perhaps for another time.
Result<> renew(Context& context, NftSet& set, const NftElement& wanted, NftElement& known, const NlaTable& attributes) {
  if (!known.has_timeout) return ok();
  uint64_t expiration = attributes[kElementExpiration] ? attributes[kElementExpiration].be64() : 0;
  const bool sets_timeout = wanted.timeout_ms != known.timeout_ms;
  if (sets_timeout && expiration == 0) expiration = wanted.timeout_ms;
  if (!sets_timeout && expiration == 0) return ok();
  Transaction* made = new_transaction(context, kNewElement);
  if (made == nullptr) return Errno::ENOMEM;
  made->set = &set;
  made->element = &known;
  made->is_update = true;
  made->sets_timeout = sets_timeout;
  made->timeout_ms = wanted.timeout_ms;
  made->sets_expiration = expiration != 0;
  made->expiration_ms = expiration;
  known.is_pinned = true;
  add_transaction(context.tables, *made);
  return ok();
}

Errno error_of(NftInsertion result) {
  switch (result) {
    case NftInsertion::Exists:
    case NftInsertion::Overlaps:
      return Errno::EEXIST;
    case NftInsertion::Invalid:
      return Errno::EINVAL;
    case NftInsertion::NoMemory:
      return Errno::ENOMEM;
    case NftInsertion::Done:
    case NftInsertion::Needless:
      break;
  }
  return Errno{};
}

void forget(Context& context, NftSet& set, NftElement* element) {
  release_data(set, *element);
  destroy_element(context, set, element);
}

uint64_t most_elements(const NftSet& set) {
  if (set.size == 0) return UINT32_MAX;
  return uint64_t{set.size} + set.leaving_count + set.store->spare_elements();
}

Result<> add_element(Context& context, NftSet& set, Nla nest) {
  NlaTable attributes;
  TRY(parse_attributes(attributes, nest.value(), kElementExpressions, kElementPolicy));
  NftElement* element = TRY(read_element(context, set, attributes));
  Transaction* made = new_transaction(context, kNewElement);
  if (made == nullptr) {
    forget(context, set, element);
    return Errno::ENOMEM;
  }
  const bool is_full = !element->is_catch_all() && uint64_t{set.element_count} + 1 > most_elements(set);
  NftElement* other = nullptr;
  const NftInsertion result = insert(context.tables, set, *element, other);
  if (result == NftInsertion::Done) {
    made->set = &set;
    made->element = element;
    set.is_changed = true;
    add_transaction(context.tables, *made);
    return is_full ? Result<>(Errno::ENFILE) : Result<>(ok());
  }
  dispose(context.hal(), made);
  Errno error = error_of(result);
  if (result == NftInsertion::Exists && !clashes(set, *element, *other) && !context.has(kExclusive)) {
    auto renewed = renew(context, set, *element, *other, attributes);
    error = renewed.is_ok() ? Errno{} : renewed.error();
  }
  forget(context, set, element);
  return error == Errno{} ? Result<>(ok()) : Result<>(error);
}

Result<> find_listed_set(Context& context, NftSet*& set, bool by_id) {
  const uint8_t next = context.tables.generations.next();
  auto table = find_table(context.tables, context[kListTable], context.family, next, context.header.port);
  if (!table.is_ok()) return context.blame(context[kListTable], table.error());
  context.table = table.take();
  auto found = by_id ? find_set_anywhere(context.tables, *context.table, context[kListSet], context[kListSetId], next)
                     : find_set(*context.table, context[kListSet], next);
  if (!found.is_ok()) return context.blame(context[kListSet], found.error());
  set = found.take();
  return ok();
}

}  // namespace

Result<> new_elements(Context& context) {
  if (!context[kListElements]) return Errno::EINVAL;
  NftSet* set = nullptr;
  TRY(find_listed_set(context, set, true));
  if (!set->bindings.is_empty() && (set->flags & (kNftSetConstant | kNftSetAnonymous)) != 0) return Errno::EBUSY;
  for (const Nla nest : NlaRange(context[kListElements])) {
    if (auto added = add_element(context, *set, nest); !added.is_ok()) return context.blame(nest, added.error());
  }
  if (context.table->check == NftCheck::Do) return validate_table(context, *context.table);
  return ok();
}

namespace {

// It is in the set no longer, from the generation to come.
Result<> note_leaving(Context& context, NftSet& set, NftElement& element, Transaction& made) {
  release_data(set, element);
  if (!element.is_catch_all()) ++set.leaving_count;
  made.set = &set;
  made.element = &element;
  set.is_changed = true;
  add_transaction(context.tables, made);
  return ok();
}

NftElement* find_leaving(NftTables& tables, NftSet& set, const NftElement& like) {
  MutexLock lock(tables.stack.hooks().mutex());
  if (!like.is_catch_all()) return set.store->find_leaving(like, tables.batch_time);
  for (NftElement& element : set.catch_all) {
    if (!tables.generations.is_next(element)) continue;
    element.absent = static_cast<uint8_t>(element.absent ^ tables.generations.next());
    return &element;
  }
  return nullptr;
}

Result<> delete_element(Context& context, NftSet& set, Nla nest) {
  NlaTable attributes;
  TRY(parse_attributes(attributes, nest.value(), kElementExpressions, kElementPolicy));
  const uint8_t flags = TRY(read_element_flags(set, attributes[kElementFlags]));
  const bool has_key = static_cast<bool>(attributes[kElementKey]);
  if (!has_key && (flags & kNftElementCatchAll) == 0) return Errno::EINVAL;
  if (!may_have_end(set, attributes, flags)) return Errno::EINVAL;
  NftData key{}, end{};
  if (has_key) TRY(read_element_key(context, set, key, attributes[kElementKey]));
  if (attributes[kElementKeyEnd]) TRY(read_element_key(context, set, end, attributes[kElementKeyEnd]));
  NftElement* like = NftElement::create(context.hal(), {.key_size = set.key_size});
  Transaction* made = like == nullptr ? nullptr : new_transaction(context, kDelElement);
  NftElement* leaving = nullptr;
  if (made != nullptr) {
    like->flags = flags;
    memcpy(like->key(), key.words, set.key_size);
    leaving = find_leaving(context.tables, set, *like);
  }
  if (like != nullptr) NftElement::destroy(context.hal(), like);
  if (made == nullptr) return Errno::ENOMEM;
  if (leaving != nullptr) return note_leaving(context, set, *leaving, *made);
  dispose(context.hal(), made);
  return Errno::ENOENT;
}

Result<> flush_one(Context& context, NftSet& set, NftElement& element) {
  const NftGenerations& generations = context.tables.generations;
  if (!generations.is_next(element)) return ok();
  Transaction* made = new_transaction(context, kDelElement);
  if (made == nullptr) return Errno::ENOMEM;
  element.absent = static_cast<uint8_t>(element.absent ^ generations.next());
  return note_leaving(context, set, element, *made);
}

Result<> flush_set(Context& context, NftSet& set) {
  MutexLock lock(context.tables.stack.hooks().mutex());
  for (NftElement& element : set.elements) TRY(flush_one(context, set, element));
  for (NftElement& element : set.catch_all) TRY(flush_one(context, set, element));
  return ok();
}

}  // namespace

Result<> delete_elements(Context& context) {
  NftSet* set = nullptr;
  TRY(find_listed_set(context, set, false));
  if (set->is_anonymous()) return Errno::EOPNOTSUPP;
  if (!set->bindings.is_empty() && (set->flags & kNftSetConstant) != 0) return Errno::EBUSY;
  if (!context[kListElements]) return flush_set(context, *set);
  for (const Nla nest : NlaRange(context[kListElements])) {
    auto deleted = delete_element(context, *set, nest);
    if (deleted.is_ok()) continue;
    if (deleted.error() == Errno::ENOENT && context.message == kDestroyElement) continue;
    return context.blame(nest, deleted.error());
  }
  return ok();
}

void destroy_element(Context& context, NftSet&, NftElement* element) {
  for (NftExpression& expression : element->expressions()) {
    if (expression.kind->face->destroy != nullptr) expression.kind->face->destroy(context, expression);
  }
  NftElement::destroy(context.hal(), element);
}

size_t begin_elements(const NftTables& tables, MessageWriter& writer, const Told& told, const NftSet& set) {
  writer.begin(static_cast<uint16_t>(kSubsystem << 8 | told.message), told.flags, told.sequence, told.port,
               {set.table->family, 0, Be16(static_cast<uint16_t>(tables.base_sequence))});
  writer.put_text(kListTable, set.table->name.data());
  writer.put_text(kListSet, set.name.data());
  return writer.nest(kListElements);
}

namespace {

void write_times(MessageWriter& writer, const NftSet& set, const NftElement& element, Instant now) {
  if (element.timeout_ms != set.timeout_ms) writer.put_be64(kElementTimeout, element.timeout_ms);
  if (element.timeout_ms == 0) return;
  const int64_t left = element.expiration > now ? (element.expiration - now).in_millis() : 0;
  writer.put_be64(kElementExpiration, static_cast<uint64_t>(left));
}

size_t count_expressions(NftElement& element) {
  size_t count = 0;
  for (NftExpression& expression : element.expressions()) count += expression.kind != nullptr ? 1 : 0;
  return count;
}

}  // namespace

bool fill_element(NftTables& tables, MessageWriter& writer, const NftSet& set, NftElement& element, Instant now, bool resets) {
  const size_t begin = writer.mark();
  const size_t nest = writer.nest(kListElement);
  if (!element.is_catch_all()) write_value(writer, kElementKey, element.key(), set.key_size);
  if (element.has_end()) write_value(writer, kElementKeyEnd, element.end(), set.key_size);
  if (element.has_data()) {
    write_data(writer, kElementData, element.data(), set.has_verdicts() ? DataType::Verdict : DataType::Value, set.data_size);
  }
  if (const size_t count = count_expressions(element); count != 0) {
    const size_t list = count > 1 ? writer.nest(kElementExpressions) : 0;
    for (NftExpression& expression : element.expressions()) {
      write_expression(tables, writer, count > 1 ? uint16_t{kListElement} : uint16_t{kElementExpression}, expression, resets);
    }
    if (count > 1) writer.end_nest(list);
  }
  if (element.object != nullptr) writer.put_text(kElementObject, element.object->name.data());
  if (element.flags != 0) writer.put_be32(kElementFlags, element.flags);
  if (element.has_timeout) write_times(writer, set, element, now);
  if (element.shape.user_size != 0) writer.put(kElementUserData, element.user_data());
  writer.end_nest(nest);
  if (!writer.is_full()) return true;
  writer.back_to(begin);
  return false;
}

}  // namespace lxnet::nft
