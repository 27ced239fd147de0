// Receiving IPv6 (RFC 8200).
//
// In Linux's order (net/ipv6/ip6_input.c): header, addresses, length, hop-by-hop options, then route, and for packets that are
// ours the other extension headers one after another up to a transport.
#include "stack/conntrack/connection.hh"
#include "stack/drop_reason.hh"
#include "stack/icmp/icmp_state.hh"
#include "stack/ip/input_internal.hh"
#include "stack/ip/transport.hh"
#include "stack/raw/raw_input.hh"
#include "stack/stack.hh"
#include "stack/wire/ipv6_extensions.hh"

namespace lxnet {

namespace {

void drop_bad_header(Entry& entry, Ref<Packet> packet, DropReason reason) {
  count(entry, Mib::Ip6InHdrErrors);
  drop(entry, std::move(packet), reason);
}

// RFC 4291, 2.5.3 and 2.7: what may not be on a wire.
bool has_impossible_address(const Ipv6Header& header, const Interface& input, bool is_looped) {
  if (header.source.is_multicast()) return true;
  if (header.destination.is_multicast() && header.destination.scope() == Ipv6Scope::Reserved) return true;
  if (input.is_loopback() || is_looped) return false;
  return header.source.is_loopback() || header.destination.is_loopback() || header.destination.is_interface_local_multicast();
}

// The packet's header is right and the packet ends where it says; or the packet is gone and null comes back.
Ref<Packet> check_header(Entry& entry, Ref<Packet> packet, const Interface& input) {
  const ByteSpan front = packet->linear();
  ip6_count_received(entry, packet->size(), front.size() < 2 ? uint8_t{0} : static_cast<uint8_t>(front[1] >> 4));
  if (!packet->header<Ipv6Header>().is_ok()) {
    drop_bad_header(entry, std::move(packet), DropReason::IpHeader);
    return nullptr;
  }
  const auto& header = *reinterpret_cast<const Ipv6Header*>(packet->linear().data());
  if (has_impossible_address(header, input, packet->is_looped)) {
    drop_bad_header(entry, std::move(packet), DropReason::IpMartianSource);
    return nullptr;
  }
  if (!header.is_length_valid(packet->size())) {
    count(entry, Mib::Ip6InTruncatedPkts);
    drop(entry, std::move(packet), DropReason::IpTruncated);
    return nullptr;
  }
  packet->trim(header.total_length());
  return packet;
}

// Carries out what the rules say of a header. Null: the packet is gone.
Ref<Packet> obey(Entry& entry, Ref<Packet> packet, const Ipv6Verdict& verdict) {
  if (verdict.action == Ipv6Verdict::Action::Continue) return packet;
  if (verdict.action == Ipv6Verdict::Action::ParameterProblem) {
    icmp6_send_error(entry, *packet, static_cast<uint8_t>(Icmp6Type::ParameterProblem), static_cast<uint8_t>(verdict.code),
                     verdict.pointer);
  }
  drop_bad_header(entry, std::move(packet), DropReason::IpExtension);
  return nullptr;
}

// Makes the extension header at `offset` linear, all of it. Null: the packet ends inside it, and is gone.
Ref<Packet> pull_extension(Entry& entry, Ref<Packet> packet, size_t offset) {
  if (packet->pull_up(offset + 8).is_ok()) {
    const auto* extension = reinterpret_cast<const Ipv6ExtensionHeader*>(packet->linear().data() + offset);
    if (packet->pull_up(offset + extension->size()).is_ok()) return packet;
  }
  drop_bad_header(entry, std::move(packet), DropReason::IpTruncated);
  return nullptr;
}

// Once, or again of a packet that was put together. Hop-by-hop options stand right behind the IPv6 header, and every node on the
// way looks at them.
Ref<Packet> check_hop_by_hop(Entry& entry, Ref<Packet> received) {
  if (IpProtocol{ip_info(*received).protocol} != IpProtocol::HopByHop) return received;
  Ref<Packet> packet = pull_extension(entry, std::move(received), sizeof(Ipv6Header));
  if (!packet) return nullptr;
  packet->mark_network_header();
  const auto options = check_hop_by_hop_options(packet->linear(), sizeof(Ipv6Header));
  packet = obey(entry, std::move(packet), options.verdict);
  if (!packet) return nullptr;
  const auto* extension = reinterpret_cast<const Ipv6ExtensionHeader*>(packet->linear().data() + sizeof(Ipv6Header));
  IpInfo& info = ip_info(*packet);
  info.protocol = extension->next_header;
  info.header_size = static_cast<uint16_t>(sizeof(Ipv6Header) + extension->size());
  return packet;
}

void drop_unroutable(Entry& entry, Ref<Packet> packet, Errno error) {
  if (error == Errno::EINVAL) return drop(entry, std::move(packet), DropReason::IpMartianSource);
  const bool is_ours_to_refuse = error != Errno::EPERM;  // whether we forward or not
  count(entry, is_ours_to_refuse ? Mib::Ip6InNoRoutes : Mib::Ip6InAddrErrors);
  if (!is_ours_to_refuse) return drop(entry, std::move(packet), DropReason::NotForUs);
  const Icmp6Unreachable code = error == Errno::EACCES ? Icmp6Unreachable::AdministrativelyProhibited : Icmp6Unreachable::NoRoute;
  icmp6_send_error(entry, *packet, static_cast<uint8_t>(Icmp6Type::DestinationUnreachable), static_cast<uint8_t>(code), 0);
  drop(entry, std::move(packet), DropReason::IpNoRoute);
}

void route_received(Entry& entry, Ref<Packet> packet, Interface& input) {
  IpInfo& info = ip_info(*packet);
  if (info.is_multicast) {
    count(entry, Mib::Ip6InMcastPkts);
    count(entry, Mib::Ip6InMcastOctets, packet->size());
    if (!entry.stack().memberships().accepts(input, info.destination, IpAddress())) {
      return drop(entry, std::move(packet), DropReason::MulticastNotMember);
    }
    return ip6_deliver(entry, std::move(packet));
  }
  const FlowKey key{
      .source = info.source, .destination = info.destination, .mark = packet->mark, .protocol = info.protocol, .tos = info.tos};
  auto looked_up = entry.stack().routes().lookup_input(entry, key, input);
  if (!looked_up.is_ok()) return drop_unroutable(entry, std::move(packet), looked_up.error());
  const Route route = looked_up.take();
  if (route.kind == RouteKind::Unicast) return ip6_forward(entry, std::move(packet), route, input);
  ip6_deliver(entry, std::move(packet));
}

}  // namespace

void ip6_fill_info(Packet& packet) {
  const auto& header = *reinterpret_cast<const Ipv6Header*>(packet.linear().data());
  packet.control<IpInfo>() = IpInfo{.source = header.source,
                                    .destination = header.destination,
                                    .interface_index = packet.interface_index,
                                    .flow_label = header.flow_label(),
                                    .protocol = header.next_header,
                                    .ttl = header.hop_limit,
                                    .tos = header.traffic_class(),
                                    .is_multicast = header.destination.is_multicast(),
                                    .header_size = sizeof(Ipv6Header)};
}

void ip6_receive(Entry& entry, Ref<Packet> received, Interface* input) {
  if (received->is_for_other_host) return drop(entry, std::move(received), DropReason::NotForUs);
  if (input == nullptr) return drop(entry, std::move(received), DropReason::InterfaceDown);
  Ref<Packet> packet = check_header(entry, std::move(received), *input);
  if (!packet) return;
  packet->mark_network_header();
  ip6_fill_info(*packet);
  packet = check_hop_by_hop(entry, std::move(packet));
  if (!packet) return;
  if (entry.stack().hooks().is_active(IpFamily::V6, hook_bit(FilterHook::PreRouting))) [[unlikely]] {
    packet = ip6_gather(entry, std::move(packet));
    if (!packet) return;
    packet = check_hop_by_hop(entry, std::move(packet));
    if (!packet) return;
    packet = filter_received(entry, std::move(packet), IpFamily::V6, FilterHook::PreRouting, input);
    if (!packet) return;
  }
  if (packet->is_routed_to_us) return ip6_deliver(entry, std::move(packet));
  route_received(entry, std::move(packet), *input);
}

namespace {

// The walk over the extension headers of a packet for us. Between steps the packet's front stays at the IPv6 header, so that an
// ICMP error can cite it, and IpInfo says where the next header stands (header_size) and what it is (protocol).
class ExtensionWalk {
 public:
  ExtensionWalk(Entry& entry, Ref<Packet> packet) : entry_(entry), packet_(std::move(packet)) {
    const auto& header = *reinterpret_cast<const Ipv6Header*>(packet_->linear().data());
    const bool has_hop_by_hop = IpProtocol{header.next_header} == IpProtocol::HopByHop;
    next_header_at_ = has_hop_by_hop ? sizeof(Ipv6Header) : offsetof(Ipv6Header, next_header);
  }

