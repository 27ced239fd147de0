// The rows of this folder, each with what it needs of the processor.
#pragma once

#include "compat/afalg/algorithm.hh"
#include "compat/afalg/x86/cpu.hh"

namespace lxnet::x86 {

struct AcceleratedRow {
  const Algorithm* row;
  bool CpuFeatures::*needs;
};

std::span<const AcceleratedRow> aes_rows();
std::span<const AcceleratedRow> hash_rows();
std::span<const AcceleratedRow> chacha_rows();

// Priorities as Linux gives them: above every portable implementation, and the wider above the narrower.
inline constexpr int kAesniPriority = 400, kVaesPriority = 800, kShaPriority = 250, kSha512Priority = 170, kCrcPriority = 200,
                     kChaChaAvx2Priority = 300, kChaChaAvx512Priority = 400;

}  // namespace lxnet::x86
