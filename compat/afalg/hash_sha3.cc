// SHA-3 (FIPS 202): the sponge over Keccak-f[1600].
#include "compat/afalg/primitives.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

constexpr size_t kLanes = 25;

struct Sponge {
  uint64_t lanes[kLanes];
  uint32_t at;  // bytes absorbed since the last permutation
};

constexpr uint64_t kRoundConstants[] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

// Where each lane goes in rho and pi, along the one cycle that pi is, and by how much it turns.
constexpr uint8_t kLaneCycle[] = {10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1};
constexpr uint8_t kTurns[] = {1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44};

void permute(uint64_t (&a)[kLanes]) {
  for (const uint64_t constant : kRoundConstants) {
    uint64_t column[5];
    for (size_t x = 0; x < 5; ++x) column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (size_t x = 0; x < 5; ++x) {
      const uint64_t theta = column[(x + 4) % 5] ^ std::rotl(column[(x + 1) % 5], 1);
      for (size_t y = 0; y < kLanes; y += 5) a[y + x] ^= theta;
    }
    uint64_t moving = a[1];
    for (size_t i = 0; i < 24; ++i) {
      const uint64_t next = a[kLaneCycle[i]];
      a[kLaneCycle[i]] = std::rotl(moving, kTurns[i]);
      moving = next;
    }
    for (size_t y = 0; y < kLanes; y += 5) {
      const uint64_t row[5] = {a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4]};
      for (size_t x = 0; x < 5; ++x) a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
    a[0] ^= constant;
  }
}

void absorb_byte(Sponge& sponge, uint8_t byte) { sponge.lanes[sponge.at / 8] ^= uint64_t{byte} << (8 * (sponge.at % 8)); }

void start(const Algorithm&, const void*, void* state) { memset(state, 0, sizeof(Sponge)); }

// The row's block size is the sponge's rate.
void update(const Algorithm& self, const void*, void* state, ByteSpan bytes) {
  auto& sponge = *static_cast<Sponge*>(state);
  const uint8_t* from = bytes.data();
  for (size_t left = bytes.size(); left != 0;) {
    if (sponge.at % 8 == 0 && left >= 8) {
      sponge.lanes[sponge.at / 8] ^= load_little<uint64_t>(from);
      sponge.at += 8;
      from += 8;
      left -= 8;
    } else {
      absorb_byte(sponge, *from++);
      ++sponge.at;
      --left;
    }
    if (sponge.at == self.block_size) {
      permute(sponge.lanes);
      sponge.at = 0;
    }
  }
}

void finish(const Algorithm& self, const void*, void* state, uint8_t* digest) {
  auto& sponge = *static_cast<Sponge*>(state);
  absorb_byte(sponge, 0x06);
  sponge.at = self.block_size - 1;
  absorb_byte(sponge, 0x80);
  permute(sponge.lanes);
  for (size_t i = 0; i < self.digest_size; ++i) digest[i] = static_cast<uint8_t>(sponge.lanes[i / 8] >> (8 * (i % 8)));
}

constexpr HashOperations kOperations{.start = &start, .update = &update, .finish = &finish};

constexpr Algorithm row(const char* name, const char* driver, uint32_t digest) {
  return {.name = name,
          .driver = driver,
          .kind = AlgorithmKind::Hash,
          .priority = 100,
          .block_size = 200 - 2 * digest,
          .digest_size = digest,
          .state_size = sizeof(Sponge),
          .hash = &kOperations};
}

constexpr Algorithm kSha3_224 = row("sha3-224", "sha3-224-generic", 28);
constexpr Algorithm kSha3_256 = row("sha3-256", "sha3-256-generic", 32);
constexpr Algorithm kSha3_384 = row("sha3-384", "sha3-384-generic", 48);
constexpr Algorithm kSha3_512 = row("sha3-512", "sha3-512-generic", 64);
constexpr const Algorithm* kRows[] = {&kSha3_224, &kSha3_256, &kSha3_384, &kSha3_512};

}  // namespace

std::span<const Algorithm* const> sha3_hashes() { return kRows; }

}  // namespace lxnet
