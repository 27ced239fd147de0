// Poly1305 with AVX2: four lanes.
#include "compat/afalg/x86/poly1305.hh"
#include "compat/afalg/x86/vector.hh"

#define LXNET_WIDE LXNET_TARGET_AVX2
#define LXNET_VEC [[LXNET_WIDE, gnu::always_inline]]

namespace lxnet::x86::avx2 {
namespace {

struct Vec {
  static constexpr size_t kLanes = 4;
  __m256i v;

  LXNET_VEC static Vec all(uint64_t lane) { return {_mm256_set1_epi64x(static_cast<long long>(lane))}; }
  LXNET_VEC static Vec first(uint64_t lane) { return {_mm256_set_epi64x(0, 0, 0, static_cast<long long>(lane))}; }
  LXNET_VEC static Vec load(const uint64_t* lanes) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(lanes))}; }
  LXNET_VEC void store(uint64_t* lanes) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), v); }
  LXNET_VEC Vec operator+(Vec other) const { return {_mm256_add_epi64(v, other.v)}; }
  LXNET_VEC Vec operator*(Vec other) const { return {_mm256_mul_epu32(v, other.v)}; }
  LXNET_VEC Vec operator&(Vec other) const { return {_mm256_and_si256(v, other.v)}; }
  LXNET_VEC Vec operator|(Vec other) const { return {_mm256_or_si256(v, other.v)}; }
  template <int kBits>
  LXNET_VEC Vec left() const {
    return {_mm256_slli_epi64(v, kBits)};
  }
  template <int kBits>
  LXNET_VEC Vec right() const {
    return {_mm256_srli_epi64(v, kBits)};
  }
  // The lower and the upper halves of blocks, those of the first half of them in the even lanes.
  LXNET_VEC static void load_blocks(const uint8_t* from, Vec& low, Vec& high) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 32));
    low = {_mm256_unpacklo_epi64(a, b)};
    high = {_mm256_unpackhi_epi64(a, b)};
  }
};

}  // namespace

#include "compat/afalg/x86/poly1305.inc"

}  // namespace lxnet::x86::avx2
