// rfc7539(chacha20,poly1305) and rfc7539esp(chacha20,poly1305): RFC 8439, section 2.8, and RFC 7634, whose nonce begins with a
// salt out of the key.
#include <mbedtls/poly1305.h>

#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/template_list.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

constexpr size_t kKey = 32, kTag = 16, kNonce = 12;

// [chacha20's context][the salt]
const Algorithm& chacha_of(const Algorithm& self) { return *self.parts[0]; }
size_t salt_at(const Algorithm& self) { return aligned_context(chacha_of(self).context_size); }
size_t salt_size(const Algorithm& self) { return kNonce - self.iv_size; }

Result<> set_key(const Algorithm& self, void* context, ByteSpan key) {
  if (key.size() != kKey + salt_size(self)) return Errno::EINVAL;
  copy_bytes(MutableByteSpan(context_at(context, salt_at(self)), salt_size(self)), key.subspan(kKey));
  return set_algorithm_key(chacha_of(self), context, key.first(kKey));
}

Result<> check_size(const Algorithm&, size_t size) { return size == kTag ? Result<>(ok()) : Result<>(Errno::EINVAL); }

// The block counter and the nonce.
void make_iv(const Algorithm& self, const void* context, const uint8_t* iv, uint32_t block, uint8_t* out) {
  store_little(out, block);
  memcpy(out + 4, context_at(context, salt_at(self)), salt_size(self));
  memcpy(out + 4 + salt_size(self), iv, self.iv_size);
}

Result<> crypt(const Algorithm& self, const void* context, const AeadRequest& request) {
  SecretBytes<16> iv;
  make_iv(self, context, request.iv, 1, iv);
  return chacha_of(self).skcipher->encrypt(chacha_of(self), context, iv, request.to, request.from, request.size);
}

class Poly1305 {
 public:
  explicit Poly1305(const uint8_t* key) {
    mbedtls_poly1305_init(&context_);
    mbedtls_poly1305_starts(&context_, key);
  }
  ~Poly1305() { mbedtls_poly1305_free(&context_); }
  Poly1305(const Poly1305&) = delete;
  Poly1305& operator=(const Poly1305&) = delete;

  void update_padded(ByteSpan bytes) {
    constexpr uint8_t kZeros[16] = {};
    update(bytes);
    if (bytes.size() % 16 != 0) update(ByteSpan(kZeros, 16 - bytes.size() % 16));
  }
  void update(ByteSpan bytes) { mbedtls_poly1305_update(&context_, bytes.data(), bytes.size()); }
  void finish(uint8_t* tag) { mbedtls_poly1305_finish(&context_, tag); }

 private:
  mbedtls_poly1305_context context_;
};

Result<> authenticate(const Algorithm& self, const void* context, const AeadRequest& request, ByteSpan associated, ByteSpan text,
                      uint8_t* tag) {
  SecretBytes<16> iv;
  SecretBytes<kKey> key;
  make_iv(self, context, request.iv, 0, iv);
  TRY(chacha_of(self).skcipher->encrypt(chacha_of(self), context, iv, key, key, kKey));
  Poly1305 mac(key);
  mac.update_padded(associated);
  mac.update_padded(text);
  uint8_t sizes[16];
  store_little(sizes, uint64_t{associated.size()});
  store_little(sizes + 8, uint64_t{text.size()});
  mac.update(sizes);
  mac.finish(tag);
  return ok();
}

// IPsec's associated data ends with the iv, which is part of the nonce already.
Result<ByteSpan> authenticated(const Algorithm& self, const AeadRequest& request) {
  if (salt_size(self) == 0) return request.associated;
  if (request.associated.size() < self.iv_size) return Errno::EINVAL;
  return request.associated.first(request.associated.size() - self.iv_size);
}

Result<> encrypt(const Algorithm& self, const void* context, const AeadRequest& request) {
  const ByteSpan associated = TRY(authenticated(self, request));
  TRY(crypt(self, context, request));
  return authenticate(self, context, request, associated, ByteSpan(request.to, request.size), request.tag);
}

Result<> decrypt(const Algorithm& self, const void* context, const AeadRequest& request) {
  const ByteSpan associated = TRY(authenticated(self, request));
  SecretBytes<kTag> tag;
  TRY(authenticate(self, context, request, associated, ByteSpan(request.from, request.size), tag));
  if (!equal_in_constant_time(tag, request.tag, kTag)) return Errno::EBADMSG;
  return crypt(self, context, request);
}

constexpr AeadOperations kOperations{
    .set_key = &set_key, .check_tag_size = &check_size, .encrypt = &encrypt, .decrypt = &decrypt};

// poly1305 is mbedTLS's, whichever chacha20 it goes with; no socket can have it alone, as on Linux since 6.16.
template <size_t kIv>
Result<> create(TemplateBuilder& builder) {
  const Algorithm& chacha = *TRY(builder.find(TRY(builder.argument(0)), AlgorithmKind::Skcipher));
  const NameView poly = TRY(builder.argument(1));
  if (chacha.iv_size != 16 || chacha.block_size != 1 || !(NameView::of(chacha.name) == "chacha20")) return Errno::EINVAL;
  if (!(poly == "poly1305") && !(poly == "poly1305-generic")) return Errno::EINVAL;
  Algorithm& row = builder.row();
  row.parts[0] = &chacha;
  row.priority = chacha.priority;
  row.chunk_size = chacha.chunk();
  row.iv_size = kIv;
  row.min_key_size = row.max_key_size = kKey + kNonce - kIv;
  row.digest_size = kTag;
  row.context_size = aligned_context(chacha.context_size) + kNonce - kIv;
  row.aead = &kOperations;
  TRY(builder.name().add(builder.template_name()).add("(chacha20,poly1305)").finish());
  return builder.driver().add(builder.template_name()).add("(").add(chacha.driver).add(",poly1305-generic)").finish();
}

}  // namespace

constinit const AlgorithmTemplate kRfc7539Template{"rfc7539", AlgorithmKind::Aead, &create<12>};
constinit const AlgorithmTemplate kRfc7539EspTemplate{"rfc7539esp", AlgorithmKind::Aead, &create<8>};

}  // namespace lxnet
