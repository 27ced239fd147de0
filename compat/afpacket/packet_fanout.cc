#include "compat/afpacket/packet_fanout.hh"

#include "compat/afpacket/packet_socket.hh"
#include "stack/ip/gather.hh"
#include "stack/wire/ethernet.hh"
#include "stack/wire/ipv4.hh"

namespace lxnet {

namespace {

bool is_fragment(const FrameView& view) {
  Ipv4Header header;
  return view.protocol() == static_cast<uint16_t>(EtherType::Ipv4) &&
         view.read(ViewFrom::NetworkHeader, 0, mutable_bytes_of(header)) == sizeof header && header.is_fragment();
}

// The datagram that a fragment completes, as a frame like it. Null: others are to come, or there is no memory for it.
Ref<Packet> gather(Entry& entry, const FrameView& view) {
  auto cloned = view.frame().clone();
  if (!cloned.is_ok()) return nullptr;
  Ref<Packet> packet = cloned.take();
  const size_t network_at = view.network_at();
  packet->interface_index = view.interface().index();
  if (network_at != 0) packet->mark_link_header();
  packet->consume(network_at);
  packet = ip4_gather_seen(entry, std::move(packet));
  if (!packet) return nullptr;
  if (network_at != 0) packet->restore_front(packet->link_header());
  // It came when the last of it did, and nobody has summed it.
  packet->wall_nanos = view.frame().wall_nanos;
  packet->checksum = ChecksumState::Unknown;
  packet->link_protocol = view.frame().link_protocol;
  return packet;
}

}  // namespace

Result<PacketFanout*> PacketFanout::create(Stack& stack, const FanoutRequest& request, uint16_t id, uint8_t flags,
                                           const TapBinding& binding) {
  const uint32_t limit = request.limit == 0 ? kUsualMembers : request.limit;
  auto members = TRY(HeapArray<PacketSocket*>::create(stack.hal(), limit));
  PacketFanout* fanout = construct<PacketFanout>(stack.hal(), stack, request, id, flags, binding, std::move(members));
  if (fanout == nullptr) return Errno::ENOMEM;
  return fanout;
}

PacketFanout::PacketFanout(Stack& stack, const FanoutRequest& request, uint16_t id, uint8_t flags, const TapBinding& binding,
                           HeapArray<PacketSocket*> members)
    : stack_(stack),
      id_(id),
      kind_(request.kind()),
      flags_(flags),
      ignores_outgoing_(request.has(kFanoutIgnoreOutgoing)),
      wants_whole_(request.has(kFanoutDefragment)),
      limit_(static_cast<uint32_t>(members.size())),
      binding_(binding),
      key_(stack.hal().random<SipKey>()),
      tap_(*this),
      mutex_(stack.hal(), LockRank::SocketInventory),
      members_(std::move(members)) {
  tap_.watch(binding.device);
}

void PacketFanout::link(PacketSocket& socket) {
  bool is_first = false;
  {
    MutexLock lock(mutex_);
    is_first = count_ == 0;
    members_[count_++] = &socket;
  }
  if (is_first) stack_.interfaces().taps().add(tap_);
}

void PacketFanout::unlink(PacketSocket& socket) {
  bool is_last = false;
  {
    MutexLock lock(mutex_);
    uint32_t at = 0;
    while (members_[at] != &socket) ++at;
    members_[at] = members_[--count_];
    is_last = count_ == 0;
  }
  if (is_last) stack_.interfaces().taps().remove(tap_);
}

void PacketFanout::set_program(Ref<BpfProgram> program) {
  MutexLock lock(mutex_);
  std::swap(program_, program);
}

bool PacketFanout::has_member_locked(const void* owner) const {
  for (uint32_t i = 0; i < count_; ++i) {
    if (members_[i]->is_owner(owner)) return true;
  }
  return false;
}

void PacketFanout::hear(LinkTap& tap, Entry& entry, Interface& interface, const Packet& frame, TapDirection direction) {
  PacketFanout& self = static_cast<Tap&>(tap).fanout;
  if (direction == TapDirection::Sent && self.ignores_outgoing_) return;
  const FrameView view(interface, frame, direction);
  if (!self.binding_.wants(view.protocol(), view.is_outgoing())) return;
  MutexLock lock(self.mutex_);
  // Nobody is shown what he sent himself, and in a group that goes for all.
  if (self.count_ == 0 || (view.is_outgoing() && frame.owner() != nullptr && self.has_member_locked(frame.owner()))) return;
  if (!self.wants_whole_ || !is_fragment(view)) return self.give_locked(entry, view);
  if (const Ref<Packet> whole = gather(entry, view)) self.give_locked(entry, FrameView(interface, *whole, direction));
}

void PacketFanout::give_locked(Entry& entry, const FrameView& view) { members_[choose_locked(view)]->deliver(entry, view); }

}  // namespace lxnet
