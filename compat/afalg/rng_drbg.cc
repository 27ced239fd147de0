// Deterministic random generators of NIST SP 800-90A: HMAC_DRBG (10.1.2) and CTR_DRBG with a derivation function (10.2.1), with
// and without prediction resistance. All are "stdrng" to those who do not care.
//
// What Linux does not check either: a time limit between seedings. Health tests are the registry's known answers.
#include <mbedtls/aes.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>

#include "compat/afalg/primitives.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/words.hh"
#include "hal/hal.hh"

namespace lxnet {
namespace {

constexpr uint64_t kReseedAfter = 1 << 20;
constexpr size_t kMaxRequest = 1 << 16;
constexpr size_t kMaxEntropy = 48;  // the strength of 256 bits, and half of it again as the nonce

// What is put in one after the other.
struct Pieces {
  ByteSpan parts[3];
  size_t size() const { return parts[0].size() + parts[1].size() + parts[2].size(); }
  bool is_empty() const { return size() == 0; }
};

// What both kinds keep; the mechanism's own state follows.
struct Common {
  uint64_t requests;
  ByteSpan test_entropy;
  bool has_test_entropy;
  bool is_seeded;
};

template <size_t kDigest>
struct Sha2;
template <>
struct Sha2<32> {
  mbedtls_sha256_context context;
  void start() { mbedtls_sha256_init(&context), mbedtls_sha256_starts_ret(&context, 0); }
  void update(ByteSpan bytes) { mbedtls_sha256_update_ret(&context, bytes.data(), bytes.size()); }
  void finish(uint8_t* digest) { mbedtls_sha256_finish_ret(&context, digest); }
  static constexpr size_t kBlock = 64;
};
template <>
struct Sha2<64> {
  mbedtls_sha512_context context;
  void start() { mbedtls_sha512_init(&context), mbedtls_sha512_starts_ret(&context, 0); }
  void update(ByteSpan bytes) { mbedtls_sha512_update_ret(&context, bytes.data(), bytes.size()); }
  void finish(uint8_t* digest) { mbedtls_sha512_finish_ret(&context, digest); }
  static constexpr size_t kBlock = 128;
};

template <size_t kDigest>
class HmacMechanism {
 public:
  static constexpr size_t kStrength = 32;

  void instantiate() {
    memset(key_, 0, kDigest);
    memset(value_, 1, kDigest);
  }
  // HMAC_DRBG_Update.
  void update(const Pieces& data) {
    mix(0, data);
    if (!data.is_empty()) mix(1, data);
  }
  void generate(MutableByteSpan out, ByteSpan additional) {
    const Pieces pieces{{additional, {}, {}}};
    if (!additional.empty()) update(pieces);
    while (!out.empty()) {
      hmac({{ByteSpan(value_), {}, {}}}, nullptr, value_);
      out = out.subspan(copy_bytes(out, value_));
    }
    update(pieces);
  }

 private:
  void mix(uint8_t separator, const Pieces& data) {
    hmac(data, &separator, key_);
    hmac({{ByteSpan(value_), {}, {}}}, nullptr, value_);
  }
  // With a separator: of the value, the separator and the pieces.
  void hmac(const Pieces& data, const uint8_t* separator, uint8_t* out) {
    Sha2<kDigest> hash;
    SecretBytes<kDigest> inner;
    start(hash, 0x36);
    if (separator != nullptr) {
      hash.update(value_);
      hash.update(ByteSpan(separator, 1));
    }
    for (const ByteSpan part : data.parts) hash.update(part);
    hash.finish(inner);
    start(hash, 0x5c);
    hash.update(inner.first(kDigest));
    hash.finish(out);
    wipe_object(hash);
  }
  void start(Sha2<kDigest>& hash, uint8_t padding) {
    SecretBytes<Sha2<kDigest>::kBlock> block;
    memcpy(block, key_, kDigest);
    for (uint8_t& byte : block.bytes) byte = static_cast<uint8_t>(byte ^ padding);
    hash.start();
    hash.update(block.bytes);
  }

