// CPUID and XGETBV, as in Intel's manual, volume 1, sections 13.3, 14.3 and 15.2.
#include "compat/afalg/x86/cpu.hh"

#include <cstdint>

namespace lxnet::x86 {
namespace {

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(uint32_t leaf) {
  Registers r;
  asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(0));
  return r;
}

// Which registers the operating system saves.
uint32_t extended_control() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

constexpr bool bit(uint32_t word, int number) { return word >> number & 1; }

constexpr uint32_t kSavesAvx = 0x6;      // XMM and the upper halves of YMM
constexpr uint32_t kSavesAvx512 = 0xe0;  // mask registers, upper halves of ZMM0-15, ZMM16-31

}  // namespace

CpuFeatures find_cpu_features() {
  CpuFeatures found;
  if (cpuid(0).eax < 7) return found;
  const Registers one = cpuid(1);
  const Registers seven = cpuid(7);
  const uint32_t saved = bit(one.ecx, 27) ? extended_control() : 0;
  const bool saves_avx = bit(one.ecx, 28) && (saved & kSavesAvx) == kSavesAvx;
  const bool saves_avx512 = saves_avx && (saved & kSavesAvx512) == kSavesAvx512;
  const bool has_pclmul = bit(one.ecx, 1);
  found.crc32 = bit(one.ecx, 20) && has_pclmul;
  found.sha = bit(seven.ebx, 29) && bit(one.ecx, 19);
  found.aesni = bit(one.ecx, 25) && has_pclmul && saves_avx;
  found.avx2 = bit(seven.ebx, 5) && saves_avx;
  found.avx2_bmi2 = found.avx2 && bit(seven.ebx, 8);
  found.avx512 =
      found.avx2 && saves_avx512 && bit(seven.ebx, 16) && bit(seven.ebx, 17) && bit(seven.ebx, 30) && bit(seven.ebx, 31);
  found.vaes = found.avx512 && found.aesni && bit(seven.ecx, 9) && bit(seven.ecx, 10);
  return found;
}

}  // namespace lxnet::x86
