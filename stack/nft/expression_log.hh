// log: a packet as a line in the host's log.
#pragma once

#include "stack/nft/expression.hh"

namespace lxnet {

struct NftLog : NftExpression {
  static constexpr uint8_t kAudit = 8;  // Linux's audit log, which nobody keeps here: as where auditing is off

  char prefix[128] = {};
  uint8_t level = 4, flags = 0;
  bool has_prefix = false;
};

void evaluate_log(NftExpression& self, NftRegisters& registers, const NftPacket& packet);

}  // namespace lxnet
