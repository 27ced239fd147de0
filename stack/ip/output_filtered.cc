// What leaves a stack where somebody looks at it: OUTPUT for what is ours, POSTROUTING for everything, a new route where OUTPUT
// changed what routes are chosen by.
#include "stack/conntrack/connection.hh"
#include "stack/drop_reason.hh"
#include "stack/filter/filter_packet.hh"
#include "stack/ip/input_internal.hh"
#include "stack/ip/output_internal.hh"
#include "stack/stack.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"

namespace lxnet {
namespace {

enum class Left : uint8_t { GoesOn, Refused, Taken };

// The packet stays the caller's, whatever comes back.
Left pass(Entry& entry, Packet& packet, IpFamily family, FilterHook hook, const Route& route, bool* routes_anew = nullptr) {
  if (!entry.stack().hooks().is_active(family, hook_bit(hook))) return Left::GoesOn;
  FilterPacket seen(entry, packet, family, hook, nullptr, route.output.get());
  seen.next_hop = &route.next_hop;
  const FilterVerdict verdict = entry.stack().hooks().pass(seen);
  if (routes_anew != nullptr) *routes_anew = seen.wants_other_route;
  switch (verdict) {
    case FilterVerdict::Accept:
      return Left::GoesOn;
    case FilterVerdict::Queue:
      return Left::Taken;
    case FilterVerdict::Drop:
      break;
  }
  return Left::Refused;
}

// TCP counts what of it was not sent elsewhere.
void count_refused(Entry& entry, const Packet& packet, IpFamily family, const IpDispatch& how) {
  if (how.is_forwarded) return;
  const size_t at = family == IpFamily::V4 ? 9 : 6;
  if (IpProtocol{packet.linear()[at]} == IpProtocol::Tcp) return;
  count(entry, family == IpFamily::V4 ? Mib::IpOutDiscards : Mib::Ip6OutDiscards);
}

Result<> end(Entry& entry, Ref<Packet> packet, IpFamily family, const IpDispatch& how, Left left) {
  if (left == Left::Refused) count_refused(entry, *packet, family, how);
  drop(entry, std::move(packet), DropReason::PacketFilter);
  if (left == Left::Refused) return Errno::EPERM;
  return ok();
}

// ip_route_me_harder(), ip6_route_me_harder(): by what the packet is now.
Result<Route> route_again(Entry& entry, const Packet& packet, const Route& route, IpFamily family) {
  FlowKey key{.mark = packet.mark, .may_use_foreign_source = true};
  if (family == IpFamily::V4) {
    const auto& header = *reinterpret_cast<const Ipv4Header*>(packet.linear().data());
    key.source = header.source;
    key.destination = header.destination;
    key.protocol = header.protocol;
    key.tos = header.type_of_service;
  } else {
    const auto& header = *reinterpret_cast<const Ipv6Header*>(packet.linear().data());
    key.source = header.source;
    key.destination = header.destination;
    key.protocol = header.next_header;
    if (header.destination.is_multicast() || header.destination.is_link_local()) key.output_interface = route.output->index();
  }
  return entry.stack().routes().lookup(entry, key);
}

// What of a packet to many is for ourselves passes POSTROUTING by itself.
void copy_back(Entry& entry, const Packet& packet, IpFamily family, const Route& route) {
  auto cloned = packet.clone();
  if (!cloned.is_ok()) return entry.stack().drops().count(DropReason::NoMemory);
  Ref<Packet> copy = cloned.take();
  if (pass(entry, *copy, family, FilterHook::PostRouting, route) == Left::GoesOn) return ip_loop_back(entry, *copy, route);
  drop(entry, std::move(copy), DropReason::PacketFilter);
}

// As ip_mc_output(), which copies first, and ip6_finish_output2(), which comes after POSTROUTING.
Result<> leave(Entry& entry, Ref<Packet> packet, IpFamily family, const Route& route, const IpDispatch& how) {
  IpDispatch there = how;
  if (family == IpFamily::V4 && ip4_wants_copy(entry, *packet, route, how)) {
    copy_back(entry, *packet, family, route);
    there.is_copied = true;
  }
  const Left left = pass(entry, *packet, family, FilterHook::PostRouting, route);
  if (left != Left::GoesOn) return end(entry, std::move(packet), family, how, left);
  if (family == IpFamily::V6 && ip6_wants_copy(entry, *packet, route, how)) {
    copy_back(entry, *packet, family, route);
    there.is_copied = true;
  }
  // What comes back to us is of the same connection; elsewhere nobody knows it.
  if (!route.output->is_loopback()) forget_flow(*packet);
  if (family == IpFamily::V4) return ip4_leave(entry, std::move(packet), route, there);
  return ip6_leave(entry, std::move(packet), route, there);
}

}  // namespace

Result<> ip_dispatch_filtered(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how) {
  const IpFamily family = packet->link_protocol == 0x0800 ? IpFamily::V4 : IpFamily::V6;
  if (how.is_forwarded) return leave(entry, std::move(packet), family, route, how);
  if (family == IpFamily::V4) {
    // A program has written pieces itself (IP_HDRINCL).
    packet = ip4_gather_sent(entry, std::move(packet));
    if (!packet) return ok();
  }
  bool routes_anew = false;
  const Left left = pass(entry, *packet, family, FilterHook::LocalOut, route, &routes_anew);
  if (left != Left::GoesOn) return end(entry, std::move(packet), family, how, left);
  if (!routes_anew) return leave(entry, std::move(packet), family, route, how);
  auto looked_up = route_again(entry, *packet, route, family);
  if (!looked_up.is_ok()) {
    drop(entry, std::move(packet), DropReason::IpNoRoute);
    return looked_up.error();
  }
  const Route other = looked_up.take();
  IpDispatch there = how;
  there.mtu = ip_send_mtu(other, PathMtuMode::Want);
  return leave(entry, std::move(packet), family, other, there);
}

}  // namespace lxnet
