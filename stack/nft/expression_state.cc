#include "stack/nft/expression_state.hh"

#include "stack/entry.hh"

namespace lxnet {

void evaluate_counter(NftExpression& self, NftRegisters&, const NftPacket& packet) {
  auto& own = nft_cast<NftCounter>(self);
  ++own.packets;
  own.bytes += packet.packet().size();
}

void evaluate_quota(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  auto& own = nft_cast<NftQuota>(self);
  own.consumed += packet.packet().size();
  if ((own.consumed > own.limit) != own.is_inverted) registers.break_rule();
}

namespace {

bool has_tokens(NftLimit& limit, Instant now, uint64_t cost) {
  uint64_t tokens = limit.tokens + static_cast<uint64_t>((now - limit.last).in_nanos());
  if (tokens > limit.most) tokens = limit.most;
  limit.last = now;
  const auto left = static_cast<int64_t>(tokens - cost);
  limit.tokens = left >= 0 ? static_cast<uint64_t>(left) : tokens;
  return left >= 0;
}

}  // namespace

void evaluate_packet_limit(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  auto& own = nft_cast<NftLimit>(self);
  if (has_tokens(own, packet.seen.entry.now(), own.cost) == own.is_inverted) registers.break_rule();
}

void evaluate_byte_limit(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  auto& own = nft_cast<NftLimit>(self);
  const uint64_t cost = own.nanos * packet.packet().size() / own.rate;
  if (has_tokens(own, packet.seen.entry.now(), cost) == own.is_inverted) registers.break_rule();
}

void begin_limit(NftExpression& self, Instant now) {
  auto& own = nft_cast<NftLimit>(self);
  own.tokens = own.most;
  own.last = now;
}

void evaluate_last(NftExpression& self, NftRegisters&, const NftPacket& packet) {
  auto& own = nft_cast<NftLast>(self);
  own.when = packet.seen.entry.now();
  own.has_seen = true;
}

}  // namespace lxnet
