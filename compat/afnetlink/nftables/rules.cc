// NEWRULE, DELRULE, DESTROYRULE.
#include "compat/afnetlink/nftables/face.hh"

namespace lxnet::nft {
namespace {

constexpr size_t kMostExpressions = 128;
constexpr size_t kMostSize = 1 << 12;

// Where a new rule is to stand, and which one it replaces.
struct RulePlace {
  NftRule* other = nullptr;
  uint64_t handle = 0;
};

Result<RulePlace> find_place(Context& context) {
  NftChain& chain = *context.chain;
  RulePlace place;
  if (const Nla handle = context[kRuleHandle]; handle) {
    auto found = find_rule(chain, handle.be64());
    if (!found.is_ok()) return context.blame(handle, found.error());
    if (context.has(kExclusive)) return context.blame(handle, Errno::EEXIST);
    if (!context.has(kReplace)) return Errno::EOPNOTSUPP;
    place.other = found.take();
    place.handle = handle.be64();
    return place;
  }
  if (!context.has(kCreate) || context.has(kReplace)) return Errno::EINVAL;
  place.handle = ++context.table->last_handle;
  if (const Nla position = context[kRulePosition]; position) {
    auto found = find_rule(chain, position.be64());
    if (!found.is_ok()) return context.blame(position, found.error());
    place.other = found.take();
  } else if (const Nla id = context[kRulePositionId]; id) {
    auto found = find_rule_by_id(context.tables, chain, id.be32());
    if (!found.is_ok()) return context.blame(id, found.error());
    place.other = found.take();
  }
  return place;
}

class RuleReader {
 public:
  explicit RuleReader(Context& context) : context_(context) {}

  Result<> parse() {
    const Nla list = context_[kRuleExpressions];
    if (!list) return ok();
    parsed_ = TRY(HeapArray<ParsedExpression>::create(context_.hal(), kMostExpressions));
    for (const Nla nest : NlaRange(list)) {
      if (nest.type() != kListElement || count_ == kMostExpressions) return Errno::EINVAL;
      ParsedExpression& one = parsed_[count_];
      if (auto parsed = parse_expression(context_, nest, one); !parsed.is_ok()) return context_.blame(nest, parsed.error());
      size_ += one.kind->size;
      ++count_;
    }
    return ok();
  }

  Result<NftRule*> make(uint64_t handle) {
    if (size_ >= kMostSize * 8) return Errno::EFBIG;
    const ByteSpan user_data = context_[kRuleUserData] ? context_[kRuleUserData].value() : ByteSpan();
    const size_t size = sizeof(NftRule) + size_ + user_data.size();
    void* block = context_.hal().alloc(size, alignof(NftExpression));
    if (block == nullptr) return Errno::ENOMEM;
    memset(block, 0, size);
    auto* rule = new (block) NftRule();
    rule->handle = handle;
    rule->user_size = static_cast<uint32_t>(user_data.size());
    context_.tables.generations.appear_next(*rule);
    const auto read = read_into(*rule);
    if (read.is_ok()) {
      copy_bytes({rule->memory() + size_, user_data.size()}, user_data);
      rule->expression_size = static_cast<uint32_t>(size_);
      return rule;
    }
    // What was read so far lets go of what it holds.
    deactivate_rule(context_, *rule, Phase::Error);
    const uint32_t rest = static_cast<uint32_t>(size_) - rule->expression_size;
    rule->user_size += rest;
    destroy_rule(context_, rule);
    return read.error();
  }

 private:
  Result<> read_into(NftRule& rule) {
    for (size_t i = 0; i < count_; ++i) {
      const NftExpressionKind* kind = parsed_[i].kind;
      uint8_t* room = rule.memory() + rule.expression_size;
      kind->face->make(room);
      auto& expression = *reinterpret_cast<NftExpression*>(room);
      expression.kind = kind;
      if (auto read = kind->face->read(context_, expression, parsed_[i].attributes); !read.is_ok()) {
        return context_.blame(parsed_[i].whole, read.error());
      }
      rule.expression_size += kind->size;
      if (kind->face->check != nullptr) need_check(*context_.table);
    }
    return ok();
  }

