// Which programs may run.
#pragma once

#include <span>

#include "base/result.hh"
#include "stack/bpf/bpf_instruction.hh"

namespace lxnet {

// Linux's rules (bpf_check_classic): known codes only, jumps forward and inside, no division by a constant zero or shift by 32 or
// more, memory cells that exist and that every way to a read has written, ancillary loads that are known, a return at the end.
// Then a program ends after at most as many steps as it has instructions, and reads nothing that is not there. EINVAL: one of
// them is broken. `cells` is room for one number per instruction, and is overwritten.
Result<> check_bpf(std::span<const BpfInstruction> program, std::span<uint16_t> cells);

}  // namespace lxnet
