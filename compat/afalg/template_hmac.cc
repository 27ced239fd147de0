// hmac (RFC 2104): the context is the hash after the inner and after the outer padding; a message begins with a copy of the
// first.
#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/template_list.hh"

namespace lxnet {
namespace {

// [the hash's own context, of zeros][after the inner padding][after the outer padding]
const Algorithm& hash_of(const Algorithm& self) { return *self.parts[0]; }
size_t inner_at(const Algorithm& self) { return aligned_context(hash_of(self).context_size); }
size_t outer_at(const Algorithm& self) { return inner_at(self) + aligned_context(hash_of(self).state_size); }

void start_padded(const Algorithm& hash, const void* context, void* state, const uint8_t* key, uint8_t padding) {
  SecretBytes<kMaxBlockSize> block;
  for (size_t i = 0; i < hash.block_size; ++i) block[i] = static_cast<uint8_t>(key[i] ^ padding);
  hash.hash->start(hash, context, state);
  hash.hash->update(hash, context, state, block.first(hash.block_size));
}

Result<> set_key(const Algorithm& self, void* context, ByteSpan key) {
  const Algorithm& hash = hash_of(self);
  SecretBytes<kMaxBlockSize> block;
  if (key.size() > hash.block_size) {
    SecretBytes<kMaxHashStateSize> state;
    hash.hash->start(hash, context, state);
    hash.hash->update(hash, context, state, key);
    hash.hash->finish(hash, context, state, block);
  } else {
    copy_bytes(MutableByteSpan(block.bytes), key);
  }
  start_padded(hash, context, context_at(context, inner_at(self)), block, 0x36);
  start_padded(hash, context, context_at(context, outer_at(self)), block, 0x5c);
  return ok();
}

void start(const Algorithm& self, const void* context, void* state) {
  memcpy(state, context_at(context, inner_at(self)), hash_of(self).state_size);
}

void update(const Algorithm& self, const void* context, void* state, ByteSpan bytes) {
  hash_of(self).hash->update(hash_of(self), context, state, bytes);
}

void finish(const Algorithm& self, const void* context, void* state, uint8_t* digest) {
  const Algorithm& hash = hash_of(self);
  SecretBytes<kMaxDigestSize> inner;
  hash.hash->finish(hash, context, state, inner);
  memcpy(state, context_at(context, outer_at(self)), hash.state_size);
  hash.hash->update(hash, context, state, inner.first(hash.digest_size));
  hash.hash->finish(hash, context, state, digest);
}

constexpr HashOperations kOperations{.set_key = &set_key, .start = &start, .update = &update, .finish = &finish};

// Not over a hash that wants a key itself, nor one whose digest does not fit its block.
Result<> create(TemplateBuilder& builder) {
  const Algorithm& hash = *TRY(builder.find(TRY(builder.argument(0)), AlgorithmKind::Hash));
  if (needs_key(hash) || hash.digest_size > hash.block_size) return Errno::EINVAL;
  Algorithm& row = builder.row();
  row.block_size = hash.block_size;
  row.digest_size = hash.digest_size;
  row.state_size = hash.state_size;
  row.context_size = aligned_context(hash.context_size) + 2 * aligned_context(hash.state_size);
  row.hash = &kOperations;
  return builder.name_after(hash);
}

}  // namespace

constinit const AlgorithmTemplate kHmacTemplate{"hmac", AlgorithmKind::Hash, &create};

}  // namespace lxnet
