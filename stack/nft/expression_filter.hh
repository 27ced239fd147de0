// Expressions that refuse packets, and ip_tables' matches and targets as expressions: reject, match, target.
#pragma once

#include "hal/memory.hh"
#include "stack/filter/extension.hh"
#include "stack/nft/expression_connection.hh"

namespace lxnet {

enum class NftRejectType : uint8_t { Unreachable, TcpReset, UnreachableOfAny };
struct NftReject : NftExpression {
  NftRejectType type = NftRejectType::Unreachable;
  uint8_t code = 0;
};

struct NftMatch : NftExpression {
  NftConnectionUses uses;
  FilterMatch match;
  HeapArray<uint8_t> settings;
};
struct NftTarget : NftExpression {
  NftConnectionUses uses;
  const TargetKind* target = nullptr;
  HeapArray<uint8_t> settings;
};

void evaluate_reject(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_match(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_target(NftExpression& self, NftRegisters& registers, const NftPacket& packet);

}  // namespace lxnet
