// AES's modes as rows: once with AES-NI, once with VAES.
#include "base/bytes.hh"
#include "compat/afalg/x86/aes.hh"
#include "compat/afalg/x86/rows.hh"
#include "compat/afalg/x86/vector.hh"

namespace lxnet::x86 {
namespace {

constexpr size_t kGcmNonce = 12;

struct Aesni {
  static constexpr auto encrypt_blocks = &aesni::encrypt_blocks, decrypt_blocks = &aesni::decrypt_blocks;
  static constexpr auto cbc_decrypt = &aesni::cbc_decrypt;
  static constexpr auto ctr_crypt = &aesni::ctr_crypt;
  static constexpr auto xts_encrypt = &aesni::xts_encrypt, xts_decrypt = &aesni::xts_decrypt;
  static constexpr auto gcm_encrypt = &aesni::gcm_encrypt, gcm_decrypt = &aesni::gcm_decrypt;
};
struct Vaes {
  static constexpr auto encrypt_blocks = &vaes::encrypt_blocks, decrypt_blocks = &vaes::decrypt_blocks;
  static constexpr auto cbc_decrypt = &vaes::cbc_decrypt;
  static constexpr auto ctr_crypt = &vaes::ctr_crypt;
  static constexpr auto xts_encrypt = &vaes::xts_encrypt, xts_decrypt = &vaes::xts_decrypt;
  static constexpr auto gcm_encrypt = &vaes::gcm_encrypt, gcm_decrypt = &vaes::gcm_decrypt;
};

struct XtsKey {
  AesKey data, tweak;
};

template <typename Key>
const Key& key_of(const void* context) {
  return *static_cast<const Key*>(context);
}

Result<> valid(bool is_valid) { return is_valid ? Result<>(ok()) : Result<>(Errno::EINVAL); }

Result<> set_key(const Algorithm&, void* context, ByteSpan key) {
  return valid(expand_aes_key(*static_cast<AesKey*>(context), key.data(), key.size()));
}

// Two keys, one after the other.
Result<> set_xts_key(const Algorithm&, void* context, ByteSpan key) {
  auto& keys = *static_cast<XtsKey*>(context);
  const size_t half = key.size() / 2;
  if (key.size() % 2 != 0 || !expand_aes_key(keys.data, key.data(), half)) return Errno::EINVAL;
  return valid(expand_aes_key(keys.tweak, key.data() + half, half));
}

Result<> set_gcm_key(const Algorithm&, void* context, ByteSpan key) {
  return valid(expand_gcm_key(*static_cast<GcmKey*>(context), key.data(), key.size()));
}

// SP 800-38D, 5.2.1.2.
Result<> check_gcm_tag_size(const Algorithm&, size_t size) { return valid(size == 4 || size == 8 || (size >= 12 && size <= 16)); }

template <typename Modes>
struct Operations {
  static void encrypt_blocks(const Algorithm&, const void* context, uint8_t* to, const uint8_t* from, size_t blocks) {
    Modes::encrypt_blocks(key_of<AesKey>(context), to, from, blocks);
  }
  static void decrypt_blocks(const Algorithm&, const void* context, uint8_t* to, const uint8_t* from, size_t blocks) {
    Modes::decrypt_blocks(key_of<AesKey>(context), to, from, blocks);
  }

  static Result<> ecb_encrypt(const Algorithm&, const void* context, uint8_t*, uint8_t* to, const uint8_t* from, size_t size) {
    if (size % kAesBlock != 0) return Errno::EINVAL;
    Modes::encrypt_blocks(key_of<AesKey>(context), to, from, size / kAesBlock);
    return ok();
  }
  static Result<> ecb_decrypt(const Algorithm&, const void* context, uint8_t*, uint8_t* to, const uint8_t* from, size_t size) {
    if (size % kAesBlock != 0) return Errno::EINVAL;
    Modes::decrypt_blocks(key_of<AesKey>(context), to, from, size / kAesBlock);
    return ok();
  }

