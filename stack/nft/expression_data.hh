// Expressions that compute with registers alone: immediate, cmp, range, bitwise, byteorder, hash, numgen.
#pragma once

#include "stack/nft/expression.hh"

namespace lxnet {

enum class NftCompareOp : uint8_t { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual };

struct NftImmediate : NftExpression {
  NftData data{};
  uint8_t to = 0, size = 0;
};
struct NftCompare : NftExpression {
  NftData data{};
  uint8_t from = 0, size = 0;
  NftCompareOp op = NftCompareOp::Equal;
};
struct NftRange : NftExpression {
  NftData low{}, high{};
  uint8_t from = 0, size = 0;
  bool is_inverted = false;
};

enum class NftBitwiseOp : uint8_t { MaskXor, ShiftLeft, ShiftRight, And, Or, Xor };
struct NftBitwise : NftExpression {
  NftData mask{}, exclusive_or{}, data{};
  uint8_t from = 0, from2 = 0, to = 0, size = 0;
  NftBitwiseOp op = NftBitwiseOp::MaskXor;
};
struct NftByteOrder : NftExpression {
  uint8_t from = 0, to = 0, size = 0, unit = 0;
  bool to_network = false;
};

struct NftHash : NftExpression {  // jhash
  uint8_t from = 0, to = 0, size = 0;
  bool has_own_seed = false;
  uint32_t modulus = 1, seed = 0, offset = 0;
};
struct NftSymmetricHash : NftExpression {
  uint8_t to = 0;
  uint32_t modulus = 1, offset = 0;
};
struct NftNumber : NftExpression {
  uint8_t to = 0;
  uint32_t modulus = 1, offset = 0;
  uint32_t last = 0;  // of numbers that count up
};

void evaluate_immediate(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_compare(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_range(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_bitwise(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_byte_order(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_hash(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_symmetric_hash(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_next_number(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_random_number(NftExpression& self, NftRegisters& registers, const NftPacket& packet);

// Linux's jhash(): what rules that spread packets over numbers agree on with it.
uint32_t jenkins_hash(ByteSpan key, uint32_t seed);

}  // namespace lxnet
