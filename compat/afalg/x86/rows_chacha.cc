// ChaCha20, and with Poly1305 RFC 8439's authenticated encryption, as rows.
#include "base/bytes.hh"
#include "compat/afalg/x86/chacha.hh"
#include "compat/afalg/x86/poly1305.hh"
#include "compat/afalg/x86/rows.hh"
#include "compat/afalg/x86/vector.hh"

namespace lxnet::x86 {
namespace {

constexpr size_t kNonce = 12;

struct Avx2 {
  static constexpr auto chacha_crypt = &avx2::chacha_crypt;
  static constexpr auto poly1305_blocks = &avx2::poly1305_blocks;
};
struct Avx512 {
  static constexpr auto chacha_crypt = &avx512::chacha_crypt;
  static constexpr auto poly1305_blocks = &avx512::poly1305_blocks;
};

Result<> set_key(const Algorithm&, void* context, ByteSpan key) {
  if (key.size() != kChaChaKey) return Errno::EINVAL;
  memcpy(context, key.data(), kChaChaKey);
  return ok();
}

Result<> check_tag_size(const Algorithm&, size_t size) { return size == kPolyTag ? Result<>(ok()) : Result<>(Errno::EINVAL); }

template <typename Modes>
struct Operations {
  static Result<> crypt(const Algorithm&, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
    ChaChaState state;
    chacha_start(state, static_cast<const uint8_t*>(context), iv);
    Modes::chacha_crypt(state, to, from, size);
    wipe(&state, sizeof state);
    return ok();
  }

  // One message of RFC 8439, 2.8: the first block of the stream is Poly1305's key, the text begins with the second.
  struct Message {
    ChaChaState chacha;
    Poly1305 poly;
    Message(const void* context, const uint8_t* nonce) {
      uint8_t iv[4 + kNonce] = {};
      memcpy(iv + 4, nonce, kNonce);
      chacha_start(chacha, static_cast<const uint8_t*>(context), iv);
      uint8_t key[kPolyKey] = {};
      Modes::chacha_crypt(chacha, key, key, sizeof key);
      poly1305_start(poly, key);
      wipe(key, sizeof key);
      chacha.words[12] = 1;
    }
    ~Message() { wipe(this, sizeof *this); }
    Message(const Message&) = delete;

    void crypt(const AeadRequest& request) { Modes::chacha_crypt(chacha, request.to, request.from, request.size); }
    void add_padded(const uint8_t* from, size_t size) {
      Modes::poly1305_blocks(poly, from, size / kPolyBlock);
      const size_t tail = size % kPolyBlock;
      if (tail == 0) return;
      uint8_t block[kPolyBlock] = {};
      memcpy(block, from + size - tail, tail);
      Modes::poly1305_blocks(poly, block, 1);
    }
    void authenticate(ByteSpan associated, const uint8_t* cipher, size_t size, uint8_t* tag) {
      add_padded(associated.data(), associated.size());
      add_padded(cipher, size);
      const uint64_t sizes[2] = {associated.size(), size};
      Modes::poly1305_blocks(poly, reinterpret_cast<const uint8_t*>(sizes), 1);
      poly1305_finish(poly, tag);
    }
  };

  static Result<> encrypt(const Algorithm&, const void* context, const AeadRequest& request) {
    Message message(context, request.iv);
    message.crypt(request);
    message.authenticate(request.associated, request.to, request.size, request.tag);
    return ok();
  }
  // The tag is compared before anything is deciphered.
  static Result<> decrypt(const Algorithm&, const void* context, const AeadRequest& request) {
    Message message(context, request.iv);
    uint8_t tag[kPolyTag];
    message.authenticate(request.associated, request.from, request.size, tag);
    const bool is_right = equal_in_constant_time(tag, request.tag, kPolyTag);
    wipe(tag, sizeof tag);
    if (!is_right) return Errno::EBADMSG;
    message.crypt(request);
    return ok();
  }

  static constexpr SkcipherOperations kSkcipher{.set_key = &set_key, .encrypt = &crypt, .decrypt = &crypt};
  static constexpr AeadOperations kAead{
      .set_key = &set_key, .check_tag_size = &check_tag_size, .encrypt = &encrypt, .decrypt = &decrypt};
};

constexpr Algorithm chacha_row(const char* driver, int priority, const SkcipherOperations& operations) {
  return {.name = "chacha20",
          .driver = driver,
          .kind = AlgorithmKind::Skcipher,
          .priority = priority,
          .block_size = 1,
          .chunk_size = kChaChaBlock,
          .iv_size = 16,
          .min_key_size = kChaChaKey,
          .max_key_size = kChaChaKey,
          .context_size = kChaChaKey,
          .skcipher = &operations};
}

constexpr Algorithm aead_row(const char* driver, int priority, const AeadOperations& operations) {
  return {.name = "rfc7539(chacha20,poly1305)",
          .driver = driver,
          .kind = AlgorithmKind::Aead,
          .priority = priority,
          .block_size = 1,
          .chunk_size = kChaChaBlock,
          .iv_size = kNonce,
          .min_key_size = kChaChaKey,
          .max_key_size = kChaChaKey,
          .digest_size = kPolyTag,
          .context_size = kChaChaKey,
          .aead = &operations};
}

constexpr Algorithm kChaChaAvx2 = chacha_row("chacha20-avx2", kChaChaAvx2Priority, Operations<Avx2>::kSkcipher);
constexpr Algorithm kChaChaAvx512 = chacha_row("chacha20-avx512", kChaChaAvx512Priority, Operations<Avx512>::kSkcipher);
constexpr Algorithm kAeadAvx2 = aead_row("rfc7539(chacha20-avx2,poly1305-avx2)", kChaChaAvx2Priority, Operations<Avx2>::kAead);
constexpr Algorithm kAeadAvx512 =
    aead_row("rfc7539(chacha20-avx512,poly1305-avx512)", kChaChaAvx512Priority, Operations<Avx512>::kAead);

constexpr AcceleratedRow kRows[] = {
    {&kChaChaAvx2, &CpuFeatures::avx2},
    {&kAeadAvx2, &CpuFeatures::avx2},
    {&kChaChaAvx512, &CpuFeatures::avx512},
    {&kAeadAvx512, &CpuFeatures::avx512},
};

}  // namespace

std::span<const AcceleratedRow> chacha_rows() { return kRows; }

}  // namespace lxnet::x86
