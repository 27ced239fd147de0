// NEWTABLE, DELTABLE, DESTROYTABLE.
#include "compat/afnetlink/nftables/objects.hh"

namespace lxnet::nft {
namespace {

bool is_family(uint8_t family) {
  switch (family) {
    case kNftInet:
    case kNftV4:
    case kNftArp:
    case kNftNetdev:
    case kNftBridge:
    case kNftV6:
      return true;
    default:
      return false;
  }
}

// Hooks may not change while a batch turns them on or off.
bool has_pending_update(const Context& context) {
  if ((context.table->flags & kNftTableUpdate) != 0) return true;
  for (const Transaction& made : context.tables.transactions) {
    if (made.table != context.table) continue;
    if (made.message == kNewChain && made.is_update) return true;
    if ((made.message == kDelChain || made.message == kDestroyChain) && made.chain->is_base()) return true;
  }
  return false;
}

Result<> update_table(Context& context) {
  if (!context[kTableFlags]) return ok();
  NftTable& table = *context.table;
  const uint32_t flags = context[kTableFlags].be32();
  if ((flags & ~kNftTableMask) != 0) return Errno::EOPNOTSUPP;
  if (flags == (table.flags & kNftTableMask)) return ok();
  const bool wants_owner = (flags & kNftTableOwner) != 0;
  const bool is_orphan = (table.flags & (kNftTablePersist | kNftTableOwner)) == kNftTablePersist;
  if ((table.has_owner() && !wants_owner) || (wants_owner && !is_orphan)) return Errno::EOPNOTSUPP;
  if (((flags ^ table.flags) & kNftTablePersist) != 0) return Errno::EOPNOTSUPP;
  if (has_pending_update(context)) return Errno::EINVAL;
  Transaction* made = new_transaction(context, kNewTable);
  if (made == nullptr) return Errno::ENOMEM;
  const bool sleeps = (flags & kNftTableDormant) != 0, slept = (table.flags & kNftTableDormant) != 0;
  if (sleeps && !slept) {
    table.flags |= kNftTableDormant;
    if ((table.flags & kNftTableUpdate) == 0) table.flags |= kNftTableWasAwake;
  } else if (!sleeps && slept) {
    table.flags &= ~uint32_t{kNftTableDormant};
    if ((table.flags & kNftTableUpdate) == 0) {
      join_all(context.tables, table);
      table.flags |= kNftTableWasDormant;
    }
  }
  if (wants_owner && !table.has_owner()) {
    table.owner = context.header.port;
    table.flags |= kNftTableOwner | kNftTableWasOrphan;
  }
  made->is_update = true;
  add_transaction(context.tables, *made);
  return ok();
}

Result<NftTable*> make_table(Context& context, uint32_t flags) {
  const Hal& hal = context.hal();
  NftName name = TRY(copy_name(hal, context[kTableName].text()));
  NftUserData user_data;
  if (context[kTableUserData]) user_data = TRY(copy_user_data(hal, context[kTableUserData]));
  auto* table = construct<NftTable>(hal, hal);
  if (table == nullptr) return Errno::ENOMEM;
  table->check = context.tables.check;
  table->name = std::move(name);
  table->user_data = std::move(user_data);
  table->family = context.family;
  table->flags = flags;
  table->handle = ++context.tables.last_table_handle;
  if (table->has_owner()) table->owner = context.header.port;
  return table;
}

}  // namespace

Result<> new_table(Context& context) {
  if (!is_family(context.family)) return Errno::EOPNOTSUPP;
  NftTables& tables = context.tables;
  const Nla name = context[kTableName];
  auto found = find_table(tables, name, context.family, tables.generations.next(), context.header.port);
  if (found.is_ok()) {
    if (context.has(kExclusive)) return context.blame(name, Errno::EEXIST);
    if (context.has(kReplace)) return Errno::EOPNOTSUPP;
    context.table = found.take();
    return update_table(context);
  }
  if (found.error() != Errno::ENOENT) return found.error();
  const uint32_t flags = context[kTableFlags] ? context[kTableFlags].be32() : 0;
  if ((flags & ~kNftTableMask) != 0) return Errno::EOPNOTSUPP;
  context.table = TRY(make_table(context, flags));
  Transaction* made = new_transaction(context, kNewTable);
  if (made == nullptr) {
    dispose(context.hal(), context.table);
    return Errno::ENOMEM;
  }
  tables.generations.appear_next(*context.table);
  add_transaction(tables, *made);
  tables.tables.push_back(*context.table);
  return ok();
}

namespace {

Result<> flush_table(Context& context) {
  NftTable& table = *context.table;
  const NftGenerations& generations = context.tables.generations;
  for (NftChain& chain : table.chains) {
    if (!generations.is_next(chain) || chain.is_binding()) continue;
    context.chain = &chain;
    TRY(delete_rules_of(context));
  }
  context.chain = nullptr;
  for (NftSet& set : table.sets) {
    if (generations.is_next(set) && !set.is_anonymous()) TRY(delete_one_set(context, set));
  }
  for (NftObject& object : table.objects) {
    if (generations.is_next(object)) TRY(delete_one_object(context, object));
  }
  for (NftChain& chain : table.chains) {
    if (!generations.is_next(chain) || chain.is_binding()) continue;
    context.chain = &chain;
    TRY(delete_one_chain(context));
  }
  context.chain = nullptr;
  Transaction* made = new_transaction(context, kDelTable);
  if (made == nullptr) return Errno::ENOMEM;
  add_transaction(context.tables, *made);
  generations.vanish_next(table);
  return ok();
}

// All that agree, but for those of other owners.
Result<> flush_tables(Context& context) {
  const uint8_t family = context.family;
  for (NftTable& table : context.tables.tables) {
    if (family != kNftUnspecified && table.family != family) continue;
    if (!context.tables.generations.is_next(table)) continue;
    if (table.has_owner() && table.owner != context.header.port) continue;
    if (context[kTableName] && !context[kTableName].is_text(table.name.data())) continue;
    context.family = table.family;
    context.table = &table;
    TRY(flush_table(context));
  }
  return ok();
}

}  // namespace

Result<> delete_table(Context& context) {
  NftTables& tables = context.tables;
  const Nla handle = context[kTableHandle], name = context[kTableName];
  if (context.family == kNftUnspecified || (!name && !handle)) return flush_tables(context);
  const uint8_t next = tables.generations.next();
  auto found = handle ? find_table_by_handle(tables, handle.be64(), context.family, next, context.header.port)
                      : find_table(tables, name, context.family, next, context.header.port);
  if (!found.is_ok()) {
    if (found.error() == Errno::ENOENT && context.message == kDestroyTable) return ok();
    return context.blame(handle ? handle : name, found.error());
  }
  context.table = found.take();
  if (context.has(kNotRecursive) && context.table->use > 0) return Errno::EBUSY;
  return flush_table(context);
}

void destroy_table(const Hal& hal, NftTable* table) { dispose(hal, table); }

void release_table(Context& context, NftTable* table) {
  context.table = table;
  context.family = table->family;
  for (NftChain& chain : table->chains) {
    if (chain.is_binding()) continue;
    context.chain = &chain;
    while (NftRule* rule = chain.rules.take_front()) {
      --chain.use;
      deactivate_rule(context, *rule, Phase::Release);
      destroy_rule(context, rule);
    }
  }
  context.chain = nullptr;
  while (NftSet* set = table->sets.take_front()) {
    --table->use;
    if ((set->flags & (kNftSetMap | kNftSetObject)) != 0) deactivate_map(context, *set);
    destroy_set(context, set);
  }
  while (NftObject* object = table->objects.take_front()) {
    --table->use;
    destroy_object(context, object);
  }
  while (NftChain* chain = table->chains.front()) {
    unlink_chain(*chain);
    --table->use;
    destroy_chain(context.hal(), chain);
  }
  destroy_table(context.hal(), table);
}

NftTables::~NftTables() {
  while (NftTable* table = tables.front()) {
    for (NftChain& chain : table->chains) leave_hooks(*this, chain);
    tables.remove(*table);
    Context context{.tables = *this};
    release_table(context, table);
  }
}

void NftTables::port_closed(Entry& entry, uint32_t port) {
  TaskMutexLock lock(batches, entry);
  NftTable* next = nullptr;
  for (NftTable* table = tables.front(); table != nullptr; table = next) {
    next = tables.next(*table);
    if (!table->has_owner() || table->owner != port) continue;
    if ((table->flags & kNftTablePersist) != 0) {
      table->flags &= ~uint32_t{kNftTableOwner};
      continue;
    }
    for (NftChain& chain : table->chains) leave_hooks(*this, chain);
    tables.remove(*table);
    Context context{.tables = *this};
    release_table(context, table);
  }
}

bool fill_table(const NftTables& tables, MessageWriter& writer, const Told& told, const NftTable& table) {
  writer.begin(static_cast<uint16_t>(kSubsystem << 8 | told.message), told.flags, told.sequence, told.port,
               {table.family, 0, Be16(static_cast<uint16_t>(tables.base_sequence))});
  writer.put_text(kTableName, table.name.data());
  writer.put_be32(kTableUse, table.use);
  writer.put_be64(kTableHandle, table.handle);
  if (told.message == kDelTable || told.message == kDestroyTable) return writer.end();
  writer.put_be32(kTableFlags, table.flags & kNftTableMask);
  if (table.has_owner()) writer.put_be32(kTableOwner, table.owner);
  if (!table.user_data.is_empty()) writer.put(kTableUserData, {table.user_data.data(), table.user_data.size()});
  return writer.end();
}

}  // namespace lxnet::nft
