// xts (IEEE 1619, NIST SP 800-38E) over ecb of a cipher with blocks of 16 bytes; a part of a block at the end steals from the one
// before. Two keys, one after the other.
#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/template_list.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

constexpr size_t kBlock = 16, kBatch = 8;

const Algorithm& ecb_of(const Algorithm& self) { return *self.parts[0]; }
const Algorithm& tweak_of(const Algorithm& self) { return *self.parts[1]; }
size_t tweak_context_at(const Algorithm& self) { return aligned_context(ecb_of(self).context_size); }

Result<> set_key(const Algorithm& self, void* context, ByteSpan key) {
  if (key.size() % 2 != 0) return Errno::EINVAL;
  TRY(set_algorithm_key(tweak_of(self), context_at(context, tweak_context_at(self)), key.subspan(key.size() / 2)));
  return set_algorithm_key(ecb_of(self), context, key.first(key.size() / 2));
}

// Times x in GF(2^128), the lowest bit first.
void double_tweak(uint8_t* tweak) {
  const uint64_t low = load_little<uint64_t>(tweak), high = load_little<uint64_t>(tweak + 8);
  store_little(tweak, low << 1 ^ (0x87 & (0 - (high >> 63))));
  store_little(tweak + 8, high << 1 | low >> 63);
}

struct Pass {
  const Algorithm& ecb;
  const void* context;
  SkcipherOperations::Crypt crypt;
};

Result<> crypt_block(const Pass& pass, const uint8_t* tweak, uint8_t* to, const uint8_t* from) {
  xor_bytes(to, from, tweak, kBlock);
  TRY(pass.crypt(pass.ecb, pass.context, nullptr, to, to, kBlock));
  xor_bytes(to, to, tweak, kBlock);
  return ok();
}

Result<> crypt_blocks(const Pass& pass, uint8_t* tweak, uint8_t* to, const uint8_t* from, size_t size) {
  SecretBytes<kBatch * kBlock> tweaks;
  while (size != 0) {
    const size_t part = size < kBatch * kBlock ? size : kBatch * kBlock;
    for (size_t i = 0; i < part; i += kBlock) {
      memcpy(tweaks + i, tweak, kBlock);
      double_tweak(tweak);
    }
    xor_bytes(to, from, tweaks, part);
    TRY(pass.crypt(pass.ecb, pass.context, nullptr, to, to, part));
    xor_bytes(to, to, tweaks, part);
    to += part;
    from += part;
    size -= part;
  }
  return ok();
}

enum class Direction : uint8_t { Encrypt, Decrypt };

// The last whole block and the part behind it. Decrypting, the two tweaks change places.
template <Direction kDirection>
Result<> steal(const Pass& pass, uint8_t* tweak, uint8_t* to, const uint8_t* from, size_t part) {
  SecretBytes<kBlock> first, second, next_tweak, block;
  memcpy(first, tweak, kBlock);
  memcpy(second, tweak, kBlock);
  double_tweak(second);
  if (kDirection == Direction::Decrypt) {
    memcpy(next_tweak, first, kBlock);
    memcpy(first, second, kBlock);
    memcpy(second, next_tweak, kBlock);
  }
  SecretBytes<kBlock> tail;
  memcpy(tail, from + kBlock, part);
  TRY(crypt_block(pass, first, block, from));
  memcpy(to + kBlock, block, part);
  memcpy(block, tail, part);
  return crypt_block(pass, second, to, block);
}

template <Direction kDirection>
Result<> crypt(const Algorithm& self, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
  if (size < kBlock) return Errno::EINVAL;
  const SkcipherOperations& ecb = *ecb_of(self).skcipher;
  const Pass pass{ecb_of(self), context, kDirection == Direction::Encrypt ? ecb.encrypt : ecb.decrypt};
  SecretBytes<kBlock> tweak;
  tweak_of(self).cipher->encrypt(tweak_of(self), context_at(context, tweak_context_at(self)), tweak, iv, 1);
  const size_t part = size % kBlock;
  const size_t whole = part == 0 ? size : size - part - kBlock;
  TRY(crypt_blocks(pass, tweak, to, from, whole));
  return part == 0 ? Result<>(ok()) : steal<kDirection>(pass, tweak, to + whole, from + whole, part);
}

constexpr SkcipherOperations kOperations{
    .set_key = &set_key, .encrypt = &crypt<Direction::Encrypt>, .decrypt = &crypt<Direction::Decrypt>};

// The argument may be the cipher or ecb of it.
Result<const Algorithm*> find_ecb(TemplateBuilder& builder) {
  auto found = builder.find(TRY(builder.argument(0)), AlgorithmKind::Skcipher);
  if (!found.is_error(Errno::ENOENT)) return found;
  return builder.find_applied("ecb", TRY(builder.argument(0)), AlgorithmKind::Skcipher);
}

// The name says the cipher, the driver name the ecb.
Result<> create(TemplateBuilder& builder) {
  const Algorithm& ecb = *TRY(find_ecb(builder));
  const NameView name = NameView::of(ecb.name);
  if (!name.has_prefix("ecb(") || ecb.block_size != kBlock) return Errno::EINVAL;
  const NameView cipher_name{name.data + 4, name.size - 5};
  const Algorithm& tweak = *TRY(builder.find(cipher_name, AlgorithmKind::Cipher));
  Algorithm& row = builder.row();
  row.parts[0] = &ecb;
  row.parts[1] = &tweak;
  row.priority = ecb.priority;
  row.block_size = kBlock;
  row.iv_size = kBlock;
  row.min_key_size = 2 * ecb.min_key_size;
  row.max_key_size = 2 * ecb.max_key_size;
  row.context_size = aligned_context(ecb.context_size) + tweak.context_size;
  row.skcipher = &kOperations;
  TRY(builder.name().add("xts(").add(cipher_name).add(")").finish());
  return builder.driver().add("xts(").add(ecb.driver).add(")").finish();
}

}  // namespace

constinit const AlgorithmTemplate kXtsTemplate{"xts", AlgorithmKind::Skcipher, &create};

}  // namespace lxnet
