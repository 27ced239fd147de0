// The rules of a stack as nf_tables has them: tables, chains, rules, objects and sets (set.hh).
//
// Two generations share these objects: the one that packets see, and the one that a program's batch is making. Each object says
// in which of the two it is not there, and turning one number makes the new one current, for packets and programs at once. What
// packets walk through lies apart: an array of rules for each chain, which another takes the place of in the same moment.
//
// Who may touch what: objects are made, changed and unmade by one task at a time, which holds the lock of batches
// (compat/afnetlink/nftables). What a packet reads or changes is changed under the lock of the stack's hooks: the generation,
// the arrays of rules, what expressions remember, the elements of sets.
#pragma once

#include "hal/hash_table.hh"
#include "hal/memory.hh"
#include "stack/filter/packet_hooks.hh"
#include "stack/nft/set.hh"

namespace lxnet {

struct NftTable;

// NFPROTO_*.
enum NftFamily : uint8_t {
  kNftUnspecified = 0,
  kNftInet = 1,
  kNftV4 = 2,
  kNftArp = 3,
  kNftNetdev = 5,
  kNftBridge = 7,
  kNftV6 = 10,
};

struct NftRule : NftLife {
  ListLink link;
  uint64_t handle = 0;
  uint32_t expression_size = 0, user_size = 0;

  uint8_t* memory() { return reinterpret_cast<uint8_t*>(this + 1); }
  NftExpressionRun expressions() { return {memory(), expression_size}; }
  ByteSpan user_data() { return {memory() + expression_size, user_size}; }
  size_t block_size() const { return sizeof *this + expression_size + user_size; }
};
static_assert(sizeof(NftRule) % alignof(NftExpression) == 0);

enum class NftChainType : uint8_t { Filter, Route, Nat };
inline constexpr size_t kNftChainTypes = 3;

enum NftChainFlag : uint32_t { kNftChainBase = 1, kNftChainOffload = 2, kNftChainBinding = 4 };

// Where a base chain meets packets.
struct NftHook {
  struct Member : PacketHook {
    NftChain* chain = nullptr;
  };
  Member members[2];  // one for each IP version that the table's family has
  uint8_t number = 0;
  NftChainType type = NftChainType::Filter;
  int32_t priority = 0;
  int32_t policy = kNftAccept;
  bool is_joined = false;
  bool counts = false;
  uint64_t packets = 0, bytes = 0;
};

struct NftChain : NftLife {
  ListLink link;
  HashLink name_link;
  NftTable* table = nullptr;
  NftName name;
  NftUserData user_data;
  uint64_t handle = 0;
  uint32_t use = 0, flags = 0;
  bool is_bound = false;           // an expression has it for itself
  bool is_bound_in_batch = false;  // and that goes with the batch
  NftHook* hook = nullptr;         // of a base chain
  List<NftRule, &NftRule::link> rules;
  // What packets walk through, and what they will.
  HeapArray<NftRule*> live, coming;
  uint32_t live_count = 0, coming_count = 0;
  bool is_coming = false;
  // How deep and from which hooks it has been looked at, while a table is validated.
  uint8_t checked_depth = 0, checked_hooks[kNftChainTypes] = {};

  bool is_base() const { return hook != nullptr; }
  bool is_binding() const { return (flags & kNftChainBinding) != 0; }
};

// A counter, a quota, a limit with a name; it remembers in one expression.
struct NftObject : NftLife {
  ListLink link;
  NftTable* table = nullptr;
  NftName name;
  NftUserData user_data;
  uint64_t handle = 0;
  uint32_t use = 0, type = 0;
  NftExpression* state = nullptr;
};

enum NftTableFlag : uint32_t {
  kNftTableDormant = 1,
  kNftTableOwner = 2,
  kNftTablePersist = 4,
  kNftTableMask = 7,
  // What the batch under way has done to it.
  kNftTableWasDormant = 8,
  kNftTableWasAwake = 16,
  kNftTableWasOrphan = 32,
  kNftTableUpdate = 56,
};

enum class NftCheck : uint8_t { Skip, Need, Do };

struct NftTable : NftLife {
  explicit NftTable(const Hal& hal) : chain_names(hal) {}

  ListLink link;
  List<NftChain, &NftChain::link> chains;
  HashTable<NftChain, &NftChain::name_link> chain_names;
  List<NftSet, &NftSet::link> sets;
  List<NftObject, &NftObject::link> objects;
  NftName name;
  NftUserData user_data;
  uint64_t handle = 0, last_handle = 0;
  uint32_t use = 0, flags = 0, owner = 0;
  uint8_t family = 0;
  NftCheck check = NftCheck::Skip;

  bool has_owner() const { return (flags & kNftTableOwner) != 0; }
};

// At a hook, under its lock: through the chain and those it jumps to.
FilterVerdict nft_walk(NftChain& base, FilterPacket& packet);
// PacketHook::run of a base chain.
FilterVerdict nft_run(PacketHook& hook, FilterPacket& packet);

}  // namespace lxnet
