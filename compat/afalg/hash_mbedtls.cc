// The hashes mbedTLS has. Its contexts are plain bytes without pointers, so that they may be copied as states are.
#include <mbedtls/md5.h>
#include <mbedtls/ripemd160.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>

#include "compat/afalg/primitives.hh"
#include "compat/afalg/secret.hh"

namespace lxnet {
namespace {

template <typename Context>
Context* state_of(void* state) {
  static_assert(sizeof(Context) <= kMaxHashStateSize);
  return static_cast<Context*>(state);
}

// One hash of mbedTLS: its functions give 0, as none of them is an alternative that may fail.
template <typename Context, int (*kStart)(Context*), int (*kUpdate)(Context*, const unsigned char*, size_t),
          int (*kFinish)(Context*, unsigned char*), size_t kDigest>
struct MbedtlsHash {
  static void start(const Algorithm&, const void*, void* state) {
    memset(state, 0, sizeof(Context));
    kStart(state_of<Context>(state));
  }
  static void update(const Algorithm&, const void*, void* state, ByteSpan bytes) {
    kUpdate(state_of<Context>(state), bytes.data(), bytes.size());
  }
  static void finish(const Algorithm& self, const void*, void* state, uint8_t* digest) {
    SecretBytes<kDigest> whole;  // SHA-224 and SHA-384 are cut from a longer one
    kFinish(state_of<Context>(state), whole);
    memcpy(digest, whole.bytes, self.digest_size);
  }
  static constexpr HashOperations kOperations{.start = &start, .update = &update, .finish = &finish};
};

int start_sha224(mbedtls_sha256_context* context) { return mbedtls_sha256_starts_ret(context, 1); }
int start_sha256(mbedtls_sha256_context* context) { return mbedtls_sha256_starts_ret(context, 0); }
int start_sha384(mbedtls_sha512_context* context) { return mbedtls_sha512_starts_ret(context, 1); }
int start_sha512(mbedtls_sha512_context* context) { return mbedtls_sha512_starts_ret(context, 0); }

using Md5 = MbedtlsHash<mbedtls_md5_context, &mbedtls_md5_starts_ret, &mbedtls_md5_update_ret, &mbedtls_md5_finish_ret, 16>;
using Sha1 = MbedtlsHash<mbedtls_sha1_context, &mbedtls_sha1_starts_ret, &mbedtls_sha1_update_ret, &mbedtls_sha1_finish_ret, 20>;
using Ripemd160 = MbedtlsHash<mbedtls_ripemd160_context, &mbedtls_ripemd160_starts_ret, &mbedtls_ripemd160_update_ret,
                              &mbedtls_ripemd160_finish_ret, 20>;
using Sha224 = MbedtlsHash<mbedtls_sha256_context, &start_sha224, &mbedtls_sha256_update_ret, &mbedtls_sha256_finish_ret, 32>;
using Sha256 = MbedtlsHash<mbedtls_sha256_context, &start_sha256, &mbedtls_sha256_update_ret, &mbedtls_sha256_finish_ret, 32>;
using Sha384 = MbedtlsHash<mbedtls_sha512_context, &start_sha384, &mbedtls_sha512_update_ret, &mbedtls_sha512_finish_ret, 64>;
using Sha512 = MbedtlsHash<mbedtls_sha512_context, &start_sha512, &mbedtls_sha512_update_ret, &mbedtls_sha512_finish_ret, 64>;

template <typename Context>
constexpr Algorithm hash_row(const char* name, const char* driver, const HashOperations& operations, uint32_t digest,
                             uint32_t block) {
  return {.name = name,
          .driver = driver,
          .kind = AlgorithmKind::Hash,
          .priority = 100,
          .block_size = block,
          .digest_size = digest,
          .state_size = sizeof(Context),
          .hash = &operations};
}

constexpr Algorithm kMd5 = hash_row<mbedtls_md5_context>("md5", "md5-generic", Md5::kOperations, 16, 64);
constexpr Algorithm kSha1 = hash_row<mbedtls_sha1_context>("sha1", "sha1-generic", Sha1::kOperations, 20, 64);
constexpr Algorithm kRipemd160 = hash_row<mbedtls_ripemd160_context>("rmd160", "rmd160-generic", Ripemd160::kOperations, 20, 64);
constexpr Algorithm kSha224 = hash_row<mbedtls_sha256_context>("sha224", "sha224-generic", Sha224::kOperations, 28, 64);
constexpr Algorithm kSha256 = hash_row<mbedtls_sha256_context>("sha256", "sha256-generic", Sha256::kOperations, 32, 64);
constexpr Algorithm kSha384 = hash_row<mbedtls_sha512_context>("sha384", "sha384-generic", Sha384::kOperations, 48, 128);
constexpr Algorithm kSha512 = hash_row<mbedtls_sha512_context>("sha512", "sha512-generic", Sha512::kOperations, 64, 128);

constexpr const Algorithm* kRows[] = {&kMd5, &kRipemd160, &kSha1, &kSha224, &kSha256, &kSha384, &kSha512};

}  // namespace

std::span<const Algorithm* const> mbedtls_hashes() { return kRows; }

}  // namespace lxnet
