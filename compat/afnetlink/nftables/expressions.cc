#include "compat/afnetlink/nftables/face.hh"

namespace lxnet::nft {

const NlaPolicy kExpressionPolicy[3] = {{}, {NlaKind::Text, 44}, {NlaKind::Nested}};

namespace {

// One for the table's own family before one for any.
const ExpressionType* find_type(Nla name, uint8_t family) {
  const ExpressionType* found = nullptr;
  for (const auto rows : {data_types(), payload_types(), meta_types(), state_types(), set_types(), filter_types(),
                          connection_types(), log_types()}) {
    for (const ExpressionType& row : rows) {
      if (!name.is_text(row.name)) continue;
      if (row.family == family) return &row;
      if (row.family == kNftUnspecified) found = &row;
    }
  }
  return found;
}

}  // namespace

Result<> parse_expression(Context& context, Nla nest, ParsedExpression& parsed) {
  NlaTable outer;
  TRY(parse_attributes(outer, nest.value(), kExpressionData, kExpressionPolicy));
  if (!outer[kExpressionName]) return Errno::EINVAL;
  const ExpressionType* type = find_type(outer[kExpressionName], context.family);
  if (type == nullptr) return Errno::ENOENT;
  const ByteSpan inside = outer[kExpressionData] ? outer[kExpressionData].value() : ByteSpan();
  TRY(parse_attributes(parsed.attributes, inside, type->last, type->policy));
  parsed.kind = type->choose == nullptr ? type->kind : TRY(type->choose(context, parsed.attributes));
  parsed.whole = nest;
  return ok();
}

Result<NftExpression*> make_stateful(Context& context, Nla nest) {
  ParsedExpression parsed;
  TRY(parse_expression(context, nest, parsed));
  if (!parsed.kind->face->remembers) return Errno::EOPNOTSUPP;
  void* room = context.hal().alloc(parsed.kind->size, alignof(NftExpression));
  if (room == nullptr) return Errno::ENOMEM;
  memset(room, 0, parsed.kind->size);
  parsed.kind->face->make(room);
  auto* expression = static_cast<NftExpression*>(room);
  expression->kind = parsed.kind;
  if (auto read = parsed.kind->face->read(context, *expression, parsed.attributes); !read.is_ok()) {
    context.hal().free(room, parsed.kind->size);
    return read.error();
  }
  return expression;
}

Result<NftExpression*> clone_expression(Context& context, const NftExpression& from) {
  void* room = context.hal().alloc(from.kind->size, alignof(NftExpression));
  if (room == nullptr) return Errno::ENOMEM;
  MutexLock lock(context.tables.stack.hooks().mutex());
  return &copy_expression(static_cast<uint8_t*>(room), from, context.now());
}

void free_expression(Context& context, NftExpression* expression) {
  const uint16_t size = expression->kind->size;
  if (expression->kind->face->destroy != nullptr) expression->kind->face->destroy(context, *expression);
  context.hal().free(expression, size);
}

void write_expression_inside(NftTables& tables, MessageWriter& writer, NftExpression& expression, bool resets) {
  const NftExpressionFace& face = *expression.kind->face;
  writer.put_text(kExpressionName, face.name);
  if (face.write == nullptr) return;
  const size_t nest = writer.nest(kExpressionData);
  face.write(tables, writer, expression, resets);
  writer.end_nest(nest);
}

void write_expression(NftTables& tables, MessageWriter& writer, uint16_t attribute, NftExpression& expression, bool resets) {
  const size_t nest = writer.nest(attribute);
  write_expression_inside(tables, writer, expression, resets);
  writer.end_nest(nest);
}

void activate_rule(Context& context, NftRule& rule) {
  for (NftExpression& expression : rule.expressions()) {
    if (expression.kind->face->activate != nullptr) expression.kind->face->activate(context, expression);
  }
}

void deactivate_rule(Context& context, NftRule& rule, Phase phase) {
  for (NftExpression& expression : rule.expressions()) {
    if (expression.kind->face->deactivate != nullptr) expression.kind->face->deactivate(context, expression, phase);
  }
}

void destroy_rule(Context& context, NftRule* rule) {
  for (NftExpression& expression : rule->expressions()) {
    if (expression.kind->face->destroy != nullptr) expression.kind->face->destroy(context, expression);
  }
  const size_t size = rule->block_size();
  rule->~NftRule();
  context.hal().free(rule, size);
}

}  // namespace lxnet::nft
