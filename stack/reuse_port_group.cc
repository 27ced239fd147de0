// Joining and leaving in O(1): the last member takes the place of the one that leaves.
#include "stack/reuse_port_group.hh"

#include "netdev/packet.hh"

namespace lxnet {

ReusePortGroup* ReusePortGroup::create(const Hal& hal, DemuxEntry& first) {
  ReusePortGroup* group = construct<ReusePortGroup>(hal);
  if (group == nullptr) return nullptr;
  if (!group->join(hal, first).is_ok()) {
    dispose(hal, group);
    return nullptr;
  }
  return group;
}

// The program sees the payload (Linux's run_bpf_filter).
DemuxEntry& ReusePortGroup::select(const PacketTuple& packet, uint64_t flow_hash) const {
  if (program_ && packet.packet != nullptr && packet.header_size <= packet.packet->linear().size()) {
    Packet& whole = *packet.packet;
    uint8_t* front = whole.mutable_linear().data();
    whole.consume(packet.header_size);
    const uint32_t index = program_->run(BpfPacket::of(whole));
    whole.restore_front(front);
    if (index < count_) return *members_[index];
  }
  return *members_[static_cast<size_t>((flow_hash & 0xffff'ffff) * count_ >> 32)];
}

Result<> ReusePortGroup::join(const Hal& hal, DemuxEntry& member) {
  if (count_ == members_.size()) {
    auto larger = TRY(HeapArray<DemuxEntry*>::create(hal, count_ == 0 ? 8 : 2 * size_t{count_}));
    for (uint32_t i = 0; i < count_; ++i) larger[i] = members_[i];
    members_ = std::move(larger);
  }
  member.group_ = this;
  member.group_index_ = count_;
  members_[count_++] = &member;
  return ok();
}

void ReusePortGroup::leave(const Hal& hal, DemuxEntry& member) {
  ReusePortGroup* group = std::exchange(member.group_, nullptr);
  if (group == nullptr) return;
  DemuxEntry* last = group->members_[--group->count_];
  group->members_[member.group_index_] = last;
  last->group_index_ = member.group_index_;
  if (group->count_ == 0) dispose(hal, group);
}

}  // namespace lxnet
