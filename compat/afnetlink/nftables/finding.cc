#include "compat/afnetlink/nftables/objects.hh"

namespace lxnet::nft {

Result<NftTable*> find_table(const NftTables& tables, Nla name, uint8_t family, uint8_t generation, uint32_t port) {
  if (!name) return Errno::EINVAL;
  for (NftTable& table : tables.tables) {
    if (table.family != family || !table.is_in(generation) || !name.is_text(table.name.data())) continue;
    if (table.has_owner() && port != 0 && table.owner != port) return Errno::EPERM;
    return &table;
  }
  return Errno::ENOENT;
}

Result<NftTable*> find_table_by_handle(const NftTables& tables, uint64_t handle, uint8_t family, uint8_t generation,
                                       uint32_t port) {
  for (NftTable& table : tables.tables) {
    if (table.family != family || !table.is_in(generation) || table.handle != handle) continue;
    if (table.has_owner() && port != 0 && table.owner != port) return Errno::EPERM;
    return &table;
  }
  return Errno::ENOENT;
}

// FNV-1a: who chooses the names administers the tables.
uint64_t hash_name(ByteSpan name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const uint8_t byte : name) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

Result<NftChain*> find_chain(const NftTable& table, Nla name, uint8_t generation) {
  if (!name) return Errno::EINVAL;
  const uint64_t hash = hash_name(name.text());
  for (NftChain* chain = table.chain_names.first(hash); chain != nullptr; chain = table.chain_names.next(*chain)) {
    if (chain->is_in(generation) && name.is_text(chain->name.data())) return chain;
  }
  return Errno::ENOENT;
}

Result<NftChain*> find_chain_by_handle(const NftTable& table, uint64_t handle, uint8_t generation) {
  for (NftChain& chain : table.chains) {
    if (chain.handle == handle && chain.is_in(generation)) return &chain;
  }
  return Errno::ENOENT;
}

Result<NftChain*> find_chain_by_id(const NftTables& tables, const NftTable& table, uint32_t id, uint8_t generation) {
  for (Transaction& made : tables.transactions) {
    if (made.message == kNewChain && made.chain->table == &table && made.id == id && made.chain->is_in(generation)) {
      return made.chain;
    }
  }
  return Errno::ENOENT;
}

Result<NftRule*> find_rule(const NftChain& chain, uint64_t handle) {
  for (NftRule& rule : chain.rules) {
    if (rule.handle == handle) return &rule;
  }
  return Errno::ENOENT;
}

Result<NftRule*> find_rule_by_id(const NftTables& tables, const NftChain& chain, uint32_t id) {
  for (Transaction& made : tables.transactions) {
    if (made.message == kNewRule && made.chain == &chain && made.id == id) return made.rule;
  }
  return Errno::ENOENT;
}

Result<NftSet*> find_set(const NftTable& table, Nla name, uint8_t generation) {
  if (!name) return Errno::EINVAL;
  for (NftSet& set : table.sets) {
    if (set.is_in(generation) && name.is_text(set.name.data())) return &set;
  }
  return Errno::ENOENT;
}

Result<NftSet*> find_set_by_handle(const NftTable& table, uint64_t handle, uint8_t generation) {
  for (NftSet& set : table.sets) {
    if (set.handle == handle && set.is_in(generation)) return &set;
  }
  return Errno::ENOENT;
}

Result<NftSet*> find_set_anywhere(const NftTables& tables, const NftTable& table, Nla name, Nla id, uint8_t generation) {
  auto found = find_set(table, name, generation);
  if (found.is_ok() || !id) return found;
  for (Transaction* made = tables.transactions.back(); made != nullptr; made = tables.transactions.previous(*made)) {
    if (made->message == kNewSet && made->id == id.be32() && made->set->table == &table && made->set->is_in(generation)) {
      return made->set;
    }
  }
  return Errno::ENOENT;
}

Result<NftObject*> find_object(const NftTable& table, Nla name, uint32_t type, uint8_t generation) {
  for (NftObject& object : table.objects) {
    if (object.type == type && object.is_in(generation) && name && name.is_text(object.name.data())) return &object;
  }
  return Errno::ENOENT;
}

Result<NftObject*> find_object_by_handle(const NftTable& table, uint64_t handle, uint32_t type, uint8_t generation) {
  for (NftObject& object : table.objects) {
    if (object.type == type && object.is_in(generation) && object.handle == handle) return &object;
  }
  return Errno::ENOENT;
}

Result<NftName> copy_name(const Hal& hal, ByteSpan text) {
  NftName name = TRY(NftName::create(hal, text.size() + 1));
  if (!text.empty()) memcpy(name.data(), text.data(), text.size());
  return name;
}

Result<NftUserData> copy_user_data(const Hal& hal, Nla data) {
  NftUserData copy = TRY(NftUserData::create(hal, data.value().size()));
  copy_bytes(MutableByteSpan(copy.data(), copy.size()), data.value());
  return copy;
}

Transaction* new_transaction(Context& context, uint8_t message) {
  auto* made = construct<Transaction>(context.hal());
  if (made == nullptr) return nullptr;
  made->message = message;
  made->flags = context.header.flags;
  made->sequence = context.header.sequence;
  made->table = context.table;
  made->chain = context.chain;
  return made;
}

void add_transaction(NftTables& tables, Transaction& made) {
  tables.transactions.push_back(made);
  if (made.is_update) return;
  const bool is_set = made.message == kNewSet && made.set->is_anonymous();
  const bool is_chain = made.message == kNewChain && made.chain->is_binding();
  if (is_set || is_chain) tables.bindings.push_back(made);
}

void drop_transaction(NftTables& tables, Transaction& made) {
  if (made.link.is_linked()) tables.transactions.remove(made);
  if (made.binding_link.is_linked()) tables.bindings.remove(made);
  dispose(tables.stack.hal(), &made);
}

}  // namespace lxnet::nft
