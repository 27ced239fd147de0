// Algorithm: one implementation of one algorithm, as a row: what /proc/crypto prints of it and the functions that compute.
//
// Rules kept by every implementation:
//   - It owns no memory and asks for none. A row says how large its context (what a key makes of it) and its state (a hash under
//     way) are; the caller allocates both, aligned to kAlgorithmAlign and zeroed, and wipes them. Both are plain bytes; a state
//     may be copied with memcpy, which is how accept() forks a hash.
//   - Buffers are contiguous. Input and output are the same buffer or do not overlap.
//   - set_key() checks the length itself: EINVAL. It is called again on the same context for the next key.
//   - A context is only read while it computes, so that several tasks may use one at the same time; a random generator's is not.
//   - No branch and no table index depends on secrets where the machine offers another way; tags are compared in constant time.
//
// An implementation of a name that is there already is added beside it and wins by its priority, once it has given the known
// answers (known_answers.hh): every row of a name is asked the same.
#pragma once

#include <cstddef>

#include "base/bytes.hh"
#include "base/result.hh"

namespace lxnet {

class Hal;
struct Algorithm;

inline constexpr size_t kAlgorithmAlign = 64;
// The most that a name takes, its terminator included (CRYPTO_MAX_ALG_NAME).
inline constexpr size_t kAlgorithmNameSize = 128;
// Bounds for what templates keep on their stack. Rows with more are refused when they are added.
inline constexpr size_t kMaxDigestSize = 64, kMaxIvSize = 32, kMaxHashStateSize = 512, kMaxBlockSize = 144;

enum class AlgorithmKind : uint8_t {
  Hash,
  Cipher,  // single blocks: what templates are made of; no socket binds to it
  Skcipher,
  Aead,
  Rng,
};

struct HashOperations {
  // Null for a hash without a key: ENOSYS.
  Result<> (*set_key)(const Algorithm& self, void* context, ByteSpan key) = nullptr;
  void (*start)(const Algorithm& self, const void* context, void* state) = nullptr;
  void (*update)(const Algorithm& self, const void* context, void* state, ByteSpan bytes) = nullptr;
  // Writes digest_size bytes; the state is used up.
  void (*finish)(const Algorithm& self, const void* context, void* state, uint8_t* digest) = nullptr;
};

// Whole blocks, one independent of the other.
struct CipherOperations {
  Result<> (*set_key)(const Algorithm& self, void* context, ByteSpan key) = nullptr;
  void (*encrypt)(const Algorithm& self, const void* context, uint8_t* to, const uint8_t* from, size_t blocks) = nullptr;
  void (*decrypt)(const Algorithm& self, const void* context, uint8_t* to, const uint8_t* from, size_t blocks) = nullptr;
};

// `iv` (iv_size bytes) is the chain: afterwards it is what continues the message, so that a message may come in several calls.
// All calls but the last have a multiple of the row's chunk size. (Linux's xts, cts and chacha20 leave it as it was; ours do
// too.) EINVAL for a size the mode cannot do.
struct SkcipherOperations {
  using Crypt = Result<> (*)(const Algorithm& self, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from,
                             size_t size);
  Result<> (*set_key)(const Algorithm& self, void* context, ByteSpan key) = nullptr;
  Crypt encrypt = nullptr;
  Crypt decrypt = nullptr;
};

struct AeadRequest {
  const uint8_t* iv = nullptr;  // iv_size bytes
  ByteSpan associated;
  const uint8_t* from = nullptr;  // `size` bytes of text, without the tag
  uint8_t* to = nullptr;
  size_t size = 0;
  uint8_t* tag = nullptr;  // written by encrypt, compared by decrypt; `tag_size` bytes
  size_t tag_size = 0;
};

struct AeadOperations {
  Result<> (*set_key)(const Algorithm& self, void* context, ByteSpan key) = nullptr;
  // EINVAL for a tag of a size it does not make. Null: every size up to digest_size.
  Result<> (*check_tag_size)(const Algorithm& self, size_t size) = nullptr;
  // EINVAL for associated data or text it cannot do.
  Result<> (*encrypt)(const Algorithm& self, const void* context, const AeadRequest& request) = nullptr;
  // EBADMSG when the tag is wrong; what `to` holds then goes nowhere.
  Result<> (*decrypt)(const Algorithm& self, const void* context, const AeadRequest& request) = nullptr;
};

struct RngOperations {
  // Begins anew from the HAL's entropy; `seed` personalises it.
  Result<> (*seed)(const Algorithm& self, const Hal& hal, void* context, ByteSpan seed) = nullptr;
  Result<> (*generate)(const Algorithm& self, const Hal& hal, void* context, MutableByteSpan out, ByteSpan additional) = nullptr;
  // For tests of conformance: what the next seed() takes instead of the HAL's entropy; the caller keeps the bytes. Null: cannot.
  void (*set_entropy)(const Algorithm& self, void* context, ByteSpan entropy) = nullptr;
};

struct Algorithm {
  const char* name;    // "cbc(aes)": what it is
  const char* driver;  // "cbc-aes-aesni": whose implementation
  AlgorithmKind kind;
  int priority;
  uint32_t block_size = 1;
  uint32_t chunk_size = 0;  // 0: the block size. What a message may be cut at
  uint32_t iv_size = 0;
  uint32_t min_key_size = 0, max_key_size = 0;
  uint32_t digest_size = 0;      // Aead: its largest tag; Rng: the size of a seed
  bool key_is_optional = false;  // a hash that computes without a key too
  size_t context_size = 0;
  size_t state_size = 0;  // Hash

  // The one of its kind.
  const HashOperations* hash = nullptr;
  const CipherOperations* cipher = nullptr;
  const SkcipherOperations* skcipher = nullptr;
  const AeadOperations* aead = nullptr;
  const RngOperations* rng = nullptr;

  // What a template was applied to; the template's own functions find it here.
  const Algorithm* parts[2] = {};

  uint32_t chunk() const { return chunk_size == 0 ? block_size : chunk_size; }
};

}  // namespace lxnet
