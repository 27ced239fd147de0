// ICMP messages that report an error of a packet belong to that packet's connection. Linux's nf_conntrack_inet_error() and what
// calls it.
#include "stack/conntrack/follow.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv6.hh"

namespace lxnet {
namespace {

constexpr uint8_t kLastIcmp4Type = 18;

bool reports_error4(uint8_t type) {
  switch (Icmp4Type{type}) {
    case Icmp4Type::DestinationUnreachable:
    case Icmp4Type::SourceQuench:
    case Icmp4Type::Redirect:
    case Icmp4Type::TimeExceeded:
    case Icmp4Type::ParameterProblem:
      return true;
    default:
      return false;
  }
}

// What hosts of a link tell each other is nobody's connection.
bool is_of_the_link(uint8_t type) {
  constexpr uint8_t kRouterDiscoveryAdvertisement = 151, kRouterDiscoverySolicitation = 152;
  switch (Icmp6Type{type}) {
    case Icmp6Type::MulticastListenerQuery:
    case Icmp6Type::MulticastListenerReport:
    case Icmp6Type::MulticastListenerDone:
    case Icmp6Type::RouterSolicitation:
    case Icmp6Type::RouterAdvertisement:
    case Icmp6Type::NeighborSolicitation:
    case Icmp6Type::NeighborAdvertisement:
    case Icmp6Type::MulticastListenerReportV2:
      return true;
    default:
      return type == kRouterDiscoveryAdvertisement || type == kRouterDiscoverySolicitation;
  }
}

// The packet that is cited at `at` is one of a connection; who is told of it must be who has sent it.
Followed bind_to_cited(const FollowedPacket& followed, uint32_t at) {
  const IpFamily family = followed.headers.family;
  const auto headers = find_flow_headers(followed.packet(), family, at);
  if (!headers) return Followed::Invalid;
  auto cited = read_flow_tuple(followed.packet(), *headers, at);
  if (!cited) return Followed::Invalid;
  cited->zone = followed.seen.zone;
  const auto answer = cited->inverted();
  if (!answer) return Followed::Invalid;
  const Connection::Side* side = followed.table.find(*answer, followed.now);
  if (side == nullptr || side->tuple.destination != followed.seen.destination_address()) return Followed::Invalid;
  Connection& connection = *side->connection;
  const bool is_reply = side == &connection.sides[kReply];
  bind_flow(followed.packet(), connection, is_reply ? FlowState::RelatedReply : FlowState::Related);
  return Followed::Yes;
}

Followed follow_redirect6(const FollowedPacket& followed, const uint8_t (&head)[8]) {
  constexpr uint32_t kRedirectSize = 40, kOptionHeadSize = 8;
  constexpr uint8_t kRedirectedHeader = 4;
  if (followed.packet().size() < followed.headers.transport_offset + kRedirectSize) return Followed::Invalid;
  if (head[1] != 0) return Followed::Yes;
  const IpAddress source = followed.seen.source_address();
  if (followed.seen.time_to_live != 255 || !source.is_link_local()) return Followed::Invalid;
  uint8_t option[2];
  const uint32_t at = followed.headers.transport_offset + kRedirectSize;
  if (followed.packet().read(at, option) != sizeof option || option[1] == 0) return Followed::Invalid;
  if (option[0] != kRedirectedHeader) return Followed::Yes;
  return bind_to_cited(followed, at + kOptionHeadSize);
}

}  // namespace

Followed follow_icmp_error(const FollowedPacket& followed) {
  const bool is_v6 = IpProtocol{followed.headers.protocol} == IpProtocol::Icmpv6;
  if (is_v6 != (followed.headers.family == IpFamily::V6)) return Followed::Yes;
  uint8_t head[8];
  if (followed.packet().read(followed.headers.transport_offset, head) != sizeof head) return Followed::Invalid;
  if (followed.has_wrong_checksum()) return Followed::Invalid;
  const uint8_t type = head[0];
  const uint32_t cited_at = followed.headers.transport_offset + static_cast<uint32_t>(sizeof head);
  if (!is_v6) {
    if (type > kLastIcmp4Type) return Followed::Invalid;
    return reports_error4(type) ? bind_to_cited(followed, cited_at) : Followed::Yes;
  }
  if (is_of_the_link(type)) {
    followed.packet().flow_state = static_cast<uint8_t>(FlowState::Untracked);
    return Followed::Yes;
  }
  if (Icmp6Type{type} == Icmp6Type::Redirect) return follow_redirect6(followed, head);
  constexpr uint8_t kFirstMessage = 128;
  return type >= kFirstMessage ? Followed::Yes : bind_to_cited(followed, cited_at);
}

}  // namespace lxnet
