// What the files of this folder ask of each other: finding, making and unmaking what tables consist of.
#pragma once

#include "compat/afnetlink/nftables/nft_tables.hh"

namespace lxnet::nft {

// ---- finding.cc. ENOENT; EINVAL without an attribute; EPERM for a table that another port owns (0: nobody asks).
Result<NftTable*> find_table(const NftTables& tables, Nla name, uint8_t family, uint8_t generation, uint32_t port);
Result<NftTable*> find_table_by_handle(const NftTables& tables, uint64_t handle, uint8_t family, uint8_t generation,
                                       uint32_t port);
Result<NftChain*> find_chain(const NftTable& table, Nla name, uint8_t generation);
Result<NftChain*> find_chain_by_handle(const NftTable& table, uint64_t handle, uint8_t generation);
Result<NftChain*> find_chain_by_id(const NftTables& tables, const NftTable& table, uint32_t id, uint8_t generation);
Result<NftRule*> find_rule(const NftChain& chain, uint64_t handle);
Result<NftRule*> find_rule_by_id(const NftTables& tables, const NftChain& chain, uint32_t id);
Result<NftSet*> find_set(const NftTable& table, Nla name, uint8_t generation);
Result<NftSet*> find_set_by_handle(const NftTable& table, uint64_t handle, uint8_t generation);
// By name, and where there is none by the number that its batch gave it.
Result<NftSet*> find_set_anywhere(const NftTables& tables, const NftTable& table, Nla name, Nla id, uint8_t generation);
Result<NftObject*> find_object(const NftTable& table, Nla name, uint32_t type, uint8_t generation);
Result<NftObject*> find_object_by_handle(const NftTable& table, uint64_t handle, uint32_t type, uint8_t generation);
uint64_t hash_name(ByteSpan name);

// ---- memory. ENOMEM.
Result<NftName> copy_name(const Hal& hal, ByteSpan text);
Result<NftUserData> copy_user_data(const Hal& hal, Nla data);

// A transaction that is not in the batch yet, of the context's table and chain. Null without memory.
Transaction* new_transaction(Context& context, uint8_t message);
void add_transaction(NftTables& tables, Transaction& transaction);
void drop_transaction(NftTables& tables, Transaction& transaction);

// EMFILE: so many use it that the count would begin anew.
inline Result<> use(uint32_t& count) {
  if (count == UINT32_MAX) return Errno::EMFILE;
  ++count;
  return ok();
}

// ---- what a batch's messages do; each in the file of its name
Result<> new_table(Context& context);
Result<> delete_table(Context& context);
Result<> new_chain(Context& context);
Result<> delete_chain(Context& context);
Result<> new_rule(Context& context);
Result<> delete_rule(Context& context);
Result<> new_set(Context& context);
Result<> delete_set(Context& context);
Result<> new_elements(Context& context);
Result<> delete_elements(Context& context);
Result<> new_object(Context& context);
Result<> delete_object(Context& context);
Result<> new_flow_table(Context& context);
Result<> delete_flow_table(Context& context);

// Parts of them that others do too.
Result<> delete_rules_of(Context& context);  // of the context's chain
Result<> delete_one_rule(Context& context, NftRule& rule);
Result<> delete_one_set(Context& context, NftSet& set);
Result<> delete_one_object(Context& context, NftObject& object);
Result<> delete_one_chain(Context& context);

// ---- unmaking
void destroy_table(const Hal& hal, NftTable* table);
void destroy_chain(const Hal& hal, NftChain* chain);
void destroy_rule(Context& context, NftRule* rule);
void destroy_set(Context& context, NftSet* set);
void destroy_object(Context& context, NftObject* object);
void destroy_element(Context& context, NftSet& set, NftElement* element);
void unlink_chain(NftChain& chain);
// Rules, sets and objects of a table with it, none of which is used from elsewhere.
void release_table(Context& context, NftTable* table);

// ---- hooks
void join_hooks(NftTables& tables, NftTable& table, NftChain& chain);
void leave_hooks(NftTables& tables, NftChain& chain);
void leave_hooks_locked(NftTables& tables, NftChain& chain) REQUIRES(tables.stack.hooks().mutex());
// As a table falls asleep or awakes: its base chains of the generation to come.
void join_all(NftTables& tables, NftTable& table);
void leave_all(NftTables& tables, NftTable& table);
void leave_all_locked(NftTables& tables, NftTable& table) REQUIRES(tables.stack.hooks().mutex());

// ---- expressions of a rule (expressions.cc)
void activate_rule(Context& context, NftRule& rule);
void deactivate_rule(Context& context, NftRule& rule, Phase phase);

// ---- sets (bindings.cc)
// EBUSY: an anonymous set has one user; what it holds must fit into the registers of who uses it.
Result<> bind_set(Context& context, NftSet& set, NftBinding& binding);
void activate_set(Context& context, NftSet& set);
void deactivate_set(Context& context, NftSet& set, NftBinding& binding, Phase phase);
void destroy_bound_set(Context& context, NftSet& set);
// What its elements use is used no longer, or again.
void deactivate_map(Context& context, NftSet& set);
void activate_map(Context& context, NftSet& set);
void release_data(NftSet& set, NftElement& element);
void hold_data(NftSet& set, NftElement& element);
// EOPNOTSUPP, EBUSY: a chain that belongs to one rule alone.
Result<> bind_chain(Context& context, NftChain& chain);

// ---- validate.cc. EMLINK: too deep; ELOOP: into a base chain; and what an expression says of where it stands.
Result<> validate_table(Context& context, NftTable& table);
Result<> validate_chain(Context& context, NftChain& chain);
Result<> validate_all(Context& context);
void need_check(NftTable& table);

// ---- what programs are told: fill_*(), and the same to listeners once a batch is done
struct Told {
  uint8_t message;
  uint16_t flags = 0;
  uint32_t sequence = 0, port = 0;
};
bool fill_table(const NftTables& tables, MessageWriter& writer, const Told& told, const NftTable& table);
bool fill_chain(NftTables& tables, MessageWriter& writer, const Told& told, const NftChain& chain, bool is_update);
bool fill_rule(NftTables& tables, MessageWriter& writer, const Told& told, const NftChain& chain, NftRule& rule,
               uint64_t position, bool resets);
bool fill_set(NftTables& tables, MessageWriter& writer, const Told& told, const NftSet& set);
bool fill_object(NftTables& tables, MessageWriter& writer, const Told& told, const NftObject& object, bool resets);
bool fill_generation(Context& context, MessageWriter& writer, uint32_t sequence, uint32_t port);
bool fill_element(NftTables& tables, MessageWriter& writer, const NftSet& set, NftElement& element, Instant now, bool resets);
// A message of elements begins with this; its list ends with end_nest().
size_t begin_elements(const NftTables& tables, MessageWriter& writer, const Told& told, const NftSet& set);

void tell_table(Context& context, const Transaction& of, uint8_t message);
void tell_chain(Context& context, const Transaction& of, uint8_t message);
void tell_rule(Context& context, const Transaction& of, uint8_t message);
void tell_set(Context& context, NftTable& table, NftSet& set, uint16_t flags, uint32_t sequence, uint8_t message);
void tell_element(Context& context, const Transaction& of, uint8_t message);
void tell_object(Context& context, const Transaction& of, uint8_t message);
void send_notices(Context& context, NetlinkPeer& peer);

}  // namespace lxnet::nft
