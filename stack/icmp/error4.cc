// ICMP for IPv4 messages that cite a packet of ours: which error that is, and for whom (RFC 1122 3.2.2.1, RFC 1191, RFC 5927).
#include "stack/drop_reason.hh"
#include "stack/icmp/icmp_input.hh"
#include "stack/icmp/icmp_internal.hh"
#include "stack/ip/ip_info.hh"
#include "stack/route/redirect.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv4.hh"

namespace lxnet {

namespace {

struct ErrorRow {
  Errno error;
  bool is_fatal;
};
// By code of destination unreachable, as Linux tells programs.
constexpr ErrorRow kUnreachable[] = {
    {Errno::ENETUNREACH, false},  {Errno::EHOSTUNREACH, false}, {Errno::ENOPROTOOPT, true},  {Errno::ECONNREFUSED, true},
    {Errno::EMSGSIZE, false},     {Errno::EOPNOTSUPP, false},   {Errno::ENETUNREACH, true},  {Errno::EHOSTDOWN, true},
    {Errno::ENONET, true},        {Errno::ENETUNREACH, true},   {Errno::EHOSTUNREACH, true}, {Errno::ENETUNREACH, false},
    {Errno::EHOSTUNREACH, false}, {Errno::EHOSTUNREACH, true},  {Errno::EHOSTUNREACH, true}, {Errno::EHOSTUNREACH, true},
};
static_assert(std::size(kUnreachable) == kIcmp4LastUnreachableCode + 1);

ErrorRow error_of(const Icmp4Message& message) {
  switch (message.type) {
    case Icmp4Type::DestinationUnreachable:
      return kUnreachable[message.code];
    case Icmp4Type::ParameterProblem:
      return {Errno::EPROTO, true};
    default:
      return {Errno::EHOSTUNREACH, false};
  }
}

// RFC 4884, 4: the messages whose second word may say where extensions begin.
bool has_extensions(Icmp4Type type) {
  return type == Icmp4Type::DestinationUnreachable || type == Icmp4Type::TimeExceeded || type == Icmp4Type::ParameterProblem;
}

uint32_t info_of(const Icmp4Message& message) {
  if (message.type == Icmp4Type::ParameterProblem) return message.pointer();
  const bool is_mtu = message.type == Icmp4Type::DestinationUnreachable &&
                      Icmp4Unreachable{message.code} == Icmp4Unreachable::FragmentationNeeded;
  return is_mtu ? message.next_hop_mtu() : 0;
}

// Messages no transport hears of.
bool is_for_nobody(Entry& entry, const Icmp4Message& message) {
  switch (message.type) {
    case Icmp4Type::DestinationUnreachable: {
      if (message.code > kIcmp4LastUnreachableCode) return true;
      const int32_t no_discovery = entry.stack().tunables().values().ip_no_pmtu_disc;
      return Icmp4Unreachable{message.code} == Icmp4Unreachable::FragmentationNeeded && no_discovery == 2;
    }
    case Icmp4Type::TimeExceeded:
      return Icmp4TimeExceeded{message.code} == Icmp4TimeExceeded::Reassembly;
    case Icmp4Type::SourceQuench:
      return true;  // RFC 6633
    default:
      return false;
  }
}

void drop_malformed(Entry& entry, Ref<Packet> packet) {
  count(entry, Mib::IcmpInErrors);
  drop(entry, std::move(packet), DropReason::IcmpHeader);
}

}  // namespace

void icmp4_receive_unreachable(Entry& entry, Ref<Packet> packet) {
  const Icmp4Message message = Icmp4Message::from(*reinterpret_cast<const Icmp4Header*>(packet->linear().data()));
  const IpInfo outer = ip_info(*packet);
  packet->consume(sizeof(Icmp4Header));
  if (!packet->header<Ipv4Header>().is_ok()) return drop_malformed(entry, std::move(packet));
  const Ipv4Header cited = *reinterpret_cast<const Ipv4Header*>(packet->linear().data());
  if (is_for_nobody(entry, message)) return drop(entry, std::move(packet), DropReason::IcmpIgnored);
  // RFC 1122, 3.2.2.1 needs eight bytes of the transport's header to find whose it is.
  if (!packet->pull_up(cited.header_size() + 8).is_ok()) return drop_malformed(entry, std::move(packet));
  // No socket receives this protocol: what names it was not sent by us, and is after a socket that sends all.
  if (cited.protocol == static_cast<uint8_t>(IpProtocol::Raw)) return drop_malformed(entry, std::move(packet));
  packet->consume(cited.header_size());
  const ErrorRow row = error_of(message);
  const IpError error{.origin = IpError::Origin::Icmp4,
                      .type = static_cast<uint8_t>(message.type),
                      .code = message.code,
                      .error = row.error,
                      .is_fatal = row.is_fatal,
                      .info = info_of(message),
                      .offender = outer.source,
                      .source = cited.source,
                      .destination = cited.destination,
                      .protocol = cited.protocol,
                      .interface_index = outer.interface_index,
                      .cited = packet.get(),
                      .outer = &outer,
                      .extensions_at = has_extensions(message.type) ? static_cast<uint32_t>(message.quoted_size()) : 0,
                      .cited_headers = static_cast<uint32_t>(cited.header_size())};
  deliver_error(entry, error);
}

void icmp4_receive_redirect(Entry& entry, Ref<Packet> packet) {
  const Icmp4Message message = Icmp4Message::from(*reinterpret_cast<const Icmp4Header*>(packet->linear().data()));
  const IpInfo outer = ip_info(*packet);
  packet->consume(sizeof(Icmp4Header));
  if (!packet->header<Ipv4Header>().is_ok()) return drop_malformed(entry, std::move(packet));
  const Ipv4Header cited = *reinterpret_cast<const Ipv4Header*>(packet->linear().data());
  receive_redirect4(entry, {.interface_index = outer.interface_index,
                            .old_gateway = outer.source,
                            .new_gateway = message.gateway(),
                            .source = cited.source,
                            .destination = cited.destination});
}

}  // namespace lxnet
