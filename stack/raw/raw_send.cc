// Linux's raw_sendmsg and rawv6_sendmsg, in their order of errors.
#include "stack/raw/raw_socket.hh"
#include "stack/stack.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {

Result<> RawSocket::check_size_and_flags(const SendRequest& request) const {
  if (request.source.remaining() > UINT16_MAX && family() == IpFamily::V4) return Errno::EMSGSIZE;
  return (request.flags & kMessageOutOfBand) != 0 ? Result<>(Errno::EOPNOTSUPP) : ok();
}

Result<> RawSocket::check_before_destination(Entry&, const SendRequest& request) { return check_size_and_flags(request); }

Result<> RawSocket::check_before_control(Entry& entry, const SendRequest& request) {
  TaskOwnership ownership(lock_, entry);
  SendRequest copy = request;
  Endpoint destination;
  uint8_t number = 0;
  return check_request(copy, destination, number);
}

// Over IPv6 the port of the address is the protocol, where the socket itself has none (255).
Result<> RawSocket::check_request(SendRequest& request, Endpoint& destination, uint8_t& number) const {
  const bool is_v4 = family() == IpFamily::V4;
  TRY(check_size_and_flags(request));
  number = protocol();
  if (request.destination == nullptr) return is_connected() ? ok() : Result<>(Errno::EDESTADDRREQ);
  destination = *request.destination;
  if (!is_v4) {
    if (destination.address == IpAddress::any(IpFamily::V6)) destination.address = Ipv6Address::loopback();
    const uint16_t asked = destination.port;
    if (asked != 0 && asked != number_ && number_ != kRaw) return Errno::EINVAL;
    if ((asked != 0 ? asked : number_) > UINT8_MAX) return Errno::EINVAL;
    if (asked != 0) number = static_cast<uint8_t>(asked);
  }
  destination.port = 0;
  request.destination = &destination;
  return ok();
}

// A source route without a destination, which raw_sendmsg() finds before it reads any of the message.
bool RawSocket::routes_to_nobody(const SendRequest& request) const {
  const IpAddress& to = request.destination != nullptr ? request.destination->address : remote_.address;
  if (family() != IpFamily::V4 || !to.is_unspecified()) return false;
  const Ref<StickyHeaders> sticky = request.control.has_options ? nullptr : attachments.options_v4();
  const ByteSpan given = request.control.has_options ? request.control.options : sticky ? sticky->options_v4() : ByteSpan();
  auto parsed = Ipv4Options::from_user(given, Ipv4OptionsPrivilege::RawNetwork);
  return parsed.is_ok() && parsed.take().has_source_route();
}

// raw_probe_proto_opt(): what routes may ask of ICMP is read before there is a route, and what is too short for it cannot be
// read.
Result<> RawSocket::probe_header(const SendRequest& request, uint8_t number) const {
  if (ip_options->header_included) return ok();
  const bool is_v4 = family() == IpFamily::V4;
  constexpr uint8_t kIcmp4 = 1, kIcmp6 = 58, kMobility = 135;
  uint8_t bytes[4];
  const size_t wanted = number == (is_v4 ? kIcmp4 : kIcmp6) ? 2 : !is_v4 && number == kMobility ? 4 : 0;
  return request.source.peek(MutableByteSpan(bytes, wanted)) == wanted ? ok() : Result<>(Errno::EFAULT);
}

// Destination options are part of what __ip6_append_data() takes for a transport's header, for which it waits as for one.
bool RawSocket::waits_for_room(const SendPlan& plan) const {
  return ip_options->header_included || shape_of(plan).first_headers != 0;
}

