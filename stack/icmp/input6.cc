// Receiving ICMPv6 (RFC 4443), and handing on what rides on it: neighbour discovery and multicast listener discovery.
//
// Not implemented: node information queries, extended echo.
#include "stack/drop_reason.hh"
#include "stack/icmp/icmp_input.hh"
#include "stack/icmp/icmp_internal.hh"
#include "stack/igmp/igmp_input.hh"
#include "stack/ip/ip_info.hh"
#include "stack/ip/output.hh"
#include "stack/ndp/ndp_input.hh"
#include "stack/ping/ping_input.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ipv6_extensions.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {

namespace {

bool is_checksum_right(const Packet& packet) {
  if (packet.checksum != ChecksumState::Unknown) return true;
  const IpInfo& info = ip_info(packet);
  InternetChecksum checksum =
      pseudo_header_checksum(info.source.v6(), info.destination.v6(), IpProtocol::Icmpv6, static_cast<uint32_t>(packet.size()));
  packet.for_each_run(0, packet.size(), [&](ByteSpan run) { checksum.add(run); });
  return checksum.is_valid();
}

void receive_echo(Entry& entry, Ref<Packet> packet) {
  const IpInfo& info = ip_info(*packet);
  const TunableValues& tunables = entry.stack().tunables().values();
  if (tunables.icmp6_echo_ignore_all != 0 || (info.is_multicast && tunables.icmp6_echo_ignore_multicast != 0)) {
    return drop(entry, std::move(packet), DropReason::IcmpIgnored);
  }
  // Nobody speaks from an address that many have.
  const bool is_many = info.is_multicast || entry.stack().routes().address_type(info.destination) == RouteType::Anycast;
  FlowKey key{.source = is_many ? IpAddress() : info.destination, .destination = info.source, .protocol = 58, .tos = info.tos};
  if (info.source.is_link_local()) key.output_interface = info.interface_index;
  auto looked_up = entry.stack().routes().lookup(entry, key);
  if (!looked_up.is_ok()) return drop(entry, std::move(packet), DropReason::IpNoRoute);
  const Route route = looked_up.take();
  const uint8_t type = static_cast<uint8_t>(Icmp6Type::EchoReply);
  if (!icmp6_may_send(entry, route, info.source, type)) return;

  auto created = Packet::create(entry.stack().pool());
  if (!created.is_ok()) return drop(entry, std::move(packet), DropReason::NoMemory);
  Ref<Packet> reply = created.take();
  const auto& request = *reinterpret_cast<const Icmp6Header*>(packet->linear().data());
  Icmp6Message{.type = Icmp6Type::EchoReply, .rest = request.rest.get()}.emit(reply->append(sizeof(Icmp6Header)));
  if (!reply->append_from(*packet, sizeof(Icmp6Header), packet->size() - sizeof(Icmp6Header)).is_ok()) {
    return drop(entry, std::move(packet), DropReason::NoMemory);
  }
  InternetChecksum checksum =
      pseudo_header_checksum(route.source.v6(), route.destination.v6(), IpProtocol::Icmpv6, static_cast<uint32_t>(reply->size()));
  reply->for_each_run(0, reply->size(), [&](ByteSpan run) { checksum.add(run); });
  reinterpret_cast<Icmp6Header*>(reply->mutable_linear().data())->checksum.set(checksum.finish());
  count(entry, Mib::Icmp6OutMsgs);
  entry.stack().mib().count_icmp6(MibCounters::Direction::Out, type);
  charge_message(*reply, IpFamily::V6);
  static_cast<void>(ip_send(entry, std::move(reply), route, {.protocol = 58, .tos = info.tos}));
}

void dispatch(Entry& entry, Ref<Packet> packet, Icmp6Type type) {
  switch (type) {
    case Icmp6Type::EchoRequest:
      return receive_echo(entry, std::move(packet));
    case Icmp6Type::EchoReply:
      return ping_receive(entry, std::move(packet));
    case Icmp6Type::RouterSolicitation:
    case Icmp6Type::RouterAdvertisement:
    case Icmp6Type::NeighborSolicitation:
    case Icmp6Type::NeighborAdvertisement:
    case Icmp6Type::Redirect:
      return ndp_receive(entry, std::move(packet));
    case Icmp6Type::MulticastListenerQuery:
    case Icmp6Type::MulticastListenerReport:
    case Icmp6Type::MulticastListenerDone:
    case Icmp6Type::MulticastListenerReportV2:
      return mld_receive(entry, std::move(packet));
    default:
      break;
  }
  // RFC 4443, 2.4: unknown errors go up, unknown informational messages are dropped.
  if (Icmp6Message{.type = type}.is_error()) return icmp6_receive_citation(entry, std::move(packet));
  drop(entry, std::move(packet), DropReason::IcmpIgnored);
}

}  // namespace

