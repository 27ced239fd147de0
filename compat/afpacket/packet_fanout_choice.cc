// Which socket of a group a frame goes to.
#include "compat/afpacket/packet_fanout.hh"
#include "compat/afpacket/packet_socket.hh"
#include "stack/wire/ethernet.hh"

namespace lxnet {
namespace {

// Both ends of a conversation, in an order that its direction does not change (skb_get_hash_symmetric).
struct FlowEnds {
  uint8_t low[18] = {}, high[18] = {};
  uint32_t protocol = 0;
};
static_assert(sizeof(FlowEnds) == 40);

void order(FlowEnds& ends) {
  if (memcmp(ends.low, ends.high, sizeof ends.low) <= 0) return;
  for (size_t i = 0; i < sizeof ends.low; ++i) std::swap(ends.low[i], ends.high[i]);
}

// Ports follow the header; a fragment has none that can be believed.
void add_ports(const FrameView& view, size_t at, FlowEnds& ends) {
  constexpr uint32_t kTcp = 6, kUdp = 17, kUdpLite = 136, kSctp = 132;
  if (ends.protocol != kTcp && ends.protocol != kUdp && ends.protocol != kUdpLite && ends.protocol != kSctp) return;
  uint8_t ports[4];
  if (view.read(ViewFrom::NetworkHeader, at, MutableByteSpan(ports)) != sizeof ports) return;
  memcpy(ends.low + 16, ports, 2);
  memcpy(ends.high + 16, ports + 2, 2);
}

FlowEnds ends_of(const FrameView& view) {
  FlowEnds ends;
  uint8_t header[40];
  const size_t got = view.read(ViewFrom::NetworkHeader, 0, MutableByteSpan(header));
  const EtherType type{view.protocol()};
  if (type == EtherType::Ipv4 && got >= 20) {
    memcpy(ends.low, header + 12, 4);
    memcpy(ends.high, header + 16, 4);
    ends.protocol = header[9];
    const bool is_fragment = (header[6] & 0x3f) != 0 || header[7] != 0;
    if (!is_fragment) add_ports(view, size_t{header[0] & 0xfu} * 4, ends);
  } else if (type == EtherType::Ipv6 && got == sizeof header) {
    memcpy(ends.low, header + 8, 16);
    memcpy(ends.high, header + 24, 16);
    ends.protocol = header[6];
    add_ports(view, sizeof header, ends);
  } else {
    ends.protocol = view.protocol();
  }
  order(ends);
  return ends;
}

}  // namespace

uint32_t PacketFanout::flow_hash(const FrameView& view) const { return static_cast<uint32_t>(siphash_1_3(key_, ends_of(view))); }

uint32_t PacketFanout::random_below(uint32_t limit) const {
  return static_cast<uint32_t>(uint64_t{stack_.hal().random<uint32_t>()} * limit >> 32);
}

uint32_t PacketFanout::choose_locked(const FrameView& view) {
  uint32_t chosen = 0;
  switch (kind_) {
    case FanoutKind::Hash:
      chosen = static_cast<uint32_t>(uint64_t{flow_hash(view)} * count_ >> 32);
      break;
    case FanoutKind::InTurn:
      chosen = ++turn_ % count_;
      break;
    case FanoutKind::Processor:
      chosen = stack_.hal().processor() % count_;
      break;
    case FanoutKind::Random:
      chosen = random_below(count_);
      break;
    case FanoutKind::Rollover:
      return roll_over_locked(view, 0, false);
    case FanoutKind::Queue:
      break;  // no device has more than one
    case FanoutKind::Cbpf:
    case FanoutKind::Ebpf:
      // Linux runs it over the frame as the stack has it: from the network header what came in, from the link header what goes
      // out.
      if (program_) {
        const ViewFrom from = view.is_outgoing() ? ViewFrom::LinkHeader : ViewFrom::NetworkHeader;
        chosen = program_->run(view.for_filter(from)) % count_;
      }
      break;
  }
  return (flags_ & kFanoutRollover >> 8) != 0 ? roll_over_locked(view, chosen, true) : chosen;
}

// fanout_demux_rollover(): from who was chosen to who has room.
uint32_t PacketFanout::roll_over_locked(const FrameView& view, uint32_t from, bool tries_first) {
  PacketSocket& first = *members_[from];
  RolloverState& state = first.rollover();
  PacketSocket::Room room = PacketSocket::Room::None;
  if (tries_first) {
    room = first.room_for(view);
    if (room == PacketSocket::Room::Normal) return from;
    if (room == PacketSocket::Room::Low && !is_huge_flow_locked(state, view)) return from;
  }
  const uint32_t start = state.next < count_ ? state.next : count_ - 1;
  uint32_t at = start;
  do {
    PacketSocket& next = *members_[at];
    const bool is_skipped = tries_first && at == from;
    if (!is_skipped && next.room_for(view) == PacketSocket::Room::Normal) {
      state.next = at;
      ++state.all;
      if (room == PacketSocket::Room::Low) ++state.huge;
      return at;
    }
    at = at + 1 == count_ ? 0 : at + 1;
  } while (at != start);
  ++state.failed;
  return from;
}

// Whether most of what came lately is of this flow.
bool PacketFanout::is_huge_flow_locked(RolloverState& state, const FrameView& view) {
  const uint32_t hash = flow_hash(view);
  size_t seen = 0;
  for (uint32_t one : state.history) seen += one == hash ? 1 : 0;
  state.history[random_below(RolloverState::kHistory)] = hash;
  return seen > RolloverState::kHistory / 2;
}

}  // namespace lxnet