  Context& context_;
  HeapArray<ParsedExpression> parsed_;
  size_t count_ = 0, size_ = 0;
};

Result<NftChain*> find_rule_chain(Context& context) {
  const uint8_t next = context.tables.generations.next();
  const Nla name = context[kRuleChain], id = context[kRuleChainId];
  if (name) {
    auto found = find_chain(*context.table, name, next);
    return found.is_ok() ? found.take() : Result<NftChain*>(context.blame(name, found.error()));
  }
  if (!id) return Errno::EINVAL;
  auto found = find_chain_by_id(context.tables, *context.table, id.be32(), next);
  return found.is_ok() ? found.take() : Result<NftChain*>(context.blame(id, found.error()));
}

void link_rule(Context& context, NftRule& rule, NftRule* other) {
  auto& rules = context.chain->rules;
  if (context.has(kReplace)) return rules.insert_before(*other, rule);
  if (context.has(kAppend)) return other != nullptr ? rules.insert_after(*other, rule) : rules.push_back(rule);
  return other != nullptr ? rules.insert_before(*other, rule) : rules.push_front(rule);
}

// The rule is complete; what fails now takes it back.
Result<> insert_rule(Context& context, NftRule& rule, NftRule* other) {
  NftChain& chain = *context.chain;
  TRY(use(chain.use));
  Errno error{};
  if (context.has(kReplace)) {
    if (chain.is_binding()) error = Errno::EOPNOTSUPP;
    if (error == Errno{}) {
      if (auto deleted = delete_one_rule(context, *other); !deleted.is_ok()) error = deleted.error();
    }
  }
  Transaction* made = error == Errno{} ? new_transaction(context, kNewRule) : nullptr;
  if (made == nullptr) {
    --chain.use;
    return error == Errno{} ? Errno::ENOMEM : error;
  }
  if (context[kRuleId]) made->id = context[kRuleId].be32();
  made->rule = &rule;
  add_transaction(context.tables, *made);
  link_rule(context, rule, other);
  return ok();
}

}  // namespace

Result<> new_rule(Context& context) {
  const uint8_t next = context.tables.generations.next();
  auto table = find_table(context.tables, context[kRuleTable], context.family, next, context.header.port);
  if (!table.is_ok()) return context.blame(context[kRuleTable], table.error());
  context.table = table.take();
  context.chain = TRY(find_rule_chain(context));
  if (context.chain->is_binding() && context.chain->is_bound) return Errno::EOPNOTSUPP;
  const RulePlace place = TRY(find_place(context));
  RuleReader reader(context);
  TRY(reader.parse());
  NftRule* rule = TRY(reader.make(place.handle));
  if (auto inserted = insert_rule(context, *rule, place.other); !inserted.is_ok()) {
    deactivate_rule(context, *rule, Phase::Error);
    destroy_rule(context, rule);
    return inserted.error();
  }
  if (context.table->check == NftCheck::Do) return validate_table(context, *context.table);
  return ok();
}

Result<> delete_one_rule(Context& context, NftRule& rule) {
  Transaction* made = new_transaction(context, kDelRule);
  if (made == nullptr) return Errno::ENOMEM;
  made->rule = &rule;
  if (!context.tables.generations.is_next(rule)) {
    dispose(context.hal(), made);
    return Errno::ENOENT;
  }
  add_transaction(context.tables, *made);
  context.tables.generations.vanish_next(rule);
  --context.chain->use;
  deactivate_rule(context, rule, Phase::Prepare);
  return ok();
}

Result<> delete_rules_of(Context& context) {
  for (NftRule& rule : context.chain->rules) {
    if (context.tables.generations.is_next(rule)) TRY(delete_one_rule(context, rule));
  }
  return ok();
}

namespace {

Result<> delete_from_all(Context& context) {
  for (NftChain& chain : context.table->chains) {
    if (!context.tables.generations.is_next(chain) || chain.is_binding()) continue;
    context.chain = &chain;
    TRY(delete_rules_of(context));
  }
  return ok();
}

}  // namespace

Result<> delete_rule(Context& context) {
  const uint8_t next = context.tables.generations.next();
  const bool is_destroy = context.message == kDestroyRule;
  auto table = find_table(context.tables, context[kRuleTable], context.family, next, context.header.port);
  if (!table.is_ok()) return context.blame(context[kRuleTable], table.error());
  context.table = table.take();
  const Nla name = context[kRuleChain], handle = context[kRuleHandle], id = context[kRuleId];
  if (!name) return delete_from_all(context);
  auto chain = find_chain(*context.table, name, next);
  if (!chain.is_ok()) {
    if (chain.error() == Errno::ENOENT && is_destroy) return ok();
    return context.blame(name, chain.error());
  }
  context.chain = chain.take();
  if (context.chain->is_binding()) return Errno::EOPNOTSUPP;
  if (!handle && !id) return delete_rules_of(context);
  auto rule = handle ? find_rule(*context.chain, handle.be64()) : find_rule_by_id(context.tables, *context.chain, id.be32());
  if (rule.is_ok()) return delete_one_rule(context, *rule.take());
  if (handle && rule.error() == Errno::ENOENT && is_destroy) return ok();
  return context.blame(handle ? handle : id, rule.error());
}

bool fill_rule(NftTables& tables, MessageWriter& writer, const Told& told, const NftChain& chain, NftRule& rule,
               uint64_t position, bool resets) {
  writer.begin(static_cast<uint16_t>(kSubsystem << 8 | told.message), told.flags, told.sequence, told.port,
               {chain.table->family, 0, Be16(static_cast<uint16_t>(tables.base_sequence))});
  writer.put_text(kRuleTable, chain.table->name.data());
  writer.put_text(kRuleChain, chain.name.data());
  writer.put_be64(kRuleHandle, rule.handle);
  if (told.message != kDelRule && position != 0) writer.put_be64(kRulePosition, position);
  const size_t list = writer.nest(kRuleExpressions);
  for (NftExpression& expression : rule.expressions()) write_expression(tables, writer, kListElement, expression, resets);
  writer.end_nest(list);
  if (rule.user_size != 0) writer.put(kRuleUserData, rule.user_data());
  return writer.end();
}

}  // namespace lxnet::nft
