// immediate, cmp, range, bitwise, byteorder, hash, numgen: what programs say of them.
#include "compat/afnetlink/nftables/face.hh"
#include "stack/nft/expression_data.hh"

namespace lxnet::nft {
namespace {

enum : uint8_t { kImmediateTo = 1, kImmediateData };
enum : uint8_t { kCompareFrom = 1, kCompareOp, kCompareData };
enum : uint8_t { kRangeFrom = 1, kRangeOp, kRangeLow, kRangeHigh };
enum : uint8_t {
  kBitwiseFrom = 1,
  kBitwiseTo,
  kBitwiseLength,
  kBitwiseMask,
  kBitwiseXor,
  kBitwiseOp,
  kBitwiseData,
  kBitwiseFrom2,
};
enum : uint8_t { kOrderFrom = 1, kOrderTo, kOrderOp, kOrderLength, kOrderSize };
enum : uint8_t { kHashFrom = 1, kHashTo, kHashLength, kHashModulus, kHashSeed, kHashOffset, kHashType };
enum : uint8_t { kNumberTo = 1, kNumberModulus, kNumberType, kNumberOffset };

constexpr NlaPolicy kU32{NlaKind::U32}, kNested{NlaKind::Nested}, kByte{.kind = NlaKind::U32, .most = 255};
constexpr NlaPolicy kImmediatePolicy[] = {{}, kU32, kNested};
constexpr NlaPolicy kComparePolicy[] = {{}, kU32, kU32, kNested};
constexpr NlaPolicy kRangePolicy[] = {{}, kU32, kByte, kNested, kNested};
constexpr NlaPolicy kBitwisePolicy[] = {{}, kU32, kU32, kU32, kNested, kNested, kByte, kNested, kU32};
constexpr NlaPolicy kOrderPolicy[] = {{}, kU32, kU32, kByte, kByte, kByte};
constexpr NlaPolicy kHashPolicy[] = {{}, kU32, kU32, kByte, kU32, kU32, kU32, kU32};
constexpr NlaPolicy kNumberPolicy[] = {{}, kU32, kU32, kU32, kU32};

// ---- immediate: a value, or a verdict, which may lead to a chain that is this rule's alone

Result<> read_immediate(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftImmediate>(self);
  if (!tb[kImmediateTo] || !tb[kImmediateData]) return Errno::EINVAL;
  // Of the number Linux keeps eight bits here.
  const DataType type = static_cast<uint8_t>(tb[kImmediateTo].be32()) == 0 ? DataType::Verdict : DataType::Value;
  own.size = static_cast<uint8_t>(TRY(read_data(&context, own.data, {.type = type}, tb[kImmediateData])));
  auto stored = store_register(context, tb[kImmediateTo], type, own.size);
  Errno error = stored.is_ok() ? Errno{} : stored.error();
  if (error == Errno{}) {
    own.to = stored.take();
    if (own.to == kNftVerdictRegister && leads_on(own.data.verdict)) {
      if (auto bound = bind_chain(context, *own.data.verdict.chain); !bound.is_ok()) error = bound.error();
    }
  }
  if (error == Errno{}) return ok();
  if (type == DataType::Verdict) release_verdict(own.data.verdict);
  return error;
}

void write_immediate(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftImmediate>(self);
  write_register(writer, kImmediateTo, own.to);
  write_data(writer, kImmediateData, own.data, type_of_register(own.to), own.size);
}

NftChain* own_chain(const NftImmediate& own) {
  if (own.to != kNftVerdictRegister || !leads_on(own.data.verdict)) return nullptr;
  NftChain* chain = own.data.verdict.chain;
  return chain->is_binding() ? chain : nullptr;
}

void activate_immediate(Context& context, NftExpression& self) {
  const auto& own = nft_cast<NftImmediate>(self);
  if (NftChain* chain = own_chain(own); chain != nullptr) {
    NftChain* outer = std::exchange(context.chain, chain);
    for (NftRule& rule : chain->rules) activate_rule(context, rule);
    context.tables.generations.clear(*chain);
    context.chain = outer;
  }
  if (own.to == kNftVerdictRegister) hold_verdict(own.data.verdict);
}

void deactivate_rules(Context& context, NftChain& chain, Phase phase) {
  NftChain* outer = std::exchange(context.chain, &chain);
  for (NftRule& rule : chain.rules) deactivate_rule(context, rule, phase);
  context.chain = outer;
}

void deactivate_immediate(Context& context, NftExpression& self, Phase phase) {
  const auto& own = nft_cast<NftImmediate>(self);
  if (NftChain* chain = own_chain(own); chain != nullptr) {
    switch (phase) {
      case Phase::Error:
        chain->is_bound_in_batch = false;
        context.tables.generations.vanish_next(*chain);
        break;
      case Phase::Prepare:
        deactivate_rules(context, *chain, phase);
        context.tables.generations.vanish_next(*chain);
        break;
      default:
        deactivate_rules(context, *chain, phase);
        unlink_chain(*chain);
        chain->is_bound = false;
        --chain->table->use;
        break;
    }
  }
  if (phase != Phase::Commit && own.to == kNftVerdictRegister) release_verdict(own.data.verdict);
}

// Its rules go with the chain that is this rule's.
void destroy_immediate(Context& context, NftExpression& self) {
  NftChain* chain = own_chain(nft_cast<NftImmediate>(self));
  if (chain == nullptr) return;
  --chain->use;
  if (chain->is_bound) return;
  NftChain* outer = std::exchange(context.chain, chain);
  while (NftRule* rule = chain->rules.take_front()) {
    --chain->use;
    destroy_rule(context, rule);
  }
  context.chain = outer;
  destroy_chain(context.hal(), chain);
}

Result<> check_immediate(Context& context, NftExpression& self) {
  const auto& own = nft_cast<NftImmediate>(self);
  if (own.to != kNftVerdictRegister || !leads_on(own.data.verdict)) return ok();
  ++context.level;
  TRY(validate_chain(context, *own.data.verdict.chain));
  --context.level;
  return ok();
}

// ---- cmp, range

Result<const NftExpressionKind*> choose_compare(Context&, const NlaTable& tb);

Result<> read_compare(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftCompare>(self);
  own.size = static_cast<uint8_t>(TRY(read_data(nullptr, own.data, {}, tb[kCompareData])));
  own.from = TRY(load_register(context, tb[kCompareFrom], own.size));
  own.op = NftCompareOp{static_cast<uint8_t>(tb[kCompareOp].be32())};
  return ok();
}

void write_compare(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftCompare>(self);
  write_register(writer, kCompareFrom, own.from);
  writer.put_be32(kCompareOp, static_cast<uint32_t>(own.op));
  write_data(writer, kCompareData, own.data, DataType::Value, own.size);
}

Result<> read_range(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftRange>(self);
  if (!tb[kRangeFrom] || !tb[kRangeOp] || !tb[kRangeLow] || !tb[kRangeHigh]) return Errno::EINVAL;
  const uint16_t low = TRY(read_data(nullptr, own.low, {}, tb[kRangeLow]));
  const uint16_t high = TRY(read_data(nullptr, own.high, {}, tb[kRangeHigh]));
  if (low != high) return Errno::EINVAL;
  own.size = static_cast<uint8_t>(low);
  own.from = TRY(load_register(context, tb[kRangeFrom], low));
  const uint32_t op = TRY(read_up_to(tb[kRangeOp], UINT8_MAX));
  if (op > 1) return Errno::EINVAL;
  own.is_inverted = op == 1;
  return ok();
}

void write_range(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftRange>(self);
  write_register(writer, kRangeFrom, own.from);
  writer.put_be32(kRangeOp, own.is_inverted ? 1 : 0);
  write_data(writer, kRangeLow, own.low, DataType::Value, own.size);
  write_data(writer, kRangeHigh, own.high, DataType::Value, own.size);
}

// ---- bitwise, byteorder

Result<> read_mask(NftBitwise& own, const NlaTable& tb) {
  if (tb[kBitwiseData] || tb[kBitwiseFrom2] || !tb[kBitwiseMask] || !tb[kBitwiseXor]) return Errno::EINVAL;
  TRY(read_data(nullptr, own.mask, {.size = own.size}, tb[kBitwiseMask]));
  TRY(read_data(nullptr, own.exclusive_or, {.size = own.size}, tb[kBitwiseXor]));
  return ok();
}

Result<> read_shift(NftBitwise& own, const NlaTable& tb) {
  if (tb[kBitwiseMask] || tb[kBitwiseXor] || tb[kBitwiseFrom2] || !tb[kBitwiseData]) return Errno::EINVAL;
  TRY(read_data(nullptr, own.data, {.size = 4}, tb[kBitwiseData]));
  return own.data.words[0] == 0 || own.data.words[0] >= 32 ? Result<>(Errno::EINVAL) : Result<>(ok());
}

Result<> read_boolean(Context& context, NftBitwise& own, const NlaTable& tb) {
  if (tb[kBitwiseMask] || tb[kBitwiseXor]) return Errno::EINVAL;
  if (static_cast<bool>(tb[kBitwiseData]) == static_cast<bool>(tb[kBitwiseFrom2])) return Errno::EINVAL;
  if (tb[kBitwiseData]) {
    TRY(read_data(nullptr, own.data, {.size = own.size}, tb[kBitwiseData]));
    return ok();
  }
  own.from2 = TRY(load_register(context, tb[kBitwiseFrom2], own.size));
  return registers_overlap(own.from2, own.to, own.size) ? Result<>(Errno::EINVAL) : Result<>(ok());
}

Result<> read_bitwise(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftBitwise>(self);
  if (!tb[kBitwiseLength] || !tb[kBitwiseFrom] || !tb[kBitwiseTo]) return Errno::EINVAL;
  own.size = static_cast<uint8_t>(TRY(read_up_to(tb[kBitwiseLength], UINT8_MAX)));
  own.from = TRY(load_register(context, tb[kBitwiseFrom], own.size));
  own.to = TRY(store_register(context, tb[kBitwiseTo], DataType::Value, own.size));
  const uint32_t op = tb[kBitwiseOp] ? tb[kBitwiseOp].be32() : 0;
  // Linux has a quick one for four bytes, which does not ask.
  const bool is_quick = own.size == 4 && op == 0;
  if (!is_quick && registers_overlap(own.from, own.to, own.size)) return Errno::EINVAL;
  if (op > static_cast<uint32_t>(NftBitwiseOp::Xor)) return Errno::EOPNOTSUPP;
  own.op = NftBitwiseOp{static_cast<uint8_t>(op)};
  switch (own.op) {
    case NftBitwiseOp::MaskXor:
      return read_mask(own, tb);
    case NftBitwiseOp::ShiftLeft:
    case NftBitwiseOp::ShiftRight:
      return read_shift(own, tb);
    default:
      return read_boolean(context, own, tb);
  }
}

void write_bitwise(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftBitwise>(self);
  write_register(writer, kBitwiseFrom, own.from);
  write_register(writer, kBitwiseTo, own.to);
  writer.put_be32(kBitwiseLength, own.size);
  writer.put_be32(kBitwiseOp, static_cast<uint32_t>(own.op));
  if (own.op == NftBitwiseOp::MaskXor) {
    write_data(writer, kBitwiseMask, own.mask, DataType::Value, own.size);
    write_data(writer, kBitwiseXor, own.exclusive_or, DataType::Value, own.size);
  } else if (own.from2 != 0) {
    write_register(writer, kBitwiseFrom2, own.from2);
  } else {
    write_data(writer, kBitwiseData, own.data, DataType::Value, 4);  // of longer data Linux tells the first word
  }
}

Result<> read_order(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftByteOrder>(self);
  if (!tb[kOrderFrom] || !tb[kOrderTo] || !tb[kOrderLength] || !tb[kOrderSize] || !tb[kOrderOp]) return Errno::EINVAL;
  const uint32_t op = tb[kOrderOp].be32();
  if (op > 1) return Errno::EINVAL;
  own.to_network = op == 1;
  const uint32_t unit = TRY(read_up_to(tb[kOrderSize], UINT8_MAX));
  if (unit != 2 && unit != 4 && unit != 8) return Errno::EINVAL;
  own.unit = static_cast<uint8_t>(unit);
  own.size = static_cast<uint8_t>(TRY(read_up_to(tb[kOrderLength], UINT8_MAX)));
  own.from = TRY(load_register(context, tb[kOrderFrom], own.size));
  own.to = TRY(store_register(context, tb[kOrderTo], DataType::Value, own.size));
  return registers_overlap(own.from, own.to, own.size) ? Result<>(Errno::EINVAL) : Result<>(ok());
}

void write_order(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftByteOrder>(self);
  write_register(writer, kOrderFrom, own.from);
  write_register(writer, kOrderTo, own.to);
  writer.put_be32(kOrderOp, own.to_network ? 1 : 0);
  writer.put_be32(kOrderLength, own.size);
  writer.put_be32(kOrderSize, own.unit);
}

// ---- hash, numgen

// ERANGE: no number at all; EOVERFLOW: the highest would not fit.
Result<> check_numbers(uint32_t modulus, uint32_t offset) {
  if (modulus == 0) return Errno::ERANGE;
  return offset + modulus - 1 < offset ? Result<>(Errno::EOVERFLOW) : Result<>(ok());
}

Result<> read_hash(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftHash>(self);
  if (!tb[kHashFrom] || !tb[kHashTo] || !tb[kHashLength] || !tb[kHashModulus]) return Errno::EINVAL;
  if (tb[kHashOffset]) own.offset = tb[kHashOffset].be32();
  const uint32_t size = TRY(read_up_to(tb[kHashLength], UINT8_MAX));
  if (size == 0) return Errno::ERANGE;
  own.size = static_cast<uint8_t>(size);
  own.from = TRY(load_register(context, tb[kHashFrom], size));
  own.modulus = tb[kHashModulus].be32();
  TRY(check_numbers(own.modulus, own.offset));
  own.has_own_seed = static_cast<bool>(tb[kHashSeed]);
  own.seed = own.has_own_seed ? tb[kHashSeed].be32() : context.hal().random<uint32_t>();
  own.to = TRY(store_register(context, tb[kHashTo], DataType::Value, 4));
  return ok();
}

void write_hash(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftHash>(self);
  write_register(writer, kHashFrom, own.from);
  write_register(writer, kHashTo, own.to);
  writer.put_be32(kHashLength, own.size);
  writer.put_be32(kHashModulus, own.modulus);
  if (own.has_own_seed) writer.put_be32(kHashSeed, own.seed);
  if (own.offset != 0) writer.put_be32(kHashOffset, own.offset);
  writer.put_be32(kHashType, 0);
}

Result<> read_symmetric(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftSymmetricHash>(self);
  if (!tb[kHashTo] || !tb[kHashModulus]) return Errno::EINVAL;
  if (tb[kHashOffset]) own.offset = tb[kHashOffset].be32();
  own.modulus = tb[kHashModulus].be32();
  TRY(check_numbers(own.modulus, own.offset));
  own.to = TRY(store_register(context, tb[kHashTo], DataType::Value, 4));
  return ok();
}

void write_symmetric(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftSymmetricHash>(self);
  write_register(writer, kHashTo, own.to);
  writer.put_be32(kHashModulus, own.modulus);
  if (own.offset != 0) writer.put_be32(kHashOffset, own.offset);
  writer.put_be32(kHashType, 1);
}

Result<> read_number(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftNumber>(self);
  if (tb[kNumberOffset]) own.offset = tb[kNumberOffset].be32();
  own.modulus = tb[kNumberModulus].be32();
  TRY(check_numbers(own.modulus, own.offset));
  own.last = own.modulus - 1;
  own.to = TRY(store_register(context, tb[kNumberTo], DataType::Value, 4));
  return ok();
}

void write_numbers(MessageWriter& writer, const NftNumber& own, uint32_t type) {
  write_register(writer, kNumberTo, own.to);
  writer.put_be32(kNumberModulus, own.modulus);
  writer.put_be32(kNumberType, type);
  writer.put_be32(kNumberOffset, own.offset);
}
void write_next(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  write_numbers(writer, nft_cast<NftNumber>(self), 0);
}
void write_random(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  write_numbers(writer, nft_cast<NftNumber>(self), 1);
}

// ---- rows

constexpr NftExpressionFace kImmediateFace{.name = "immediate",
                                           .make = &make_expression<NftImmediate>,
                                           .read = &read_immediate,
                                           .write = &write_immediate,
                                           .activate = &activate_immediate,
                                           .deactivate = &deactivate_immediate,
                                           .destroy = &destroy_immediate,
                                           .check = &check_immediate};
constexpr NftExpressionFace kCompareFace{
    .name = "cmp", .make = &make_expression<NftCompare>, .read = &read_compare, .write = &write_compare};
constexpr NftExpressionFace kRangeFace{
    .name = "range", .make = &make_expression<NftRange>, .read = &read_range, .write = &write_range};
constexpr NftExpressionFace kBitwiseFace{
    .name = "bitwise", .make = &make_expression<NftBitwise>, .read = &read_bitwise, .write = &write_bitwise};
constexpr NftExpressionFace kOrderFace{
    .name = "byteorder", .make = &make_expression<NftByteOrder>, .read = &read_order, .write = &write_order};
constexpr NftExpressionFace kHashFace{
    .name = "hash", .make = &make_expression<NftHash>, .read = &read_hash, .write = &write_hash};
constexpr NftExpressionFace kSymmetricFace{
    .name = "hash", .make = &make_expression<NftSymmetricHash>, .read = &read_symmetric, .write = &write_symmetric};
constexpr NftExpressionFace kNextFace{
    .name = "numgen", .make = &make_expression<NftNumber>, .read = &read_number, .write = &write_next};
constexpr NftExpressionFace kRandomFace{
    .name = "numgen", .make = &make_expression<NftNumber>, .read = &read_number, .write = &write_random};

constexpr NftExpressionKind kImmediate{kNftSizeOf<NftImmediate>, &evaluate_immediate, nullptr, &kImmediateFace};
constexpr NftExpressionKind kCompare{kNftSizeOf<NftCompare>, &evaluate_compare, nullptr, &kCompareFace};
constexpr NftExpressionKind kRange{kNftSizeOf<NftRange>, &evaluate_range, nullptr, &kRangeFace};
constexpr NftExpressionKind kBitwise{kNftSizeOf<NftBitwise>, &evaluate_bitwise, nullptr, &kBitwiseFace};
constexpr NftExpressionKind kOrder{kNftSizeOf<NftByteOrder>, &evaluate_byte_order, nullptr, &kOrderFace};
constexpr NftExpressionKind kHash{kNftSizeOf<NftHash>, &evaluate_hash, nullptr, &kHashFace};
constexpr NftExpressionKind kSymmetric{kNftSizeOf<NftSymmetricHash>, &evaluate_symmetric_hash, nullptr, &kSymmetricFace};
constexpr NftExpressionKind kNext{kNftSizeOf<NftNumber>, &evaluate_next_number, nullptr, &kNextFace};
constexpr NftExpressionKind kRandom{kNftSizeOf<NftNumber>, &evaluate_random_number, nullptr, &kRandomFace};

Result<const NftExpressionKind*> choose_compare(Context&, const NlaTable& tb) {
  if (!tb[kCompareFrom] || !tb[kCompareOp] || !tb[kCompareData]) return Errno::EINVAL;
  if (tb[kCompareOp].be32() > static_cast<uint32_t>(NftCompareOp::GreaterOrEqual)) return Errno::EINVAL;
  NftData data{};
  TRY(read_data(nullptr, data, {}, tb[kCompareData]));
  return &kCompare;
}

Result<const NftExpressionKind*> choose_hash(Context&, const NlaTable& tb) {
  const uint32_t type = tb[kHashType] ? tb[kHashType].be32() : 0;
  if (type > 1) return Errno::EOPNOTSUPP;
  return type == 0 ? &kHash : &kSymmetric;
}

Result<const NftExpressionKind*> choose_number(Context&, const NlaTable& tb) {
  if (!tb[kNumberTo] || !tb[kNumberModulus] || !tb[kNumberType]) return Errno::EINVAL;
  const uint32_t type = tb[kNumberType].be32();
  if (type > 1) return Errno::EINVAL;
  return type == 0 ? &kNext : &kRandom;
}

constexpr ExpressionType kTypes[] = {
    {.name = "immediate", .last = kImmediateData, .policy = kImmediatePolicy, .kind = &kImmediate},
    {.name = "cmp", .last = kCompareData, .policy = kComparePolicy, .choose = &choose_compare},
    {.name = "range", .last = kRangeHigh, .policy = kRangePolicy, .kind = &kRange},
    {.name = "bitwise", .last = kBitwiseFrom2, .policy = kBitwisePolicy, .kind = &kBitwise},
    {.name = "byteorder", .last = kOrderSize, .policy = kOrderPolicy, .kind = &kOrder},
    {.name = "hash", .last = kHashType, .policy = kHashPolicy, .choose = &choose_hash},
    {.name = "numgen", .last = kNumberOffset, .policy = kNumberPolicy, .choose = &choose_number},
};

}  // namespace

std::span<const ExpressionType> data_types() { return kTypes; }

}  // namespace lxnet::nft
