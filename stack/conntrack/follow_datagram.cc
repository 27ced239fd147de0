// Packets without connections of their own: UDP, ICMP, and protocols nobody knows anything of. Linux's nf_conntrack_proto_udp.c,
// _icmp.c, _icmpv6.c and _generic.c.
#include "stack/conntrack/follow.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/udp.hh"

namespace lxnet {
namespace {

// A question and its answer are not yet a stream; what lasts longer is.
constexpr Duration kStreamAfter = Duration::seconds(2);

constexpr uint8_t kNodeQuery = 139;

bool may_begin(const FlowTuple& tuple) {
  const uint8_t type = tuple.icmp_type();
  if (tuple.family == IpFamily::V6) return type == static_cast<uint8_t>(Icmp6Type::EchoRequest) || type == kNodeQuery;
  switch (Icmp4Type{type}) {
    case Icmp4Type::Echo:
    case Icmp4Type::Timestamp:
    case Icmp4Type::InformationRequest:
    case Icmp4Type::AddressMaskRequest:
      return true;
    default:
      return false;
  }
}

}  // namespace

Followed follow_udp(const FollowedPacket& followed, Connection& connection, FlowState state) {
  UdpHeader header;
  if (followed.packet().read(followed.headers.transport_offset, mutable_bytes_of(header)) != sizeof header)
    return Followed::Invalid;
  if (header.length.get() > followed.transport_size() || header.length.get() < sizeof header) return Followed::Invalid;
  if (header.checksum.get() != 0 && followed.has_wrong_checksum()) return Followed::Invalid;
  const Duration question = Duration::seconds(followed.settings().udp_seconds);
  if (!connection.is(kConfirmed)) connection.stream_since = followed.now + kStreamAfter;
  if (!connection.is(kSeenReply)) {
    followed.refresh(connection, state, question);
    return Followed::Yes;
  }
  const bool is_stream = followed.now > connection.stream_since;
  followed.refresh(connection, state, is_stream ? Duration::seconds(followed.settings().udp_stream_seconds) : question);
  if (is_stream) connection.status |= kAssured;
  return Followed::Yes;
}

Followed follow_udp_lite(const FollowedPacket& followed, Connection& connection, FlowState state) {
  UdpHeader header;
  if (followed.packet().read(followed.headers.transport_offset, mutable_bytes_of(header)) != sizeof header)
    return Followed::Invalid;
  const size_t coverage = header.length.get();
  if (coverage != 0 && (coverage < sizeof header || coverage > followed.transport_size())) return Followed::Invalid;
  if (header.checksum.get() == 0) return Followed::Invalid;
  const ConnectionSettings& settings = followed.settings();
  const bool is_answered = connection.is(kSeenReply);
  followed.refresh(connection, state, Duration::seconds(is_answered ? settings.udp_stream_seconds : settings.udp_seconds));
  if (is_answered) connection.status |= kAssured;
  return Followed::Yes;
}

Followed follow_icmp(const FollowedPacket& followed, Connection& connection, FlowState state) {
  const bool is_v6 = IpProtocol{followed.headers.protocol} == IpProtocol::Icmpv6;
  if (is_v6 != (followed.headers.family == IpFamily::V6)) return Followed::Invalid;
  if (!connection.is(kConfirmed) && !may_begin(connection.tuple(kOriginal))) return Followed::Invalid;
  const ConnectionSettings& settings = followed.settings();
  followed.refresh(connection, state, Duration::seconds(is_v6 ? settings.icmpv6_seconds : settings.icmp_seconds));
  return Followed::Yes;
}

Followed follow_other(const FollowedPacket& followed, Connection& connection, FlowState state) {
  followed.refresh(connection, state, Duration::seconds(followed.settings().generic_seconds));
  return Followed::Yes;
}

}  // namespace lxnet
