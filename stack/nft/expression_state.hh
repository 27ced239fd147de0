// Expressions that remember: counter, quota, limit, last. They stand in rules, count for elements of sets, and are objects.
#pragma once

#include "stack/nft/expression.hh"

namespace lxnet {

struct NftCounter : NftExpression {
  uint64_t packets = 0, bytes = 0;
};
struct NftQuota : NftExpression {
  uint64_t limit = 0, consumed = 0;
  bool is_inverted = false;
};
struct NftLimit : NftExpression {
  uint64_t rate = 0, nanos = 0;   // so many in so long
  uint64_t cost = 0;              // of a packet; of bytes it is computed
  uint64_t most = 0, tokens = 0;  // in nanoseconds
  Instant last;
  uint32_t burst = 0;
  bool is_inverted = false;
};
struct NftLast : NftExpression {
  Instant when;
  bool has_seen = false;
};

void evaluate_counter(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_quota(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_packet_limit(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_byte_limit(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_last(NftExpression& self, NftRegisters& registers, const NftPacket& packet);

// With all of its tokens.
void begin_limit(NftExpression& self, Instant now);

}  // namespace lxnet
