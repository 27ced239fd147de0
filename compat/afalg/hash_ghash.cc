// GHASH (NIST SP 800-38D): multiplication in GF(2^128) by integer multiplications with holes between the bits, so that carries
// fall into the holes. No table and no branch depends on a secret.
#include "compat/afalg/primitives.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

struct Key {
  uint64_t low, high, low_reversed, high_reversed;
};
struct State {
  uint64_t low, high;
  uint8_t pending[16];
  uint32_t pending_size;
};

// The product's lower 64 bits, without carries.
uint64_t multiply(uint64_t x, uint64_t y) {
  constexpr uint64_t kEveryFourth = 0x1111111111111111;
  uint64_t a[4], b[4], product = 0;
  for (int i = 0; i < 4; ++i) {
    a[i] = x & kEveryFourth << i;
    b[i] = y & kEveryFourth << i;
  }
  for (unsigned i = 0; i < 4; ++i) {
    uint64_t sum = 0;
    for (unsigned j = 0; j < 4; ++j) sum ^= a[j] * b[(i - j) & 3];
    product |= sum & kEveryFourth << i;
  }
  return product;
}

uint64_t reverse_bits(uint64_t x) {
  x = (x & 0x5555555555555555) << 1 | (x >> 1 & 0x5555555555555555);
  x = (x & 0x3333333333333333) << 2 | (x >> 2 & 0x3333333333333333);
  x = (x & 0x0f0f0f0f0f0f0f0f) << 4 | (x >> 4 & 0x0f0f0f0f0f0f0f0f);
  return swap_bytes(x);
}

// Karatsuba for the lower halves, and on reversed words for the upper ones; then the reduction by x^128 + x^7 + x^2 + x + 1.
void absorb(State& state, const Key& key, const uint8_t* block) {
  const uint64_t y1 = state.high ^ load_big<uint64_t>(block), y0 = state.low ^ load_big<uint64_t>(block + 8);
  const uint64_t y0r = reverse_bits(y0), y1r = reverse_bits(y1);
  uint64_t z0 = multiply(y0, key.low), z1 = multiply(y1, key.high);
  uint64_t z2 = multiply(y0 ^ y1, key.low ^ key.high) ^ z0 ^ z1;
  uint64_t z0h = multiply(y0r, key.low_reversed), z1h = multiply(y1r, key.high_reversed);
  uint64_t z2h = multiply(y0r ^ y1r, key.low_reversed ^ key.high_reversed) ^ z0h ^ z1h;
  z0h = reverse_bits(z0h) >> 1;
  z1h = reverse_bits(z1h) >> 1;
  z2h = reverse_bits(z2h) >> 1;

  uint64_t v0 = z0, v1 = z0h ^ z2, v2 = z1 ^ z2h, v3 = z1h;
  // GHASH's bits stand the other way round: the product is one place too low.
  v3 = v3 << 1 | v2 >> 63;
  v2 = v2 << 1 | v1 >> 63;
  v1 = v1 << 1 | v0 >> 63;
  v0 <<= 1;
  v2 ^= v0 ^ v0 >> 1 ^ v0 >> 2 ^ v0 >> 7;
  v1 ^= v0 << 63 ^ v0 << 62 ^ v0 << 57;
  v3 ^= v1 ^ v1 >> 1 ^ v1 >> 2 ^ v1 >> 7;
  v2 ^= v1 << 63 ^ v1 << 62 ^ v1 << 57;
  state.low = v2;
  state.high = v3;
}

Result<> set_key(const Algorithm&, void* context, ByteSpan bytes) {
  if (bytes.size() != 16) return Errno::EINVAL;
  auto& key = *static_cast<Key*>(context);
  key.high = load_big<uint64_t>(bytes.data());
  key.low = load_big<uint64_t>(bytes.data() + 8);
  key.low_reversed = reverse_bits(key.low);
  key.high_reversed = reverse_bits(key.high);
  return ok();
}

void start(const Algorithm&, const void*, void* state) { memset(state, 0, sizeof(State)); }

void update(const Algorithm&, const void* context, void* raw, ByteSpan bytes) {
  auto& state = *static_cast<State*>(raw);
  const auto& key = *static_cast<const Key*>(context);
  if (state.pending_size != 0) {
    const size_t taken = copy_bytes(MutableByteSpan(state.pending).subspan(state.pending_size), bytes);
    state.pending_size += static_cast<uint32_t>(taken);
    bytes = bytes.subspan(taken);
    if (state.pending_size < 16) return;
    absorb(state, key, state.pending);
    state.pending_size = 0;
  }
  for (; bytes.size() >= 16; bytes = bytes.subspan(16)) absorb(state, key, bytes.data());
  state.pending_size = static_cast<uint32_t>(copy_bytes(state.pending, bytes));
}

void finish(const Algorithm&, const void* context, void* raw, uint8_t* digest) {
  auto& state = *static_cast<State*>(raw);
  if (state.pending_size != 0) {
    memset(state.pending + state.pending_size, 0, 16 - state.pending_size);
    absorb(state, *static_cast<const Key*>(context), state.pending);
  }
  store_big(digest, state.high);
  store_big(digest + 8, state.low);
}

constexpr HashOperations kOperations{.set_key = &set_key, .start = &start, .update = &update, .finish = &finish};
constexpr Algorithm kGhash{.name = "ghash",
                           .driver = "ghash-generic",
                           .kind = AlgorithmKind::Hash,
                           .priority = 100,
                           .block_size = 16,
                           .digest_size = 16,
                           .context_size = sizeof(Key),
                           .state_size = sizeof(State),
                           .hash = &kOperations};
constexpr const Algorithm* kRows[] = {&kGhash};

}  // namespace

std::span<const Algorithm* const> ghash_hashes() { return kRows; }

}  // namespace lxnet
