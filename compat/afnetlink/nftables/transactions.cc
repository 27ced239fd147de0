// What a batch has changed becomes what is, or is taken back. nf_tables_commit(), __nf_tables_abort().
#include "compat/afnetlink/nftables/face.hh"
#include "compat/afnetlink/nftables/stateful.hh"

namespace lxnet::nft {
namespace {

// A set without a name, and a chain of a rule's own, need somebody who uses them.
Result<> check_bindings(const NftTables& tables) {
  for (const Transaction& made : tables.bindings) {
    if (made.message == kNewSet && !made.set->is_bound_in_batch) return Errno::EINVAL;
    if (made.message == kNewChain && !made.chain->is_bound_in_batch) return Errno::EINVAL;
  }
  return ok();
}

Result<> prepare_chain(NftTables& tables, NftChain& chain) {
  if (chain.is_coming || !tables.generations.is_next(chain)) return ok();
  uint32_t count = 0;
  for (const NftRule& rule : chain.rules) count += tables.generations.is_next(rule) ? 1 : 0;
  chain.coming = TRY(HeapArray<NftRule*>::create(tables.stack.hal(), count));
  chain.coming_count = 0;
  for (NftRule& rule : chain.rules) {
    if (tables.generations.is_next(rule)) chain.coming[chain.coming_count++] = &rule;
  }
  chain.is_coming = true;
  return ok();
}

// All memory that the change needs.
Result<> prepare(NftTables& tables) {
  for (const Transaction& made : tables.transactions) {
    if (made.message == kNewRule || made.message == kDelRule) TRY(prepare_chain(tables, *made.chain));
    if ((made.message == kNewElement || made.message == kDelElement) && made.set->is_changed) {
      TRY(made.set->store->prepare(tables.stack.hal()));
      made.set->is_changed = false;
    }
  }
  return ok();
}

void cancel(NftTables& tables) {
  for (const Transaction& made : tables.transactions) {
    if (made.chain != nullptr) {
      made.chain->is_coming = false;
      made.chain->coming = HeapArray<NftRule*>();
    }
    if (made.set != nullptr) {
      made.set->store->settle(tables.stack.hal());
      made.set->is_changed = false;
    }
  }
}

void turn_element(NftTables& tables, Transaction& made, Instant now) {
  NftSet& set = *made.set;
  NftElement& element = *made.element;
  if (made.message == kDelElement) {
    if (element.is_catch_all()) return set.catch_all.remove(element);
    set.store->remove(element);
    --set.element_count;
    --set.leaving_count;
    return;
  }
  if (!made.is_update) return tables.generations.clear(element);
  element.is_pinned = false;
  if (made.sets_timeout) element.timeout_ms = made.timeout_ms;
  if (made.sets_expiration) {
    const uint64_t left = made.expiration_ms > INT64_MAX / 2'000'000 ? INT64_MAX / 2'000'000 : made.expiration_ms;
    element.expiration = now + Duration::millis(static_cast<int64_t>(left));
  }
}

void turn_chain(Transaction& made) {
  NftHook* hook = made.chain->hook;
  if (hook == nullptr) return;
  if (made.policy == kNftAccept || made.policy == kNftDrop) hook->policy = made.policy;
  if (!made.has_counters) return;
  hook->counts = true;
  hook->packets = made.packets;
  hook->bytes = made.bytes;
}

// The moment in which packets see the new rules, and nothing of the old. Nothing in here can fail.
void turn(NftTables& tables, Instant now) {
  MutexLock lock(tables.stack.hooks().mutex());
  for (NftTable& table : tables.tables) {
    const bool falls_asleep = (table.flags & kNftTableUpdate) != 0 && (table.flags & kNftTableDormant) != 0;
    if (falls_asleep) leave_all_locked(tables, table);
    for (NftChain& chain : table.chains) {
      if (!chain.is_coming) continue;
      std::swap(chain.live, chain.coming);
      chain.live_count = chain.coming_count;
    }
  }
  tables.generations.turn();
  for (Transaction& made : tables.transactions) {
    if (made.message == kNewChain) turn_chain(made);
    if (made.message == kDelChain) leave_hooks_locked(tables, *made.chain);
    if (made.message == kNewElement || made.message == kDelElement) turn_element(tables, made, now);
    if (made.message == kNewObject && made.is_update) update_quota(*made.object->state, *made.new_object->state);
  }
  for (Transaction& made : tables.transactions) {
    if (made.message == kNewElement || made.message == kDelElement) made.set->store->publish();
  }
}

void settle(NftTables& tables) {
  for (NftTable& table : tables.tables) {
    for (NftChain& chain : table.chains) {
      if (!chain.is_coming) continue;
      chain.is_coming = false;
      chain.coming = HeapArray<NftRule*>();
    }
  }
}

// Elements that a program's changes found to have run out.
void free_expired(Context& context, NftSet& set) {
  while (NftElement* element = set.expired.take_front()) {
    release_data(set, *element);
    destroy_element(context, set, element);
  }
}

// ---- one transaction after the other: lists, and listeners

void commit_table(Context& context, Transaction& made) {
  NftTable& table = *made.table;
  if (made.is_update) {
    if ((table.flags & kNftTableUpdate) == 0) return;
    table.flags &= ~uint32_t{kNftTableUpdate};
  } else {
    context.tables.generations.clear(table);
  }
  tell_table(context, made, kNewTable);
}

void commit_new_chain(Context& context, Transaction& made) {
  NftChain& chain = *made.chain;
  if (made.is_update) {
    if (!made.name.is_empty()) {
      made.table->chain_names.remove(chain);
      std::swap(chain.name, made.name);
      const ByteSpan text(reinterpret_cast<const uint8_t*>(chain.name.data()), chain.name.size() - 1);
      static_cast<void>(made.table->chain_names.insert(chain, hash_name(text)));  // buckets are there
    }
  } else {
    context.tables.generations.clear(chain);
  }
  tell_chain(context, made, kNewChain);
}

void commit_new_set(Context& context, Transaction& made) {
  NftSet& set = *made.set;
  if (made.is_update) {
    MutexLock lock(context.tables.stack.hooks().mutex());
    set.timeout_ms = made.timeout_ms;
    set.collect_ms = made.collect_ms;
    if (made.size != 0) set.size = made.size;
  } else {
    context.tables.generations.clear(set);
    // Who has it for himself counts it no longer.
    if (set.is_anonymous() && !set.bindings.is_empty()) --made.table->use;
  }
  tell_set(context, *made.table, set, made.flags, made.sequence, kNewSet);
}

void commit_one(Context& context, Transaction& made) {
  NftTables& tables = context.tables;
  context.table = made.table;
  context.family = made.table->family;
  context.header.flags = made.flags;
  context.header.sequence = made.sequence;
  switch (made.message) {
    case kNewTable:
      return commit_table(context, made);
    case kDelTable:
      tables.tables.remove(*made.table);
      return tell_table(context, made, kDelTable);
    case kNewChain:
      return commit_new_chain(context, made);
    case kDelChain:
      unlink_chain(*made.chain);
      tell_chain(context, made, kDelChain);
      return;
    case kNewRule:
      tables.generations.clear(*made.rule);
      return tell_rule(context, made, kNewRule);
    case kDelRule:
      made.chain->rules.remove(*made.rule);
      tell_rule(context, made, kDelRule);
      context.chain = made.chain;
      return deactivate_rule(context, *made.rule, Phase::Commit);
    case kNewSet:
      return commit_new_set(context, made);
    case kDelSet:
      made.table->sets.remove(*made.set);
      return tell_set(context, *made.table, *made.set, made.flags, made.sequence, kDelSet);
    case kNewElement:
    case kDelElement:
      made.set->store->settle(context.hal());
      free_expired(context, *made.set);
      return tell_element(context, made, made.message);
    case kNewObject:
      if (!made.is_update) tables.generations.clear(*made.object);
      return tell_object(context, made, kNewObject);
    case kDelObject:
      made.table->objects.remove(*made.object);
      return tell_object(context, made, kDelObject);
    default:
      return;
  }
}

// What went.
void release_committed(Context& context, Transaction& made) {
  context.table = made.table;
  context.chain = made.chain;
  switch (made.message) {
    case kDelTable:
      return destroy_table(context.hal(), made.table);
    case kDelChain:
      return destroy_chain(context.hal(), made.chain);
    case kDelRule:
      return destroy_rule(context, made.rule);
    case kDelSet:
      return destroy_set(context, made.set);
    case kDelElement:
      return destroy_element(context, *made.set, made.element);
    case kDelObject:
      return destroy_object(context, made.object);
    case kNewObject:
      if (made.is_update) destroy_object(context, made.new_object);
      return;
    default:
      return;
  }
}

void forget_binding(NftTables& tables, Transaction& made) {
  if (made.binding_link.is_linked()) tables.bindings.remove(made);
}

}  // namespace

void NftTables::begin_batch(Entry& entry) {
  entry.refresh_clock();
  batch_time = {generations.current(), generations.next(), entry.now(), ++batch_number};
}

Result<> NftTables::commit(Context& context) {
  if (transactions.is_empty()) return ok();
  TRY(check_bindings(*this));
  if (!validate_all(context).is_ok()) {
    check = NftCheck::Do;
    return Errno::EAGAIN;
  }
  if (auto prepared = prepare(*this); !prepared.is_ok()) {
    cancel(*this);
    return prepared.error();
  }
  turn(*this, batch_time.now);
  settle(*this);
  if (++base_sequence == 0) ++base_sequence;
  const NetlinkHeader header = context.header;
  for (Transaction& made : transactions) commit_one(context, made);
  context.header = header;
  send_notices(context, *context.peer);
  check = NftCheck::Skip;
  while (Transaction* made = transactions.take_front()) {
    forget_binding(*this, *made);
    release_committed(context, *made);
    dispose(stack.hal(), made);
  }
  return ok();
}

// ---- taking back

namespace {

void abort_table(NftTables& tables, Transaction& made) {
  NftTable& table = *made.table;
  if (!made.is_update) return tables.tables.remove(table);
  if ((table.flags & kNftTableUpdate) == 0) return;
  if ((table.flags & kNftTableWasDormant) != 0) {
    leave_all(tables, table);
    table.flags |= kNftTableDormant;
  } else if ((table.flags & kNftTableWasAwake) != 0) {
    table.flags &= ~uint32_t{kNftTableDormant};
  }
  if ((table.flags & kNftTableWasOrphan) != 0) {
    table.flags &= ~uint32_t{kNftTableOwner};
    table.owner = 0;
  }
  table.flags &= ~uint32_t{kNftTableUpdate};
}

// Whether it stays in what release_aborted() unmakes.
bool abort_new_chain(NftTables& tables, Transaction& made) {
  if (made.is_update || made.chain->is_bound_in_batch) return false;
  --made.table->use;
  unlink_chain(*made.chain);
  leave_hooks(tables, *made.chain);
  return true;
}

bool abort_new_rule(Context& context, Transaction& made) {
  if (made.chain->is_bound_in_batch) return false;
  --made.chain->use;
  made.chain->rules.remove(*made.rule);
  deactivate_rule(context, *made.rule, Phase::Abort);
  return true;
}

bool abort_new_set(Transaction& made) {
  if (made.is_update) return false;
  --made.table->use;
  if (made.set->is_bound_in_batch) return false;
  made.table->sets.remove(*made.set);
  return true;
}

bool abort_new_element(NftTables& tables, Transaction& made) {
  if (made.set->is_bound_in_batch) return false;
  if (made.is_update) {
    made.element->is_pinned = false;
    return false;
  }
  MutexLock lock(tables.stack.hooks().mutex());
  if (made.element->is_catch_all()) {
    made.set->catch_all.remove(*made.element);
  } else {
    made.set->store->remove(*made.element);
    --made.set->element_count;
  }
  return true;
}

void abort_leaving_element(NftTables& tables, Transaction& made) {
  MutexLock lock(tables.stack.hooks().mutex());
  if (!tables.generations.is_next(*made.element)) {
    hold_data(*made.set, *made.element);
    tables.generations.clear(*made.element);
  }
  if (!made.element->is_catch_all()) --made.set->leaving_count;
}

// True: the object is new, and is to be unmade.
bool abort_one(Context& context, Transaction& made) {
  NftTables& tables = context.tables;
  const NftGenerations& generations = tables.generations;
  context.table = made.table;
  context.chain = made.chain;
  if (made.set != nullptr) made.set->is_changed = false;
  switch (made.message) {
    case kNewTable:
      abort_table(tables, made);
      return !made.is_update;
    case kDelTable:
      generations.clear(*made.table);
      return false;
    case kNewChain:
      return abort_new_chain(tables, made);
    case kDelChain:
      ++made.table->use;
      generations.clear(*made.chain);
      return false;
    case kNewRule:
      return abort_new_rule(context, made);
    case kDelRule:
      ++made.chain->use;
      generations.clear(*made.rule);
      activate_rule(context, *made.rule);
      return false;
    case kNewSet:
      return abort_new_set(made);
    case kDelSet:
      ++made.table->use;
      generations.clear(*made.set);
      if ((made.set->flags & (kNftSetMap | kNftSetObject)) != 0) activate_map(context, *made.set);
      return false;
    case kNewElement:
      return abort_new_element(tables, made);
    case kDelElement:
      abort_leaving_element(tables, made);
      return false;
    case kNewObject:
      if (made.is_update) return true;
      --made.table->use;
      made.table->objects.remove(*made.object);
      return true;
    case kDelObject:
      ++made.table->use;
      generations.clear(*made.object);
      return false;
    default:
      return false;
  }
}

void release_aborted(Context& context, Transaction& made) {
  context.table = made.table;
  context.chain = made.chain;
  switch (made.message) {
    case kNewTable:
      return destroy_table(context.hal(), made.table);
    case kNewChain:
      return destroy_chain(context.hal(), made.chain);
    case kNewRule:
      return destroy_rule(context, made.rule);
    case kNewSet:
      return destroy_set(context, made.set);
    case kNewElement:
      release_data(*made.set, *made.element);
      return destroy_element(context, *made.set, made.element);
    case kNewObject:
      return destroy_object(context, made.is_update ? made.new_object : made.object);
    default:
      return;
  }
}

}  // namespace

Result<> NftTables::abort(Context& context, bool validates) {
  const bool fails = validates && !validate_all(context).is_ok();
  List<Transaction, &Transaction::link> unmade;
  while (Transaction* made = transactions.take_back()) {
    forget_binding(*this, *made);
    if (abort_one(context, *made)) {
      unmade.push_back(*made);
    } else {
      dispose(stack.hal(), made);
    }
  }
  while (Transaction* made = unmade.take_front()) {
    release_aborted(context, *made);
    dispose(stack.hal(), made);
  }
  if (!validates) {
    for (NftTable& table : tables) table.check = NftCheck::Skip;
  }
  return fails ? Result<>(Errno::EAGAIN) : Result<>(ok());
}

}  // namespace lxnet::nft
