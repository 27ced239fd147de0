#include "stack/bpf/bpf_check.hh"

namespace lxnet {
namespace {

using namespace bpf;

bool is_arithmetic(uint16_t code) {
  const uint16_t operation = code & kOperationMask;
  if (operation == kNeg) return code == (kAlu | kNeg);
  return operation <= kXor && code <= 0xff;
}

bool is_jump(uint16_t code) { return code == (kJmp | kJa) || ((code & kOperationMask) >= kJeq && code <= (kJmp | kJset | kX)); }

bool is_packet_load(uint16_t code) {
  const uint16_t size = code & kSizeMask;
  const uint16_t mode = code & static_cast<uint16_t>(~(kSizeMask | kClassMask));
  return (size == kW || size == kH || size == kB) && (mode == kAbs || mode == kInd);
}

bool is_known(uint16_t code) {
  switch (code & kClassMask) {
    case kLd:
      return is_packet_load(code) || code == (kLd | kImm) || code == (kLd | kMem) || code == (kLd | kW | kLen);
    case kLdx:
      return code == (kLdx | kImm) || code == (kLdx | kMem) || code == (kLdx | kW | kLen) || code == (kLdx | kB | kMsh);
    case kSt:
      return code == kSt;
    case kStx:
      return code == kStx;
    case kAlu:
      return is_arithmetic(code);
    case kJmp:
      return is_jump(code);
    case kRet:
      return code == (kRet | kK) || code == (kRet | kA);
    default:
      return code == (kMisc | kTax) || code == (kMisc | kTxa);
  }
}

bool is_known_ancillary(uint32_t k) {
  const uint32_t which = k - kAncillaryOffset;
  return which % 4 == 0 && which <= static_cast<uint32_t>(Ancillary::VlanProtocol);
}

bool reads_cell(uint16_t code) { return code == (kLd | kMem) || code == (kLdx | kMem); }
bool writes_cell(uint16_t code) { return code == kSt || code == kStx; }

// Whether the constants of one instruction make sense; `left` instructions follow it.
bool is_sound(const BpfInstruction& instruction, size_t left) {
  const uint16_t code = instruction.code;
  const uint32_t k = instruction.k;
  if (code == (kAlu | kDiv | kK) || code == (kAlu | kMod | kK)) return k != 0;
  if (code == (kAlu | kLsh | kK) || code == (kAlu | kRsh | kK)) return k < 32;
  if (reads_cell(code) || writes_cell(code)) return k < kBpfMemoryWords;
  if (code == (kJmp | kJa)) return k < left;
  if ((code & kClassMask) == kJmp) return instruction.jt < left && instruction.jf < left;
  if ((code & kClassMask) == kLd && (code & kModeMask) == kAbs) return k < kAncillaryOffset || is_known_ancillary(k);
  return true;
}

// One pass forward: jumps only go forward, so all ways to an instruction have been seen when it is reached. cells[i] holds the
// memory cells that are written on every way that jumps to i.
bool reads_only_written_cells(std::span<const BpfInstruction> program, std::span<uint16_t> cells) {
  constexpr uint16_t kAll = 0xffff;  // nothing falls through from before: no restriction
  for (uint16_t& cell : cells) cell = kAll;
  uint16_t written = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    const BpfInstruction& instruction = program[at];
    written &= cells[at];
    if (writes_cell(instruction.code)) {
      written = static_cast<uint16_t>(written | 1u << instruction.k);
    } else if (reads_cell(instruction.code)) {
      if ((written >> instruction.k & 1) == 0) return false;
    } else if (instruction.code == (kJmp | kJa)) {
      cells[at + 1 + instruction.k] &= written;
      written = kAll;
    } else if ((instruction.code & kClassMask) == kJmp) {
      cells[at + 1 + instruction.jt] &= written;
      cells[at + 1 + instruction.jf] &= written;
      written = kAll;
    }
  }
  return true;
}

}  // namespace

Result<> check_bpf(std::span<const BpfInstruction> program, std::span<uint16_t> cells) {
  if (program.empty() || program.size() > kBpfMaxInstructions) return Errno::EINVAL;
  ASSERT(cells.size() >= program.size());
  for (size_t at = 0; at < program.size(); ++at) {
    if (!is_known(program[at].code) || !is_sound(program[at], program.size() - at - 1)) return Errno::EINVAL;
  }
  if ((program.back().code & kClassMask) != kRet) return Errno::EINVAL;
  if (!reads_only_written_cells(program, cells.first(program.size()))) return Errno::EINVAL;
  return ok();
}

}  // namespace lxnet
