// gcm (NIST SP 800-38D) over ctr of a cipher and a ghash, whichever are best.
#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/template_ctr_mac.hh"
#include "compat/afalg/template_list.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

using ctr_mac::ctr_of, ctr_mac::kBlock;
constexpr size_t kIv = 12;

// The hash's key is what the cipher makes of zeros.
Result<> set_key(const Algorithm& self, void* context, ByteSpan key) {
  const Algorithm& ctr = ctr_of(self);
  TRY(set_algorithm_key(ctr, context, key));
  SecretBytes<kBlock> zero, hash_key;
  TRY(ctr.skcipher->encrypt(ctr, context, zero, hash_key, hash_key, kBlock));
  return set_algorithm_key(ctr_mac::mac_of(self), context_at(context, ctr_mac::mac_at(self)), hash_key.first(kBlock));
}

Result<> check_size(const Algorithm&, size_t size) {
  return size == 4 || size == 8 || (size >= 12 && size <= 16) ? Result<>(ok()) : Result<>(Errno::EINVAL);
}

// Text through ctr from counter 2 on; `mask` becomes what the tag is hidden with, counter 1.
Result<> crypt(const Algorithm& self, const void* context, const AeadRequest& request, uint8_t* mask) {
  SecretBytes<kBlock> counter;
  memcpy(counter, request.iv, kIv);
  counter[kBlock - 1] = 1;
  return ctr_mac::crypt(self, context, request, counter, mask);
}

void pad(const Algorithm& ghash, const void* context, void* state, size_t size) {
  constexpr uint8_t kZeros[kBlock] = {};
  if (size % kBlock != 0) ghash.hash->update(ghash, context, state, ByteSpan(kZeros, kBlock - size % kBlock));
}

// `tag` holds the mask.
void authenticate(const Algorithm& self, const void* context, ByteSpan associated, ByteSpan text, uint8_t* tag) {
  const Algorithm& ghash = ctr_mac::mac_of(self);
  const uint8_t* key = context_at(context, ctr_mac::mac_at(self));
  SecretBytes<kMaxHashStateSize> state;
  ghash.hash->start(ghash, key, state);
  ghash.hash->update(ghash, key, state, associated);
  pad(ghash, key, state, associated.size());
  ghash.hash->update(ghash, key, state, text);
  pad(ghash, key, state, text.size());
  uint8_t sizes[kBlock];
  store_big(sizes, uint64_t{associated.size()} * 8);
  store_big(sizes + 8, uint64_t{text.size()} * 8);
  ghash.hash->update(ghash, key, state, ByteSpan(sizes, kBlock));
  SecretBytes<kBlock> hash;
  ghash.hash->finish(ghash, key, state, hash);
  xor_bytes(tag, tag, hash, kBlock);
}

Result<> encrypt(const Algorithm& self, const void* context, const AeadRequest& request) {
  SecretBytes<kBlock> tag;
  TRY(crypt(self, context, request, tag));
  authenticate(self, context, request.associated, ByteSpan(request.to, request.size), tag);
  memcpy(request.tag, tag, request.tag_size);
  return ok();
}

// The tag is compared before anything is deciphered.
Result<> decrypt(const Algorithm& self, const void* context, const AeadRequest& request) {
  SecretBytes<kBlock> tag, unused;
  AeadRequest nothing = request;
  nothing.size = 0;
  TRY(crypt(self, context, nothing, tag));
  authenticate(self, context, request.associated, ByteSpan(request.from, request.size), tag);
  if (!equal_in_constant_time(tag, request.tag, request.tag_size)) return Errno::EBADMSG;
  return crypt(self, context, request, unused);
}

constexpr AeadOperations kOperations{
    .set_key = &set_key, .check_tag_size = &check_size, .encrypt = &encrypt, .decrypt = &decrypt};

constexpr ctr_mac::Mode kMode{.name = "gcm(", .driver = "gcm_base(", .iv_size = kIv, .operations = &kOperations};

Result<> create_of(TemplateBuilder& builder, const Algorithm& ctr, const Algorithm& ghash) {
  return NameView::of(ghash.name) == "ghash" ? ctr_mac::create(builder, kMode, ctr, ghash) : Result<>(Errno::EINVAL);
}

Result<> create(TemplateBuilder& builder) {
  const NameView cipher = TRY(builder.argument(0));
  const Algorithm& ghash = *TRY(builder.find(NameView::of("ghash"), AlgorithmKind::Hash));
  const Algorithm& ctr = *TRY(builder.find_applied("ctr", cipher, AlgorithmKind::Skcipher));
  return create_of(builder, ctr, ghash);
}

Result<> create_base(TemplateBuilder& builder) {
  const NameView ctr_name = TRY(builder.argument(0));
  const Algorithm& ghash = *TRY(builder.find(TRY(builder.argument(1)), AlgorithmKind::Hash));
  const Algorithm& ctr = *TRY(builder.find(ctr_name, AlgorithmKind::Skcipher));
  return create_of(builder, ctr, ghash);
}

}  // namespace

constinit const AlgorithmTemplate kGcmTemplate{"gcm", AlgorithmKind::Aead, &create};
constinit const AlgorithmTemplate kGcmBaseTemplate{"gcm_base", AlgorithmKind::Aead, &create_base};

}  // namespace lxnet
