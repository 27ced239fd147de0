// Header, options and pseudo-header sum in front of the payload, and off to IP.
#include "stack/tcp/emit.hh"

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/signature/keys.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv4_options.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {
namespace {

uint16_t pseudo_sum(const Route& route, const IpAddress& final_destination, size_t size) {
  const uint32_t length = static_cast<uint32_t>(size);
  if (!final_destination.is_unspecified()) [[unlikely]]
    return pseudo_header_checksum(route.source.v6(), final_destination.v6(), IpProtocol::Tcp, length).sum();
  if (route.destination.is_v4()) {
    return pseudo_header_checksum(route.source.v4(), route.destination.v4(), IpProtocol::Tcp, length).sum();
  }
  return pseudo_header_checksum(route.source.v6(), route.destination.v6(), IpProtocol::Tcp, length).sum();
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
  return ip4_send(entry, std::move(packet), route,
                  {.protocol = static_cast<uint8_t>(IpProtocol::Tcp),
                   .ttl = segment.ttl,
                   .tos = segment.tos,
                   .path_mtu = segment.path_mtu,
                   .may_fragment_locally = false});
}

Result<> emit_segment(Entry& entry, Ref<Packet> packet, const Route& route, TcpEmission& emission) {
  uint8_t signature[TcpOptions::kMd5Size];
  if (emission.signing_key != nullptr) emission.options.md5_signature = signature;
  const size_t header_size = sizeof(TcpHeader) + emission.options.encoded_size();
  ASSERT(header_size <= TcpHeader::kMaxSize);
  emission.header.header_size = static_cast<uint8_t>(header_size);
  if (emission.signing_key != nullptr) {
    sign_segment({.source = route.source,
                  .destination = route.destination,
                  .header = emission.header,
                  .payload = *packet,
                  .payload_offset = 0},
                 *emission.signing_key, signature);
  }
  const MutableByteSpan bytes = packet->push_header(header_size);
  emission.header.checksum = pseudo_sum(route, emission.final_destination, packet->size());
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
  Ipv4Options v4_options;
  if (emission.sticky && route.destination.is_v4()) {
    v4_options = TRY(Ipv4Options::from_user(emission.sticky->options_v4(), Ipv4OptionsPrivilege::RawNetwork));
    options.v4_options = &v4_options;
  } else if (emission.sticky) {
    options.options = emission.sticky->chain();
    options.options_first_header = emission.sticky->first_header();
    options.final_destination = emission.final_destination;
  }
  return ip_send(entry, std::move(packet), route, options);
}

void answer_with_reset(Entry& entry, const TcpSegment& segment, const Md5Keys* keys) {
  if (segment.flags.rst()) return;
  FlowKey key;
  key.source = segment.destination.address;
  key.destination = segment.source.address;
  key.protocol = static_cast<uint8_t>(IpProtocol::Tcp);
  if (segment.source.address.is_link_local()) key.output_interface = segment.interface_index;
  auto route = entry.stack().routes().lookup(entry, key);
  if (!route.is_ok()) return;
  auto packet = Packet::create(entry.stack().pool());
  if (!packet.is_ok()) return;
  TcpEmission emission;
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
