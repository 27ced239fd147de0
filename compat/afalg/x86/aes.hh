// AES (FIPS 197) with the processor's instructions, in the modes of SP 800-38A, SP 800-38D and SP 800-38E, as functions on bytes.
//
// Each mode comes twice, from the same source (aes_modes.inc): `aesni` with one block in a register and eight registers at a
// time, `vaes` with four in a register. `to` and `from` are the same or do not overlap. No table depends on a key or on data.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lxnet::x86 {

inline constexpr size_t kAesBlock = 16;
inline constexpr unsigned kMaxAesRounds = 14;

struct alignas(64) AesKey {
  uint8_t encrypt[kMaxAesRounds + 1][kAesBlock];
  uint8_t decrypt[kMaxAesRounds + 1][kAesBlock];  // for the equivalent inverse cipher
  unsigned rounds;
};

// False when `size` is not 16, 24 or 32.
bool expand_aes_key(AesKey& key, const uint8_t* bytes, size_t size);

// GHASH's key: its powers, descending, each times x and with its bytes turned round; zeros behind them for a vector that is not
// full.
inline constexpr size_t kGhashPowers = 32;
struct alignas(64) GhashKey {
  uint8_t powers[kGhashPowers + 3][kAesBlock];
};
void expand_ghash_key(GhashKey& key, const uint8_t* hash_key);

struct GcmKey {
  AesKey aes;
  GhashKey ghash;
};
bool expand_gcm_key(GcmKey& key, const uint8_t* bytes, size_t size);

// One message for GCM: what AeadRequest says, with a nonce of 12 bytes. The tag is always written whole.
struct GcmMessage {
  const uint8_t* nonce;
  const uint8_t* associated;
  size_t associated_size;
  uint8_t* to;
  const uint8_t* from;
  size_t size;
};

#define LXNET_AES_MODES                                                                                      \
  void encrypt_blocks(const AesKey& key, uint8_t* to, const uint8_t* from, size_t blocks);                   \
  void decrypt_blocks(const AesKey& key, uint8_t* to, const uint8_t* from, size_t blocks);                   \
  /* `chain` is the last block of ciphertext, before and after. */                                           \
  void cbc_decrypt(const AesKey& key, uint8_t* chain, uint8_t* to, const uint8_t* from, size_t blocks);      \
  /* `counter` is of 128 bits, big-endian; it moves on past a partial last block too. */                     \
  void ctr_crypt(const AesKey& key, uint8_t* counter, uint8_t* to, const uint8_t* from, size_t size);        \
  /* `tweak` is encrypted already; at least one block; the last two are swapped when `size` is not whole. */ \
  void xts_encrypt(const AesKey& key, const uint8_t* tweak, uint8_t* to, const uint8_t* from, size_t size);  \
  void xts_decrypt(const AesKey& key, const uint8_t* tweak, uint8_t* to, const uint8_t* from, size_t size);  \
  void gcm_encrypt(const GcmKey& key, const GcmMessage& message, uint8_t* tag);                              \
  void gcm_decrypt(const GcmKey& key, const GcmMessage& message, uint8_t* tag);                              \
  /* Whole blocks into `digest`, the last one filled up with zeros. */                                       \
  void ghash_update(const GhashKey& key, uint8_t* digest, const uint8_t* from, size_t size);

namespace aesni {
LXNET_AES_MODES
// Each block waits for the one before: there is nothing to do side by side.
void cbc_encrypt(const AesKey& key, uint8_t* chain, uint8_t* to, const uint8_t* from, size_t blocks);
}  // namespace aesni

namespace vaes {
LXNET_AES_MODES
}  // namespace vaes

#undef LXNET_AES_MODES

}  // namespace lxnet::x86