  // Past one extension header. False: the transport is reached, or the packet is gone.
  bool step() {
    switch (IpProtocol{ip_info(*packet_).protocol}) {
      case IpProtocol::Fragment:
        return step_fragment();
      case IpProtocol::Routing:
      case IpProtocol::DestinationOptions:
        return step_extension();
      default:
        return false;
    }
  }
  Ref<Packet> take() { return std::move(packet_); }
  size_t next_header_at() const { return next_header_at_; }

 private:
  bool step_extension() {
    const size_t offset = ip_info(*packet_).header_size;
    packet_ = pull_extension(entry_, std::move(packet_), offset);
    if (!packet_) return false;
    packet_->mark_network_header();
    const bool is_routing = IpProtocol{ip_info(*packet_).protocol} == IpProtocol::Routing;
    const Ipv6Verdict verdict = is_routing ? check_routing_header(packet_->linear(), offset)
                                           : check_destination_options(packet_->linear(), offset).verdict;
    packet_ = obey(entry_, std::move(packet_), verdict);
    if (!packet_) return false;
    const auto* extension = reinterpret_cast<const Ipv6ExtensionHeader*>(packet_->linear().data() + offset);
    advance(extension->next_header, extension->size());
    return true;
  }

  bool step_fragment() {
    const size_t offset = ip_info(*packet_).header_size;
    if (!packet_->pull_up(offset + sizeof(Ipv6FragmentHeader)).is_ok()) {
      drop_bad_header(entry_, std::move(packet_), DropReason::IpTruncated);
      return false;
    }
    packet_->mark_network_header();
    const auto* header = reinterpret_cast<const Ipv6FragmentHeader*>(packet_->linear().data() + offset);
    if (header->is_atomic()) {
      count(entry_, Mib::Ip6ReasmReqds);
      count(entry_, Mib::Ip6ReasmOKs);
      ip_info(*packet_).was_fragmented = true;
      ip_info(*packet_).fragment_size = static_cast<uint16_t>(packet_->size() < UINT16_MAX ? packet_->size() : UINT16_MAX);
      advance(header->next_header, sizeof(Ipv6FragmentHeader));
      return true;
    }
    packet_ = ip6_reassemble(entry_, std::move(packet_), offset, next_header_at_);
    return packet_.get() != nullptr;
  }

