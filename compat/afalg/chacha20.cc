// ChaCha20 (RFC 8439, section 2.3). The iv is Linux's: a little-endian block counter, then the nonce; it is left as it was.
#include "compat/afalg/primitives.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

constexpr size_t kBlock = 64;

void quarter_round(uint32_t& a, uint32_t& b, uint32_t& c, uint32_t& d) {
  a += b;
  d = std::rotl(d ^ a, 16);
  c += d;
  b = std::rotl(b ^ c, 12);
  a += b;
  d = std::rotl(d ^ a, 8);
  c += d;
  b = std::rotl(b ^ c, 7);
}

void make_block(const uint32_t (&input)[16], uint8_t* out) {
  uint32_t x[16];
  memcpy(x, input, sizeof x);
  for (int i = 0; i < 10; ++i) {
    quarter_round(x[0], x[4], x[8], x[12]);
    quarter_round(x[1], x[5], x[9], x[13]);
    quarter_round(x[2], x[6], x[10], x[14]);
    quarter_round(x[3], x[7], x[11], x[15]);
    quarter_round(x[0], x[5], x[10], x[15]);
    quarter_round(x[1], x[6], x[11], x[12]);
    quarter_round(x[2], x[7], x[8], x[13]);
    quarter_round(x[3], x[4], x[9], x[14]);
  }
  for (size_t i = 0; i < 16; ++i) store_little(out + 4 * i, x[i] + input[i]);
}

Result<> set_key(const Algorithm&, void* context, ByteSpan key) {
  memcpy(context, key.data(), key.size());
  return ok();
}

Result<> crypt(const Algorithm&, const void* context, uint8_t* iv, uint8_t* to, const uint8_t* from, size_t size) {
  const auto* key = static_cast<const uint8_t*>(context);
  uint32_t input[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (size_t i = 0; i < 8; ++i) input[4 + i] = load_little<uint32_t>(key + 4 * i);
  for (size_t i = 0; i < 4; ++i) input[12 + i] = load_little<uint32_t>(iv + 4 * i);
  SecretBytes<kBlock> stream;
  while (size != 0) {
    make_block(input, stream);
    ++input[12];
    const size_t part = size < kBlock ? size : kBlock;
    xor_bytes(to, from, stream, part);
    to += part;
    from += part;
    size -= part;
  }
  wipe_object(input);
  return ok();
}

constexpr SkcipherOperations kOperations{.set_key = &set_key, .encrypt = &crypt, .decrypt = &crypt};
constexpr Algorithm kChaCha20{.name = "chacha20",
                              .driver = "chacha20-generic",
                              .kind = AlgorithmKind::Skcipher,
                              .priority = 100,
                              .block_size = 1,
                              .chunk_size = kBlock,
                              .iv_size = 16,
                              .min_key_size = 32,
                              .max_key_size = 32,
                              .context_size = 32,
                              .skcipher = &kOperations};
constexpr const Algorithm* kRows[] = {&kChaCha20};

}  // namespace

std::span<const Algorithm* const> chacha_ciphers() { return kRows; }

}  // namespace lxnet
