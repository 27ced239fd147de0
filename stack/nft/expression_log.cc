#include "stack/nft/expression_log.hh"

#include "stack/filter/log_packet.hh"

namespace lxnet {

void evaluate_log(NftExpression& self, NftRegisters&, const NftPacket& packet) {
  const auto& own = nft_cast<NftLog>(self);
  if (own.level != NftLog::kAudit) write_log(packet.seen, own.level, own.flags, own.prefix);
}

}  // namespace lxnet
