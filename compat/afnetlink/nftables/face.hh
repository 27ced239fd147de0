// The face of expressions: what programs say of them and are told of them, and what else they hold on to.
#pragma once

#include "compat/afnetlink/nftables/objects.hh"

namespace lxnet {

// Linux's nft_expr_ops but for evaluation. Null members: nothing to do.
struct NftExpressionFace {
  const char* name;
  bool remembers = false;  // it may count for elements and be an object
  // An empty one in memory of its kind's size.
  void (*make)(void* room);
  Result<> (*read)(nft::Context& context, NftExpression& self, const NlaTable& attributes);
  void (*write)(nft::NftTables& tables, MessageWriter& writer, NftExpression& self, bool resets) = nullptr;
  void (*activate)(nft::Context& context, NftExpression& self) = nullptr;
  void (*deactivate)(nft::Context& context, NftExpression& self, nft::Phase phase) = nullptr;
  void (*destroy)(nft::Context& context, NftExpression& self) = nullptr;
  Result<> (*check)(nft::Context& context, NftExpression& self) = nullptr;
};

}  // namespace lxnet

namespace lxnet::nft {

template <typename T>
void make_expression(void* room) {
  new (room) T();
}

// A row: an expression's name, for which families of tables, and which kind it is.
struct ExpressionType {
  const char* name;
  uint8_t family = kNftUnspecified;  // any
  uint8_t last = 0;                  // attribute
  const NlaPolicy* policy = nullptr;
  const NftExpressionKind* kind = nullptr;
  // By what the attributes say, where there are several.
  Result<const NftExpressionKind*> (*choose)(Context& context, const NlaTable& attributes) = nullptr;
};

// Each file of faces has rows.
std::span<const ExpressionType> data_types();
std::span<const ExpressionType> payload_types();
std::span<const ExpressionType> meta_types();
std::span<const ExpressionType> state_types();
std::span<const ExpressionType> set_types();
std::span<const ExpressionType> filter_types();
std::span<const ExpressionType> connection_types();
std::span<const ExpressionType> log_types();

struct ParsedExpression {
  const NftExpressionKind* kind = nullptr;
  NlaTable attributes;
  Nla whole;
};
extern const NlaPolicy kExpressionPolicy[3];

// ENOENT: no such expression.
Result<> parse_expression(Context& context, Nla nest, ParsedExpression& parsed);
// One alone in memory of its own, of those that remember. EOPNOTSUPP, ENOMEM.
Result<NftExpression*> make_stateful(Context& context, Nla nest);
Result<NftExpression*> clone_expression(Context& context, const NftExpression& from);
// What it holds, and then its memory.
void free_expression(Context& context, NftExpression* expression);
void write_expression(NftTables& tables, MessageWriter& writer, uint16_t attribute, NftExpression& expression, bool resets);
void write_expression_inside(NftTables& tables, MessageWriter& writer, NftExpression& expression, bool resets);

// ---- registers and data (registers.cc)

enum class DataType : uint8_t { Value, Verdict };
inline DataType type_of_register(uint8_t at) { return at == kNftVerdictRegister ? DataType::Verdict : DataType::Value; }

// ERANGE: no such register; EINVAL: not for values, or nothing; ENODATA: nothing has been written there.
Result<uint8_t> load_register(Context& context, Nla attribute, uint32_t size);
Result<uint8_t> store_register(Context& context, Nla attribute, DataType type, uint32_t size);
Result<> check_store(Context& context, uint8_t at, DataType type, uint32_t size);
void write_register(MessageWriter& writer, uint16_t attribute, uint8_t at);
bool registers_overlap(uint8_t one, uint8_t other, uint32_t size);

struct DataWish {
  DataType type = DataType::Value;
  uint16_t most = kNftDataSize;
  uint16_t size = 0;  // exactly; 0: any
  bool is_of_element = false;
};
// The size of what was read. Without a context no verdicts.
Result<uint16_t> read_data(Context* context, NftData& data, const DataWish& wish, Nla nest);
void write_data(MessageWriter& writer, uint16_t attribute, const NftData& data, DataType type, size_t size);
void write_value(MessageWriter& writer, uint16_t attribute, const void* value, size_t size);
void release_verdict(const NftVerdict& verdict);
void hold_verdict(const NftVerdict& verdict);
inline bool leads_on(const NftVerdict& verdict) { return verdict.code == kNftJump || verdict.code == kNftGoto; }
// ERANGE: larger.
Result<uint32_t> read_up_to(Nla attribute, uint32_t most);
// From milliseconds as programs say them. ERANGE.
Result<uint64_t> read_millis(Nla attribute);

// EOPNOTSUPP: the context's chain is a base chain at another hook.
Result<> check_hooks(const Context& context, uint32_t hooks);
inline constexpr uint32_t kPreRoutingBit = 1, kLocalInBit = 2, kForwardBit = 4, kLocalOutBit = 8, kPostRoutingBit = 16;
inline bool is_internet(uint8_t family) { return family == kNftV4 || family == kNftV6 || family == kNftInet; }

}  // namespace lxnet::nft
