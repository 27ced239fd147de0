// Header, options and pseudo-header sum in front of the payload, and off to IP.
#include "stack/tcp/emit.hh"

#include "stack/ip/options4.hh"
#include "stack/ip/turn_around.hh"
#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/signature/keys.hh"
#include "stack/tcp/turned_segment.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv4_options.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {
namespace {

uint16_t pseudo_sum(const IpAddress& source, const IpAddress& destination, size_t size) {
  const uint32_t length = static_cast<uint32_t>(size);
  if (destination.is_v4()) return pseudo_header_checksum(source.v4(), destination.v4(), IpProtocol::Tcp, length).sum();
  return pseudo_header_checksum(source.v6(), destination.v6(), IpProtocol::Tcp, length).sum();
}

// A strict source route names every hop: there is no gateway on the way to the first (RFC 791, 3.1).
Result<Ipv4Options> sticky_options_v4(Entry& entry, const StickyHeaders& sticky, const Route& route) {
  const Ipv4Options options = TRY(Ipv4Options::from_user(sticky.options_v4(), Ipv4OptionsPrivilege::RawNetwork));
  if (!options.is_strict_route() || route.next_hop == route.destination) return options;
  count(entry, Mib::IpOutNoRoutes);
  return Errno::EHOSTUNREACH;
}

}  // namespace

Result<> emit_plain_segment(Entry& entry, Ref<Packet> packet, const Route& route, PlainSegment& segment) {
  struct Stamps {
    Be32 kinds, value, echo_reply;
  };
  constexpr uint32_t kAlignedTimestamps = 0x0101080a;  // two of no operation, kind 8, ten bytes
  const size_t header_size = sizeof(TcpHeader) + (segment.has_timestamps ? sizeof(Stamps) : 0);
  segment.header.header_size = static_cast<uint8_t>(header_size);
  const MutableByteSpan bytes = packet->push_header(header_size);
  segment.header.checksum =
      pseudo_header_checksum(route.source.v4(), route.destination.v4(), IpProtocol::Tcp, static_cast<uint32_t>(packet->size()))
          .sum();
  segment.header.emit(bytes);
  if (segment.has_timestamps) {
    auto& stamps = *new (bytes.data() + sizeof(TcpHeader)) Stamps;
    stamps.kinds.set(kAlignedTimestamps);
    stamps.value.set(segment.timestamps.value);
    stamps.echo_reply.set(segment.timestamps.echo_reply);
  }
  packet->checksum = ChecksumState::Partial;
  packet->checksum_offset = offsetof(TcpHeader, checksum);
  count(entry, Mib::TcpOutSegs, packet->segment_count);
  const IpSendOptions options{.protocol = static_cast<uint8_t>(IpProtocol::Tcp),
                              .ttl = segment.ttl,
                              .tos = segment.tos,
                              .path_mtu = segment.path_mtu,
                              .may_fragment_locally = false};
  if (!may_turn_unsent4(entry, *packet, route, segment.path_mtu)) return ip4_send(entry, std::move(packet), route, options);
  ip4_turn_unsent(entry, *packet, route, options);
  TurnedSegment& turned = TurnedSegment::of(*packet);
  turned.header = segment.header;
  turned.timestamps = segment.timestamps;
  turned.has_timestamps = segment.has_timestamps;
  packet->is_turned_segment = true;
  entry.turn_segment_around(std::move(packet));
  return ok();
}

Result<> emit_segment(Entry& entry, Ref<Packet> packet, const Route& route, TcpEmission& emission) {
  uint8_t signature[TcpOptions::kMd5Size];
  if (emission.signing_key != nullptr) emission.options.md5_signature = signature;
  const size_t header_size = sizeof(TcpHeader) + emission.options.encoded_size();
  ASSERT(header_size <= TcpHeader::kMaxSize);
  emission.header.header_size = static_cast<uint8_t>(header_size);
  const IpAddress& destination = emission.final_destination.is_unspecified() ? route.destination : emission.final_destination;
  if (emission.signing_key != nullptr) {
    sign_segment(
        {.source = route.source, .destination = destination, .header = emission.header, .payload = *packet, .payload_offset = 0},
        *emission.signing_key, signature);
  }
  const MutableByteSpan bytes = packet->push_header(header_size);
  emission.header.checksum = pseudo_sum(route.source, destination, packet->size());
  emission.header.emit(bytes);
  emission.options.emit(bytes.subspan(sizeof(TcpHeader)));
  packet->checksum = ChecksumState::Partial;
  packet->checksum_offset = offsetof(TcpHeader, checksum);
  if (packet->segment_count == 0) packet->segment_count = 1;
  count(entry, Mib::TcpOutSegs, packet->segment_count);
  IpSendOptions options;
  options.protocol = static_cast<uint8_t>(IpProtocol::Tcp);
  options.ttl = emission.ttl;
  options.tos = emission.tos;
  options.path_mtu = emission.path_mtu;
  options.may_fragment_locally = false;
  options.flow_label = emission.flow_label;
  options.auto_flow_label = emission.auto_flow_label;
  options.v4_options = emission.v4_options;
  options.final_destination = emission.final_destination;
  Ipv4Options v4_options;
  if (emission.sticky && route.destination.is_v4()) {
    v4_options = TRY(sticky_options_v4(entry, *emission.sticky, route));
    options.v4_options = &v4_options;
  } else if (emission.sticky) {
    options.options = emission.sticky->chain();
    options.options_first_header = emission.sticky->first_header();
  }
  return ip_send(entry, std::move(packet), route, options);
}

Result<Route> route_answer(Entry& entry, const TcpSegment& segment, FlowKey key, Ipv4Options& turned, TcpEmission& emission) {
  if (segment.packet && segment.source.address.is_v4())
    turned = TRY(ip4_reply_options(ip4_options_of(*segment.packet), segment.source.address.v4()));
  emission.v4_options = &turned;
  if (turned.has_source_route()) {
    emission.final_destination = key.destination;
    key.destination = turned.first_hop();
  }
  return entry.stack().routes().lookup(entry, key);
}

void answer_with_reset(Entry& entry, const TcpSegment& segment, const Md5Keys* keys) {
  if (segment.flags.rst()) return;
  FlowKey key;
  key.source = segment.destination.address;
  key.destination = segment.source.address;
  key.protocol = static_cast<uint8_t>(IpProtocol::Tcp);
  if (segment.source.address.is_link_local()) key.output_interface = segment.interface_index;
  TcpEmission emission;
  Ipv4Options turned;
  auto route = route_answer(entry, segment, key, turned, emission);
  if (!route.is_ok()) return;
  auto packet = Packet::create(entry.stack().pool());
  if (!packet.is_ok()) return;
  if (keys != nullptr) emission.signing_key = keys->find(segment.source.address);
  emission.header.source_port = segment.destination.port;
  emission.header.destination_port = segment.source.port;
  if (segment.flags.ack()) {
    emission.header.seq = segment.ack;
    emission.header.flags = kTcpRst;
  } else {
    emission.header.ack = segment.end();
    emission.header.flags = kTcpRst | kTcpAck;
  }
  count(entry, Mib::TcpOutRsts);
  static_cast<void>(emit_segment(entry, packet.take(), route.take(), emission));
}

}  // namespace lxnet
