// Whether jumps end: nft_table_validate(). No deeper than sixteen, never into a base chain, and each expression where it may
// stand.
#include "compat/afnetlink/nftables/face.hh"

namespace lxnet::nft {
namespace {

constexpr uint8_t kDepth = 16;  // NFT_JUMP_STACK_SIZE

// From the context's base chain so deep already: nothing new would be found.
bool is_checked(const Context& context, const NftChain& chain) {
  const NftHook& hook = *context.chain->hook;
  return chain.checked_depth >= context.level && (chain.checked_hooks[static_cast<size_t>(hook.type)] & 1u << hook.number) != 0;
}

void note_checked(const Context& context, NftChain& chain) {
  const NftHook& hook = *context.chain->hook;
  uint8_t& hooks = chain.checked_hooks[static_cast<size_t>(hook.type)];
  hooks = static_cast<uint8_t>(hooks | 1u << hook.number);
  if (chain.checked_depth < context.level) chain.checked_depth = context.level;
}

}  // namespace

void need_check(NftTable& table) {
  if (table.check != NftCheck::Do) table.check = NftCheck::Need;
}

Result<> validate_chain(Context& context, NftChain& chain) {
  if (context.level == kDepth) return Errno::EMLINK;
  if (context.level > 0) {
    if (chain.is_base()) return Errno::ELOOP;
    if (is_checked(context, chain)) return ok();
  }
  for (NftRule& rule : chain.rules) {
    if (!context.tables.generations.is_next(rule)) continue;
    for (NftExpression& expression : rule.expressions()) {
      if (expression.kind->face->check != nullptr) TRY(expression.kind->face->check(context, expression));
    }
  }
  note_checked(context, chain);
  return ok();
}

Result<> validate_table(Context& of, NftTable& table) {
  Context context{.tables = of.tables};
  context.family = table.family;
  context.table = &table;
  Errno error{};
  for (NftChain& chain : table.chains) {
    if (!chain.is_base()) continue;
    context.chain = &chain;
    context.level = 0;
    if (auto checked = validate_chain(context, chain); !checked.is_ok()) {
      error = checked.error();
      break;
    }
  }
  for (NftChain& chain : table.chains) {
    chain.checked_depth = 0;
    memset(chain.checked_hooks, 0, sizeof chain.checked_hooks);
  }
  return error == Errno{} ? Result<>(ok()) : Result<>(error);
}

Result<> validate_all(Context& context) {
  for (NftTable& table : context.tables.tables) {
    if (table.check == NftCheck::Skip) continue;
    table.check = NftCheck::Do;
    if (!validate_table(context, table).is_ok()) return Errno::EAGAIN;
    table.check = NftCheck::Skip;
  }
  return ok();
}

}  // namespace lxnet::nft
