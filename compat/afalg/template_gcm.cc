// gcm (NIST SP 800-38D) over ctr of a cipher and a ghash, whichever are best.
#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/template_list.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

constexpr size_t kBlock = 16, kIv = 12;

// [ctr's context][ghash's context]
const Algorithm& ctr_of(const Algorithm& self) { return *self.parts[0]; }
const Algorithm& ghash_of(const Algorithm& self) { return *self.parts[1]; }
size_t ghash_at(const Algorithm& self) { return aligned_context(ctr_of(self).context_size); }

// The hash's key is what the cipher makes of zeros.
Result<> set_key(const Algorithm& self, void* context, ByteSpan key) {
  const Algorithm& ctr = ctr_of(self);
  TRY(set_algorithm_key(ctr, context, key));
  SecretBytes<kBlock> zero, hash_key;
  TRY(ctr.skcipher->encrypt(ctr, context, zero, hash_key, hash_key, kBlock));
  return set_algorithm_key(ghash_of(self), context_at(context, ghash_at(self)), hash_key.first(kBlock));
}

Result<> check_size(const Algorithm&, size_t size) {
  return size == 4 || size == 8 || (size >= 12 && size <= 16) ? Result<>(ok()) : Result<>(Errno::EINVAL);
}

// Text through ctr from counter 2 on; `mask` becomes what the tag is hidden with, counter 1.
Result<> crypt(const Algorithm& self, const void* context, const AeadRequest& request, uint8_t* mask) {
  const Algorithm& ctr = ctr_of(self);
  SecretBytes<kBlock> counter;
  memcpy(counter, request.iv, kIv);
  counter[kBlock - 1] = 1;
  TRY(ctr.skcipher->encrypt(ctr, context, counter, mask, mask, kBlock));
  return ctr.skcipher->encrypt(ctr, context, counter, request.to, request.from, request.size);
}

void pad(const Algorithm& ghash, const void* context, void* state, size_t size) {
  constexpr uint8_t kZeros[kBlock] = {};
  if (size % kBlock != 0) ghash.hash->update(ghash, context, state, ByteSpan(kZeros, kBlock - size % kBlock));
}

// `tag` holds the mask.
void authenticate(const Algorithm& self, const void* context, ByteSpan associated, ByteSpan text, uint8_t* tag) {
  const Algorithm& ghash = ghash_of(self);
  const uint8_t* key = context_at(context, ghash_at(self));
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

Result<> create_of(TemplateBuilder& builder, const Algorithm& ctr, const Algorithm& ghash) {
  const NameView name = NameView::of(ctr.name);
  if (!name.has_prefix("ctr(") || ctr.iv_size != kBlock || ctr.block_size != 1 || !(NameView::of(ghash.name) == "ghash")) {
    return Errno::EINVAL;
  }
  Algorithm& row = builder.row();
  row.parts[0] = &ctr;
  row.parts[1] = &ghash;
  row.priority = (ctr.priority + ghash.priority) / 2;
  row.chunk_size = ctr.chunk();
  row.iv_size = kIv;
  row.min_key_size = ctr.min_key_size;
  row.max_key_size = ctr.max_key_size;
  row.digest_size = kBlock;
  row.context_size = aligned_context(ctr.context_size) + ghash.context_size;
  row.aead = &kOperations;
  TRY(builder.name().add("gcm(").add(NameView{name.data + 4, name.size - 4}).finish());
  return builder.driver().add("gcm_base(").add(ctr.driver).add(",").add(ghash.driver).add(")").finish();
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
