// Sending ICMPv6 errors (RFC 4443, section 2.4).
#include <algorithm>

#include "stack/icmp/icmp_internal.hh"
#include "stack/ip/ip_state.hh"
#include "stack/ip/output.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ipv6_extensions.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {

namespace {

constexpr uint8_t kErrorLimit = 128;  // types below are errors

// 2.4 e.1, e.2: never about an error or a redirect. A fragment that does not say is no ground for silence, as in Linux.
bool may_cite(ByteSpan cited) {
  auto found = find_upper_layer(cited);
  if (!found.is_ok()) return true;
  const Ipv6UpperLayer upper = found.take();
  if (upper.protocol != IpProtocol::Icmpv6 || (upper.fragment && upper.fragment->offset != 0)) return true;
  if (upper.offset >= cited.size()) return upper.fragment.has_value();
  const uint8_t type = cited[upper.offset];
  return type >= kErrorLimit && Icmp6Type{type} != Icmp6Type::Redirect;
}

// 2.4 e.3, e.4: about packets to many only Packet Too Big, and an unknown option that asks for it.
bool may_answer_multicast(ByteSpan cited, uint8_t type, uint8_t code, uint32_t info) {
  if (Icmp6Type{type} == Icmp6Type::PacketTooBig) return true;
  if (Icmp6Type{type} != Icmp6Type::ParameterProblem || Icmp6ParameterProblem{code} != Icmp6ParameterProblem::Option)
    return false;
  return info < cited.size() && (cited[info] & 0xc0) == 0x80;
}

bool may_be_answered(const Packet& offending, const Packet& cited, const Ipv6Header& header, uint8_t type, uint8_t code,
                     uint32_t info) {
  if (header.source.is_multicast() || header.source.is_unspecified()) return false;
  const bool is_to_many = header.destination.is_multicast() || offending.is_link_broadcast || offending.is_link_multicast;
  if (is_to_many && !may_answer_multicast(cited.linear(), type, code, info)) return false;
  return may_cite(cited.linear());
}

Result<Route> route_back(Entry& entry, const Packet& offending, const Ipv6Header& header) {
  FlowKey key{.source = header.destination, .destination = header.source, .protocol = 58};
  if (header.source.is_link_local()) key.output_interface = offending.interface_index;
  if (entry.stack().routes().address_type(header.destination) != RouteType::Local) key.source = IpAddress();
  return entry.stack().routes().lookup(entry, key);
}

}  // namespace

void icmp6_send_error(Entry& entry, const Packet& offending, uint8_t type, uint8_t code, uint32_t info) {
  if (offending.network_header() == nullptr) return;
  constexpr size_t kRoom = Ipv6Header::kMinMtu - sizeof(Ipv6Header) - sizeof(Icmp6Header);
  auto citation = cite_packet(offending, kRoom);
  if (!citation.is_ok()) return count(entry, Mib::Icmp6OutErrors);
  const Ref<Packet> cited = citation.take();
  // All of it linear, so that the headers can be walked.
  if (!cited->pull_up(cited->size()).is_ok() || cited->size() < sizeof(Ipv6Header)) return;
  const Ipv6Header header = *reinterpret_cast<const Ipv6Header*>(cited->linear().data());
  if (!may_be_answered(offending, *cited, header, type, code, info)) return;

  auto looked_up = route_back(entry, offending, header);
  if (!looked_up.is_ok()) return count(entry, Mib::Icmp6OutErrors);
  const Route route = looked_up.take();
  if (!icmp6_may_send(entry, route, header.source, type)) return;

  auto created = Packet::create(entry.stack().pool());
  if (!created.is_ok()) return count(entry, Mib::Icmp6OutErrors);
  const Ref<Packet> message = created.take();
  Icmp6Message{.type = Icmp6Type{type}, .code = code, .rest = info}.emit(message->append(sizeof(Icmp6Header)));
  if (!message->append_from(*cited, 0, cited->size()).is_ok()) return count(entry, Mib::Icmp6OutErrors);
  InternetChecksum checksum = pseudo_header_checksum(route.source.v6(), route.destination.v6(), IpProtocol::Icmpv6,
                                                     static_cast<uint32_t>(message->size()));
  message->for_each_run(0, message->size(), [&](ByteSpan run) { checksum.add(run); });
  reinterpret_cast<Icmp6Header*>(message->mutable_linear().data())->checksum.set(checksum.finish());

  count(entry, Mib::Icmp6OutMsgs);
  entry.stack().mib().count_icmp6(MibCounters::Direction::Out, type);
  charge_message(*message, IpFamily::V6);
  static_cast<void>(ip_send(entry, message, route, {.protocol = 58}));
}

}  // namespace lxnet
