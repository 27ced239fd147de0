// Expressions that use sets and objects: lookup, dynset, objref.
#pragma once

#include "stack/nft/ruleset.hh"

namespace lxnet {

struct NftLookup : NftExpression {
  NftSet* set = nullptr;
  NftBinding binding;
  uint8_t from = 0, to = 0;
  bool gives_data = false, is_inverted = false;
};

enum class NftUpdateOp : uint8_t { Add, Update, Delete };
struct NftUpdate : NftExpression {  // dynset
  NftSet* set = nullptr;
  NftBinding binding;
  NftUpdateOp op = NftUpdateOp::Add;
  uint8_t key_from = 0, data_from = 0;
  bool is_inverted = false, says_expressions = false;
  uint8_t expression_count = 0;
  uint64_t timeout_ms = 0;
  NftExpression* expressions[NftSet::kExpressions] = {};
};

struct NftObjectUse : NftExpression {
  NftObject* object = nullptr;
};
struct NftObjectMap : NftExpression {
  NftSet* set = nullptr;
  NftBinding binding;
  uint8_t from = 0;
};

void evaluate_lookup(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_update(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_object(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_object_map(NftExpression& self, NftRegisters& registers, const NftPacket& packet);

}  // namespace lxnet
