#include "stack/ndp/ndp_output.hh"

#include "stack/ip/output.hh"
#include "stack/stack.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {
namespace {

template <typename Message>
Ref<Packet> compose(Entry& entry, const Message& message) {
  Result<Ref<Packet>> created = Packet::create_linear(entry.stack().pool(), message.encoded_size());
  if (!created.is_ok()) return nullptr;  // as good as lost on the wire
  Ref<Packet> packet = created.take();
  message.emit(packet->append(message.encoded_size()));
  return packet;
}

void set_link_address(Interface& interface, std::optional<MacAddress>& option) {
  if (interface.link_kind() == LinkKind::Ethernet) option = interface.mac();
}

}  // namespace

void ndp_send(Entry& entry, Interface& interface, const Ipv6Address& source, const Ipv6Address& destination,
              Ref<Packet> message) {
  constexpr uint8_t kHopLimit = 255;
  if (!message) return;
  InternetChecksum checksum =
      pseudo_header_checksum(source, destination, IpProtocol::Icmpv6, static_cast<uint32_t>(message->size()));
  message->for_each_run(0, message->size(), [&](ByteSpan run) { checksum.add(run); });
  auto& header = *reinterpret_cast<Icmp6Header*>(message->mutable_linear().data());
  header.checksum.set(checksum.finish());
  count(entry, Mib::Icmp6OutMsgs);
  entry.stack().mib().count_icmp6(MibCounters::Direction::Out, header.type);
  const Route route{.output = Ref<Interface>::share(interface),
                    .source = source,
                    .destination = destination,
                    .next_hop = destination,
                    .kind = destination.is_multicast() ? RouteKind::Multicast : RouteKind::Unicast,
                    .mtu = interface.mtu(),
                    .generation = entry.stack().routes().generation()};
  static_cast<void>(ip_send(entry, std::move(message), route,
                            {.protocol = static_cast<uint8_t>(IpProtocol::Icmpv6), .ttl = kHopLimit, .multicast_loop = false}));
}

void ndp_solicit(Entry& entry, Interface& interface, const Ipv6Address& target, const MacAddress* known,
                 const IpAddress& wanted_source) {
  InterfaceRegistry& interfaces = entry.stack().interfaces();
  Ipv6Address source;
  interfaces.any_address(interface, [&](const InterfaceAddress& address) {
    if (address.address.is_v4() || !address.is_usable()) return false;
    if (address.address == wanted_source) {
      source = address.address.v6();
      return true;
    }
    if (address.scope == AddressScope::Link && source.is_unspecified()) source = address.address.v6();
    return false;
  });
  if (source.is_unspecified()) return;  // nobody could answer
  NeighborSolicitation message{.target = target, .options = {}};
  set_link_address(interface, message.options.source_link_address);
  ndp_send(entry, interface, source, known != nullptr ? target : target.solicited_node(), compose(entry, message));
}

void ndp_send_probe(Entry& entry, Interface& interface, const Ipv6Address& target, const NdpNonce& nonce) {
  NeighborSolicitation message{.target = target, .options = {}};
  message.options.nonce = nonce;
  ndp_send(entry, interface, Ipv6Address::any(), target.solicited_node(), compose(entry, message));
}

void ndp_advertise(Entry& entry, Interface& interface, const Ipv6Address& destination, const Ipv6Address& target,
                   NdpAnswer answer, bool overrides, bool with_link_address) {
  NeighborAdvertisement message{.target = target,
                                .is_router = interface.settings().v6.forwarding != 0,
                                .is_solicited = answer == NdpAnswer::Solicited,
                                .overrides = overrides,
                                .options = {}};
  if (with_link_address) set_link_address(interface, message.options.target_link_address);
  ndp_send(entry, interface, target, destination, compose(entry, message));
}

void ndp_solicit_router(Entry& entry, Interface& interface, const Ipv6Address& source) {
  RouterSolicitation message;
  if (!source.is_unspecified()) set_link_address(interface, message.options.source_link_address);
  ndp_send(entry, interface, source, Ipv6Address::all_routers(), compose(entry, message));
}

}  // namespace lxnet
