#include "stack/bpf/bpf_packet.hh"

#include "netdev/packet.hh"

namespace lxnet {
namespace {

// linux/if_packet.h: PACKET_*.
enum PacketType : uint8_t { kHost = 0, kBroadcast = 1, kMulticast = 2, kOtherHost = 3 };

uint8_t packet_type_of(const Packet& packet) {
  if (packet.is_for_other_host) return kOtherHost;
  if (packet.is_link_broadcast) return kBroadcast;
  return packet.is_link_multicast ? kMulticast : kHost;
}

// Headers that were passed lie before the front without a gap.
bool read_packet(const void* source, int64_t offset, MutableByteSpan to) {
  const Packet& packet = *static_cast<const Packet*>(source);
  if (offset < 0) {
    const uint64_t before = static_cast<uint64_t>(-offset);
    if (before > packet.headroom()) return false;
    const size_t passed = copy_bytes(to, ByteSpan(packet.linear().data() - before, before));
    to = to.subspan(passed);
    offset = 0;
  }
  return packet.read(static_cast<size_t>(offset), to) == to.size();
}

std::optional<int32_t> offset_of(const Packet& packet, const uint8_t* header) {
  if (header == nullptr) return std::nullopt;
  return static_cast<int32_t>(header - packet.linear().data());
}

}  // namespace

bool BpfPacket::copy(int64_t offset, MutableByteSpan to) const {
  if (offset >= 0 && static_cast<uint64_t>(offset) + to.size() <= linear.size()) {
    copy_bytes(to, linear.subspan(static_cast<size_t>(offset)));
    return true;
  }
  return read != nullptr && read(source, offset, to);
}

BpfPacket BpfPacket::of(const Packet& packet) {
  return {.linear = packet.linear(),
          .size = static_cast<uint32_t>(packet.size()),
          .read = read_packet,
          .source = &packet,
          .network_offset = offset_of(packet, packet.network_header()),
          .link_offset = offset_of(packet, packet.link_header()),
          .protocol = packet.link_protocol,
          .packet_type = packet_type_of(packet),
          .interface_index = packet.interface_index,
          .mark = packet.mark,
          .receive_hash = packet.flow_hash};
}

}  // namespace lxnet
