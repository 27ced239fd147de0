// cts(cbc(…)): ciphertext stealing as Kerberos has it (RFC 3962; CS3 of NIST SP 800-38A's addendum): the last two blocks change
// places, always.
#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/template_list.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

constexpr size_t kMaxBlock = 16;

const Algorithm& cbc_of(const Algorithm& self) { return *self.parts[0]; }

Result<> set_key(const Algorithm& self, void* context, ByteSpan key) { return set_algorithm_key(cbc_of(self), context, key); }

// How much goes through cbc as it is: all but the last block, whole or not, and the one before it.
size_t plain_part(size_t size, size_t block) { return (size - 1) / block * block - block; }

Result<> encrypt(const Algorithm& self, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
  const Algorithm& cbc = cbc_of(self);
  const size_t block = cbc.block_size;
  if (size < block) return Errno::EINVAL;
  SecretBytes<kMaxBlock> chain, tail;
  memcpy(chain, iv, block);
  if (size == block) return cbc.skcipher->encrypt(cbc, context, chain, to, from, size);
  const size_t whole = plain_part(size, block) + block, part = size - whole;
  memcpy(tail, from + whole, part);
  TRY(cbc.skcipher->encrypt(cbc, context, chain, to, from, whole));
  uint8_t stolen[kMaxBlock];
  memcpy(stolen, to + whole - block, block);
  TRY(cbc.skcipher->encrypt(cbc, context, chain, to + whole - block, tail, block));
  memcpy(to + whole, stolen, part);
  return ok();
}

Result<> decrypt(const Algorithm& self, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
  const Algorithm& cbc = cbc_of(self);
  const size_t block = cbc.block_size;
  if (size < block) return Errno::EINVAL;
  SecretBytes<kMaxBlock> chain, opened, zero, tail;
  memcpy(chain, iv, block);
  if (size == block) return cbc.skcipher->decrypt(cbc, context, chain, to, from, size);
  const size_t before = plain_part(size, block), part = size - before - block;
  memcpy(tail, from + before + block, part);
  // Opened without a chain, the block that stands first holds the last one's text and, behind it, what was stolen.
  TRY(cbc.skcipher->decrypt(cbc, context, zero, opened, from + before, block));
  SecretBytes<kMaxBlock> stolen, text;
  memcpy(stolen, opened, block);
  memcpy(stolen, tail, part);
  xor_bytes(text, opened, tail, part);
  TRY(cbc.skcipher->decrypt(cbc, context, chain, to, from, before));
  TRY(cbc.skcipher->decrypt(cbc, context, chain, to + before, stolen, block));
  memcpy(to + before + block, text, part);
  return ok();
}

constexpr SkcipherOperations kOperations{.set_key = &set_key, .encrypt = &encrypt, .decrypt = &decrypt};

Result<> create(TemplateBuilder& builder) {
  const Algorithm& cbc = *TRY(builder.find(TRY(builder.argument(0)), AlgorithmKind::Skcipher));
  if (!NameView::of(cbc.name).has_prefix("cbc(") || cbc.iv_size != cbc.block_size || cbc.block_size > kMaxBlock)
    return Errno::EINVAL;
  Algorithm& row = builder.row();
  row.block_size = cbc.block_size;
  row.chunk_size = cbc.chunk();
  row.iv_size = cbc.iv_size;
  row.min_key_size = cbc.min_key_size;
  row.max_key_size = cbc.max_key_size;
  row.context_size = cbc.context_size;
  row.skcipher = &kOperations;
  return builder.name_after(cbc);
}

}  // namespace

constinit const AlgorithmTemplate kCtsTemplate{"cts", AlgorithmKind::Skcipher, &create};

}  // namespace lxnet
