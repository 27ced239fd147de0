// ReusePortGroup: sockets that share an address and port by SO_REUSEPORT, and the choice among them.
//
// A flow goes to the same member as long as the membership does not change. Protected by the lock of the bucket the members hang
// in.
#pragma once

#include "stack/bpf/bpf_program.hh"
#include "stack/demux_entry.hh"

namespace lxnet {

class ReusePortGroup {
 public:
  // A group of one; nullptr without memory.
  static ReusePortGroup* create(const Hal& hal, DemuxEntry& first);
  // The last member to leave frees the group.
  static void leave(const Hal& hal, DemuxEntry& member);

  Result<> join(const Hal& hal, DemuxEntry& member);
  // By the program, where there is one and it names a member by the order of joining; else by the hash.
  DemuxEntry& select(const PacketTuple& packet, uint64_t flow_hash) const;
  Ref<BpfProgram> set_program(Ref<BpfProgram> program) { return std::exchange(program_, std::move(program)); }
  uint32_t count() const { return count_; }

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  ReusePortGroup() = default;
  ~ReusePortGroup() = default;

  HeapArray<DemuxEntry*> members_;
  uint32_t count_ = 0;
  Ref<BpfProgram> program_;
};

}  // namespace lxnet
