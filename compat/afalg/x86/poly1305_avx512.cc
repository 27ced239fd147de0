// Poly1305 with AVX-512: eight lanes.
#include "compat/afalg/x86/poly1305.hh"
#include "compat/afalg/x86/vector.hh"

#define LXNET_WIDE LXNET_TARGET_AVX512
#define LXNET_VEC [[LXNET_WIDE, gnu::always_inline]]

namespace lxnet::x86::avx512 {
namespace {

struct Vec {
  static constexpr size_t kLanes = 8;
  __m512i v;

  LXNET_VEC static Vec all(uint64_t lane) { return {_mm512_set1_epi64(static_cast<long long>(lane))}; }
  LXNET_VEC static Vec first(uint64_t lane) { return {_mm512_set_epi64(0, 0, 0, 0, 0, 0, 0, static_cast<long long>(lane))}; }
  LXNET_VEC static Vec load(const uint64_t* lanes) { return {_mm512_loadu_si512(lanes)}; }
  LXNET_VEC void store(uint64_t* lanes) const { _mm512_storeu_si512(lanes, v); }
  LXNET_VEC Vec operator+(Vec other) const { return {_mm512_add_epi64(v, other.v)}; }
  LXNET_VEC Vec operator*(Vec other) const { return {_mm512_mul_epu32(v, other.v)}; }
  LXNET_VEC Vec operator&(Vec other) const { return {_mm512_and_si512(v, other.v)}; }
  LXNET_VEC Vec operator|(Vec other) const { return {_mm512_or_si512(v, other.v)}; }
  template <int kBits>
  LXNET_VEC Vec left() const {
    return {_mm512_slli_epi64(v, kBits)};
  }
  template <int kBits>
  LXNET_VEC Vec right() const {
    return {_mm512_srli_epi64(v, kBits)};
  }
  // The lower and the upper halves of blocks, those of the first half of them in the even lanes.
  LXNET_VEC static void load_blocks(const uint8_t* from, Vec& low, Vec& high) {
    const __m512i a = _mm512_loadu_si512(from), b = _mm512_loadu_si512(from + 64);
    low = {_mm512_unpacklo_epi64(a, b)};
    high = {_mm512_unpackhi_epi64(a, b)};
  }
};

}  // namespace

#include "compat/afalg/x86/poly1305.inc"

}  // namespace lxnet::x86::avx512
