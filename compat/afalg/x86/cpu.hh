// CpuFeatures: what this processor can do and what its operating system saves on a task switch.
#pragma once

namespace lxnet::x86 {

struct CpuFeatures {
  bool crc32 = false;  // SSE4.2's, with PCLMULQDQ
  bool sha = false;    // with SSE4.1
  bool aesni = false;  // with PCLMULQDQ and AVX
  bool avx2 = false;   // the registers' upper halves are saved
  bool avx2_bmi2 = false;
  bool avx512 = false;  // F, BW, VL and DQ; all of the registers are saved
  bool vaes = false;    // 512 bits wide, with VPCLMULQDQ and aesni
};

CpuFeatures find_cpu_features();

}  // namespace lxnet::x86
