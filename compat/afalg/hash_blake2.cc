// BLAKE2b and BLAKE2s (RFC 7693), keyed or not: one piece of code for both word sizes.
#include "compat/afalg/primitives.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

constexpr uint8_t kSigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

struct WordsB {
  using Word = uint64_t;
  static constexpr size_t kRounds = 12;
  static constexpr int kTurns[4] = {32, 24, 16, 63};
  static constexpr Word kStart[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                     0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
};

struct WordsS {
  using Word = uint32_t;
  static constexpr size_t kRounds = 10;
  static constexpr int kTurns[4] = {16, 12, 8, 7};
  static constexpr Word kStart[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
};

template <typename Words>
struct Blake2 {
  using Word = typename Words::Word;
  static constexpr size_t kBlock = 16 * sizeof(Word);
  static constexpr size_t kMaxKey = kBlock / 2;

  struct Key {
    uint8_t bytes[kMaxKey];
    uint32_t size;  // 0 without
  };
  struct State {
    Word h[8];
    uint64_t count;
    uint32_t pending_size;
    uint8_t pending[kBlock];  // the last block waits: it is compressed as the last
  };

  static void mix(Word (&v)[16], size_t a, size_t b, size_t c, size_t d, Word x, Word y) {
    v[a] += v[b] + x;
    v[d] = std::rotr(v[d] ^ v[a], Words::kTurns[0]);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], Words::kTurns[1]);
    v[a] += v[b] + y;
    v[d] = std::rotr(v[d] ^ v[a], Words::kTurns[2]);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], Words::kTurns[3]);
  }

  static void compress(State& state, const uint8_t* block, size_t size, Word last) {
    Word m[16], v[16];
    state.count += size;
    for (size_t i = 0; i < 16; ++i) m[i] = load_little<Word>(block + i * sizeof(Word));
    for (size_t i = 0; i < 8; ++i) {
      v[i] = state.h[i];
      v[i + 8] = Words::kStart[i];
    }
    v[12] ^= static_cast<Word>(state.count);
    v[13] ^= sizeof(Word) == 8 ? 0 : static_cast<Word>(state.count >> 32);
    v[14] ^= last;
    for (size_t round = 0; round < Words::kRounds; ++round) {
      const uint8_t* s = kSigma[round % 10];
      for (size_t i = 0; i < 4; ++i) mix(v, i, i + 4, i + 8, i + 12, m[s[2 * i]], m[s[2 * i + 1]]);
      for (size_t i = 0; i < 4; ++i) {
        mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
      }
    }
    for (size_t i = 0; i < 8; ++i) state.h[i] ^= v[i] ^ v[i + 8];
  }

  static Result<> set_key(const Algorithm&, void* context, ByteSpan key) {
    if (key.empty() || key.size() > kMaxKey) return Errno::EINVAL;
    auto& kept = *static_cast<Key*>(context);
    wipe_object(kept);
    memcpy(kept.bytes, key.data(), key.size());
    kept.size = static_cast<uint32_t>(key.size());
    return ok();
  }

  static void start(const Algorithm& self, const void* context, void* raw) {
    const auto& key = *static_cast<const Key*>(context);
    auto& state = *static_cast<State*>(raw);
    memset(raw, 0, sizeof state);
    for (size_t i = 0; i < 8; ++i) state.h[i] = Words::kStart[i];
    state.h[0] ^= static_cast<Word>(0x01010000 | key.size << 8 | self.digest_size);
    if (key.size == 0) return;
    memcpy(state.pending, key.bytes, key.size);
    state.pending_size = kBlock;
  }

  static void update(const Algorithm&, const void*, void* raw, ByteSpan bytes) {
    auto& state = *static_cast<State*>(raw);
    while (!bytes.empty()) {
      if (state.pending_size == kBlock) {
        compress(state, state.pending, kBlock, 0);
        state.pending_size = 0;
      }
      if (state.pending_size == 0) {
        for (; bytes.size() > kBlock; bytes = bytes.subspan(kBlock)) compress(state, bytes.data(), kBlock, 0);
      }
      const size_t taken = copy_bytes(MutableByteSpan(state.pending).subspan(state.pending_size), bytes);
      state.pending_size += static_cast<uint32_t>(taken);
      bytes = bytes.subspan(taken);
    }
  }

  static void finish(const Algorithm& self, const void*, void* raw, uint8_t* digest) {
    auto& state = *static_cast<State*>(raw);
    memset(state.pending + state.pending_size, 0, kBlock - state.pending_size);
    compress(state, state.pending, state.pending_size, static_cast<Word>(~Word{0}));
    uint8_t whole[8 * sizeof(Word)];
    for (size_t i = 0; i < 8; ++i) store_little(whole + i * sizeof(Word), state.h[i]);
    memcpy(digest, whole, self.digest_size);
  }

  static constexpr HashOperations kOperations{.set_key = &set_key, .start = &start, .update = &update, .finish = &finish};

  static constexpr Algorithm row(const char* name, const char* driver, uint32_t digest) {
    return {.name = name,
            .driver = driver,
            .kind = AlgorithmKind::Hash,
            .priority = 100,
            .block_size = kBlock,
            .digest_size = digest,
            .key_is_optional = true,
            .context_size = sizeof(Key),
            .state_size = sizeof(State),
            .hash = &kOperations};
  }
};

using B = Blake2<WordsB>;
using S = Blake2<WordsS>;
constexpr Algorithm kB160 = B::row("blake2b-160", "blake2b-160-generic", 20);
constexpr Algorithm kB256 = B::row("blake2b-256", "blake2b-256-generic", 32);
constexpr Algorithm kB384 = B::row("blake2b-384", "blake2b-384-generic", 48);
constexpr Algorithm kB512 = B::row("blake2b-512", "blake2b-512-generic", 64);
constexpr Algorithm kS128 = S::row("blake2s-128", "blake2s-128-generic", 16);
constexpr Algorithm kS160 = S::row("blake2s-160", "blake2s-160-generic", 20);
constexpr Algorithm kS224 = S::row("blake2s-224", "blake2s-224-generic", 28);
constexpr Algorithm kS256 = S::row("blake2s-256", "blake2s-256-generic", 32);
constexpr const Algorithm* kRows[] = {&kS128, &kS160, &kS224, &kS256, &kB160, &kB256, &kB384, &kB512};

}  // namespace

std::span<const Algorithm* const> blake2_hashes() { return kRows; }

}  // namespace lxnet
