// send(): Linux's udp_sendmsg and udpv6_sendmsg, in their order of errors.
#include "stack/stack.hh"
#include "stack/udp/udp_socket.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {
namespace {

constexpr size_t kMaxSegments = 128;  // UDP_MAX_SEGMENTS
constexpr size_t kLargestIp = 65535;

}  // namespace

Result<size_t> UdpSocket::send(Entry& entry, SendRequest& request) {
  TaskOwnership ownership(lock_, entry);
  TRY(ensure_port(entry));
  auto sent = send_owned(entry, request);
  if (sent.is_ok() && (request.flags & kMessageZeroCopy) != 0 && options->zero_copy) complete_zero_copy();
  return sent;
}

// The bytes have been copied, so the program may have its buffer back at once, and is told that it gained nothing.
void UdpSocket::complete_zero_copy() {
  const uint32_t id = next_zero_copy_++;
  if (errors_.push_zero_copy(id, id, room_for_errors())) wait_queue().wake_all(kPollError);
}

// udp_sendmsg() alone: over IPv6 Linux finds a large size later, where it can report it, and MSG_OOB never.
Result<> UdpSocket::check_size_and_flags(const SendRequest& request) const {
  if (request.source.remaining() > kLargestIp) return Errno::EMSGSIZE;
  return (request.flags & kMessageOutOfBand) != 0 ? Result<>(Errno::EOPNOTSUPP) : ok();
}

Result<> UdpSocket::check_before_destination(Entry& entry, const SendRequest& request) {
  TaskOwnership ownership(lock_, entry);
  TRY(ensure_port(entry));
  const bool is_v4 = family() == IpFamily::V4 || (request.names_v4 && !ip_options->v6_only);
  return is_v4 ? check_size_and_flags(request) : ok();
}

bool UdpSocket::appends(Entry&) { return is_pending(); }

Result<> UdpSocket::check_before_control(Entry& entry, const SendRequest& request) {
  TaskOwnership ownership(lock_, entry);
  TRY(ensure_port(entry));
  return check_request(request);
}

// udpv6_sendmsg(): an AF_UNSPEC name means the peer, but the turn to IPv4 for a mapped one is then missed, and no route of IPv6
// leads there.
bool UdpSocket::is_lost_to_v6(const SendRequest& request) const {
  return request.names_peer && is_connected() && family() == IpFamily::V6 && remote_.address.is_v4();
}

// Where udpv6_sendmsg() turns to udp_sendmsg(): "this host" is IPv4's to who is bound to an address of IPv4, and the peer of a
// socket whose datagram is begun is not looked at.
bool UdpSocket::leads_to_v4(const SendRequest& request) const {
  if (request.destination == nullptr) {
    return remote_.address.is_v4() && (family() == IpFamily::V4 || !is_pending());
  }
  const IpAddress& to = request.destination->address;
  return to.is_v4() || (to.is_unspecified() && source_.is_v4());
}

Result<> UdpSocket::check_request(const SendRequest& request) const {
  const bool has_destination = request.destination != nullptr || is_connected();
  if (!is_pending() && is_lost_to_v6(request)) return ok();
  if (family() == IpFamily::V6 && !has_destination && !is_pending()) return Errno::EDESTADDRREQ;
  const bool has_begun = is_pending(), has_begun_v4 = has_begun && pending_.plan.destination.is_v4();
  if (leads_to_v4(request)) {
    if (family() == IpFamily::V6 && ip_options->v6_only) return Errno::ENETUNREACH;
    TRY(check_size_and_flags(request));
    if (has_begun && !has_begun_v4) return Errno::EINVAL;
  } else if (has_begun_v4) {
    TRY(check_size_and_flags(request));
  }
  if (has_begun) return ok();
  if (!has_destination) return Errno::EDESTADDRREQ;
  // An AF_INET6 socket hands its peer to udp_sendmsg() as a name, where port 0 is refused; udp_sendmsg()'s own peer is not looked
  // at.
  if (family() == IpFamily::V6 && request.destination == nullptr && remote_.address.is_v4() && remote_.port == 0)
    return Errno::EINVAL;
  return request.destination != nullptr && request.destination->port == 0 ? Result<>(Errno::EINVAL) : ok();
}

// Whether udp_sendmsg() counts it as a connected socket's. An AF_INET6 socket hands it an IPv4 peer as a name.
bool UdpSocket::keeps_way(const SendRequest& request) const {
  if (request.destination != nullptr || !remote_.address.is_v4()) return request.destination == nullptr;
  return family() == IpFamily::V4 && !options->dont_route && (request.flags & kMessageDontRoute) == 0;
}

Result<size_t> UdpSocket::send_owned(Entry& entry, SendRequest& request) {
  const size_t payload = request.source.remaining();
  if (SendPlan* kept = find_kept_plan(request); kept != nullptr && may_send_as_before(*kept, payload)) {
    if (keeps_way(request)) has_path_ = true;
    return send_planned(entry, request, *kept);
  }
  TRY(check_request(request));
  if (is_pending()) return append_pending(entry, request);
  if (is_lost_to_v6(request)) return Errno::ENETUNREACH;

  const uint32_t generation = options_generation();
  SendPlan plan;
  TRY(plan_send(entry, request, plan));
  if (keeps_way(request) && !request.control.is_given) has_path_ = true;
  if (plan.is_probe_only) return Result<size_t>(payload);
  TRY(check_size(entry, plan, payload + sizeof(UdpHeader)));
  if (udp_options.is_corked || (request.flags & kMessageMore) != 0) {
    TRY(check_may_send());
    TRY(start_pending(plan, segment_size_of(request)));
    return append_pending(entry, request);
  }
  keep_plan(request, plan, generation);
  return send_planned(entry, request, plan);
}

