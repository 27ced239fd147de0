#include "stack/nft/expression_data.hh"

#include <bit>

#include "base/endian.hh"
#include "base/siphash.hh"
#include "stack/stack.hh"

namespace lxnet {

void evaluate_immediate(NftExpression& self, NftRegisters& registers, const NftPacket&) {
  const auto& own = nft_cast<NftImmediate>(self);
  if (own.to == kNftVerdictRegister) {
    registers.verdict = own.data.verdict;
    return;
  }
  registers.pad(own.to, own.size);
  memcpy(registers.bytes(own.to), own.data.words, own.size);
}

void evaluate_compare(NftExpression& self, NftRegisters& registers, const NftPacket&) {
  const auto& own = nft_cast<NftCompare>(self);
  const int order = memcmp(registers.bytes(own.from), own.data.words, own.size);
  bool agrees = false;
  switch (own.op) {
    case NftCompareOp::Equal:
      agrees = order == 0;
      break;
    case NftCompareOp::NotEqual:
      agrees = order != 0;
      break;
    case NftCompareOp::Less:
      agrees = order < 0;
      break;
    case NftCompareOp::LessOrEqual:
      agrees = order <= 0;
      break;
    case NftCompareOp::Greater:
      agrees = order > 0;
      break;
    case NftCompareOp::GreaterOrEqual:
      agrees = order >= 0;
      break;
  }
  if (!agrees) registers.break_rule();
}

void evaluate_range(NftExpression& self, NftRegisters& registers, const NftPacket&) {
  const auto& own = nft_cast<NftRange>(self);
  const bool is_inside = memcmp(registers.bytes(own.from), own.low.words, own.size) >= 0 &&
                         memcmp(registers.bytes(own.from), own.high.words, own.size) <= 0;
  if (is_inside == own.is_inverted) registers.break_rule();
}

namespace {

constexpr size_t words_of(size_t size) { return (size + 3) / 4; }

void shift_left(uint32_t* to, const uint32_t* from, size_t words, uint32_t bits) {
  uint32_t carry = 0;
  for (size_t i = words; i > 0; --i) {
    const uint32_t word = from[i - 1];
    to[i - 1] = word << bits | carry;
    carry = word >> (32 - bits);
  }
}

void shift_right(uint32_t* to, const uint32_t* from, size_t words, uint32_t bits) {
  uint32_t carry = 0;
  for (size_t i = 0; i < words; ++i) {
    const uint32_t word = from[i];
    to[i] = carry | word >> bits;
    carry = word << (32 - bits);
  }
}

}  // namespace

void evaluate_bitwise(NftExpression& self, NftRegisters& registers, const NftPacket&) {
  const auto& own = nft_cast<NftBitwise>(self);
  const uint32_t* from = &registers.words[own.from];
  const uint32_t* other = own.from2 != 0 ? &registers.words[own.from2] : own.data.words;
  uint32_t* to = &registers.words[own.to];
  const size_t words = words_of(own.size);
  switch (own.op) {
    case NftBitwiseOp::MaskXor:
      for (size_t i = 0; i < words; ++i) to[i] = (from[i] & own.mask.words[i]) ^ own.exclusive_or.words[i];
      break;
    case NftBitwiseOp::ShiftLeft:
      shift_left(to, from, words, own.data.words[0]);
      break;
    case NftBitwiseOp::ShiftRight:
      shift_right(to, from, words, own.data.words[0]);
      break;
    case NftBitwiseOp::And:
      for (size_t i = 0; i < words; ++i) to[i] = from[i] & other[i];
      break;
    case NftBitwiseOp::Or:
      for (size_t i = 0; i < words; ++i) to[i] = from[i] | other[i];
      break;
    case NftBitwiseOp::Xor:
      for (size_t i = 0; i < words; ++i) to[i] = from[i] ^ other[i];
      break;
  }
}

namespace {

template <typename T>
void turn_bytes(uint8_t* to, const uint8_t* from, size_t count, size_t from_step) {
  for (size_t i = 0; i < count; ++i) {
    T value;
    memcpy(&value, from + i * from_step, sizeof value);
    const BigEndian<T> turned(value);
    memcpy(to + i * sizeof value, &turned, sizeof value);
  }
}

}  // namespace

// To and from the network's order is the same turn. Of numbers of eight bytes Linux reads one a word further each, not two.
void evaluate_byte_order(NftExpression& self, NftRegisters& registers, const NftPacket&) {
  const auto& own = nft_cast<NftByteOrder>(self);
  uint8_t* to = registers.bytes(own.to);
  const uint8_t* from = registers.bytes(own.from);
  switch (own.unit) {
    case 8:
      return turn_bytes<uint64_t>(to, from, own.size / 8, 4);
    case 4:
      return turn_bytes<uint32_t>(to, from, own.size / 4, 4);
    default:
      return turn_bytes<uint16_t>(to, from, own.size / 2, 2);
  }
}

// ---- numbers to spread packets by

namespace {

constexpr uint32_t scale(uint32_t hash, uint32_t modulus) { return static_cast<uint32_t>(uint64_t{hash} * modulus >> 32); }

struct JenkinsState {
  uint32_t a, b, c;