  uint8_t key_[kDigest], value_[kDigest];
};

template <size_t kKey>
class CtrMechanism {
 public:
  static constexpr size_t kBlock = 16, kSeed = kKey + kBlock, kStrength = kKey;

  void instantiate() {
    memset(key_, 0, kKey);
    memset(value_, 0, kBlock);
  }
  void update(const Pieces& data) {
    SecretBytes<kSeed> derived;
    derive(data, derived);
    mix(derived);
  }
  void generate(MutableByteSpan out, ByteSpan additional) {
    SecretBytes<kSeed> derived;
    if (!additional.empty()) {
      derive({{additional, {}, {}}}, derived);
      mix(derived);
    }
    Aes aes(ByteSpan(key_, kKey));
    SecretBytes<kBlock> block;
    while (!out.empty()) {
      increment();
      aes.encrypt(value_, block);
      out = out.subspan(copy_bytes(out, block.bytes));
    }
    mix(derived);
  }

 private:
  class Aes {
   public:
    explicit Aes(ByteSpan key) {
      mbedtls_aes_init(&context_);
      mbedtls_aes_setkey_enc(&context_, key.data(), static_cast<unsigned>(key.size() * 8));
    }
    ~Aes() { mbedtls_aes_free(&context_); }
    Aes(const Aes&) = delete;
    Aes& operator=(const Aes&) = delete;
    void encrypt(const uint8_t* from, uint8_t* to) { mbedtls_aes_crypt_ecb(&context_, MBEDTLS_AES_ENCRYPT, from, to); }

   private:
    mbedtls_aes_context context_;
  };

  void increment() {
    for (size_t i = kBlock; i != 0 && ++value_[i - 1] == 0;) --i;
  }
  // CTR_DRBG_Update with exactly a seed's length.
  void mix(const uint8_t* provided) {
    Aes aes(ByteSpan(key_, kKey));
    SecretBytes<kSeed + kBlock> stream;
    for (size_t at = 0; at < kSeed; at += kBlock) {
      increment();
      aes.encrypt(value_, stream + at);
    }
    xor_bytes(stream, stream, provided, kSeed);
    memcpy(key_, stream, kKey);
    memcpy(value_, stream + kKey, kBlock);
  }

  // A chain of blocks for BCC, fed bytewise.
  struct Chain {
    Aes& aes;
    uint8_t* value;
    size_t at = 0;
    void put(uint8_t byte) {
      value[at++] ^= byte;
      if (at < kBlock) return;
      aes.encrypt(value, value);
      at = 0;
    }
    void put(ByteSpan bytes) {
      for (const uint8_t byte : bytes) put(byte);
    }
  };

  // Block_Cipher_df (10.3.2).
  static void derive(const Pieces& data, uint8_t* out) {
    SecretBytes<kKey> key;
    for (size_t i = 0; i < kKey; ++i) key[i] = static_cast<uint8_t>(i);
    SecretBytes<kSeed + kBlock> chained;
    {
      Aes aes(key.first(kKey));
      for (uint32_t i = 0; i * kBlock < kSeed; ++i) {
        Chain chain{aes, chained + i * kBlock};
        uint8_t head[kBlock] = {};
        store_big(head, i);
        chain.put(head);
        uint8_t sizes[8];
        store_big(sizes, static_cast<uint32_t>(data.size()));
        store_big(sizes + 4, uint32_t{kSeed});
        chain.put(sizes);
        for (const ByteSpan part : data.parts) chain.put(part);
        chain.put(0x80);
        while (chain.at != 0) chain.put(uint8_t{0});
      }
    }
    Aes aes(chained.first(kKey));
    SecretBytes<kBlock> block;
    memcpy(block, chained + kKey, kBlock);
    for (size_t at = 0; at < kSeed; at += kBlock) {
      aes.encrypt(block, block);
      memcpy(out + at, block, kSeed - at < kBlock ? kSeed - at : kBlock);
    }
  }

