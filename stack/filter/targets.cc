#include "stack/filter/targets.hh"

#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"

namespace lxnet {
namespace {

using Step = TargetKind::Step;

constexpr uint8_t kTcp = 6;
constexpr uint32_t kEchoReply4 = 4, kEchoReply6 = 5, kTcpReset4 = 7, kTcpReset6 = 6;

// The packet's own header, to be changed; null without memory.
template <typename Header>
Header* own_header(FilterPacket& packet) {
  const size_t size = packet.family == IpFamily::V4 ? packet.transport_offset : sizeof(Ipv6Header);
  if (!packet.packet.make_writable(size).is_ok()) return nullptr;
  packet.packet.mark_network_header();
  return reinterpret_cast<Header*>(packet.packet.mutable_linear().data());
}

Step write_hops(FilterPacket& packet, uint8_t hops) {
  if (hops == packet.time_to_live) return Step::Continue;
  if (packet.family == IpFamily::V4) {
    auto* header = own_header<Ipv4Header>(packet);
    if (header == nullptr) return Step::Drop;
    header->time_to_live = hops;
    header->update_header_checksum();
  } else {
    auto* header = own_header<Ipv6Header>(packet);
    if (header == nullptr) return Step::Drop;
    header->hop_limit = hops;
  }
  packet.time_to_live = hops;
  packet.is_routed_differently |= packet.family == IpFamily::V6;
  return Step::Continue;
}

Step write_tos(FilterPacket& packet, uint8_t tos) {
  if (tos == packet.type_of_service) return Step::Continue;
  if (packet.family == IpFamily::V4) {
    auto* header = own_header<Ipv4Header>(packet);
    if (header == nullptr) return Step::Drop;
    header->type_of_service = tos;
    header->update_header_checksum();
  } else {
    auto* header = own_header<Ipv6Header>(packet);
    if (header == nullptr) return Step::Drop;
    constexpr uint32_t kClass = 0xffu << 20;
    header->version_class_flow.set((header->version_class_flow.get() & ~kClass) | uint32_t{tos} << 20);
  }
  packet.type_of_service = tos;
  packet.is_routed_differently = true;
  return Step::Continue;
}

}  // namespace

// A reset answers TCP alone; echo replies are no longer made.
Result<> check_reject(const RuleFacts& rule, ByteSpan data) {
  const uint32_t with = settings_of<RejectSettings>(data).with;
  const bool is_v4 = rule.family == IpFamily::V4;
  if (with == (is_v4 ? kEchoReply4 : kEchoReply6)) return Errno::EINVAL;
  const bool is_for_tcp = rule.asks_protocol && rule.protocol == kTcp && !rule.inverts_protocol;
  if (with == (is_v4 ? kTcpReset4 : kTcpReset6) && !is_for_tcp) return Errno::EINVAL;
  return ok();
}

Step reject(FilterPacket& packet, ByteSpan data) {
  const uint32_t with = settings_of<RejectSettings>(data).with;
  if (with <= INT32_MAX) packet.answer = static_cast<int>(with);
  return Step::Drop;
}

Step set_mark(FilterPacket& packet, ByteSpan data) {
  const auto settings = settings_of<SetMarkSettings>(data);
  const uint32_t before = packet.packet.mark;
  packet.packet.mark = (before & ~settings.mask) ^ settings.mark;
  packet.is_routed_differently |= packet.packet.mark != before;
  return Step::Continue;
}

namespace {
enum HopsMode : uint8_t { kSet = 0, kIncrease = 1, kDecrease = 2 };
}  // namespace

Result<> check_set_hops(const RuleFacts&, ByteSpan data) {
  const auto settings = settings_of<SetHopsSettings>(data);
  if (settings.mode > kDecrease || (settings.mode != kSet && settings.value == 0)) return Errno::EINVAL;
  return ok();
}

Step set_hops(FilterPacket& packet, ByteSpan data) {
  const auto settings = settings_of<SetHopsSettings>(data);
  const int now = packet.time_to_live;
  int hops = settings.value;
  if (settings.mode == kIncrease) hops = now + settings.value > 255 ? 255 : now + settings.value;
  if (settings.mode == kDecrease) hops = now < settings.value ? 0 : now - settings.value;
  return write_hops(packet, static_cast<uint8_t>(hops));
}

Result<> check_set_dscp(const RuleFacts&, ByteSpan data) {
  constexpr uint8_t kLastDscp = 0x3f;
  if (settings_of<SetDscpSettings>(data).dscp > kLastDscp) return Errno::EDOM;
  return ok();
}

Step set_dscp(FilterPacket& packet, ByteSpan data) {
  constexpr uint8_t kEcn = 3;
  const uint8_t dscp = settings_of<SetDscpSettings>(data).dscp;
  return write_tos(packet, static_cast<uint8_t>((packet.type_of_service & kEcn) | dscp << 2));
}

Step set_tos(FilterPacket& packet, ByteSpan data) {
  const auto settings = settings_of<SetTosSettings>(data);
  return write_tos(packet, static_cast<uint8_t>((packet.type_of_service & ~settings.mask) ^ settings.value));
}

}  // namespace lxnet
