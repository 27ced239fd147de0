#include "compat/afnetlink/nftables/chain_hook.hh"

#include "compat/afnetlink/nftables/objects.hh"
#include "stack/conntrack/connection_tracker.hh"
#include "stack/stack.hh"

namespace lxnet::nft {
namespace {

constexpr uint32_t kInetHooks = 0x1f, kIngress = 1u << 5, kLocalOut = 1u << 3;
constexpr uint32_t kNetdevHooks = 0x3;
constexpr uint32_t kMostHooks = 6;      // NFT_MAX_HOOKS
constexpr int32_t kConnections = -200;  // NF_IP_PRI_CONNTRACK

constexpr uint32_t kNatHooks = 0x1b;
// ARP has no hooks here: its chains fail as where they are not built in. There are no bridges, whose chains so meet nothing.
constexpr ChainTypeRow kTypes[] = {
    {kNftV4, NftChainType::Filter, "filter", kInetHooks},
    {kNftV4, NftChainType::Route, "route", kLocalOut},
    {kNftV4, NftChainType::Nat, "nat", kNatHooks},
    {kNftV6, NftChainType::Filter, "filter", kInetHooks},
    {kNftV6, NftChainType::Route, "route", kLocalOut},
    {kNftV6, NftChainType::Nat, "nat", kNatHooks},
    {kNftInet, NftChainType::Filter, "filter", kInetHooks | kIngress},
    {kNftInet, NftChainType::Route, "route", kLocalOut},
    {kNftInet, NftChainType::Nat, "nat", kNatHooks},
    {kNftBridge, NftChainType::Filter, "filter", kInetHooks},
    {kNftNetdev, NftChainType::Filter, "filter", kNetdevHooks},
};

constexpr NlaPolicy kHookPolicy[] = {{}, {NlaKind::U32}, {NlaKind::U32}, {NlaKind::Text, 15}, {}};

const ChainTypeRow* find_type(uint8_t family, Nla name) {
  for (const ChainTypeRow& row : kTypes) {
    if (row.family == family && name.is_text(row.name)) return &row;
  }
  return nullptr;
}
const ChainTypeRow* type_of(uint8_t family, NftChainType type) {
  for (const ChainTypeRow& row : kTypes) {
    if (row.family == family && row.type == type) return &row;
  }
  return nullptr;
}

Result<ChainHook> read_new(Context& context, const NlaTable& inner) {
  if (!inner[kHookNumber] || !inner[kHookPriority]) return context.blame(context[kChainName], Errno::ENOENT);
  ChainHook hook{inner[kHookNumber].be32(), static_cast<int32_t>(inner[kHookPriority].be32()), nullptr};
  hook.type = type_of(context.family, NftChainType::Filter);
  if (hook.type == nullptr) return Errno::EOPNOTSUPP;
  if (context[kChainType]) {
    hook.type = find_type(context.family, context[kChainType]);
    if (hook.type == nullptr) return context.blame(context[kChainType], Errno::ENOENT);
  }
  if (hook.number >= kMostHooks || (hook.type->hooks & 1u << hook.number) == 0) return Errno::EOPNOTSUPP;
  if (hook.type->type == NftChainType::Nat) {
    if (hook.priority <= kConnections) return Errno::EOPNOTSUPP;
    TRY(ConnectionTracker::obtain(context.tables.stack));
  }
  return hook;
}

Result<ChainHook> read_known(Context& context, const NlaTable& inner, const NftHook& known) {
  ChainHook hook;
  if (inner[kHookNumber]) {
    hook.number = inner[kHookNumber].be32();
    if (hook.number != known.number) return Errno::EOPNOTSUPP;
  }
  if (inner[kHookPriority]) {
    hook.priority = static_cast<int32_t>(inner[kHookPriority].be32());
    if (hook.priority != known.priority) return Errno::EOPNOTSUPP;
  }
  hook.type = type_of(context.family, known.type);
  if (context[kChainType]) {
    hook.type = find_type(context.family, context[kChainType]);
    if (hook.type == nullptr) return context.blame(context[kChainType], Errno::ENOENT);
  }
  return hook;
}

}  // namespace

bool is_device_hook(uint8_t family, uint8_t number) {
  constexpr uint8_t kInetIngress = 5;
  return family == kNftNetdev || (family == kNftInet && number == kInetIngress);
}

const char* chain_type_name(NftChainType type) {
  switch (type) {
    case NftChainType::Filter:
      return "filter";
    case NftChainType::Route:
      return "route";
    case NftChainType::Nat:
      break;
  }
  return "nat";
}

// Chains at devices fail as where they are not built in.
Result<ChainHook> read_chain_hook(Context& context, const NftChain* chain) {
  NlaTable inner;
  TRY(parse_attributes(inner, context[kChainHook].value(), kHookDevices, kHookPolicy));
  const ChainHook hook = chain == nullptr ? TRY(read_new(context, inner)) : TRY(read_known(context, inner, *chain->hook));
  if (is_device_hook(context.family, static_cast<uint8_t>(hook.number))) return Errno::EOPNOTSUPP;
  if (inner[kHookDevice] || inner[kHookDevices]) return Errno::EOPNOTSUPP;
  return hook;
}

// ---- among the hooks of the stack

namespace {

bool has_family(uint8_t family, IpFamily version) {
  return family == kNftInet || family == (version == IpFamily::V4 ? kNftV4 : kNftV6);
}

}  // namespace

void join_hooks(NftTables& tables, NftTable& table, NftChain& chain) {
  if ((table.flags & kNftTableDormant) != 0 || !chain.is_base() || chain.hook->is_joined) return;
  NftHook& hook = *chain.hook;
  hook.is_joined = true;
  MutexLock lock(tables.stack.hooks().mutex());
  for (size_t i = 0; i < 2; ++i) {
    const IpFamily version = i == 0 ? IpFamily::V4 : IpFamily::V6;
    if (!has_family(table.family, version)) continue;
    NftHook::Member& member = hook.members[i];
    member.family = version;
    member.hook = FilterHook{hook.number};
    member.priority = hook.priority;
    member.run = &nft_run;
    member.chain = &chain;
    if (hook.type == NftChainType::Nat) {
      tables.stack.connections().tracker()->nat().add_rules_locked(tables.stack.hooks(), member);
    } else {
      tables.stack.hooks().add_locked(member);
    }
  }
}

void leave_hooks_locked(NftTables& tables, NftChain& chain) {
  if (!chain.is_base() || !chain.hook->is_joined) return;
  chain.hook->is_joined = false;
  for (NftHook::Member& member : chain.hook->members) {
    if (!member.chain_link.is_linked()) continue;
    if (chain.hook->type == NftChainType::Nat) {
      tables.stack.connections().tracker()->nat().remove_rules_locked(tables.stack.hooks(), member);
    } else {
      tables.stack.hooks().remove_locked(member);
    }
  }
}

void leave_hooks(NftTables& tables, NftChain& chain) {
  MutexLock lock(tables.stack.hooks().mutex());
  leave_hooks_locked(tables, chain);
}

void join_all(NftTables& tables, NftTable& table) {
  for (NftChain& chain : table.chains) {
    if (tables.generations.is_next(chain)) join_hooks(tables, table, chain);
  }
}

void leave_all_locked(NftTables& tables, NftTable& table) {
  for (NftChain& chain : table.chains) {
    if (tables.generations.is_next(chain)) leave_hooks_locked(tables, chain);
  }
}

void leave_all(NftTables& tables, NftTable& table) {
  MutexLock lock(tables.stack.hooks().mutex());
  leave_all_locked(tables, table);
}

}  // namespace lxnet::nft
