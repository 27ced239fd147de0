// Who uses which set or chain. What has no name goes with the one rule that uses it.
#include "compat/afnetlink/nftables/face.hh"

namespace lxnet::nft {
namespace {

// Whether a verdict or a value may go where the lookup puts it: nft_setelem_data_validate().
Result<> check_data(Context& context, const NftSet& set) {
  const DataType type = set.has_verdicts() ? DataType::Verdict : DataType::Value;
  return check_store(context, set.has_verdicts() ? kNftVerdictRegister : kNftFirstRegister, type, set.data_size);
}

}  // namespace

void release_data(NftSet& set, NftElement& element) {
  if (element.has_data() && set.has_verdicts()) release_verdict(element.data().verdict);
  if (element.object != nullptr) --element.object->use;
}

void hold_data(NftSet& set, NftElement& element) {
  if (element.has_data() && set.has_verdicts()) hold_verdict(element.data().verdict);
  if (element.object != nullptr) ++element.object->use;
}

namespace {

template <typename Visit>
void for_each_element(NftTables& tables, NftSet& set, Visit&& visit) {
  MutexLock lock(tables.stack.hooks().mutex());
  for (NftElement& element : set.elements) visit(element);
  for (NftElement& element : set.catch_all) visit(element);
}

}  // namespace

void deactivate_map(Context& context, NftSet& set) {
  const uint8_t next = context.tables.generations.next();
  for_each_element(context.tables, set, [&](NftElement& element) {
    if (!element.is_in(next)) return;
    element.absent = static_cast<uint8_t>(element.absent ^ next);
    release_data(set, element);
  });
}

void activate_map(Context& context, NftSet& set) {
  const NftGenerations& generations = context.tables.generations;
  for_each_element(context.tables, set, [&](NftElement& element) {
    if (element.is_in(generations.next())) return;
    generations.clear(element);
    hold_data(set, element);
  });
}

Result<> bind_set(Context& context, NftSet& set, NftBinding& binding) {
  if (!set.bindings.is_empty() && set.is_anonymous()) return Errno::EBUSY;
  if ((binding.flags & kNftSetMap) != 0) {
    bool is_known = false;
    for (const NftBinding& other : set.bindings) {
      is_known |= (other.flags & kNftSetMap) != 0 && other.chain == context.chain;
    }
    if (!is_known && (!set.elements.is_empty() || !set.catch_all.is_empty())) TRY(check_data(context, set));
  }
  TRY(use(set.use));
  binding.chain = context.chain;
  set.bindings.push_back(binding);
  if (set.is_anonymous()) set.is_bound_in_batch = true;
  return ok();
}

void activate_set(Context& context, NftSet& set) {
  if (set.is_anonymous()) {
    if ((set.flags & (kNftSetMap | kNftSetObject)) != 0) activate_map(context, set);
    context.tables.generations.clear(set);
  }
  ++set.use;
}

namespace {

void unbind_set(Context& context, NftSet& set, NftBinding& binding, bool tells) {
  if (binding.link.is_linked()) set.bindings.remove(binding);
  if (!set.bindings.is_empty() || !set.is_anonymous()) return;
  if (set.link.is_linked()) set.table->sets.remove(set);
  if (tells) tell_set(context, *set.table, set, context.header.flags, context.header.sequence, kDelSet);
}

}  // namespace

void deactivate_set(Context& context, NftSet& set, NftBinding& binding, Phase phase) {
  const bool is_map = (set.flags & (kNftSetMap | kNftSetObject)) != 0;
  switch (phase) {
    case Phase::Error:
      set.is_bound_in_batch = false;
      if (set.is_anonymous()) context.tables.generations.vanish_next(set);
      if (binding.link.is_linked()) set.bindings.remove(binding);
      --set.use;
      return;
    case Phase::Prepare:
      if (set.is_anonymous()) {
        if (is_map) deactivate_map(context, set);
        context.tables.generations.vanish_next(set);
      }
      --set.use;
      return;
    case Phase::Abort:
    case Phase::Release:
      if (set.is_anonymous() && is_map) deactivate_map(context, set);
      --set.use;
      break;
    case Phase::Commit:
      break;
  }
  unbind_set(context, set, binding, phase == Phase::Commit);
}

void destroy_bound_set(Context& context, NftSet& set) {
  if (set.bindings.is_empty() && set.is_anonymous() && !set.link.is_linked()) destroy_set(context, &set);
}

Result<> bind_chain(Context& context, NftChain& chain) {
  if (!chain.is_binding()) return ok();
  if (context.chain->is_binding()) return Errno::EOPNOTSUPP;
  if (chain.is_bound) return Errno::EBUSY;
  TRY(use(chain.use));
  chain.is_bound = true;
  chain.is_bound_in_batch = true;
  return ok();
}

}  // namespace lxnet::nft
