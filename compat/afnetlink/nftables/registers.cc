#include "compat/afnetlink/nftables/face.hh"

namespace lxnet::nft {
namespace {

constexpr uint32_t kWide = 4, kFirstNarrow = 8, kLastNarrow = 23;  // NFT_REG_4; NFT_REG32_00, _15
constexpr uint32_t kAllSize = kNftRegisterWords * 4;

Result<uint32_t> read_register(Nla attribute) {
  const uint32_t number = attribute.be32();
  if (number <= kWide) return number * 4;
  if (number >= kFirstNarrow && number <= kLastNarrow) return number - kFirstNarrow + 4;
  return Errno::ERANGE;
}

uint32_t bits_of(uint32_t at, uint32_t size) {
  const uint32_t words = (size + 3) / 4;
  return ((uint32_t{1} << words) - 1) << at;
}

}  // namespace

Result<uint8_t> load_register(Context& context, Nla attribute, uint32_t size) {
  const uint32_t at = TRY(read_register(attribute));
  if (at < kNftFirstRegister || size == 0) return Errno::EINVAL;
  if (at * 4 + size > kAllSize) return Errno::ERANGE;
  if ((bits_of(at, size) & ~context.written) != 0) return Errno::ENODATA;
  return static_cast<uint8_t>(at);
}

Result<> check_store(Context& context, uint8_t at, DataType type, uint32_t size) {
  if (at == kNftVerdictRegister) {
    if (type != DataType::Verdict) return Errno::EINVAL;
  } else {
    if (type != DataType::Value || at < kNftFirstRegister || size == 0) return Errno::EINVAL;
    if (at * 4 + size > kAllSize) return Errno::ERANGE;
  }
  context.written |= bits_of(at, size);
  return ok();
}

Result<uint8_t> store_register(Context& context, Nla attribute, DataType type, uint32_t size) {
  const auto at = static_cast<uint8_t>(TRY(read_register(attribute)));
  TRY(check_store(context, at, type, size));
  return at;
}

void write_register(MessageWriter& writer, uint16_t attribute, uint8_t at) {
  writer.put_be32(attribute, at % 4 == 0 ? at / 4 : at - 4 + kFirstNarrow);
}

// nft_reg_overlap(): they may be the same, but not share a part.
bool registers_overlap(uint8_t one, uint8_t other, uint32_t size) {
  const uint32_t words = (size + 3) / 4;
  return one != other && one < other + words && other < one + words;
}

namespace {

constexpr NlaPolicy kVerdictPolicy[] = {{}, {NlaKind::U32}, {NlaKind::Text, kNameLength}, {NlaKind::U32}};
constexpr NlaPolicy kDataPolicy[] = {{}, {NlaKind::Binary}, {NlaKind::Nested}};

Result<NftChain*> find_target(Context& context, const NlaTable& inner) {
  const uint8_t next = context.tables.generations.next();
  if (inner[kVerdictChain]) return find_chain(*context.table, inner[kVerdictChain], next);
  if (inner[kVerdictChainId]) return find_chain_by_id(context.tables, *context.table, inner[kVerdictChainId].be32(), next);
  return Errno::EINVAL;
}

Result<> read_verdict(Context& context, NftData& data, const DataWish& wish, Nla nest) {
  NlaTable inner;
  TRY(parse_attributes(inner, nest.value(), kVerdictChainId, kVerdictPolicy));
  if (!inner[kVerdictCode]) return Errno::EINVAL;
  data = {};
  data.verdict = {static_cast<int32_t>(inner[kVerdictCode].be32()), nullptr};
  switch (data.verdict.code) {
    case kNftAccept:
    case kNftDrop:
    case kNftContinue:
    case kNftBreak:
    case kNftReturn:
      return ok();
    case kNftJump:
    case kNftGoto:
      break;
    default:
      return Errno::EINVAL;
  }
  NftChain* chain = TRY(find_target(context, inner));
  if (chain->is_base()) return Errno::EOPNOTSUPP;
  if (chain->is_binding() && chain->is_bound) return Errno::EINVAL;
  if (wish.is_of_element && chain->is_binding()) return Errno::EINVAL;
  TRY(use(chain->use));
  data.verdict.chain = chain;
  return ok();
}

}  // namespace

Result<uint16_t> read_data(Context* context, NftData& data, const DataWish& wish, Nla nest) {
  NlaTable inner;
  TRY(parse_attributes(inner, nest.value(), kDataVerdict, kDataPolicy));
  if (inner[kDataValue]) {
    if (wish.type != DataType::Value) return Errno::EINVAL;
    const ByteSpan value = inner[kDataValue].value();
    if (value.empty()) return Errno::EINVAL;
    if (value.size() > wish.most) return Errno::EOVERFLOW;
    if (wish.size != 0 && value.size() != wish.size) return Errno::EINVAL;
    memcpy(data.words, value.data(), value.size());
    return static_cast<uint16_t>(value.size());
  }
  if (!inner[kDataVerdict] || context == nullptr || wish.type != DataType::Verdict) return Errno::EINVAL;
  TRY(read_verdict(*context, data, wish, inner[kDataVerdict]));
  return static_cast<uint16_t>(sizeof(NftVerdict));
}

void write_value(MessageWriter& writer, uint16_t attribute, const void* value, size_t size) {
  const size_t nest = writer.nest(attribute);
  writer.put(kDataValue, ByteSpan(static_cast<const uint8_t*>(value), size));
  writer.end_nest(nest);
}

void write_data(MessageWriter& writer, uint16_t attribute, const NftData& data, DataType type, size_t size) {
  if (type == DataType::Value) return write_value(writer, attribute, data.words, size);
  const size_t nest = writer.nest(attribute);
  const size_t verdict = writer.nest(kDataVerdict);
  writer.put_be32(kVerdictCode, static_cast<uint32_t>(data.verdict.code));
  if (leads_on(data.verdict)) writer.put_text(kVerdictChain, data.verdict.chain->name.data());
  writer.end_nest(verdict);
  writer.end_nest(nest);
}

void release_verdict(const NftVerdict& verdict) {
  if (leads_on(verdict)) --verdict.chain->use;
}
void hold_verdict(const NftVerdict& verdict) {
  if (leads_on(verdict)) ++verdict.chain->use;
}

Result<uint32_t> read_up_to(Nla attribute, uint32_t most) {
  const uint32_t number = attribute.be32();
  return number > most ? Result<uint32_t>(Errno::ERANGE) : Result<uint32_t>(number);
}

Result<uint64_t> read_millis(Nla attribute) {
  const uint64_t millis = attribute.be64();
  if (millis >= UINT64_MAX / 1'000'000) return Errno::ERANGE;
  return millis;
}

Result<> check_hooks(const Context& context, uint32_t hooks) {
  const NftChain* chain = context.chain;
  if (chain == nullptr || !chain->is_base() || (hooks & 1u << chain->hook->number) != 0) return ok();
  return Errno::EOPNOTSUPP;
}

}  // namespace lxnet::nft
