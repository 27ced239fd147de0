// BpfProgram: a classic BPF program that has passed the check, and what it says of a packet.
//
// It serves SO_ATTACH_FILTER and SO_ATTACH_REUSEPORT_CBPF: a program is made once, shared by the sockets that inherit it, and
// read by many at a time. The result of a run is the number of bytes to keep: 0 drops the packet, and more than it has keeps it
// whole.
#pragma once

#include "base/ref.hh"
#include "hal/memory.hh"
#include "stack/bpf/bpf_instruction.hh"
#include "stack/bpf/bpf_packet.hh"

namespace lxnet {

// Runs a program that check_bpf() has accepted; of any other nothing is promised.
uint32_t run_bpf(std::span<const BpfInstruction> checked_program, const BpfPacket& packet);

class BpfProgram : public RefCounted<BpfProgram> {
 public:
  // EINVAL: empty, longer than kBpfMaxInstructions, or refused by check_bpf(). ENOMEM.
  static Result<Ref<BpfProgram>> create(const Hal& hal, std::span<const BpfInstruction> instructions);
  static void destroy(BpfProgram* program);

  uint32_t run(const BpfPacket& packet) const { return run_bpf(instructions(), packet); }

  // As it was given: SO_GET_FILTER.
  std::span<const BpfInstruction> instructions() const { return {instructions_.data(), instructions_.size()}; }
  // What a socket is charged for it (optmem_max).
  size_t memory_size() const { return sizeof(BpfProgram) + instructions_.size() * sizeof(BpfInstruction); }

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  BpfProgram(const Hal& hal, HeapArray<BpfInstruction> instructions) : hal_(hal), instructions_(std::move(instructions)) {}
  ~BpfProgram() = default;

  const Hal& hal_;
  HeapArray<BpfInstruction> instructions_;
};

}  // namespace lxnet
