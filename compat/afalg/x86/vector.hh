// The compiler's vector intrinsics, and how functions that use them are marked.
//
// Rule kept: every function that uses an instruction beyond the build's own says so in its target attribute, and is reached only
// through a row that cpu.hh found the machine able to run. Nothing is compiled with machine flags of its own: an inline function
// shared with the rest of the program would otherwise carry such instructions there.
// lint-allow includes: the intrinsics are the compiler's own and need no operating system
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

// The loop that follows is so short and so hot that it must not be a loop: its arrays are to be registers.
#if defined(__clang__)
#define LXNET_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LXNET_UNROLL _Pragma("GCC unroll 32")
#endif

#define LXNET_TARGET_AESNI gnu::target("aes,pclmul,avx")
#define LXNET_TARGET_VAES gnu::target("aes,pclmul,avx2,avx512f,avx512bw,avx512vl,avx512dq,vaes,vpclmulqdq")
#define LXNET_TARGET_SHA gnu::target("sha,ssse3,sse4.1")
#define LXNET_TARGET_AVX2 gnu::target("avx2")
#define LXNET_TARGET_AVX512 gnu::target("avx2,avx512f,avx512bw,avx512vl,avx512dq")
#define LXNET_TARGET_SHA512 gnu::target("avx2,bmi2")
#define LXNET_TARGET_CRC32 gnu::target("sse4.2,pclmul")

namespace lxnet::x86 {

// Zeroes what held a secret, although nobody reads it afterwards.
inline void wipe(void* secret, size_t size) {
  memset(secret, 0, size);
  asm volatile("" : : "r"(secret) : "memory");
}

// Whether they are equal, without saying by its time where they differ.
inline bool equal_in_constant_time(const uint8_t* a, const uint8_t* b, size_t size) {
  unsigned difference = 0;
  for (size_t i = 0; i < size; ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  asm volatile("" : "+r"(difference));
  return difference == 0;
}

}  // namespace lxnet::x86