  static Result<> cbc_encrypt(const Algorithm&, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
    if (size % kAesBlock != 0) return Errno::EINVAL;
    aesni::cbc_encrypt(key_of<AesKey>(context), iv, to, from, size / kAesBlock);
    return ok();
  }
  static Result<> cbc_decrypt(const Algorithm&, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
    if (size % kAesBlock != 0) return Errno::EINVAL;
    Modes::cbc_decrypt(key_of<AesKey>(context), iv, to, from, size / kAesBlock);
    return ok();
  }

  static Result<> ctr_crypt(const Algorithm&, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
    Modes::ctr_crypt(key_of<AesKey>(context), iv, to, from, size);
    return ok();
  }

  static Result<> xts_encrypt(const Algorithm&, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
    return xts(Modes::xts_encrypt, key_of<XtsKey>(context), iv, to, from, size);
  }
  static Result<> xts_decrypt(const Algorithm&, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
    return xts(Modes::xts_decrypt, key_of<XtsKey>(context), iv, to, from, size);
  }
  static Result<> xts(decltype(&aesni::xts_encrypt) crypt, const XtsKey& key, const uint8_t* iv, uint8_t* to, const uint8_t* from,
                      size_t size) {
    if (size < kAesBlock) return Errno::EINVAL;
    uint8_t tweak[kAesBlock];
    Modes::encrypt_blocks(key.tweak, tweak, iv, 1);
    crypt(key.data, tweak, to, from, size);
    wipe(tweak, sizeof tweak);
    return ok();
  }

  static GcmMessage message_of(const AeadRequest& request) {
    return {.nonce = request.iv,
            .associated = request.associated.data(),
            .associated_size = request.associated.size(),
            .to = request.to,
            .from = request.from,
            .size = request.size};
  }
  static Result<> gcm_encrypt(const Algorithm&, const void* context, const AeadRequest& request) {
    uint8_t tag[kAesBlock];
    Modes::gcm_encrypt(key_of<GcmKey>(context), message_of(request), tag);
    memcpy(request.tag, tag, request.tag_size);
    return ok();
  }
  // What is deciphered before its tag is known to be right is wiped when it is wrong.
  static Result<> gcm_decrypt(const Algorithm&, const void* context, const AeadRequest& request) {
    uint8_t tag[kAesBlock];
    Modes::gcm_decrypt(key_of<GcmKey>(context), message_of(request), tag);
    const bool is_right = equal_in_constant_time(tag, request.tag, request.tag_size);
    wipe(tag, sizeof tag);
    if (is_right) return ok();
    if (request.size != 0) wipe(request.to, request.size);
    return Errno::EBADMSG;
  }

