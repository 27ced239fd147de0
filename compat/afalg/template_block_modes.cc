// ecb, cbc, ctr, cfb and ofb (NIST SP 800-38A) over any block cipher. Where blocks do not depend on one another the cipher is
// given several at a time.
#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/template_list.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

constexpr size_t kBatch = 8;
constexpr size_t kMaxCipherBlock = 16;

const Algorithm& cipher_of(const Algorithm& self) { return *self.parts[0]; }
size_t block_of(const Algorithm& self) { return self.parts[0]->block_size; }

void encrypt_blocks(const Algorithm& self, const void* context, uint8_t* to, const uint8_t* from, size_t blocks) {
  cipher_of(self).cipher->encrypt(cipher_of(self), context, to, from, blocks);
}
void decrypt_blocks(const Algorithm& self, const void* context, uint8_t* to, const uint8_t* from, size_t blocks) {
  cipher_of(self).cipher->decrypt(cipher_of(self), context, to, from, blocks);
}

// The template's context is the cipher's.
Result<> set_key(const Algorithm& self, void* context, ByteSpan key) { return set_algorithm_key(cipher_of(self), context, key); }

Result<> ecb_encrypt(const Algorithm& self, const void* context, uint8_t*, uint8_t* to, const uint8_t* from, size_t size) {
  if (size % block_of(self) != 0) return Errno::EINVAL;
  encrypt_blocks(self, context, to, from, size / block_of(self));
  return ok();
}

Result<> ecb_decrypt(const Algorithm& self, const void* context, uint8_t*, uint8_t* to, const uint8_t* from, size_t size) {
  if (size % block_of(self) != 0) return Errno::EINVAL;
  decrypt_blocks(self, context, to, from, size / block_of(self));
  return ok();
}

Result<> cbc_encrypt(const Algorithm& self, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
  const size_t block = block_of(self);
  if (size % block != 0) return Errno::EINVAL;
  for (; size != 0; size -= block, to += block, from += block) {
    xor_bytes(iv, iv, from, block);
    encrypt_blocks(self, context, to, iv, 1);
    memcpy(iv, to, block);
  }
  return ok();
}

Result<> cbc_decrypt(const Algorithm& self, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
  const size_t block = block_of(self);
  if (size % block != 0) return Errno::EINVAL;
  SecretBytes<kBatch * kMaxCipherBlock> plain;
  while (size != 0) {
    const size_t part = size < kBatch * block ? size : kBatch * block;
    decrypt_blocks(self, context, plain, from, part / block);
    xor_bytes(plain, plain, iv, block);
    if (part > block) xor_bytes(plain + block, plain + block, from, part - block);
    memcpy(iv, from + part - block, block);
    memcpy(to, plain.bytes, part);
    to += part;
    from += part;
    size -= part;
  }
  return ok();
}

void increment(uint8_t* counter, size_t size) {
  while (size != 0 && ++counter[size - 1] == 0) --size;
}

// The last block may be a part of one; it uses a counter up all the same.
Result<> ctr_crypt(const Algorithm& self, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
  const size_t block = block_of(self);
  SecretBytes<kBatch * kMaxCipherBlock> stream;
  while (size != 0) {
    const size_t part = size < kBatch * block ? size : kBatch * block;
    const size_t blocks = (part + block - 1) / block;
    for (size_t i = 0; i < blocks; ++i) {
      memcpy(stream + i * block, iv, block);
      increment(iv, block);
    }
    encrypt_blocks(self, context, stream, stream, blocks);
    xor_bytes(to, from, stream, part);
    to += part;
    from += part;
    size -= part;
  }
  return ok();
}

Result<> ofb_crypt(const Algorithm& self, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
  const size_t block = block_of(self);
  while (size != 0) {
    const size_t part = size < block ? size : block;
    encrypt_blocks(self, context, iv, iv, 1);
    xor_bytes(to, from, iv, part);
    to += part;
    from += part;
    size -= part;
  }
  return ok();
}

