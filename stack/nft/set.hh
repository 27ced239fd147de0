// Sets and maps: keys, and what they lead to. How the elements of one are found is its store's business (set_store.hh).
//
// An element lies in one block: its key, the end of its range, its data, the expressions that count for it and what a program
// keeps with it follow it in memory, each where its offset says.
#pragma once

#include "base/bytes.hh"
#include "base/list.hh"
#include "hal/hash_table.hh"
#include "stack/nft/expression.hh"
#include "stack/nft/life.hh"

namespace lxnet {

class NftStore;
struct NftStoreKind;
struct NftChain;
struct NftObject;
struct NftTable;

enum NftSetFlag : uint32_t {
  kNftSetAnonymous = 1,
  kNftSetConstant = 2,
  kNftSetInterval = 4,
  kNftSetMap = 8,
  kNftSetTimeout = 16,
  kNftSetEval = 32,
  kNftSetObject = 64,
  kNftSetConcat = 128,
  kNftSetExpression = 256,
};
enum NftElementFlag : uint8_t { kNftElementEnd = 1, kNftElementCatchAll = 2 };

inline constexpr uint32_t kNftVerdictType = 0xffffff00;  // NFT_DATA_VERDICT

struct NftElementShape {
  uint16_t key_size = 0, end_size = 0, data_size = 0, expression_size = 0, user_size = 0;
};

struct NftTreeLink {
  struct NftElement *parent = nullptr, *left = nullptr, *right = nullptr;
  uint32_t weight = 0;
};

struct alignas(8) NftElement : NftLife {
  // Zeros but for the shape. Null without memory.
  static NftElement* create(const Hal& hal, const NftElementShape& shape);
  static void destroy(const Hal& hal, NftElement* element);

  const uint8_t* key() const { return at(0); }
  uint8_t* key() { return at(0); }
  bool has_end() const { return shape.end_size != 0; }
  const uint8_t* end() const { return at(end_at); }
  uint8_t* end() { return at(end_at); }
  bool has_data() const { return shape.data_size != 0; }
  NftData& data() { return *reinterpret_cast<NftData*>(at(data_at)); }  // as long as the shape says
  const NftData& data() const { return *reinterpret_cast<const NftData*>(at(data_at)); }
  NftExpressionRun expressions() { return {at(expressions_at), shape.expression_size}; }
  uint8_t* expression_memory() { return at(expressions_at); }
  MutableByteSpan user_data() { return {at(user_at), shape.user_size}; }
  bool is_end() const { return (flags & kNftElementEnd) != 0; }
  bool is_catch_all() const { return (flags & kNftElementCatchAll) != 0; }
  bool is_expired(Instant now) const { return has_timeout && timeout_ms != 0 && expiration <= now; }
  // Whether who looks in that generation finds it.
  bool is_found(uint8_t generation, Instant now) const { return is_in(generation) && !is_dead && !is_expired(now); }

  ListLink link;  // all of the set
  HashLink hash_link;
  NftTreeLink tree;
  NftElementShape shape;
  uint16_t end_at = 0, data_at = 0, expressions_at = 0, user_at = 0;
  uint32_t block_size = 0;
  uint8_t flags = 0;
  bool has_timeout = false, is_dead = false;
  bool is_pinned = false;  // a batch is about to change it
  uint64_t timeout_ms = 0;
  Instant expiration;
  NftObject* object = nullptr;

 private:
  uint8_t* at(size_t offset) { return reinterpret_cast<uint8_t*>(this + 1) + offset; }
  const uint8_t* at(size_t offset) const { return reinterpret_cast<const uint8_t*>(this + 1) + offset; }
};

// An expression that uses the set.
struct NftBinding {
  ListLink link;
  const NftChain* chain = nullptr;
  uint32_t flags = 0;
};

struct NftSet : NftLife {
  static constexpr size_t kFields = 16, kExpressions = 2;

  ListLink link;
  NftTable* table = nullptr;
  NftName name;
  NftUserData user_data;
  uint64_t handle = 0;
  uint32_t flags = 0, use = 0;
  uint32_t key_type = 0, data_type = 0, object_type = 0, policy = 0;
  uint16_t key_size = 0, data_size = 0;
  uint8_t field_count = 0, field_sizes[kFields] = {};
  uint32_t size = 0;  // the most elements; 0: any number
  uint64_t timeout_ms = 0;
  uint32_t collect_ms = 0;
  uint8_t expression_count = 0;
  NftExpression* expressions[kExpressions] = {};  // what new elements begin with
  List<NftBinding, &NftBinding::link> bindings;
  bool is_bound_in_batch = false;
  bool is_changed = false;  // by the batch under way
  const NftStoreKind* kind = nullptr;
  NftStore* store = nullptr;
  const NftGenerations* generations = nullptr;  // of the stack

  List<NftElement, &NftElement::link> elements;  // without those that catch all; of intervals in order, the highest first
  List<NftElement, &NftElement::link> catch_all;
  List<NftElement, &NftElement::link> expired;    // found no more, to be unmade by who holds the lock of batches
  uint32_t element_count = 0, leaving_count = 0;  // of `elements`; and those the batch under way takes away
  NftElement* collect_next = nullptr;             // where packets go on to look for elements that have run out

  bool is_anonymous() const { return (flags & kNftSetAnonymous) != 0; }
  bool is_map() const { return (flags & kNftSetMap) != 0; }
  bool has_verdicts() const { return is_map() && data_type == kNftVerdictType; }
  Duration collection_interval() const { return Duration::millis(collect_ms == 0 ? 1000 : collect_ms); }
};

// For a packet, under the lock of the hooks: the element that its key leads to, or that catches all.
NftElement* nft_find(NftSet& set, const uint32_t* key, uint8_t generation, Instant now);

}  // namespace lxnet
