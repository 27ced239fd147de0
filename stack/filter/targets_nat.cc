#include "stack/filter/targets_nat.hh"

#include "stack/conntrack/connection_tracker.hh"
#include "stack/nat/nat_sources.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

using Step = TargetKind::Step;

uint16_t host_part(const uint16_t& wire) {
  Be16 part;
  copy_bytes(mutable_bytes_of(part), bytes_of(wire));
  return part.get();
}

IpAddress address4(uint32_t word) {
  Ipv4Address address;
  copy_bytes(mutable_bytes_of(address), bytes_of(word));
  return address;
}

// A rule for IPv4 has its address in the first word.
IpAddress address_of(const uint32_t (&words)[4], IpFamily family) {
  if (family == IpFamily::V4) return address4(words[0]);
  Ipv6Address address;
  copy_bytes(mutable_bytes_of(address), bytes_of(words));
  return address;
}

NatRange range_of4(ByteSpan data) {
  const auto settings = settings_of<NatSettings4>(data);
  return {.flags = settings.flags,
          .first = address4(settings.first),
          .last = address4(settings.last),
          .first_part = host_part(settings.first_part),
          .last_part = host_part(settings.last_part)};
}

NatRange range_of(ByteSpan data, IpFamily family) {
  const auto settings = settings_of<NatSettings>(data);
  return {.flags = settings.flags,
          .first = address_of(settings.first, family),
          .last = address_of(settings.last, family),
          .first_part = host_part(settings.first_part),
          .last_part = host_part(settings.last_part),
          .base_part = host_part(settings.base_part)};
}

Step step_of(FilterVerdict verdict) { return verdict == FilterVerdict::Accept ? Step::Accept : Step::Drop; }

Step map_by(FilterPacket& packet, const NatRange& range) {
  ConnectionTracker* tracker = packet.entry.stack().connections().tracker();
  if (tracker == nullptr) return Step::Drop;
  return step_of(tracker->nat().decide(packet, range, nat_side_of(packet.hook)));
}

}  // namespace

Result<> check_nat4(const RuleFacts&, ByteSpan data) {
  return settings_of<NatSettings4>(data).count == 1 ? Result<>(ok()) : Errno::EINVAL;
}
Result<> check_nat_without_address4(const RuleFacts& rule, ByteSpan data) {
  if ((settings_of<NatSettings4>(data).flags & kNatMapAddresses) != 0) return Errno::EINVAL;
  return check_nat4(rule, data);
}
Result<> check_nat_without_address6(const RuleFacts&, ByteSpan data) {
  return (settings_of<NatSettings>(data).flags & kNatMapAddresses) == 0 ? Result<>(ok()) : Errno::EINVAL;
}
Result<> check_netmap4(const RuleFacts& rule, ByteSpan data) {
  if ((settings_of<NatSettings4>(data).flags & kNatMapAddresses) == 0) return Errno::EINVAL;
  return check_nat4(rule, data);
}
Result<> check_netmap6(const RuleFacts&, ByteSpan data) {
  return (settings_of<NatSettings>(data).flags & kNatMapAddresses) != 0 ? Result<>(ok()) : Errno::EINVAL;
}

Step map_by_range4(FilterPacket& packet, ByteSpan data) { return map_by(packet, range_of4(data)); }
Step map_by_range1(FilterPacket& packet, ByteSpan data) {
  NatRange range = range_of(data.first(kNatSettingsSize1), packet.family);
  range.base_part = 0;
  return map_by(packet, range);
}
Step map_by_range2(FilterPacket& packet, ByteSpan data) { return map_by(packet, range_of(data, packet.family)); }

Step masquerade4(FilterPacket& packet, ByteSpan data) { return step_of(masquerade(packet, range_of4(data))); }
Step masquerade6(FilterPacket& packet, ByteSpan data) { return step_of(masquerade(packet, range_of(data, packet.family))); }
Step redirect4(FilterPacket& packet, ByteSpan data) { return step_of(redirect(packet, range_of4(data))); }
Step redirect6(FilterPacket& packet, ByteSpan data) { return step_of(redirect(packet, range_of(data, packet.family))); }

namespace {

// The network of the range, the host of the packet: where both ends of the range agree is the network.
Step netmap(FilterPacket& packet, NatRange range) {
  const bool is_source = nat_side_of(packet.hook) == NatSide::Source;
  const IpAddress present = is_source ? packet.source_address() : packet.destination_address();
  uint8_t bytes[Ipv6Address::kSize];
  for (size_t i = 0; i < sizeof bytes; ++i) {
    const uint8_t first = range.first.v6().bytes()[i], last = range.last.v6().bytes()[i];
    const auto network = static_cast<uint8_t>(~(first ^ last));
    bytes[i] = static_cast<uint8_t>((present.v6().bytes()[i] & ~network) | (first & network));
  }
  range.first = range.last = Ipv6Address::from_bytes(bytes);
  return map_by(packet, range);
}

}  // namespace

Step netmap4(FilterPacket& packet, ByteSpan data) { return netmap(packet, range_of4(data)); }
Step netmap6(FilterPacket& packet, ByteSpan data) { return netmap(packet, range_of(data, packet.family)); }

}  // namespace lxnet