// With feedback of whole blocks; a part of one ends the message.
Result<> cfb_encrypt(const Algorithm& self, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
  const size_t block = block_of(self);
  for (; size >= block; size -= block, to += block, from += block) {
    encrypt_blocks(self, context, iv, iv, 1);
    xor_bytes(iv, iv, from, block);
    memcpy(to, iv, block);
  }
  if (size == 0) return ok();
  SecretBytes<kMaxCipherBlock> stream;
  encrypt_blocks(self, context, stream, iv, 1);
  xor_bytes(to, from, stream, size);
  return ok();
}

Result<> cfb_decrypt(const Algorithm& self, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
  const size_t block = block_of(self);
  SecretBytes<kMaxCipherBlock> stream;
  while (size != 0) {
    const size_t part = size < block ? size : block;
    encrypt_blocks(self, context, stream, iv, 1);
    if (part == block) memcpy(iv, from, block);
    xor_bytes(to, from, stream, part);
    to += part;
    from += part;
    size -= part;
  }
  return ok();
}

constexpr SkcipherOperations kEcb{.set_key = &set_key, .encrypt = &ecb_encrypt, .decrypt = &ecb_decrypt};
constexpr SkcipherOperations kCbc{.set_key = &set_key, .encrypt = &cbc_encrypt, .decrypt = &cbc_decrypt};
constexpr SkcipherOperations kCtr{.set_key = &set_key, .encrypt = &ctr_crypt, .decrypt = &ctr_crypt};
constexpr SkcipherOperations kCfb{.set_key = &set_key, .encrypt = &cfb_encrypt, .decrypt = &cfb_decrypt};
constexpr SkcipherOperations kOfb{.set_key = &set_key, .encrypt = &ofb_crypt, .decrypt = &ofb_crypt};

enum class Mode : uint8_t { Blocks, Chained, Stream };

// cbc is not applied to what ecb or cbc made: ELOOP.
template <const SkcipherOperations& kOperations, Mode kMode>
Result<> create_mode(TemplateBuilder& builder) {
  const NameView argument = TRY(builder.argument(0));
  if (kMode == Mode::Chained && (argument.has_prefix("ecb(") || argument.has_prefix("cbc("))) {
    TRY(builder.find(argument, AlgorithmKind::Skcipher));
    return Errno::ELOOP;
  }
  const Algorithm& cipher = *TRY(builder.find(argument, AlgorithmKind::Cipher));
  if (cipher.block_size > kMaxCipherBlock) return Errno::EINVAL;
  Algorithm& row = builder.row();
  row.block_size = kMode == Mode::Stream ? 1 : cipher.block_size;
  row.chunk_size = cipher.block_size;
  row.iv_size = kMode == Mode::Blocks ? 0 : cipher.block_size;
  row.min_key_size = cipher.min_key_size;
  row.max_key_size = cipher.max_key_size;
  row.context_size = cipher.context_size;
  row.skcipher = &kOperations;
  return builder.name_after(cipher);
}

}  // namespace

constinit const AlgorithmTemplate kEcbTemplate{"ecb", AlgorithmKind::Skcipher, &create_mode<kEcb, Mode::Blocks>};
constinit const AlgorithmTemplate kCbcTemplate{"cbc", AlgorithmKind::Skcipher, &create_mode<kCbc, Mode::Chained>};
constinit const AlgorithmTemplate kCtrTemplate{"ctr", AlgorithmKind::Skcipher, &create_mode<kCtr, Mode::Stream>};
constinit const AlgorithmTemplate kCfbTemplate{"cfb", AlgorithmKind::Skcipher, &create_mode<kCfb, Mode::Stream>};
constinit const AlgorithmTemplate kOfbTemplate{"ofb", AlgorithmKind::Skcipher, &create_mode<kOfb, Mode::Stream>};

}  // namespace lxnet