  uint8_t key_[kKey], value_[kBlock];
};

template <typename Mechanism, bool kPredictionResistance>
struct Drbg {
  struct Context : Common {
    Mechanism mechanism;
  };
  static Context& of(void* context) { return *static_cast<Context*>(context); }

  // Seeds it, or seeds it again with less: then the nonce is not needed.
  static void take_entropy(const Hal& hal, Context& context, ByteSpan personal) {
    SecretBytes<kMaxEntropy> fresh;
    ByteSpan entropy = context.test_entropy;
    if (!context.has_test_entropy) {
      const size_t size = context.is_seeded ? Mechanism::kStrength : Mechanism::kStrength * 3 / 2;
      hal.random_bytes(MutableByteSpan(fresh.bytes, size));
      entropy = ByteSpan(fresh.bytes, size);
    }
    context.mechanism.update({{entropy, personal, {}}});
    context.is_seeded = true;
    context.requests = 1;
  }

  static Result<> seed(const Algorithm&, const Hal& hal, void* raw, ByteSpan personal) {
    Context& context = of(raw);
    if (!context.is_seeded) context.mechanism.instantiate();
    take_entropy(hal, context, personal);
    return ok();
  }

  static Result<> generate(const Algorithm&, const Hal& hal, void* raw, MutableByteSpan out, ByteSpan additional) {
    Context& context = of(raw);
    if (!context.is_seeded || out.empty() || out.size() > kMaxRequest) return Errno::EINVAL;
    if (kPredictionResistance || context.requests > kReseedAfter) {
      take_entropy(hal, context, additional);
      additional = {};
    }
    context.mechanism.generate(out, additional);
    ++context.requests;
    return ok();
  }

  static void set_entropy(const Algorithm&, void* raw, ByteSpan entropy) {
    of(raw).test_entropy = entropy;
    of(raw).has_test_entropy = true;
  }

  static constexpr RngOperations kOperations{.seed = &seed, .generate = &generate, .set_entropy = &set_entropy};
  static constexpr Algorithm row(const char* driver, int priority) {
    return {.name = "stdrng",
            .driver = driver,
            .kind = AlgorithmKind::Rng,
            .priority = priority,
            .context_size = sizeof(Context),
            .rng = &kOperations};
  }
};

// By rising priority, in the order in which Linux registers them.
constexpr Algorithm kRows[] = {
    Drbg<CtrMechanism<16>, true>::row("drbg_pr_ctr_aes128", 200),
    Drbg<CtrMechanism<24>, true>::row("drbg_pr_ctr_aes192", 201),
    Drbg<CtrMechanism<32>, true>::row("drbg_pr_ctr_aes256", 202),
    Drbg<HmacMechanism<32>, true>::row("drbg_pr_hmac_sha256", 203),
    Drbg<HmacMechanism<64>, true>::row("drbg_pr_hmac_sha512", 204),
    Drbg<CtrMechanism<16>, false>::row("drbg_nopr_ctr_aes128", 205),
    Drbg<CtrMechanism<24>, false>::row("drbg_nopr_ctr_aes192", 206),
    Drbg<CtrMechanism<32>, false>::row("drbg_nopr_ctr_aes256", 207),
    Drbg<HmacMechanism<32>, false>::row("drbg_nopr_hmac_sha256", 208),
    Drbg<HmacMechanism<64>, false>::row("drbg_nopr_hmac_sha512", 209),
};
constexpr const Algorithm* kPointers[] = {&kRows[0], &kRows[1], &kRows[2], &kRows[3], &kRows[4],
                                          &kRows[5], &kRows[6], &kRows[7], &kRows[8], &kRows[9]};

}  // namespace

std::span<const Algorithm* const> random_generators() { return kPointers; }

}  // namespace lxnet
