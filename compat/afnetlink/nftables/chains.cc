// NEWCHAIN, DELCHAIN, DESTROYCHAIN. Chains of families that no packet of ours has meet none.
#include "compat/afnetlink/nftables/chain_hook.hh"
#include "compat/afnetlink/nftables/objects.hh"

namespace lxnet::nft {
namespace {

constexpr uint32_t kAllFlags = kNftChainBase | kNftChainOffload | kNftChainBinding;

constexpr NlaPolicy kCounterPolicy[] = {{}, {NlaKind::U64}, {NlaKind::U64}};

struct Counters {
  uint64_t packets = 0, bytes = 0;
};

Result<Counters> read_counters(Nla nest) {
  NlaTable inner;
  TRY(parse_attributes(inner, nest.value(), kCounterPackets, kCounterPolicy));
  if (!inner[kCounterBytes] || !inner[kCounterPackets]) return Errno::EINVAL;
  return Counters{inner[kCounterPackets].be64(), inner[kCounterBytes].be64()};
}

Result<> add_hook(Context& context, NftChain& chain, uint32_t flags) {
  if ((context.table->flags & kNftTableUpdate) != 0) return Errno::EINVAL;
  if ((flags & kNftChainBinding) != 0) return Errno::EOPNOTSUPP;
  const ChainHook asked = TRY(read_chain_hook(context, nullptr));
  auto* hook = construct<NftHook>(context.hal());
  if (hook == nullptr) return Errno::ENOMEM;
  chain.hook = hook;
  chain.flags = flags | kNftChainBase;
  hook->number = static_cast<uint8_t>(asked.number);
  hook->priority = asked.priority;
  hook->type = asked.type->type;
  if (context[kChainCounters]) {
    const Counters counters = TRY(read_counters(context[kChainCounters]));
    hook->counts = true;
    hook->packets = counters.packets;
    hook->bytes = counters.bytes;
  }
  if ((flags & kNftChainOffload) != 0) return Errno::EOPNOTSUPP;
  return ok();
}

// "__chain" and a number.
Result<NftName> number_name(const Hal& hal, uint64_t number) {
  char text[32] = "__chain";
  size_t size = 7;
  char digits[20];
  size_t count = 0;
  do digits[count++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) text[size++] = digits[--count];
  return copy_name(hal, ByteSpan(reinterpret_cast<const uint8_t*>(text), size));
}

Result<> complete_chain(Context& context, NftChain& chain, uint32_t flags) {
  const Hal& hal = context.hal();
  if (context[kChainHook]) {
    TRY(add_hook(context, chain, flags));
  } else {
    if ((flags & kNftChainBase) != 0) return Errno::EINVAL;
    if ((flags & kNftChainOffload) != 0) return Errno::EOPNOTSUPP;
    chain.flags = flags;
  }
  chain.handle = ++context.table->last_handle;
  chain.table = context.table;
  if (context[kChainName]) {
    chain.name = TRY(copy_name(hal, context[kChainName].text()));
  } else if ((flags & kNftChainBinding) == 0) {
    return Errno::EINVAL;
  } else {
    chain.name = TRY(number_name(hal, ++context.tables.last_chain_id));
  }
  if (context[kChainUserData]) chain.user_data = TRY(copy_user_data(hal, context[kChainUserData]));
  return use(context.table->use);
}

Result<> add_chain(Context& context, int32_t policy, uint32_t flags) {
  const Hal& hal = context.hal();
  NftTables& tables = context.tables;
  auto* chain = construct<NftChain>(hal);
  if (chain == nullptr) return Errno::ENOMEM;
  if (auto completed = complete_chain(context, *chain, flags); !completed.is_ok()) {
    destroy_chain(hal, chain);
    return completed.error();
  }
  context.chain = chain;
  Transaction* made = new_transaction(context, kNewChain);
  const char* name = chain->name.data();
  const ByteSpan text(reinterpret_cast<const uint8_t*>(name), chain->name.size() - 1);
  if (made == nullptr || !context.table->chain_names.insert(*chain, hash_name(text)).is_ok()) {
    if (made != nullptr) dispose(hal, made);
    --context.table->use;
    destroy_chain(hal, chain);
    return Errno::ENOMEM;
  }
  if (context[kChainId]) made->id = context[kChainId].be32();
  if (chain->is_base()) made->policy = policy;
  tables.generations.appear_next(*chain);
  add_transaction(tables, *made);
  context.table->chains.push_back(*chain);
  join_hooks(tables, *context.table, *chain);
  return ok();
}

// ---- of a chain that is there

Result<> check_same_hook(Context& context, Nla blamed) {
  NftChain& chain = *context.chain;
  if (!chain.is_base()) return context.blame(blamed, Errno::EEXIST);
  const ChainHook asked = TRY(read_chain_hook(context, &chain));
  if (asked.type->type != chain.hook->type) return context.blame(blamed, Errno::EEXIST);
  if (is_device_hook(context.family, chain.hook->number)) return ok();
  if (asked.number != chain.hook->number || asked.priority != chain.hook->priority) {
    return context.blame(blamed, Errno::EEXIST);
  }
  return ok();
}

Result<> update_chain(Context& context, int32_t policy, uint32_t flags, Nla blamed) {
  NftTables& tables = context.tables;
  NftChain& chain = *context.chain;
  const Nla name = context[kChainName];
  if (chain.flags != flags) return Errno::EOPNOTSUPP;
  if (context[kChainHook]) TRY(check_same_hook(context, blamed));
  const bool renames = context[kChainHandle] && name;
  if (renames && find_chain(*context.table, name, tables.generations.next()).is_ok()) {
    return context.blame(name, Errno::EEXIST);
  }
  Counters counters;
  if (context[kChainCounters]) {
    if (!chain.is_base()) return Errno::EOPNOTSUPP;
    counters = TRY(read_counters(context[kChainCounters]));
  }
  NftName new_name;
  if (renames) {
    new_name = TRY(copy_name(context.hal(), name.text()));
    for (const Transaction& made : tables.transactions) {
      if (made.message == kNewChain && made.table == context.table && made.is_update && !made.name.is_empty() &&
          name.is_text(made.name.data())) {
        return context.blame(name, Errno::EEXIST);
      }
    }
  }
  Transaction* made = new_transaction(context, kNewChain);
  if (made == nullptr) return Errno::ENOMEM;
  made->is_update = true;
  made->policy = context[kChainPolicy] ? policy : -1;
  made->has_counters = static_cast<bool>(context[kChainCounters]);
  made->packets = counters.packets;
  made->bytes = counters.bytes;
  made->name = std::move(new_name);
  add_transaction(tables, *made);
  return ok();
}

}  // namespace

Result<> new_chain(Context& context) {
  const uint8_t next = context.tables.generations.next();
  auto table = find_table(context.tables, context[kChainTable], context.family, next, context.header.port);
  if (!table.is_ok()) return context.blame(context[kChainTable], table.error());
  context.table = table.take();
  Nla blamed = context[kChainName];
  if (context[kChainHandle]) {
    blamed = context[kChainHandle];
    auto chain = find_chain_by_handle(*context.table, blamed.be64(), next);
    if (!chain.is_ok()) return context.blame(blamed, chain.error());
    context.chain = chain.take();
  } else if (blamed) {
    auto chain = find_chain(*context.table, blamed, next);
    if (chain.is_ok()) context.chain = chain.take();
  } else if (!context[kChainId]) {
    return Errno::EINVAL;
  }
  NftChain* chain = context.chain;
  int32_t policy = kNftAccept;
  if (const Nla asked = context[kChainPolicy]; asked) {
    if (chain != nullptr && !chain->is_base()) return context.blame(asked, Errno::EOPNOTSUPP);
    if (chain == nullptr && !context[kChainHook]) return context.blame(asked, Errno::EOPNOTSUPP);
    // Linux keeps eight bits of it.
    policy = static_cast<uint8_t>(asked.be32());
    if (policy != kNftDrop && policy != kNftAccept) return Errno::EINVAL;
  }
  uint32_t flags = chain != nullptr ? chain->flags : 0;
  if (context[kChainFlags]) flags = context[kChainFlags].be32();
  if ((flags & ~kAllFlags) != 0) return Errno::EOPNOTSUPP;
  if (chain == nullptr) return add_chain(context, policy, flags);
  if (chain->is_binding()) return Errno::EINVAL;
  if (context.has(kExclusive)) return context.blame(blamed, Errno::EEXIST);
  if (context.has(kReplace)) return Errno::EOPNOTSUPP;
  return update_chain(context, policy, flags | (chain->flags & kNftChainBase), blamed);
}

Result<> delete_one_chain(Context& context) {
  Transaction* made = new_transaction(context, kDelChain);
  if (made == nullptr) return Errno::ENOMEM;
  add_transaction(context.tables, *made);
  --context.table->use;
  context.tables.generations.vanish_next(*context.chain);
  return ok();
}

Result<> delete_chain(Context& context) {
  const NftGenerations& generations = context.tables.generations;
  auto table = find_table(context.tables, context[kChainTable], context.family, generations.next(), context.header.port);
  if (!table.is_ok()) return context.blame(context[kChainTable], table.error());
  context.table = table.take();
  const Nla blamed = context[kChainHandle] ? context[kChainHandle] : context[kChainName];
  auto found = context[kChainHandle] ? find_chain_by_handle(*context.table, blamed.be64(), generations.next())
                                     : find_chain(*context.table, blamed, generations.next());
  if (!found.is_ok()) {
    if (found.error() == Errno::ENOENT && context.message == kDestroyChain) return ok();
    return context.blame(blamed, found.error());
  }
  NftChain& chain = *found.take();
  context.chain = &chain;
  if (chain.is_binding()) return Errno::EOPNOTSUPP;
  if (context[kChainHook] && context.message == kDestroyChain) return Errno::EOPNOTSUPP;
  if (context.has(kNotRecursive) && chain.use > 0) return Errno::EBUSY;
  uint32_t others = chain.use;
  for (NftRule& rule : chain.rules) {
    if (!generations.is_next(rule)) continue;
    --others;
    TRY(delete_one_rule(context, rule));
  }
  if (others > 0) return context.blame(blamed, Errno::EBUSY);
  return delete_one_chain(context);
}

void unlink_chain(NftChain& chain) {
  if (chain.name_link.is_linked()) chain.table->chain_names.remove(chain);
  if (chain.link.is_linked()) chain.table->chains.remove(chain);
}

void destroy_chain(const Hal& hal, NftChain* chain) {
  if (chain->hook != nullptr) dispose(hal, chain->hook);
  dispose(hal, chain);
}

bool fill_chain(NftTables& tables, MessageWriter& writer, const Told& told, const NftChain& chain, bool is_update) {
  writer.begin(static_cast<uint16_t>(kSubsystem << 8 | told.message), told.flags, told.sequence, told.port,
               {chain.table->family, 0, Be16(static_cast<uint16_t>(tables.base_sequence))});
  writer.put_text(kChainTable, chain.table->name.data());
  writer.put_text(kChainName, chain.name.data());
  writer.put_be64(kChainHandle, chain.handle);
  if (!is_update && (told.message == kDelChain || told.message == kDestroyChain)) return writer.end();
  if (chain.is_base()) {
    const NftHook& hook = *chain.hook;
    const size_t nest = writer.nest(kChainHook);
    writer.put_be32(kHookNumber, hook.number);
    writer.put_be32(kHookPriority, static_cast<uint32_t>(hook.priority));
    if (is_device_hook(chain.table->family, hook.number)) writer.end_nest(writer.nest(kHookDevices));
    writer.end_nest(nest);
    writer.put_be32(kChainPolicy, static_cast<uint32_t>(hook.policy));
    writer.put_text(kChainType, chain_type_name(hook.type));
    if (hook.counts) {
      uint64_t packets = 0, bytes = 0;
      {
        MutexLock lock(tables.stack.hooks().mutex());
        packets = hook.packets;
        bytes = hook.bytes;
      }
      const size_t counters = writer.nest(kChainCounters);
      writer.put_be64(kCounterPackets, packets);
      writer.put_be64(kCounterBytes, bytes);
      writer.end_nest(counters);
    }
  }
  if (chain.flags != 0) writer.put_be32(kChainFlags, chain.flags);
  writer.put_be32(kChainUse, chain.use);
  if (!chain.user_data.is_empty()) writer.put(kChainUserData, {chain.user_data.data(), chain.user_data.size()});
  return writer.end();
}

}  // namespace lxnet::nft
