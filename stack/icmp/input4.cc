// Receiving ICMP for IPv4 (RFC 792; RFC 1122, 3.2.2).
//
// Not answered: address mask requests, router solicitations, information requests; Linux answers none of them either. Not
// implemented: extended echo (RFC 8335), which Linux has off.
#include "stack/drop_reason.hh"
#include "stack/icmp/icmp_input.hh"
#include "stack/icmp/icmp_internal.hh"
#include "stack/ip/ip_info.hh"
#include "stack/ip/options4.hh"
#include "stack/ip/output_internal.hh"
#include "stack/ping/ping_input.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"

namespace lxnet {

namespace {

constexpr uint8_t kLastKnownType = 18;

bool is_checksum_right(const Packet& packet) {
  if (packet.checksum != ChecksumState::Unknown) return true;
  InternetChecksum checksum;
  packet.for_each_run(0, packet.size(), [&](ByteSpan run) { checksum.add(run); });
  return checksum.is_valid();
}

// Sends `message`, whose checksum is still to be summed, to who sent `request`, with the options it had.
void send_reply(Entry& entry, Ref<Packet> message, const Packet& request, Icmp4Type type) {
  const IpInfo& info = ip_info(request);
  const bool is_to_many = info.is_broadcast || info.is_multicast;
  auto turned = ip4_reply_options(ip4_options_of(request), info.source.v4());
  if (!turned.is_ok()) return;
  const Ipv4Options options = turned.take();
  const FlowKey key{.source = is_to_many ? IpAddress(Ipv4Address()) : info.destination,
                    .destination = ip4_first_hop(options, info.source),
                    .protocol = 1,
                    .tos = info.tos};
  auto looked_up = entry.stack().routes().lookup(entry, key);
  if (!looked_up.is_ok()) return;
  const Route route = looked_up.take();
  if (!icmp4_may_send(entry, route, info.source, static_cast<uint8_t>(type), 0)) return;

  InternetChecksum checksum;
  message->for_each_run(0, message->size(), [&](ByteSpan run) { checksum.add(run); });
  reinterpret_cast<Icmp4Header*>(message->mutable_linear().data())->checksum.set(checksum.finish());
  count(entry, Mib::IcmpOutMsgs);
  entry.stack().mib().count_icmp4(MibCounters::Direction::Out, static_cast<uint8_t>(type));
  const IpSendOptions how{
      .protocol = 1, .tos = info.tos, .path_mtu = PathMtuMode::Dont, .v4_options = &options, .final_destination = info.source};
  charge_message(*message, IpFamily::V4, options.size());
  static_cast<void>(ip_send(entry, std::move(message), route, how));
}

void receive_echo(Entry& entry, Ref<Packet> packet) {
  if (entry.stack().tunables().values().icmp_echo_ignore_all != 0) {
    return drop(entry, std::move(packet), DropReason::IcmpIgnored);
  }
  const auto& request = *reinterpret_cast<const Icmp4Header*>(packet->linear().data());
  auto created = Packet::create(entry.stack().pool());
  if (!created.is_ok()) return drop(entry, std::move(packet), DropReason::NoMemory);
  Ref<Packet> reply = created.take();
  Icmp4Message{.type = Icmp4Type::EchoReply, .code = request.code, .rest = request.rest.get()}.emit(
      reply->append(sizeof(Icmp4Header)));
  if (!reply->append_from(*packet, sizeof(Icmp4Header), packet->size() - sizeof(Icmp4Header)).is_ok()) {
    return drop(entry, std::move(packet), DropReason::NoMemory);
  }
  send_reply(entry, std::move(reply), *packet, Icmp4Type::EchoReply);
}

// RFC 1122, 3.2.2.8: the sender's time, then when it came and when the reply left, which is now.
void receive_timestamp(Entry& entry, Ref<Packet> packet) {
  constexpr size_t kTimes = 12;
  Be32 times[3];
  if (packet->read(sizeof(Icmp4Header), mutable_bytes_of(times[0])) != sizeof times[0]) {
    count(entry, Mib::IcmpInErrors);
    return drop(entry, std::move(packet), DropReason::IcmpHeader);
  }
  times[1].set(milliseconds_since_midnight(entry.stack().hal()));
  times[2] = times[1];
  auto created = Packet::create(entry.stack().pool());
  if (!created.is_ok()) return drop(entry, std::move(packet), DropReason::NoMemory);
  Ref<Packet> reply = created.take();
  const auto& request = *reinterpret_cast<const Icmp4Header*>(packet->linear().data());
  Icmp4Message{.type = Icmp4Type::TimestampReply, .rest = request.rest.get()}.emit(reply->append(sizeof(Icmp4Header)));
  copy_bytes(reply->append(kTimes), bytes_of(times));
  send_reply(entry, std::move(reply), *packet, Icmp4Type::TimestampReply);
}

// RFC 1122, 3.2.2.6 and 3.2.2.8: what everybody hears is answered only where the administrator says so.
bool is_heard_from_many(Entry& entry, Icmp4Type type) {
  const bool may_answer = entry.stack().tunables().values().icmp_echo_ignore_broadcasts == 0;
  if (type == Icmp4Type::Echo || type == Icmp4Type::Timestamp) return may_answer;
  return type == Icmp4Type::AddressMaskRequest || type == Icmp4Type::AddressMaskReply;
}

void dispatch(Entry& entry, Ref<Packet> packet, Icmp4Type type) {
  switch (type) {
    case Icmp4Type::EchoReply:
      return ping_receive(entry, std::move(packet));
    case Icmp4Type::Echo:
      return receive_echo(entry, std::move(packet));
    case Icmp4Type::Timestamp:
      return receive_timestamp(entry, std::move(packet));
    case Icmp4Type::DestinationUnreachable:
    case Icmp4Type::SourceQuench:
    case Icmp4Type::TimeExceeded:
    case Icmp4Type::ParameterProblem:
      return icmp4_receive_unreachable(entry, std::move(packet));
    case Icmp4Type::Redirect:
      return icmp4_receive_redirect(entry, std::move(packet));
    default:
      return drop(entry, std::move(packet), DropReason::IcmpIgnored);
  }
}

}  // namespace

void icmp4_receive(Entry& entry, Ref<Packet> packet) {
  count(entry, Mib::IcmpInMsgs);
  if (!is_checksum_right(*packet)) {
    count(entry, Mib::IcmpInCsumErrors);
    count(entry, Mib::IcmpInErrors);
    return drop(entry, std::move(packet), DropReason::IcmpChecksum);
  }
  if (!packet->header<Icmp4Header>().is_ok()) {
    count(entry, Mib::IcmpInErrors);
    return drop(entry, std::move(packet), DropReason::IcmpHeader);
  }
  const uint8_t type = packet->linear()[0];
  entry.stack().mib().count_icmp4(MibCounters::Direction::In, type);
  if (type > kLastKnownType) {
    count(entry, Mib::IcmpInErrors);
    return drop(entry, std::move(packet), DropReason::IcmpIgnored);
  }
  const IpInfo& info = ip_info(*packet);
  if ((info.is_broadcast || info.is_multicast) && !is_heard_from_many(entry, Icmp4Type{type})) {
    count(entry, Mib::IcmpInErrors);
    return drop(entry, std::move(packet), DropReason::IcmpIgnored);
  }
  dispatch(entry, std::move(packet), Icmp4Type{type});
}

void icmp4_receive_error(Entry& entry, const IpError& error) {
  const uint8_t type = error.cited->linear()[0];
  if (Icmp4Type{type} == Icmp4Type::Echo) return ping_receive_error(entry, error);
}

}  // namespace lxnet
