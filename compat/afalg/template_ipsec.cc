// rfc4106(gcm(…)) and rfc4309(ccm(…)): what IPsec makes of them. The key ends with a salt; salt and iv are the nonce; the
// associated data ends with the iv, which is not authenticated a second time.
#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/template_list.hh"

namespace lxnet {
namespace {

constexpr size_t kIv = 8, kMaxSalt = 4;

// [the inner context][the salt]
const Algorithm& inner_of(const Algorithm& self) { return *self.parts[0]; }
size_t salt_at(const Algorithm& self) { return aligned_context(inner_of(self).context_size); }

template <size_t kSalt>
Result<> set_key(const Algorithm& self, void* context, ByteSpan key) {
  if (key.size() < kSalt) return Errno::EINVAL;
  memcpy(context_at(context, salt_at(self)), key.data() + key.size() - kSalt, kSalt);
  return set_algorithm_key(inner_of(self), context, key.first(key.size() - kSalt));
}

Result<> check_size(const Algorithm&, size_t size) {
  return size == 8 || size == 12 || size == 16 ? Result<>(ok()) : Result<>(Errno::EINVAL);
}

struct InnerRequest {
  SecretBytes<16> iv;
  AeadRequest request;
};

// EINVAL unless the associated data is an ESP header, short or long, and the iv.
Result<> translate(const AeadRequest& outer, InnerRequest& inner) {
  const size_t size = outer.associated.size();
  if (size != 16 && size != 20) return Errno::EINVAL;
  inner.request = outer;
  inner.request.iv = inner.iv;
  inner.request.associated = outer.associated.first(size - kIv);
  return ok();
}

void make_gcm_iv(const Algorithm& self, const void* context, const uint8_t* iv, uint8_t* out) {
  memcpy(out, context_at(context, salt_at(self)), 4);
  memcpy(out + 4, iv, kIv);
}

// A length of four bytes, which leaves eleven for the nonce.
void make_ccm_iv(const Algorithm& self, const void* context, const uint8_t* iv, uint8_t* out) {
  out[0] = 3;
  memcpy(out + 1, context_at(context, salt_at(self)), 3);
  memcpy(out + 4, iv, kIv);
}

using MakeIv = void (*)(const Algorithm& self, const void* context, const uint8_t* iv, uint8_t* out);

template <MakeIv kMakeIv>
Result<> encrypt(const Algorithm& self, const void* context, const AeadRequest& request) {
  InnerRequest inner;
  TRY(translate(request, inner));
  kMakeIv(self, context, request.iv, inner.iv);
  return inner_of(self).aead->encrypt(inner_of(self), context, inner.request);
}

template <MakeIv kMakeIv>
Result<> decrypt(const Algorithm& self, const void* context, const AeadRequest& request) {
  InnerRequest inner;
  TRY(translate(request, inner));
  kMakeIv(self, context, request.iv, inner.iv);
  return inner_of(self).aead->decrypt(inner_of(self), context, inner.request);
}

constexpr AeadOperations kGcm{
    .set_key = &set_key<4>, .check_tag_size = &check_size, .encrypt = &encrypt<&make_gcm_iv>, .decrypt = &decrypt<&make_gcm_iv>};
constexpr AeadOperations kCcm{
    .set_key = &set_key<3>, .check_tag_size = &check_size, .encrypt = &encrypt<&make_ccm_iv>, .decrypt = &decrypt<&make_ccm_iv>};

template <const AeadOperations& kOperations, size_t kInnerIv, size_t kSalt>
Result<> create(TemplateBuilder& builder) {
  const Algorithm& inner = *TRY(builder.find(TRY(builder.argument(0)), AlgorithmKind::Aead));
  if (inner.iv_size != kInnerIv || inner.block_size != 1) return Errno::EINVAL;
  Algorithm& row = builder.row();
  row.chunk_size = inner.chunk();
  row.iv_size = kIv;
  row.min_key_size = inner.min_key_size + kSalt;
  row.max_key_size = inner.max_key_size + kSalt;
  row.digest_size = inner.digest_size;
  row.context_size = aligned_context(inner.context_size) + kMaxSalt;
  row.aead = &kOperations;
  return builder.name_after(inner);
}

}  // namespace

constinit const AlgorithmTemplate kRfc4106Template{"rfc4106", AlgorithmKind::Aead, &create<kGcm, 12, 4>};
constinit const AlgorithmTemplate kRfc4309Template{"rfc4309", AlgorithmKind::Aead, &create<kCcm, 16, 3>};

}  // namespace lxnet
