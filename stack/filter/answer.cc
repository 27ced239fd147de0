// REJECT's answers: an ICMP error, or a reset for TCP. As Linux's nf_reject_ipv4.c and nf_reject_ipv6.c.
#include "stack/filter/answer.hh"

#include "stack/conntrack/connection.hh"
#include "stack/filter/transport_sum.hh"
#include "stack/icmp/icmp_state.hh"
#include "stack/ip/output.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/pseudo_header.hh"
#include "stack/wire/tcp.hh"

namespace lxnet {
namespace {

constexpr int kTcpReset4 = 7, kTcpReset6 = 6;

// By REJECT's number.
constexpr Icmp4Unreachable kCodes4[] = {
    Icmp4Unreachable::Network,
    Icmp4Unreachable::Host,
    Icmp4Unreachable::Protocol,
    Icmp4Unreachable::Port,
    {},
    Icmp4Unreachable::NetworkProhibited,
    Icmp4Unreachable::HostProhibited,
    {},
    Icmp4Unreachable::CommunicationProhibited,
};
constexpr Icmp6Unreachable kCodes6[] = {
    Icmp6Unreachable::NoRoute,
    Icmp6Unreachable::AdministrativelyProhibited,
    Icmp6Unreachable::BeyondScope,
    Icmp6Unreachable::Address,
    Icmp6Unreachable::Port,
    {},
    {},
    Icmp6Unreachable::SourcePolicy,
    Icmp6Unreachable::RejectRoute,
};

uint16_t pseudo_sum(const IpAddress& source, const IpAddress& destination, IpProtocol protocol, size_t size) {
  const auto length = static_cast<uint32_t>(size);
  if (source.is_v4()) return pseudo_header_checksum(source.v4(), destination.v4(), protocol, length).sum();
  return pseudo_header_checksum(source.v6(), destination.v6(), protocol, length).sum();
}

bool has_sound_checksum(const FilterPacket& seen) { return is_transport_sum_sound(seen, seen.protocol, seen.transport_offset); }

// nf_conntrack_attach(): the answer goes the other way on the connection of what is refused.
void attach_flow(const FilterPacket& refused, Packet& answer) {
  Connection* connection = connection_of(refused.packet);
  if (connection == nullptr) return;
  const bool is_original = direction_of(flow_state_of(refused.packet)) == kOriginal;
  bind_flow(answer, *connection, is_original ? FlowState::RelatedReply : FlowState::Related);
}

// RFC 9293, 3.5.2: in the place of who was addressed, as if nobody listened there.
void send_reset(FilterPacket& seen) {
  TcpHeader refused;
  if (IpProtocol{seen.protocol} != IpProtocol::Tcp) return;
  if (seen.packet.read(seen.transport_offset, mutable_bytes_of(refused)) != sizeof refused) return;
  if (refused.flags().rst() || !has_sound_checksum(seen)) return;
  const IpAddress source = seen.destination_address(), destination = seen.source_address();
  if (source.is_multicast() || destination.is_multicast() || seen.packet.is_link_broadcast) return;
  FlowKey key{.source = source,
              .destination = destination,
              .mark = 0,
              .protocol = static_cast<uint8_t>(IpProtocol::Tcp),
              .may_use_foreign_source = true};
  if (destination.is_link_local() && seen.input != nullptr) key.output_interface = seen.input->index();
  auto looked_up = seen.entry.stack().routes().lookup(seen.entry, key);
  if (!looked_up.is_ok()) return;
  const Route route = looked_up.take();
  if (route.kind != RouteKind::Unicast && route.kind != RouteKind::Local) return;
  auto created = Packet::create(seen.entry.stack().pool());
  if (!created.is_ok()) return;
  Ref<Packet> packet = created.take();
  TcpSegmentHeader header{.source_port = refused.destination_port.get(), .destination_port = refused.source_port.get()};
  header.header_size = sizeof(TcpHeader);
  const auto text = static_cast<uint32_t>(seen.packet.size() - seen.transport_offset - refused.header_size());
  if (refused.flags().ack()) {
    header.seq = SeqNum(refused.acknowledgment_number.get());
    header.flags = kTcpRst;
  } else {
    const uint32_t controls = uint32_t{refused.flags().syn()} + uint32_t{refused.flags().fin()};
    header.ack = SeqNum(refused.sequence_number.get()) + (text + controls);
    header.flags = kTcpRst | kTcpAck;
  }
  header.checksum = pseudo_sum(route.source, route.destination, IpProtocol::Tcp, sizeof(TcpHeader));
  header.emit(packet->push_header(sizeof(TcpHeader)));
  packet->checksum = ChecksumState::Partial;
  packet->checksum_offset = offsetof(TcpHeader, checksum);
  attach_flow(seen, *packet);
  static_cast<void>(ip_send(seen.entry, std::move(packet), route,
                            {.protocol = static_cast<uint8_t>(IpProtocol::Tcp), .may_fragment_locally = false}));
}

void answer_v4(FilterPacket& seen) {
  const auto number = static_cast<size_t>(seen.answer);
  const bool is_code = seen.answer >= FilterPacket::kAnswerCode;
  if (seen.fragment_offset != 0 || (!is_code && number >= std::size(kCodes4))) return;
  if (seen.answer == kTcpReset4) return send_reset(seen);
  if (!has_sound_checksum(seen)) return;
  const int code = is_code ? seen.answer - FilterPacket::kAnswerCode : static_cast<int>(kCodes4[number]);
  icmp4_send_error(seen.entry, seen.packet, static_cast<uint8_t>(Icmp4Type::DestinationUnreachable), static_cast<uint8_t>(code),
                   0);
}

void answer_v6(FilterPacket& seen) {
  const auto number = static_cast<size_t>(seen.answer);
  const bool is_code = seen.answer >= FilterPacket::kAnswerCode;
  if ((!is_code && number >= std::size(kCodes6)) || !seen.find_transport() || seen.fragment_offset != 0) return;
  if (seen.answer == kTcpReset6) return send_reset(seen);
  if (seen.transport_offset >= seen.packet.size() || !has_sound_checksum(seen)) return;
  const int code = is_code ? seen.answer - FilterPacket::kAnswerCode : static_cast<int>(kCodes6[number]);
  icmp6_send_error(seen.entry, seen.packet, static_cast<uint8_t>(Icmp6Type::DestinationUnreachable), static_cast<uint8_t>(code),
                   0);
}

}  // namespace

void answer_refused(FilterPacket& packet) {
  if (packet.family == IpFamily::V4) return answer_v4(packet);
  answer_v6(packet);
}

}  // namespace lxnet
