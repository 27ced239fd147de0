// Sending ICMP for IPv4 errors (RFC 792; RFC 1122, 3.2.2; RFC 1812, 4.3.2).
#include <algorithm>

#include "stack/icmp/icmp_internal.hh"
#include "stack/ip/ip_state.hh"
#include "stack/ip/options4.hh"
#include "stack/ip/output.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"

namespace lxnet {

namespace {

constexpr uint8_t kInternetControl = 0xc0;  // the precedence errors travel with
constexpr size_t kMaxErrorSize = 576;       // RFC 1812, 4.3.2.3: of the whole IP packet

// Whether the ICMP message a packet carries is one that must not be answered with an error: an error, or a type nobody knows.
bool carries_unanswerable_icmp(const Packet& cited, const Ipv4Header& header) {
  uint8_t type = 0;
  if (cited.read(header.header_size(), MutableByteSpan(&type, 1)) != 1) return true;
  constexpr uint8_t kLastType = 18;
  return type > kLastType || Icmp4Message{.type = Icmp4Type{type}}.is_error();
}

// RFC 1122, 3.2.2: what an error is never sent about.
bool may_be_answered(Entry& entry, const Packet& offending, const Packet& cited, const Ipv4Header& header) {
  if (offending.is_link_broadcast || offending.is_link_multicast) return false;
  if (header.fragment_offset() != 0) return false;
  const RouteType destination = entry.stack().routes().address_type(header.destination);
  // What a route led to us may name 0.0.0.0, if a program wrote its header, or an address from which no answer may leave.
  const bool names_any = offending.is_routed_to_us && header.destination.is_unspecified();
  if (!names_any && (destination == RouteType::Multicast || destination == RouteType::Broadcast)) return false;
  if (!names_any && offending.is_routed_to_us && destination != RouteType::Local) return false;
  if (header.source.is_multicast() || header.source.is_broadcast() || header.source.is_zero_network()) return false;
  return IpProtocol{header.protocol} != IpProtocol::Icmp || !carries_unanswerable_icmp(cited, header);
}

// Back to the sender: from the address it wrote to where that is ours, else from the one the way there has.
Result<Route> route_back(Entry& entry, const Ipv4Header& header, const Ipv4Options& options, uint8_t tos) {
  const bool is_ours = entry.stack().routes().address_type(header.destination) == RouteType::Local;
  return entry.stack().routes().lookup(entry, {.source = is_ours ? header.destination : Ipv4Address(),
                                               .destination = ip4_first_hop(options, header.source),
                                               .protocol = 1,
                                               .tos = tos});
}

}  // namespace

void icmp4_send_error(Entry& entry, const Packet& offending, uint8_t type, uint8_t code, uint32_t info) {
  if (offending.network_header() == nullptr) return;
  auto citation = cite_packet(offending, kMaxErrorSize);
  if (!citation.is_ok()) return count(entry, Mib::IcmpOutErrors);
  const Ref<Packet> cited = citation.take();
  if (!cited->pull_up(sizeof(Ipv4Header)).is_ok()) return;
  const auto& header = *reinterpret_cast<const Ipv4Header*>(cited->linear().data());
  if (!may_be_answered(entry, offending, *cited, header)) return;

  const auto tos = static_cast<uint8_t>((header.type_of_service & 0x1e) | kInternetControl);
  auto received = Ipv4Header::options_in(cited->linear());
  auto turned = ip4_reply_options(received.is_ok() ? received.take() : ByteSpan(), header.source);
  if (!turned.is_ok()) return;
  const Ipv4Options options = turned.take();
  auto looked_up = route_back(entry, header, options, tos);
  if (!looked_up.is_ok()) return count(entry, Mib::IcmpOutErrors);
  const Route route = looked_up.take();
  if (!icmp4_may_send(entry, route, header.source, type, code)) return;

  const size_t overhead = sizeof(Ipv4Header) + options.size() + sizeof(Icmp4Header);
  const size_t room = std::min<size_t>(ip_send_mtu(route, PathMtuMode::Want), kMaxErrorSize);
  if (room <= overhead + sizeof(Ipv4Header)) return;
  cited->trim(std::min(cited->size(), room - overhead));

  auto created = Packet::create(entry.stack().pool());
  if (!created.is_ok()) return count(entry, Mib::IcmpOutErrors);
  const Ref<Packet> message = created.take();
  Icmp4Message{.type = Icmp4Type{type}, .code = code, .rest = info}.emit(message->append(sizeof(Icmp4Header)));
  if (!message->append_from(*cited, 0, cited->size()).is_ok()) return count(entry, Mib::IcmpOutErrors);
  InternetChecksum checksum;
  message->for_each_run(0, message->size(), [&](ByteSpan run) { checksum.add(run); });
  reinterpret_cast<Icmp4Header*>(message->mutable_linear().data())->checksum.set(checksum.finish());

  count(entry, Mib::IcmpOutMsgs);
  entry.stack().mib().count_icmp4(MibCounters::Direction::Out, type);
  const IpSendOptions how{
      .protocol = 1, .tos = tos, .path_mtu = PathMtuMode::Dont, .v4_options = &options, .final_destination = header.source};
  charge_message(*message, IpFamily::V4, options.size());
  static_cast<void>(ip_send(entry, message, route, how));
}

}  // namespace lxnet