  void mix() {
    a -= c, a ^= std::rotl(c, 4), c += b;
    b -= a, b ^= std::rotl(a, 6), a += c;
    c -= b, c ^= std::rotl(b, 8), b += a;
    a -= c, a ^= std::rotl(c, 16), c += b;
    b -= a, b ^= std::rotl(a, 19), a += c;
    c -= b, c ^= std::rotl(b, 4), b += a;
  }
  void finish() {
    c ^= b, c -= std::rotl(b, 14);
    a ^= c, a -= std::rotl(c, 11);
    b ^= a, b -= std::rotl(a, 25);
    c ^= b, c -= std::rotl(b, 16);
    a ^= c, a -= std::rotl(c, 4);
    b ^= a, b -= std::rotl(a, 14);
    c ^= b, c -= std::rotl(b, 24);
  }
};

}  // namespace

// Bob Jenkins's lookup3, of bytes.
uint32_t jenkins_hash(ByteSpan key, uint32_t seed) {
  const uint32_t begin = 0xdeadbeef + static_cast<uint32_t>(key.size()) + seed;
  JenkinsState state{begin, begin, begin};
  const auto add = [&state](ByteSpan bytes) {
    uint32_t words[3] = {};
    copy_bytes(mutable_bytes_of(words), bytes);
    state.a += words[0], state.b += words[1], state.c += words[2];
  };
  for (; key.size() > 12; key = key.subspan(12)) {
    add(key.first(12));
    state.mix();
  }
  if (key.empty()) return state.c;
  add(key);
  state.finish();
  return state.c;
}

void evaluate_hash(NftExpression& self, NftRegisters& registers, const NftPacket&) {
  const auto& own = nft_cast<NftHash>(self);
  const uint32_t hash = jenkins_hash(ByteSpan(registers.bytes(own.from), own.size), own.seed);
  registers.set32(own.to, scale(hash, own.modulus) + own.offset);
}

// Of both directions of a flow the same: addresses and ports in order.
void evaluate_symmetric_hash(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftSymmetricHash>(self);
  struct {
    uint32_t low[4], high[4];
    uint16_t low_port = 0, high_port = 0;
    uint32_t protocol;
  } flow{};
  const FilterPacket& seen = packet.seen;
  const bool is_ordered = memcmp(seen.source, seen.destination, sizeof seen.source) <= 0;
  memcpy(flow.low, is_ordered ? seen.source : seen.destination, sizeof flow.low);
  memcpy(flow.high, is_ordered ? seen.destination : seen.source, sizeof flow.high);
  uint16_t ports[2] = {};
  if (packet.has_whole_transport() && packet.read(packet.transport_offset, ports, sizeof ports)) {
    flow.low_port = ports[0] < ports[1] ? ports[0] : ports[1];
    flow.high_port = ports[0] < ports[1] ? ports[1] : ports[0];
  }
  flow.protocol = packet.protocol;
  const uint32_t hash = jenkins_hash(bytes_of(flow), 0);
  registers.set32(own.to, scale(hash, own.modulus) + own.offset);
}

void evaluate_next_number(NftExpression& self, NftRegisters& registers, const NftPacket&) {
  auto& own = nft_cast<NftNumber>(self);
  own.last = own.last + 1 < own.modulus ? own.last + 1 : 0;
  registers.set32(own.to, own.last + own.offset);
}

void evaluate_random_number(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftNumber>(self);
  const auto drawn = packet.seen.entry.stack().hal().random<uint32_t>();
  registers.set32(own.to, scale(drawn, own.modulus) + own.offset);
}

}  // namespace lxnet
