// The SHAs, GHASH and CRC-32C as rows.
#include "compat/afalg/x86/aes.hh"
#include "compat/afalg/x86/block_hash.hh"
#include "compat/afalg/x86/crc32c.hh"
#include "compat/afalg/x86/rows.hh"
#include "compat/afalg/x86/sha.hh"

namespace lxnet::x86 {
namespace {

using Sha1 = BlockHash<uint32_t, 5, 64, &sha1_blocks>;
using Sha256 = BlockHash<uint32_t, 8, 64, &sha256_blocks>;
using Sha512 = BlockHash<uint64_t, 8, 128, &sha512_blocks>;

// FIPS 180-4, 5.3.
constexpr Sha1::Start kSha1Start = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
constexpr Sha256::Start kSha224Start = {0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939,
                                        0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4};
constexpr Sha256::Start kSha256Start = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr Sha512::Start kSha384Start = {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
                                        0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4};
constexpr Sha512::Start kSha512Start = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

constexpr Algorithm kSha1 = Sha1::row("sha1", "sha1-ni", kShaPriority, 20, Sha1::operations<kSha1Start>);
constexpr Algorithm kSha224 = Sha256::row("sha224", "sha224-ni", kShaPriority, 28, Sha256::operations<kSha224Start>);
constexpr Algorithm kSha256 = Sha256::row("sha256", "sha256-ni", kShaPriority, 32, Sha256::operations<kSha256Start>);
constexpr Algorithm kSha384 = Sha512::row("sha384", "sha384-avx2", kSha512Priority, 48, Sha512::operations<kSha384Start>);
constexpr Algorithm kSha512 = Sha512::row("sha512", "sha512-avx2", kSha512Priority, 64, Sha512::operations<kSha512Start>);

// ---- GHASH

struct GhashState {
  uint8_t digest[kAesBlock];
  uint8_t pending[kAesBlock];
  size_t pending_size;
};

Result<> set_ghash_key(const Algorithm&, void* context, ByteSpan key) {
  if (key.size() != kAesBlock) return Errno::EINVAL;
  expand_ghash_key(*static_cast<GhashKey*>(context), key.data());
  return ok();
}

void start_ghash(const Algorithm&, const void*, void* state) { memset(state, 0, sizeof(GhashState)); }

template <auto kUpdate>
void update_ghash(const Algorithm&, const void* context, void* raw, ByteSpan bytes) {
  auto& state = *static_cast<GhashState*>(raw);
  const auto& key = *static_cast<const GhashKey*>(context);
  if (state.pending_size != 0) {
    const size_t taken = copy_bytes(MutableByteSpan(state.pending).subspan(state.pending_size), bytes);
    state.pending_size += taken;
    bytes = bytes.subspan(taken);
    if (state.pending_size < kAesBlock) return;
    kUpdate(key, state.digest, state.pending, kAesBlock);
  }
  const size_t whole = bytes.size() / kAesBlock * kAesBlock;
  kUpdate(key, state.digest, bytes.data(), whole);
  state.pending_size = copy_bytes(state.pending, bytes.subspan(whole));
}

template <auto kUpdate>
void finish_ghash(const Algorithm&, const void* context, void* raw, uint8_t* digest) {
  auto& state = *static_cast<GhashState*>(raw);
  kUpdate(*static_cast<const GhashKey*>(context), state.digest, state.pending, state.pending_size);
  memcpy(digest, state.digest, kAesBlock);
}

template <auto kUpdate>
constexpr HashOperations kGhashOperations{
    .set_key = &set_ghash_key, .start = &start_ghash, .update = &update_ghash<kUpdate>, .finish = &finish_ghash<kUpdate>};

constexpr Algorithm ghash_row(const char* driver, int priority, const HashOperations& operations) {
  return {.name = "ghash",
          .driver = driver,
          .kind = AlgorithmKind::Hash,
          .priority = priority,
          .block_size = kAesBlock,
          .digest_size = kAesBlock,
          .context_size = sizeof(GhashKey),
          .state_size = sizeof(GhashState),
          .hash = &operations};
}
constexpr Algorithm kGhashNarrow = ghash_row("ghash-clmulni", kAesniPriority, kGhashOperations<&aesni::ghash_update>);
constexpr Algorithm kGhashWide = ghash_row("ghash-vpclmulqdq-avx512", kVaesPriority, kGhashOperations<&vaes::ghash_update>);

// ---- CRC-32C: begins with all ones, or the key, and is inverted at its end. A context keeps the key's difference from all ones,
// so that one of zeros is that of no key.

constexpr uint32_t kAllOnes = 0xffffffff;

Result<> set_crc_key(const Algorithm&, void* context, ByteSpan key) {
  if (key.size() != 4) return Errno::EINVAL;
  uint32_t start;
  memcpy(&start, key.data(), 4);
  *static_cast<uint32_t*>(context) = start ^ kAllOnes;
  return ok();
}
void start_crc(const Algorithm&, const void* context, void* state) {
  *static_cast<uint32_t*>(state) = *static_cast<const uint32_t*>(context) ^ kAllOnes;
}
void update_crc(const Algorithm&, const void*, void* state, ByteSpan bytes) {
  auto& crc = *static_cast<uint32_t*>(state);
  crc = crc32c_update(crc, bytes.data(), bytes.size());
}
void finish_crc(const Algorithm&, const void*, void* state, uint8_t* digest) {
  const uint32_t inverted = ~*static_cast<const uint32_t*>(state);
  memcpy(digest, &inverted, 4);
}

constexpr HashOperations kCrcOperations{
    .set_key = &set_crc_key, .start = &start_crc, .update = &update_crc, .finish = &finish_crc};
constexpr Algorithm kCrc32c{.name = "crc32c",
                            .driver = "crc32c-intel",
                            .kind = AlgorithmKind::Hash,
                            .priority = kCrcPriority,
                            .block_size = 1,
                            .digest_size = 4,
                            .key_is_optional = true,
                            .context_size = 4,
                            .state_size = 4,
                            .hash = &kCrcOperations};

constexpr AcceleratedRow kRows[] = {
    {&kSha1, &CpuFeatures::sha},         {&kSha224, &CpuFeatures::sha},       {&kSha256, &CpuFeatures::sha},
    {&kSha384, &CpuFeatures::avx2_bmi2}, {&kSha512, &CpuFeatures::avx2_bmi2}, {&kGhashNarrow, &CpuFeatures::aesni},
    {&kGhashWide, &CpuFeatures::vaes},   {&kCrc32c, &CpuFeatures::crc32},
};

}  // namespace

std::span<const AcceleratedRow> hash_rows() { return kRows; }

}  // namespace lxnet::x86