// What is asked of each datagram anew, where nothing else has changed since the last.
bool UdpSocket::may_send_as_before(const SendPlan& plan, size_t payload) const {
  if (is_pending() || udp_options.is_corked) return false;
  const size_t headers = (plan.destination.is_v4() ? 20 : 40) + sizeof(UdpHeader);
  return headers + payload <= ip_send_mtu(*plan.route, plan.ip.path_mtu);
}

uint16_t UdpSocket::segment_size_of(const SendRequest& request) const {
  const int32_t asked = request.control.segment_size;
  return asked >= 0 ? static_cast<uint16_t>(asked) : udp_options.segment_size;
}

// The plan is made and the size is right.
Result<size_t> UdpSocket::send_planned(Entry& entry, SendRequest& request, SendPlan& plan) {
  const size_t payload = request.source.remaining();
  const uint16_t segment_size = segment_size_of(request);
  TRY(check_may_send());
  const Made made = make_bytes(plan, payload + sizeof(UdpHeader), sizeof(UdpHeader), segment_size);
  const size_t room = made.bytes - sizeof(UdpHeader);
  Ref<Packet> packet = TRY(Packet::create_linear(stack().pool(), payload));
  if (request.source.copy(packet->append(payload)) < room) {
    wake_writers();
    return Errno::EFAULT;
  }
  if (room < payload) {
    count_full_buffer(entry, plan);
    wake_writers();
    return Errno::ENOBUFS;
  }
  charge(*packet, made.charge);
  number_record(plan);
  TRY(transmit(entry, std::move(packet), plan, segment_size));
  return Result<size_t>(payload);
}

void UdpSocket::count_full_buffer(Entry& entry, const SendPlan& plan) {
  if (!is_lite()) count(entry, plan.destination.is_v4() ? Mib::UdpSndbufErrors : Mib::Udp6SndbufErrors);
}

Result<> UdpSocket::check_segments(const SendPlan& plan, size_t payload, uint16_t segment_size) const {
  const size_t piece = payload < segment_size ? payload : segment_size;
  const size_t size = (plan.destination.is_v4() ? 20 : 40) + options_size(plan) + sizeof(UdpHeader) + piece;
  if (size > ip_send_mtu(*plan.route, plan.ip.path_mtu)) return Errno::EMSGSIZE;
  if (payload > size_t{segment_size} * kMaxSegments) return Errno::EINVAL;
  if (!needs_checksum(plan.destination.is_v4())) return Errno::EINVAL;
  return ok();
}

// RFC 3828 section 3.1: the length field says how much the checksum covers. No device computes such a sum.
void UdpSocket::checksum_lite(Packet& packet, UdpHeader& header, uint16_t pseudo_sum) const {
  size_t covered = packet.size();
  if (udp_options.has_send_coverage && udp_options.send_coverage < covered) {
    if (udp_options.send_coverage != 0) covered = udp_options.send_coverage;
    header.length.set(udp_options.send_coverage);
  }
  header.checksum.set(0);
  InternetChecksum sum(pseudo_sum);
  packet.for_each_run(0, covered, [&](ByteSpan run) { sum.add(run); });
  header.checksum.set(sum.finish() == 0 ? uint16_t{0xffff} : sum.finish());
  packet.checksum = ChecksumState::Unknown;  // complete
}

Result<> UdpSocket::transmit(Entry& entry, Ref<Packet> packet, SendPlan& plan, uint16_t segment_size) {
  const size_t payload = packet->size();
  const bool is_v4 = plan.destination.is_v4();
  if (segment_size != 0) {
    auto checked = check_segments(plan, payload, segment_size);
    if (!checked.is_ok() || is_lite()) {
      wake_writers();
      return checked.is_ok() ? Result<>(Errno::EIO) : std::move(checked);  // as udp_send_skb(): nobody can cut UDP-Lite's
    }
    if (payload > segment_size) {
      packet->segmentation = SegmentationKind::Udp;
      packet->segment_size = segment_size;
    }
  }
  const auto length = static_cast<uint16_t>(payload + sizeof(UdpHeader));
  auto& header = packet->push_header<UdpHeader>();
  header.source_port.set(local_.port);
  header.destination_port.set(plan.port);
  header.length.set(length);
  if (needs_checksum(is_v4)) {
    const IpAddress& source = plan.route->source;
    const auto kind = static_cast<IpProtocol>(protocol());
    const InternetChecksum sum = is_v4 ? pseudo_header_checksum(source.v4(), plan.destination.v4(), kind, length)
                                       : pseudo_header_checksum(source.v6(), plan.destination.v6(), kind, length);
    header.checksum.set(sum.sum());
    packet->checksum = ChecksumState::Partial;
    packet->checksum_offset = offsetof(UdpHeader, checksum);
    if (is_lite()) checksum_lite(*packet, header, sum.sum());
  } else {
    header.checksum.set(0);
  }
  tag(*packet, plan);
  number_packet(plan);
  auto sent = ip_send(entry, std::move(packet), *plan.route, plan.ip);
  if (sent.is_ok()) {
    if (!is_lite()) count(entry, is_v4 ? Mib::UdpOutDatagrams : Mib::Udp6OutDatagrams);
    return ok();
  }
  if (!sent.is_error(Errno::ENOBUFS)) return sent;
  count_full_buffer(entry, plan);
  // A full queue on the way is a lost packet, unless the program asked to hear of such things.
  return (is_v4 ? ip_options->receive_errors_v4 : ip_options->receive_errors_v6) ? std::move(sent) : ok();
}

}  // namespace lxnet