  static constexpr CipherOperations kCipher{.set_key = &set_key, .encrypt = &encrypt_blocks, .decrypt = &decrypt_blocks};
  static constexpr SkcipherOperations kEcb{.set_key = &set_key, .encrypt = &ecb_encrypt, .decrypt = &ecb_decrypt};
  static constexpr SkcipherOperations kCbc{.set_key = &set_key, .encrypt = &cbc_encrypt, .decrypt = &cbc_decrypt};
  static constexpr SkcipherOperations kCtr{.set_key = &set_key, .encrypt = &ctr_crypt, .decrypt = &ctr_crypt};
  static constexpr SkcipherOperations kXts{.set_key = &set_xts_key, .encrypt = &xts_encrypt, .decrypt = &xts_decrypt};
  static constexpr AeadOperations kGcm{
      .set_key = &set_gcm_key, .check_tag_size = &check_gcm_tag_size, .encrypt = &gcm_encrypt, .decrypt = &gcm_decrypt};
};

struct Mode {
  const char* name;
  uint32_t block_size = kAesBlock, iv_size = 0, key_factor = 1;
};

constexpr Algorithm skcipher_row(Mode mode, const char* driver, int priority, const SkcipherOperations& operations) {
  return {.name = mode.name,
          .driver = driver,
          .kind = AlgorithmKind::Skcipher,
          .priority = priority,
          .block_size = mode.block_size,
          .chunk_size = kAesBlock,
          .iv_size = mode.iv_size,
          .min_key_size = 16 * mode.key_factor,
          .max_key_size = 32 * mode.key_factor,
          .context_size = mode.key_factor * sizeof(AesKey),
          .skcipher = &operations};
}
static_assert(sizeof(XtsKey) == 2 * sizeof(AesKey));

constexpr Algorithm cipher_row(const char* driver, int priority, const CipherOperations& operations) {
  return {.name = "aes",
          .driver = driver,
          .kind = AlgorithmKind::Cipher,
          .priority = priority,
          .block_size = kAesBlock,
          .min_key_size = 16,
          .max_key_size = 32,
          .context_size = sizeof(AesKey),
          .cipher = &operations};
}

constexpr Algorithm gcm_row(const char* driver, int priority, const AeadOperations& operations) {
  return {.name = "gcm(aes)",
          .driver = driver,
          .kind = AlgorithmKind::Aead,
          .priority = priority,
          .block_size = 1,
          .chunk_size = kAesBlock,
          .iv_size = kGcmNonce,
          .min_key_size = 16,
          .max_key_size = 32,
          .digest_size = kAesBlock,
          .context_size = sizeof(GcmKey),
          .aead = &operations};
}

constexpr Mode kEcb{.name = "ecb(aes)"}, kCbc{.name = "cbc(aes)", .iv_size = 16},
    kCtr{.name = "ctr(aes)", .block_size = 1, .iv_size = 16}, kXts{.name = "xts(aes)", .iv_size = 16, .key_factor = 2};

using Narrow = Operations<Aesni>;
using Wide = Operations<Vaes>;

constexpr Algorithm kCipherAesni = cipher_row("aes-aesni", kAesniPriority, Narrow::kCipher);
constexpr Algorithm kEcbAesni = skcipher_row(kEcb, "ecb-aes-aesni", kAesniPriority, Narrow::kEcb);
constexpr Algorithm kCbcAesni = skcipher_row(kCbc, "cbc-aes-aesni", kAesniPriority, Narrow::kCbc);
constexpr Algorithm kCtrAesni = skcipher_row(kCtr, "ctr-aes-aesni", kAesniPriority, Narrow::kCtr);
constexpr Algorithm kXtsAesni = skcipher_row(kXts, "xts-aes-aesni", kAesniPriority, Narrow::kXts);
constexpr Algorithm kGcmAesni = gcm_row("generic-gcm-aesni", kAesniPriority, Narrow::kGcm);

constexpr Algorithm kCipherVaes = cipher_row("aes-vaes-avx512", kVaesPriority, Wide::kCipher);
constexpr Algorithm kEcbVaes = skcipher_row(kEcb, "ecb-aes-vaes-avx512", kVaesPriority, Wide::kEcb);
constexpr Algorithm kCbcVaes = skcipher_row(kCbc, "cbc-aes-vaes-avx512", kVaesPriority, Wide::kCbc);
constexpr Algorithm kCtrVaes = skcipher_row(kCtr, "ctr-aes-vaes-avx512", kVaesPriority, Wide::kCtr);
constexpr Algorithm kXtsVaes = skcipher_row(kXts, "xts-aes-vaes-avx512", kVaesPriority, Wide::kXts);
constexpr Algorithm kGcmVaes = gcm_row("generic-gcm-vaes-avx512", kVaesPriority, Wide::kGcm);

constexpr AcceleratedRow kRows[] = {
    {&kCipherAesni, &CpuFeatures::aesni}, {&kEcbAesni, &CpuFeatures::aesni}, {&kCbcAesni, &CpuFeatures::aesni},
    {&kCtrAesni, &CpuFeatures::aesni},    {&kXtsAesni, &CpuFeatures::aesni}, {&kGcmAesni, &CpuFeatures::aesni},
    {&kCipherVaes, &CpuFeatures::vaes},   {&kEcbVaes, &CpuFeatures::vaes},   {&kCbcVaes, &CpuFeatures::vaes},
    {&kCtrVaes, &CpuFeatures::vaes},      {&kXtsVaes, &CpuFeatures::vaes},   {&kGcmVaes, &CpuFeatures::vaes},
};

}  // namespace

std::span<const AcceleratedRow> aes_rows() { return kRows; }

}  // namespace lxnet::x86