void icmp6_receive(Entry& entry, Ref<Packet> packet) {
  count(entry, Mib::Icmp6InMsgs);
  if (!is_checksum_right(*packet)) {
    count(entry, Mib::Icmp6InCsumErrors);
    count(entry, Mib::Icmp6InErrors);
    return drop(entry, std::move(packet), DropReason::IcmpChecksum);
  }
  if (!packet->header<Icmp6Header>().is_ok()) {
    count(entry, Mib::Icmp6InErrors);
    return drop(entry, std::move(packet), DropReason::IcmpHeader);
  }
  const uint8_t type = packet->linear()[0];
  entry.stack().mib().count_icmp6(MibCounters::Direction::In, type);
  dispatch(entry, std::move(packet), Icmp6Type{type});
}

namespace {

struct ErrorRow {
  Errno error;
  bool is_fatal;
};

ErrorRow error_of(const Icmp6Message& message) {
  static constexpr ErrorRow kUnreachable[] = {
      {Errno::ENETUNREACH, false}, {Errno::EACCES, true}, {Errno::EHOSTUNREACH, false}, {Errno::EHOSTUNREACH, false},
      {Errno::ECONNREFUSED, true}, {Errno::EACCES, true}, {Errno::EACCES, true},
  };
  switch (message.type) {
    case Icmp6Type::DestinationUnreachable:
      return message.code < std::size(kUnreachable) ? kUnreachable[message.code] : ErrorRow{Errno::EPROTO, true};
    case Icmp6Type::PacketTooBig:
      return {Errno::EMSGSIZE, false};
    case Icmp6Type::ParameterProblem:
      return {Errno::EPROTO, true};
    case Icmp6Type::TimeExceeded:
      return {Errno::EHOSTUNREACH, false};
    default:
      return {Errno::EPROTO, false};
  }
}

}  // namespace

void icmp6_receive_citation(Entry& entry, Ref<Packet> packet) {
  const Icmp6Message message = Icmp6Message::from(*reinterpret_cast<const Icmp6Header*>(packet->linear().data()));
  const IpInfo outer = ip_info(*packet);
  packet->consume(sizeof(Icmp6Header));
  // A citation is at most 1232 bytes long by the rules; whatever it is, its headers are to be found in it.
  const bool is_linear = packet->pull_up(packet->size()).is_ok();
  auto found = is_linear ? find_upper_layer(packet->linear()) : Result<Ipv6UpperLayer>(Errno::EINVAL);
  const bool is_whole = packet->size() >= sizeof(Ipv6Header) && found.is_ok();
  const Ipv6UpperLayer upper = is_whole ? found.take() : Ipv6UpperLayer{};
  // Protocol 255 as in stack/icmp/error4.cc.
  if (!is_whole || upper.offset + 8 > packet->size() || (upper.fragment && upper.fragment->offset != 0) ||
      upper.protocol == IpProtocol::Raw) {
    count(entry, Mib::Icmp6InErrors);
    return drop(entry, std::move(packet), DropReason::IcmpHeader);
  }
  const Ipv6Header cited = *reinterpret_cast<const Ipv6Header*>(packet->linear().data());
  packet->consume(upper.offset);
  const ErrorRow row = error_of(message);
  // RFC 4884, 4.
  const bool has_extensions = message.type == Icmp6Type::DestinationUnreachable || message.type == Icmp6Type::TimeExceeded;
  const IpError error{.origin = IpError::Origin::Icmp6,
                      .type = static_cast<uint8_t>(message.type),
                      .code = message.code,
                      .error = row.error,
                      .is_fatal = row.is_fatal,
                      .info = message.rest,
                      .offender = outer.source,
                      .source = cited.source,
                      .destination = cited.destination,
                      .protocol = static_cast<uint8_t>(upper.protocol),
                      .interface_index = outer.interface_index,
                      .cited = packet.get(),
                      .outer = &outer,
                      .extensions_at = has_extensions ? (message.rest >> 24) * 8 : 0,
                      .cited_headers = static_cast<uint32_t>(upper.offset)};
  deliver_error(entry, error);
}

void icmp6_receive_error(Entry& entry, const IpError& error) {
  if (Icmp6Type{error.cited->linear()[0]} == Icmp6Type::EchoRequest) ping_receive_error(entry, error);
}

}  // namespace lxnet
