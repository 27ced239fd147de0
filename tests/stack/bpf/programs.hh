// Programs in tests: as `tcpdump -ddd` prints them, or instruction by instruction.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "stack/bpf/bpf_instruction.hh"

namespace lxnet {

using Program = std::vector<BpfInstruction>;

// The count, then "code jt jf k" of each instruction.
inline Program from_ddd(const std::string& text) {
  std::istringstream in(text);
  size_t count = 0;
  in >> count;
  Program program(count);
  for (BpfInstruction& instruction : program) {
    unsigned code = 0, jt = 0, jf = 0;
    in >> code >> jt >> jf >> instruction.k;
    instruction.code = static_cast<uint16_t>(code);
    instruction.jt = static_cast<uint8_t>(jt);
    instruction.jf = static_cast<uint8_t>(jf);
  }
  return program;
}

inline BpfInstruction op(unsigned code, uint32_t k = 0, uint8_t jt = 0, uint8_t jf = 0) {
  return {.code = static_cast<uint16_t>(code), .jt = jt, .jf = jf, .k = k};
}

inline constexpr unsigned kRetK = bpf::kRet | bpf::kK, kRetA = bpf::kRet | bpf::kA;
inline constexpr unsigned kLdImm = bpf::kLd | bpf::kImm, kLdxImm = bpf::kLdx | bpf::kImm;
inline constexpr unsigned kLdW = bpf::kLd | bpf::kW | bpf::kAbs, kLdH = bpf::kLd | bpf::kH | bpf::kAbs,
                          kLdB = bpf::kLd | bpf::kB | bpf::kAbs;

inline BpfInstruction load_ancillary(bpf::Ancillary which) {
  return op(kLdW, bpf::kAncillaryOffset + static_cast<uint32_t>(which));
}

}  // namespace lxnet
