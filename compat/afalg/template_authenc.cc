// authenc(hmac(…),cbc(…)): encrypt, then authenticate the associated data and the ciphertext. A key is a struct rtattr of type 1
// with the size of the cipher's key, then the hash's key and the cipher's.
#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/template_list.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

constexpr size_t kKeyHead = 8;
constexpr uint16_t kKeyAttribute = 1;  // CRYPTO_AUTHENC_KEYA_PARAM

// [the cipher's context][the hash's context]
const Algorithm& cipher_of(const Algorithm& self) { return *self.parts[0]; }
const Algorithm& hash_of(const Algorithm& self) { return *self.parts[1]; }
size_t hash_at(const Algorithm& self) { return aligned_context(cipher_of(self).context_size); }

// The attribute's two numbers are in the machine's order, the size in the network's.
Result<> set_key(const Algorithm& self, void* context, ByteSpan key) {
  if (key.size() < kKeyHead) return Errno::EINVAL;
  uint16_t attribute[2];
  memcpy(attribute, key.data(), sizeof attribute);
  if (attribute[0] != kKeyHead || attribute[1] != kKeyAttribute) return Errno::EINVAL;
  const size_t cipher_size = load_big<uint32_t>(key.data() + 4);
  key = key.subspan(kKeyHead);
  if (key.size() < cipher_size) return Errno::EINVAL;
  const size_t hash_size = key.size() - cipher_size;
  TRY(set_algorithm_key(hash_of(self), context_at(context, hash_at(self)), key.first(hash_size)));
  return set_algorithm_key(cipher_of(self), context, key.subspan(hash_size));
}

void authenticate(const Algorithm& self, const void* context, ByteSpan associated, ByteSpan text, uint8_t* digest) {
  const Algorithm& hash = hash_of(self);
  const uint8_t* key = context_at(context, hash_at(self));
  SecretBytes<kMaxHashStateSize> state;
  hash.hash->start(hash, key, state);
  hash.hash->update(hash, key, state, associated);
  hash.hash->update(hash, key, state, text);
  hash.hash->finish(hash, key, state, digest);
}

Result<> encrypt(const Algorithm& self, const void* context, const AeadRequest& request) {
  const Algorithm& cipher = cipher_of(self);
  SecretBytes<kMaxIvSize> iv;
  memcpy(iv, request.iv, cipher.iv_size);
  TRY(cipher.skcipher->encrypt(cipher, context, iv, request.to, request.from, request.size));
  SecretBytes<kMaxDigestSize> digest;
  authenticate(self, context, request.associated, ByteSpan(request.to, request.size), digest);
  memcpy(request.tag, digest, request.tag_size);
  return ok();
}

Result<> decrypt(const Algorithm& self, const void* context, const AeadRequest& request) {
  const Algorithm& cipher = cipher_of(self);
  SecretBytes<kMaxDigestSize> digest;
  authenticate(self, context, request.associated, ByteSpan(request.from, request.size), digest);
  if (!equal_in_constant_time(digest, request.tag, request.tag_size)) return Errno::EBADMSG;
  SecretBytes<kMaxIvSize> iv;
  memcpy(iv, request.iv, cipher.iv_size);
  return cipher.skcipher->decrypt(cipher, context, iv, request.to, request.from, request.size);
}

constexpr AeadOperations kOperations{.set_key = &set_key, .encrypt = &encrypt, .decrypt = &decrypt};

Result<> create(TemplateBuilder& builder) {
  const Algorithm& hash = *TRY(builder.find(TRY(builder.argument(0)), AlgorithmKind::Hash));
  const Algorithm& cipher = *TRY(builder.find(TRY(builder.argument(1)), AlgorithmKind::Skcipher));
  Algorithm& row = builder.row();
  row.parts[0] = &cipher;
  row.parts[1] = &hash;
  row.priority = cipher.priority * 10 + hash.priority;
  row.block_size = cipher.block_size;
  row.chunk_size = cipher.chunk();
  row.iv_size = cipher.iv_size;
  row.min_key_size = kKeyHead + cipher.min_key_size;
  row.max_key_size = UINT32_MAX;
  row.digest_size = hash.digest_size;
  row.context_size = aligned_context(cipher.context_size) + hash.context_size;
  row.aead = &kOperations;
  TRY(builder.name().add("authenc(").add(hash.name).add(",").add(cipher.name).add(")").finish());
  return builder.driver().add("authenc(").add(hash.driver).add(",").add(cipher.driver).add(")").finish();
}

}  // namespace

constinit const AlgorithmTemplate kAuthencTemplate{"authenc", AlgorithmKind::Aead, &create};

}  // namespace lxnet
