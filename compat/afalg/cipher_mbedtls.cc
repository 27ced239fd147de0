// The block ciphers mbedTLS has: keys both ways in one context, blocks one by one.
#include <mbedtls/aes.h>
#include <mbedtls/aria.h>
#include <mbedtls/camellia.h>
#include <mbedtls/des.h>

#include "compat/afalg/primitives.hh"
#include "compat/afalg/secret.hh"

namespace lxnet {
namespace {

// A key schedule for each direction. Never copied: mbedTLS's AES points into itself.
template <typename Context>
struct BothWays {
  Context encryption, decryption;
};

unsigned bits_of(ByteSpan key) { return static_cast<unsigned>(key.size() * 8); }
// What mbedTLS says is wrong with a key is its length.
Result<> result_of(int error) { return error == 0 ? Result<>(ok()) : Result<>(Errno::EINVAL); }

struct Aes {
  using Context = mbedtls_aes_context;
  static constexpr size_t kBlock = 16;
  static int set_keys(BothWays<Context>& context, ByteSpan key) {
    mbedtls_aes_init(&context.encryption);
    mbedtls_aes_init(&context.decryption);
    const int error = mbedtls_aes_setkey_enc(&context.encryption, key.data(), bits_of(key));
    return error != 0 ? error : mbedtls_aes_setkey_dec(&context.decryption, key.data(), bits_of(key));
  }
  static void encrypt(Context* context, const uint8_t* from, uint8_t* to) {
    mbedtls_aes_crypt_ecb(context, MBEDTLS_AES_ENCRYPT, from, to);
  }
  static void decrypt(Context* context, const uint8_t* from, uint8_t* to) {
    mbedtls_aes_crypt_ecb(context, MBEDTLS_AES_DECRYPT, from, to);
  }
};

struct Camellia {
  using Context = mbedtls_camellia_context;
  static constexpr size_t kBlock = 16;
  static int set_keys(BothWays<Context>& context, ByteSpan key) {
    const int error = mbedtls_camellia_setkey_enc(&context.encryption, key.data(), bits_of(key));
    return error != 0 ? error : mbedtls_camellia_setkey_dec(&context.decryption, key.data(), bits_of(key));
  }
  static void encrypt(Context* context, const uint8_t* from, uint8_t* to) {
    mbedtls_camellia_crypt_ecb(context, MBEDTLS_CAMELLIA_ENCRYPT, from, to);
  }
  static void decrypt(Context* context, const uint8_t* from, uint8_t* to) {
    mbedtls_camellia_crypt_ecb(context, MBEDTLS_CAMELLIA_DECRYPT, from, to);
  }
};

// A build of mbedTLS without it has no aria (Debian's, at present).
#if defined(MBEDTLS_ARIA_C)
struct Aria {
  using Context = mbedtls_aria_context;
  static constexpr size_t kBlock = 16;
  static int set_keys(BothWays<Context>& context, ByteSpan key) {
    const int error = mbedtls_aria_setkey_enc(&context.encryption, key.data(), bits_of(key));
    return error != 0 ? error : mbedtls_aria_setkey_dec(&context.decryption, key.data(), bits_of(key));
  }
  static void encrypt(Context* context, const uint8_t* from, uint8_t* to) { mbedtls_aria_crypt_ecb(context, from, to); }
  static void decrypt(Context* context, const uint8_t* from, uint8_t* to) { mbedtls_aria_crypt_ecb(context, from, to); }
};
#endif

struct Des {
  using Context = mbedtls_des_context;
  static constexpr size_t kBlock = 8;
  static int set_keys(BothWays<Context>& context, ByteSpan key) {
    const int error = mbedtls_des_setkey_enc(&context.encryption, key.data());
    return error != 0 ? error : mbedtls_des_setkey_dec(&context.decryption, key.data());
  }
  static void encrypt(Context* context, const uint8_t* from, uint8_t* to) { mbedtls_des_crypt_ecb(context, from, to); }
  static void decrypt(Context* context, const uint8_t* from, uint8_t* to) { mbedtls_des_crypt_ecb(context, from, to); }
};

struct TripleDes {
  using Context = mbedtls_des3_context;
  static constexpr size_t kBlock = 8;
  static int set_keys(BothWays<Context>& context, ByteSpan key) {
    const int error = mbedtls_des3_set3key_enc(&context.encryption, key.data());
    return error != 0 ? error : mbedtls_des3_set3key_dec(&context.decryption, key.data());
  }
  static void encrypt(Context* context, const uint8_t* from, uint8_t* to) { mbedtls_des3_crypt_ecb(context, from, to); }
  static void decrypt(Context* context, const uint8_t* from, uint8_t* to) { mbedtls_des3_crypt_ecb(context, from, to); }
};

template <typename Cipher>
struct MbedtlsCipher {
  using Keys = BothWays<typename Cipher::Context>;

  static Result<> set_key(const Algorithm&, void* context, ByteSpan key) {
    wipe(context, sizeof(Keys));
    return result_of(Cipher::set_keys(*static_cast<Keys*>(context), key));
  }
  // mbedTLS takes contexts that it only reads without const.
  static Keys& keys_of(const void* context) { return *static_cast<Keys*>(const_cast<void*>(context)); }
  static void encrypt(const Algorithm&, const void* context, uint8_t* to, const uint8_t* from, size_t blocks) {
    for (; blocks != 0; --blocks, to += Cipher::kBlock, from += Cipher::kBlock) {
      Cipher::encrypt(&keys_of(context).encryption, from, to);
    }
  }
  static void decrypt(const Algorithm&, const void* context, uint8_t* to, const uint8_t* from, size_t blocks) {
    for (; blocks != 0; --blocks, to += Cipher::kBlock, from += Cipher::kBlock) {
      Cipher::decrypt(&keys_of(context).decryption, from, to);
    }
  }
  static constexpr CipherOperations kOperations{.set_key = &set_key, .encrypt = &encrypt, .decrypt = &decrypt};

  static constexpr Algorithm row(const char* name, const char* driver, uint32_t min_key, uint32_t max_key) {
    return {.name = name,
            .driver = driver,
            .kind = AlgorithmKind::Cipher,
            .priority = 100,
            .block_size = Cipher::kBlock,
            .min_key_size = min_key,
            .max_key_size = max_key,
            .context_size = sizeof(Keys),
            .cipher = &kOperations};
  }
};

constexpr Algorithm kAes = MbedtlsCipher<Aes>::row("aes", "aes-generic", 16, 32);
constexpr Algorithm kCamellia = MbedtlsCipher<Camellia>::row("camellia", "camellia-generic", 16, 32);
constexpr Algorithm kDes = MbedtlsCipher<Des>::row("des", "des-generic", 8, 8);
constexpr Algorithm kTripleDes = MbedtlsCipher<TripleDes>::row("des3_ede", "des3_ede-generic", 24, 24);

#if defined(MBEDTLS_ARIA_C)
constexpr Algorithm kAria = MbedtlsCipher<Aria>::row("aria", "aria-generic", 16, 32);
constexpr const Algorithm* kRows[] = {&kDes, &kTripleDes, &kCamellia, &kAria, &kAes};
#else
constexpr const Algorithm* kRows[] = {&kDes, &kTripleDes, &kCamellia, &kAes};
#endif

}  // namespace

std::span<const Algorithm* const> mbedtls_ciphers() { return kRows; }

}  // namespace lxnet