Result<size_t> RawSocket::send(Entry& entry, SendRequest& request) {
  TaskOwnership ownership(lock_, entry);
  Endpoint destination;
  uint8_t number = 0;
  TRY(check_request(request, destination, number));
  const size_t size = request.source.remaining();
  // Over IPv6 they are taken, and left out.
  const bool has_v4_options = family() == IpFamily::V4 && (request.control.has_options || attachments.options_v4());
  if (ip_options->header_included && has_v4_options) return Errno::EINVAL;
  if (routes_to_nobody(request)) return Errno::EINVAL;
  TRY(probe_header(request, number));
  // Over an AF_INET6 socket there is no turn to IPv4, and no such route.
  const IpAddress& to = request.destination != nullptr ? request.destination->address : remote_.address;
  if (family() == IpFamily::V6 && to.is_v4()) {
    // By segments of IPv6 there is a way, which an address of IPv4 cannot be the source of.
    const Ref<StickyHeaders> sticky = attachments.extensions_v6();
    return sticky && sticky->has_route() && source_.is_v4() ? Errno::EAFNOSUPPORT : Errno::ENETUNREACH;
  }
  SendPlan plan;
  TRY(plan_send(entry, request, plan));
  plan.ip.protocol = number;
  // Nothing but the neighbour is told: not even the header is asked for.
  if (plan.is_probe_only && (request.flags & kMessageConfirm) != 0 && size == 0) return size_t{0};
  const bool joins_pieces = pending_ != nullptr || (request.flags & kMessageMore) != 0;
  if (joins_pieces && !ip_options->header_included) return append_pending(entry, request, plan);
  if (ip_options->header_included) {
    const uint32_t mtu = plan.route->output->mtu();
    if (size > mtu) {
      report_too_large(entry, plan, mtu);
      return Errno::EMSGSIZE;
    }
    if (size < (family() == IpFamily::V4 ? sizeof(Ipv4Header) : 40)) return Errno::EINVAL;
  } else if (!plan.is_probe_only) {
    TRY(check_size(entry, plan, size));
  }
  if (plan.is_probe_only) return Result<size_t>(size);
  const bool is_charged_first = waits_for_room(plan);
  TRY(is_charged_first ? check_may_send() : check_room());
  Ref<Packet> packet = TRY(Packet::create_linear(stack().pool(), size));
  constexpr size_t kSpare = 31;  // raw_send_hdrinc(): the link's header, and for alignment
  const Made made =
      ip_options->header_included ? Made{.bytes = size, .charge = Packet::charge_of(size + kSpare)} : make_bytes(plan, size, 0);
  // A header of the program's is read with the packet's number drawn already.
  if (ip_options->header_included) number_record(plan);
  if (request.source.copy(packet->append(size)) < made.bytes) {
    // Else Linux charges what it has copied, and no sooner.
    if (is_charged_first) wake_writers();
    return Errno::EFAULT;
  }
  if (made.bytes < size) {
    wake_writers();
    return Errno::ENOBUFS;
  }
  charge(*packet, made.charge);
  number_record(plan);
  tag(*packet, plan);
  if (!ip_options->header_included) number_packet(plan);
  TRY(ip_options->header_included ? send_whole(entry, std::move(packet), plan) : send_packet(entry, std::move(packet), plan));
  return Result<size_t>(size);
}

// ip_append_data() without a transport header: neither a pending error nor a shutdown is looked at, and nobody waits for room.
Result<> RawSocket::check_room() const {
  return send_memory() >= 2 * static_cast<size_t>(options.send_buffer) ? Result<>(Errno::ENOBUFS) : ok();
}

Result<> RawSocket::send_packet(Entry& entry, Ref<Packet> packet, const SendPlan& plan) {
  if (raw_options.has_checksum) TRY(fill_checksum(*packet, plan));
  return without_queue_errors(ip_send(entry, std::move(packet), *plan.route, plan.ip), plan);
}

Result<> RawSocket::fill_checksum(Packet& packet, const SendPlan& plan) const {
  const auto offset = static_cast<size_t>(raw_options.checksum_offset);
  if (offset + 1 >= packet.size()) return Errno::EINVAL;
  MutableByteSpan bytes = packet.mutable_linear();
  auto& field = *reinterpret_cast<Be16*>(bytes.data() + offset);
  field.set(0);
  InternetChecksum sum = pseudo_header_checksum(plan.route->source.v6(), plan.destination.v6(), IpProtocol{plan.ip.protocol},
                                                static_cast<uint32_t>(packet.size()));
  sum.add(bytes);
  const uint16_t checksum = sum.finish();
  // Zero would say that there is none.
  field.set(checksum == 0 && plan.ip.protocol == 17 ? uint16_t{0xffff} : checksum);
  return ok();
}

Result<> RawSocket::send_whole(Entry& entry, Ref<Packet> packet, const SendPlan& plan) {
  if (family() == IpFamily::V4) {
    const auto& header = *reinterpret_cast<const Ipv4Header*>(packet->linear().data());
    if (header.header_size() < sizeof(Ipv4Header) || header.header_size() > packet->size()) return Errno::EINVAL;
  }
  return without_queue_errors(ip_send_with_header(entry, std::move(packet), *plan.route), plan);
}

// A full queue on the way is a lost packet, unless the program asked to hear of such things.
Result<> RawSocket::without_queue_errors(Result<> sent, const SendPlan& plan) const {
  const bool is_told = plan.destination.is_v4() ? ip_options->receive_errors_v4 : ip_options->receive_errors_v6;
  if (sent.is_error(Errno::ENOBUFS) && !is_told) return ok();
  return sent;
}

}  // namespace lxnet