  void advance(uint8_t next_header, size_t size) {
    IpInfo& info = ip_info(*packet_);
    next_header_at_ = info.header_size;
    info.protocol = next_header;
    info.header_size = static_cast<uint16_t>(info.header_size + size);
  }

  Entry& entry_;
  Ref<Packet> packet_;
  size_t next_header_at_;
};

// Source filters of the interface; MLD is heard whatever the sources asked for.
bool passes_source_filter(Entry& entry, const Packet& packet) {
  const IpInfo& info = ip_info(packet);
  if (!info.is_multicast) return true;
  if (IpProtocol{info.protocol} == IpProtocol::Icmpv6 && !packet.linear().empty()) {
    const Icmp6Type type{packet.linear()[0]};
    if (type >= Icmp6Type::MulticastListenerQuery && type <= Icmp6Type::MulticastListenerDone) return true;
    if (type == Icmp6Type::MulticastListenerReportV2) return true;
  }
  const Ref<Interface> input = entry.stack().interfaces().find(info.interface_index);
  return input && entry.stack().memberships().accepts(*input, info.destination, info.source);
}

}  // namespace

void ip6_deliver(Entry& entry, Ref<Packet> received) {
  // Before fragments are put together, where no connections are followed.
  if (entry.stack().hooks().is_active(IpFamily::V6, hook_bit(FilterHook::LocalIn))) [[unlikely]] {
    const Ref<Interface> input = entry.stack().interfaces().find(received->interface_index);
    received = filter_received(entry, std::move(received), IpFamily::V6, FilterHook::LocalIn, input.get());
    if (!received) return;
    forget_flow(*received);
  }
  ExtensionWalk walk(entry, std::move(received));
  while (walk.step()) {
  }
  Ref<Packet> packet = walk.take();
  if (!packet) return;
  IpInfo& info = ip_info(*packet);
  info.options_size = static_cast<uint16_t>(info.header_size - sizeof(Ipv6Header));
  if (IpProtocol{info.protocol} == IpProtocol::NoNextHeader) return count(entry, Mib::Ip6InDelivers);
  packet->consume(info.header_size);
  packet->mark_transport_header();
  if (!passes_source_filter(entry, *packet)) return drop(entry, std::move(packet), DropReason::MulticastFiltered);
  const bool has_raw_socket = raw_receive(entry, *packet);
  const TransportProtocol* transport = find_transport(IpFamily::V6, info.protocol);
  if (transport != nullptr) {
    count(entry, Mib::Ip6InDelivers);
    return transport->receive(entry, std::move(packet));
  }
  if (has_raw_socket) return count(entry, Mib::Ip6InDelivers);
  count(entry, Mib::Ip6InUnknownProtos);
  icmp6_send_error(entry, *packet, static_cast<uint8_t>(Icmp6Type::ParameterProblem),
                   static_cast<uint8_t>(Icmp6ParameterProblem::NextHeader), static_cast<uint32_t>(walk.next_header_at()));
  drop(entry, std::move(packet), DropReason::IpUnknownProtocol);
}

}  // namespace lxnet
