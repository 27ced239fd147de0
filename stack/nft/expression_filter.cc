#include "stack/nft/expression_filter.hh"

namespace lxnet {
namespace {

// NFT_REJECT_ICMPX_*: no route, port, host, administratively prohibited.
constexpr uint8_t kAnyCodes4[] = {0, 3, 1, 13}, kAnyCodes6[] = {0, 4, 3, 1};
constexpr int kTcpReset4 = 7, kTcpReset6 = 6;  // numbers of REJECT's

int answer_of(const NftReject& own, IpFamily family) {
  const bool is_v4 = family == IpFamily::V4;
  switch (own.type) {
    case NftRejectType::TcpReset:
      return is_v4 ? kTcpReset4 : kTcpReset6;
    case NftRejectType::UnreachableOfAny:
      return FilterPacket::kAnswerCode + (is_v4 ? kAnyCodes4 : kAnyCodes6)[own.code & 3];
    case NftRejectType::Unreachable:
      break;
  }
  return FilterPacket::kAnswerCode + own.code;
}

}  // namespace

void evaluate_reject(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  packet.seen.answer = answer_of(nft_cast<NftReject>(self), packet.seen.family);
  registers.verdict.code = kNftDrop;
}

namespace {

// What extensions look for behind IPv6's headers; a packet is not broken for that it is not there.
void show_transport(FilterPacket& seen) {
  const bool was_broken = seen.is_broken;
  static_cast<void>(seen.find_transport());
  seen.is_broken = was_broken;
}

}  // namespace

void evaluate_match(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  auto& own = nft_cast<NftMatch>(self);
  FilterPacket& seen = packet.seen;
  show_transport(seen);
  const bool agrees = own.match.kind->matches(seen, own.match);
  if (seen.is_broken) {
    registers.verdict.code = kNftDrop;
  } else if (!agrees) {
    registers.break_rule();
  }
}

void evaluate_target(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  auto& own = nft_cast<NftTarget>(self);
  FilterPacket& seen = packet.seen;
  show_transport(seen);
  const TargetKind::Step step = own.target->apply(seen, ByteSpan(own.settings.data(), own.settings.size()));
  if (seen.is_broken || step == TargetKind::Step::Drop) {
    registers.verdict.code = kNftDrop;
  } else if (step == TargetKind::Step::Accept) {
    registers.verdict.code = kNftAccept;
  }
}

}  // namespace lxnet
