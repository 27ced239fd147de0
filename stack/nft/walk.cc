// nft_do_chain(), and what chains of the type `route` do after it.
#include "stack/nft/ruleset.hh"

namespace lxnet {
namespace {

constexpr size_t kJumps = 16;  // NFT_JUMP_STACK_SIZE; no table is deeper (compat/afnetlink/nftables/validate.cc)

struct Place {
  const NftChain* chain;
  uint32_t rule;
};

// The verdict the rule leaves: kNftContinue where it does not decide.
void evaluate(NftRule& rule, NftRegisters& registers, const NftPacket& packet) {
  for (NftExpression& expression : rule.expressions()) {
    expression.kind->evaluate(expression, registers, packet);
    if (registers.verdict.code != kNftContinue) break;
  }
  if (registers.verdict.code == kNftBreak) registers.verdict.code = kNftContinue;
}

FilterVerdict end_of(NftChain& base, const FilterPacket& packet) {
  NftHook& hook = *base.hook;
  if (hook.counts) {
    ++hook.packets;
    hook.bytes += packet.packet.size();
  }
  return hook.policy == kNftDrop ? FilterVerdict::Drop : FilterVerdict::Accept;
}

}  // namespace

FilterVerdict nft_walk(NftChain& base, FilterPacket& seen) {
  const NftPacket packet(seen);
  NftRegisters registers;
  Place jumps[kJumps];
  size_t depth = 0;
  Place at{&base, 0};
  for (;;) {
    registers.verdict.code = kNftContinue;
    while (at.rule < at.chain->live_count && registers.verdict.code == kNftContinue) {
      evaluate(*at.chain->live[at.rule++], registers, packet);
    }
    switch (registers.verdict.code) {
      case kNftAccept:
        return FilterVerdict::Accept;
      case kNftDrop:
        return FilterVerdict::Drop;
      case kNftJump:
        if (depth == kJumps) return FilterVerdict::Drop;
        jumps[depth++] = at;
        [[fallthrough]];
      case kNftGoto:
        at = {registers.verdict.chain, 0};
        continue;
      case kNftContinue:
      case kNftReturn:
        break;
      default:  // a queue that nobody reads
        return FilterVerdict::Queue;
    }
    if (depth == 0) return end_of(base, seen);
    at = jumps[--depth];
  }
}

FilterVerdict nft_run(PacketHook& hook, FilterPacket& packet) {
  NftChain& base = *static_cast<NftHook::Member&>(hook).chain;
  if (base.hook->type != NftChainType::Route) return nft_walk(base, packet);
  // What routes are chosen by: IPv6's first word holds class and flow label.
  struct {
    uint32_t source[4], destination[4], mark;
    uint8_t header[8];
  } before{}, after{};
  const auto note = [&](auto& to) {
    const bool is_v4 = packet.family == IpFamily::V4;
    to.mark = packet.packet.mark;
    memcpy(to.source, packet.source, sizeof to.source);
    memcpy(to.destination, packet.destination, sizeof to.destination);
    packet.packet.read(0, MutableByteSpan(to.header, is_v4 ? 2 : 8));
    // Of IPv4 the type of service, of IPv6 the first word and the hop limit.
    if (is_v4) to.header[0] = 0;
    if (!is_v4) to.header[4] = to.header[5] = to.header[6] = 0;
  };
  note(before);
  const FilterVerdict verdict = nft_walk(base, packet);
  note(after);
  if (verdict == FilterVerdict::Accept && memcmp(&before, &after, sizeof before) != 0) packet.wants_other_route = true;
  return verdict;
}

}  // namespace lxnet
