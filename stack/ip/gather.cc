// Fragments into whole packets before connections are looked for, as Linux's nf_defrag_ipv4 and nf_defrag_ipv6 do: only the first
// says whose it is. What is forwarded is cut again, no larger than it came.
#include "stack/ip/gather.hh"

#include "stack/conntrack/connection_tracker.hh"
#include "stack/ip/input_internal.hh"
#include "stack/stack.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6_extensions.hh"

namespace lxnet {

namespace {

// What is known already needs no look at its ports (loopback): of IPv4 Linux puts it together all the same, for NAT.
bool is_to_be_followed(Entry& entry, const Packet& packet, IpFamily family) {
  if ((packet.flow && family == IpFamily::V6) || flow_state_of(packet) == FlowState::Untracked) return false;
  const ConnectionTracker* tracker = entry.stack().connections().tracker();
  return tracker != nullptr && tracker->is_following(family);
}

bool may_precede_fragment(uint8_t number) {
  return IpProtocol{number} == IpProtocol::Routing || IpProtocol{number} == IpProtocol::DestinationOptions;
}

// Where a fragment header stands, all before it linear; 0: there is none.
size_t find_fragment_header(Packet& packet) {
  size_t offset = ip_info(packet).header_size;
  uint8_t next = ip_info(packet).protocol;
  while (may_precede_fragment(next)) {
    uint8_t head[2];
    if (packet.read(offset, head) != sizeof head) return 0;
    next = head[0];
    offset += (size_t{head[1]} + 1) * 8;
  }
  if (IpProtocol{next} != IpProtocol::Fragment || !packet.pull_up(offset + sizeof(Ipv6FragmentHeader)).is_ok()) return 0;
  packet.mark_network_header();
  const auto& header = *reinterpret_cast<const Ipv6FragmentHeader*>(packet.linear().data() + offset);
  return header.is_atomic() ? 0 : offset;
}

}  // namespace

Ref<Packet> ip4_gather(Entry& entry, Ref<Packet> packet) {
  const auto& header = *reinterpret_cast<const Ipv4Header*>(packet->linear().data());
  if (!header.is_fragment() || !is_to_be_followed(entry, *packet, IpFamily::V4)) return packet;
  return ip4_reassemble(entry, std::move(packet));
}

Ref<Packet> ip4_gather_sent(Entry& entry, Ref<Packet> packet) {
  const auto& header = *reinterpret_cast<const Ipv4Header*>(packet->linear().data());
  if (!header.is_fragment() || !is_to_be_followed(entry, *packet, IpFamily::V4)) return packet;
  ip4_fill_info(*packet);
  Ref<Packet> whole = ip4_reassemble(entry, std::move(packet));
  if (whole) whole->link_protocol = 0x0800;
  return whole;
}

Ref<Packet> ip4_gather_seen(Entry& entry, Ref<Packet> packet) {
  auto parsed = packet->header<Ipv4Header>();
  if (!parsed.is_ok()) return packet;
  const Ipv4Header header = *parsed.take();
  if (!header.is_fragment() || !header.is_length_valid(packet->size())) return packet;
  if (!packet->pull_up(header.header_size()).is_ok()) return nullptr;
  packet->trim(header.total_length.get());
  packet->mark_network_header();
  ip4_fill_info(*packet);
  return ip4_reassemble(entry, std::move(packet), FragmentUser::Tap);
}

Ref<Packet> ip6_gather(Entry& entry, Ref<Packet> packet) {
  if (!is_to_be_followed(entry, *packet, IpFamily::V6)) return packet;
  const size_t offset = find_fragment_header(*packet);
  if (offset == 0) return packet;
  size_t next_header_at = 0;
  Ref<Packet> whole = ip6_reassemble(entry, std::move(packet), offset, next_header_at);
  if (!whole) return nullptr;
  // Its extension headers have not been obeyed yet.
  const uint16_t fragment_size = ip_info(*whole).fragment_size;
  ip6_fill_info(*whole);
  ip_info(*whole).was_fragmented = true;
  ip_info(*whole).fragment_size = fragment_size;
  return whole;
}

}  // namespace lxnet
