// Message authentication by chaining a block cipher: cmac (NIST SP 800-38B), xcbc (RFC 3566) and cbcmac, which is ccm's.
#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/template_list.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

constexpr size_t kMaxBlock = 16;

struct State {
  uint8_t chain[kMaxBlock];
  uint8_t pending[kMaxBlock];  // the last block waits for its key
  uint32_t pending_size;
};

// [the cipher's context][what the last block is mixed with when it is whole][when it is not]
const Algorithm& cipher_of(const Algorithm& self) { return *self.parts[0]; }
size_t whole_key_at(const Algorithm& self) { return aligned_context(cipher_of(self).context_size); }
size_t part_key_at(const Algorithm& self) { return whole_key_at(self) + kMaxBlock; }

void encrypt_block(const Algorithm& self, const void* context, uint8_t* to, const uint8_t* from) {
  cipher_of(self).cipher->encrypt(cipher_of(self), context, to, from, 1);
}

// Times x in GF(2^64) or GF(2^128), the highest bit first.
void double_block(uint8_t* to, const uint8_t* from, size_t size) {
  const uint8_t carry = static_cast<uint8_t>(0 - (from[0] >> 7));
  for (size_t i = 0; i + 1 < size; ++i) to[i] = static_cast<uint8_t>(from[i] << 1 | from[i + 1] >> 7);
  to[size - 1] = static_cast<uint8_t>(from[size - 1] << 1 ^ (carry & (size == 16 ? 0x87 : 0x1b)));
}

Result<> cmac_set_key(const Algorithm& self, void* context, ByteSpan key) {
  TRY(set_algorithm_key(cipher_of(self), context, key));
  SecretBytes<kMaxBlock> zero;
  uint8_t* whole = context_at(context, whole_key_at(self));
  encrypt_block(self, context, zero, zero);
  double_block(whole, zero, self.block_size);
  double_block(context_at(context, part_key_at(self)), whole, self.block_size);
  return ok();
}

// Three keys out of one; the first is the cipher's from then on.
Result<> xcbc_set_key(const Algorithm& self, void* context, ByteSpan key) {
  TRY(set_algorithm_key(cipher_of(self), context, key));
  SecretBytes<3 * kMaxBlock> keys;
  for (size_t i = 0; i < 3; ++i) memset(keys + i * kMaxBlock, static_cast<int>(i + 1), kMaxBlock);
  cipher_of(self).cipher->encrypt(cipher_of(self), context, keys, keys, 3);
  memcpy(context_at(context, whole_key_at(self)), keys + kMaxBlock, 2 * kMaxBlock);
  return set_algorithm_key(cipher_of(self), context, keys.first(kMaxBlock));
}

Result<> cbcmac_set_key(const Algorithm& self, void* context, ByteSpan key) {
  return set_algorithm_key(cipher_of(self), context, key);
}

void start(const Algorithm&, const void*, void* state) { memset(state, 0, sizeof(State)); }

void absorb(const Algorithm& self, const void* context, State& state, const uint8_t* block) {
  xor_bytes(state.chain, state.chain, block, cipher_of(self).block_size);
  encrypt_block(self, context, state.chain, state.chain);
}

void update(const Algorithm& self, const void* context, void* raw, ByteSpan bytes) {
  auto& state = *static_cast<State*>(raw);
  const size_t block = cipher_of(self).block_size;
  while (!bytes.empty()) {
    if (state.pending_size == block) {
      absorb(self, context, state, state.pending);
      state.pending_size = 0;
    }
    if (state.pending_size == 0) {
      for (; bytes.size() > block; bytes = bytes.subspan(block)) absorb(self, context, state, bytes.data());
    }
    const size_t taken = copy_bytes(MutableByteSpan(state.pending, block).subspan(state.pending_size), bytes);
    state.pending_size += static_cast<uint32_t>(taken);
    bytes = bytes.subspan(taken);
  }
}

void finish(const Algorithm& self, const void* context, void* raw, uint8_t* digest) {
  auto& state = *static_cast<State*>(raw);
  const size_t block = cipher_of(self).block_size;
  const bool is_whole = state.pending_size == block;
  if (!is_whole) {
    state.pending[state.pending_size] = 0x80;
    memset(state.pending + state.pending_size + 1, 0, block - state.pending_size - 1);
  }
  xor_bytes(state.pending, state.pending, context_at(context, is_whole ? whole_key_at(self) : part_key_at(self)), block);
  absorb(self, context, state, state.pending);
  memcpy(digest, state.chain, block);
}

// Zeros fill the last block.
void cbcmac_finish(const Algorithm& self, const void* context, void* raw, uint8_t* digest) {
  auto& state = *static_cast<State*>(raw);
  const size_t block = cipher_of(self).block_size;
  if (state.pending_size != 0) {
    memset(state.pending + state.pending_size, 0, block - state.pending_size);
    absorb(self, context, state, state.pending);
  }
  memcpy(digest, state.chain, block);
}

constexpr HashOperations kCmac{.set_key = &cmac_set_key, .start = &start, .update = &update, .finish = &finish};
constexpr HashOperations kXcbc{.set_key = &xcbc_set_key, .start = &start, .update = &update, .finish = &finish};
constexpr HashOperations kCbcmac{.set_key = &cbcmac_set_key, .start = &start, .update = &update, .finish = &cbcmac_finish};

template <const HashOperations& kOperations>
Result<> create(TemplateBuilder& builder) {
  const Algorithm& cipher = *TRY(builder.find(TRY(builder.argument(0)), AlgorithmKind::Cipher));
  if (cipher.block_size != 16 && (cipher.block_size != 8 || &kOperations == &kXcbc)) return Errno::EINVAL;
  Algorithm& row = builder.row();
  row.block_size = &kOperations == &kCbcmac ? 1 : cipher.block_size;
  row.digest_size = cipher.block_size;
  row.state_size = sizeof(State);
  row.context_size = aligned_context(cipher.context_size) + 2 * kMaxBlock;
  row.hash = &kOperations;
  return builder.name_after(cipher);
}

}  // namespace

constinit const AlgorithmTemplate kCmacTemplate{"cmac", AlgorithmKind::Hash, &create<kCmac>};
constinit const AlgorithmTemplate kXcbcTemplate{"xcbc", AlgorithmKind::Hash, &create<kXcbc>};
constinit const AlgorithmTemplate kCbcmacTemplate{"cbcmac", AlgorithmKind::Hash, &create<kCbcmac>};

}  // namespace lxnet
