#include "stack/bpf/bpf_program.hh"

#include <algorithm>

#include "stack/bpf/bpf_check.hh"

namespace lxnet {

Result<Ref<BpfProgram>> BpfProgram::create(const Hal& hal, std::span<const BpfInstruction> instructions) {
  if (instructions.empty() || instructions.size() > kBpfMaxInstructions) return Errno::EINVAL;
  {
    HeapArray<uint16_t> cells = TRY(HeapArray<uint16_t>::create(hal, instructions.size()));
    TRY(check_bpf(instructions, {cells.data(), cells.size()}));
  }
  HeapArray<BpfInstruction> copy = TRY(HeapArray<BpfInstruction>::create(hal, instructions.size()));
  std::ranges::copy(instructions, copy.begin());
  return make_ref<BpfProgram>(hal, hal, std::move(copy));
}

void BpfProgram::destroy(BpfProgram* program) { dispose(program->hal_, program); }

}  // namespace lxnet
