// Where a datagram goes, by which route, with which IP options: Linux's udp_sendmsg and udpv6_sendmsg up to the packet itself.
#include <utility>

#include "stack/datagram/datagram_socket.hh"
#include "stack/stack.hh"
#include "stack/timestamping.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet {
namespace {

constexpr uint32_t kMessageProbe = 0x10;  // MSG_PROBE

bool is_same_flow(const FlowKey& a, const FlowKey& b) {
  return a.destination == b.destination && a.source == b.source && a.output_interface == b.output_interface && a.mark == b.mark &&
         a.source_port == b.source_port && a.destination_port == b.destination_port && a.tos == b.tos &&
         a.source_preferences == b.source_preferences && a.on_link_only == b.on_link_only &&
         a.may_use_foreign_source == b.may_use_foreign_source;
}

}  // namespace

Result<> DatagramSocket::plan_send(Entry& entry, const SendRequest& request, SendPlan& plan) {
  TRY(find_destination(request, plan));
  if (plan.destination.is_v4()) {
    if (!request.control.has_options) plan.sticky = attachments.options_v4();
    if (request.control.has_options) TRY(take_v4_options(request.control.options, plan));
    if (plan.sticky) TRY(take_v4_options(plan.sticky->options_v4(), plan));
    const IpAddress& named = request.destination != nullptr ? request.destination->address : remote_.address;
    if (plan.v4_options.has_source_route() && named.is_unspecified()) return Errno::EINVAL;
  } else if (!request.control.has_options && !is_echo6()) {
    plan.sticky = attachments.extensions_v6();
  }
  FlowKey key = flow_of(request, plan);
  if (plan.sticky) key.destination = plan.sticky->first_hop(key.destination);
  if (key.destination.is_unspecified() && !plan.destination.is_v4()) return Errno::ENETUNREACH;
  plan.route = TRY(find_route(entry, key));
  if (plan.destination.is_unspecified()) plan.destination = plan.route->destination;
  if (!plan.destination.is_v4() && sending_source(request.control).is_v4()) return Errno::EAFNOSUPPORT;
  if (plan.route->kind == RouteKind::Broadcast && !options->broadcast) return Errno::EACCES;
  if ((request.flags & kMessageConfirm) != 0) {
    stack().neighbours().confirm(entry, *plan.route->output, plan.route->next_hop);
  }
  plan.is_probe_only = (request.flags & kMessageProbe) != 0 && !is_echo6();
  fill_ip_options(request, plan);
  plan.mark = key.mark;
  plan.priority = request.control.has_priority ? request.control.priority : options->priority;
  choose_stamps(request, plan);
  return ok();
}

bool DatagramSocket::is_echo6() const {
  return type() == SocketType::Datagram && protocol() == static_cast<uint8_t>(IpProtocol::Icmpv6);
}

void DatagramSocket::choose_stamps(const SendRequest& request, SendPlan& plan) {
  const uint32_t flags = timestamping_of(options, request.control);
  // A datagram is acknowledged by nobody.
  plan.stamps = stamps_of(flags) & (kStampSent | kStampScheduled);
  // skb_setup_tx_timestamp() asks for any record, __ip_append_data() for one that it can make.
  const uint32_t numbered = ip_options->header_included ? kTimestampRecords : kTimestampRecords & ~kTimestampTransmitAcknowledged;
  if ((flags & kTimestampKeys) == 0 || (flags & numbered) == 0) return;
  if (request.control.has_timestamp_key) {
    plan.stamp_key = request.control.timestamp_key;
  } else {
    plan.draws_stamp_key = true;
  }
}

void DatagramSocket::number_record(SendPlan& plan) {
  if (std::exchange(plan.draws_stamp_key, false))
    plan.stamp_key = __atomic_fetch_add(&options.own()->timestamp_key, 1u, __ATOMIC_RELAXED);
}

// An unspecified destination is this host: over IPv4 the route says at which address.
Result<> DatagramSocket::find_destination(const SendRequest& request, SendPlan& plan) const {
  const Endpoint& to = request.destination != nullptr ? *request.destination : remote_;
  plan.destination = to.address;
  plan.port = to.port;
  if (plan.destination.is_unspecified() && !plan.destination.is_v4()) {
    plan.destination = source_.is_v4() ? IpAddress(Ipv4Address::loopback()) : IpAddress(Ipv6Address::loopback());
  }
  if (family() == IpFamily::V4) return ok();
  if (plan.destination.is_v4() && ip_options->v6_only) return Errno::ENETUNREACH;
  return ok();
}

// A source route sends the packet to its first hop and keeps the destination for the last.
Result<> DatagramSocket::take_v4_options(ByteSpan given, SendPlan& plan) const {
  const bool is_privileged = stack().hal().capable(LXNET_CAP_NET_RAW);
  plan.v4_options =
      TRY(Ipv4Options::from_user(given, is_privileged ? Ipv4OptionsPrivilege::RawNetwork : Ipv4OptionsPrivilege::Ordinary));
  plan.ip.v4_options = &plan.v4_options;
  if (!plan.v4_options.has_source_route()) return ok();
  plan.ip.final_destination = plan.destination;
  plan.destination = plan.v4_options.first_hop();
  return ok();
}

IpAddress DatagramSocket::sending_source(const SendControl& control) const {
  // IP_PKTINFO chooses even when it names nothing: the route decides then. IPV6_PKTINFO leaves it to the socket.
  const bool chooses = control.has_source && (control.source.is_v4() || !control.source.is_unspecified());
  return chooses ? control.source : source_;
}

FlowKey DatagramSocket::flow_of(const SendRequest& request, const SendPlan& plan) const {
  const SendControl& control = request.control;
  const bool is_v4 = plan.destination.is_v4();
  FlowKey key;
  key.destination = plan.destination;
  key.source = sending_source(control);
  // An IPv4 source cannot reach IPv6, but Linux looks for the route first.
  if (key.source.is_unspecified() || key.source.is_v4() != is_v4) key.source = IpAddress::any(plan.destination.family());
  key.output_interface = control.output_interface;
  if (!is_v4 && key.output_interface == 0 && request.destination != nullptr && plan.destination.v6().needs_scope_id()) {
    key.output_interface = request.destination->scope_id;
  }
  if (key.output_interface == 0) key.output_interface = options.bound_interface;
  // rawv6_sendmsg() does not look at IPV6_PKTINFO's.
  if (key.output_interface == 0 && !is_v4 && type() != SocketType::Raw) key.output_interface = ip_options->sticky_interface;
  choose_interface(key);
  key.mark = control.has_mark ? control.mark : options.mark;
  key.uid = uid_;
  key.source_port = local_.port;
  key.destination_port = plan.port;
  key.protocol = protocol();
  key.tos = control.tos >= 0 ? static_cast<uint8_t>(control.tos) : is_v4 ? ip_options->tos : ip_options->traffic_class;
  key.on_link_only = options->dont_route || (request.flags & kMessageDontRoute) != 0 || plan.v4_options.is_strict_route();
  key.may_use_foreign_source = ip_options->transparent || ip_options->header_included;
  key.source_preferences = ip_options->source_preferences;
  return key;
}

// Where nothing else says which: the options for groups and for the rest.
void DatagramSocket::choose_interface(FlowKey& key) const {
  const bool is_v4 = key.destination.is_v4();
  if (key.destination.is_multicast()) {
    if (key.output_interface == 0) {
      key.output_interface = is_v4 ? ip_options->multicast_interface_v4 : ip_options->multicast_interface_v6;
    }
    if (is_v4 && key.source.is_unspecified()) key.source = ip_options->multicast_source;
  } else if (key.output_interface == 0) {
    key.output_interface = is_v4 ? ip_options->unicast_interface : ip_options->unicast_interface_v6;
  }
}

void DatagramSocket::fill_ip_options(const SendRequest& request, SendPlan& plan) const {
  const SendControl& control = request.control;
  const bool is_v4 = plan.destination.is_v4();
  const bool is_multicast = plan.destination.is_multicast();
  IpSendOptions& ip = plan.ip;
  ip.protocol = protocol();
  const int ttl = control.ttl >= 0 ? control.ttl
                  : is_multicast   ? (is_v4 ? int{ip_options->multicast_ttl} : int{ip_options->multicast_hops})
                                   : (is_v4 ? int{ip_options->ttl} : int{ip_options->hop_limit});
  ip.ttl = ttl < 0 ? uint8_t{0} : static_cast<uint8_t>(ttl);
  ip.stays_on_host = ttl == 0;
  ip.tos = control.tos >= 0 ? static_cast<uint8_t>(control.tos) : is_v4 ? ip_options->tos : ip_options->traffic_class;
  ip.path_mtu = is_v4 ? ip_options->path_mtu_v4 : ip_options->path_mtu_v6;
  if (!is_v4) {
    const bool dont_fragment = control.dont_fragment_v6 >= 0 ? control.dont_fragment_v6 != 0 : ip_options->dont_fragment_v6;
    // __ip6_append_data() asks who sends: raw sockets of other protocols, and UDP-Lite, are cut all the same.
    constexpr uint8_t kUdp = 17, kIcmpv6 = 58, kRaw = 255;
    const bool is_obeyed = protocol() == kUdp || protocol() == kIcmpv6 || protocol() == kRaw;
    ip.may_fragment_locally = !dont_fragment || !is_obeyed;
    ip.auto_flow_label = ip_options->auto_flow_label;
    ip.largest_packet = ip_options->largest_packet_v6;
    constexpr uint32_t kFlowLabel = 0xf'ffff;
    if (control.flow_label > 0) {
      ip.flow_label = static_cast<uint32_t>(control.flow_label);
    } else if (request.destination == nullptr) {
      ip.flow_label = ip_options->flow_info & kFlowLabel;
    }
  }
  if (control.has_options && !is_v4) {
    ip.options = control.options;
    ip.options_first_header = control.options_first_header;
    ip.final_destination = control.routing_final;
  } else if (!is_v4 && plan.sticky) {
    ip.options = plan.sticky->chain();
    ip.options_first_header = plan.sticky->first_header();
    if (plan.sticky->has_route()) ip.final_destination = plan.destination;
  }
  ip.multicast_loop = is_v4 ? ip_options->multicast_loop_v4 : ip_options->multicast_loop_v6;
}

// The last answer serves as long as nothing changed: connected sockets and those that keep sending to one peer ask once.
Result<const Route*> DatagramSocket::find_route(Entry& entry, const FlowKey& key) {
  RouteTable& routes = stack().routes();
  if (cached_route_.output && cached_route_.generation == routes.generation() && is_same_flow(key, cached_key_)) {
    return &cached_route_;
  }
  kept_.is_valid = false;
  cached_route_ = TRY(routes.lookup(entry, key));
  cached_key_ = key;
  return &cached_route_;
}

namespace {

// IPv6 destination options that no routing header follows are the first fragment's alone.
size_t fragmentable_size(const IpSendOptions& ip) {
  size_t size = 0;
  IpProtocol next{ip.options_first_header};
  for (ByteSpan rest = ip.options; rest.size() >= 8;) {
    const size_t header = (size_t{rest[1]} + 1) * 8;
    if (header > rest.size()) break;
    size = next == IpProtocol::DestinationOptions ? header : 0;
    next = IpProtocol{rest[0]};
    rest = rest.subspan(header);
  }
  return size;
}

// What ip_setup_cork() takes for the path's: who discovers paths himself over IPv4 is bounded by the link, though no header can
// say more than 65535.
uint32_t appending_mtu(const Route& route, PathMtuMode mode) {
  const bool is_links = route.destination.is_v4() && (mode == PathMtuMode::Probe || mode == PathMtuMode::Interface);
  return is_links ? route.output->mtu() : ip_send_mtu(route, mode);
}

}  // namespace

Result<> DatagramSocket::check_size(Entry& entry, const SendPlan& plan, size_t size) {
  constexpr size_t kLargest = 65535;
  const bool is_v4 = plan.destination.is_v4();
  const size_t fixed = is_v4 ? 20 : 40;
  const PathMtuMode mode = plan.ip.path_mtu;
  uint32_t mtu = appending_mtu(*plan.route, mode);
  if (plan.ip.largest_packet != 0 && plan.ip.largest_packet < mtu) mtu = plan.ip.largest_packet;  // IPV6_MTU
  // Linux's ip_sk_ignore_df. Over IPv6 the limit of 65535 does not count the fixed header.
  const bool may_exceed_path = mode < PathMtuMode::Do || mode == PathMtuMode::Omit;
  const size_t limit = !may_exceed_path || !plan.ip.may_fragment_locally ? mtu : is_v4 ? kLargest : kLargest + fixed;
  const size_t extra = options_size(plan);
  // __ip6_append_data() counts the first fragment's options twice, as headers and as data.
  const size_t twice = is_v4 ? 0 : fragmentable_size(plan.ip);
  if (fixed + extra + twice + size <= limit) return ok();
  report_too_large(entry, plan, static_cast<uint32_t>(mtu - extra));
  return Errno::EMSGSIZE;
}

AppendShape DatagramSocket::shape_of(const SendPlan& plan, uint16_t segment_size) {
  constexpr size_t kLargest = 65535;
  const bool is_v4 = plan.destination.is_v4();
  const size_t fixed = is_v4 ? 20 : 40, in_first = is_v4 ? 0 : fragmentable_size(plan.ip);
  AppendShape shape{.family = plan.destination.family(),
                    .is_paged = segment_size != 0,
                    .mtu = appending_mtu(*plan.route, plan.ip.path_mtu),
                    .headers = fixed + options_size(plan) - in_first,
                    .first_headers = in_first};
  if (plan.ip.largest_packet != 0 && plan.ip.largest_packet < shape.mtu) shape.mtu = plan.ip.largest_packet;
  if (segment_size != 0) shape.mtu = is_v4 ? kLargest : kLargest + fixed;
  return shape;
}

DatagramSocket::Made DatagramSocket::make_bytes(const SendPlan& plan, size_t size, size_t transport,
                                                uint16_t segment_size) const {
  const AppendShape shape = shape_of(plan, segment_size);
  if (shape.headers + shape.first_headers + size <= shape.mtu) return {size, AppendCharge::of_one(shape, size, transport)};
  AppendCharge made;
  const size_t bytes = made.append(shape, size, transport, send_memory(), 2 * static_cast<size_t>(options.send_buffer));
  return {bytes, made.total()};
}

size_t DatagramSocket::make_more_bytes(const AppendShape& shape, AppendCharge& made, Packet& packet, size_t size,
                                       size_t transport) {
  const uint32_t before = made.total();
  const size_t bytes = made.append(shape, size, transport, send_memory(), 2 * static_cast<size_t>(options.send_buffer));
  raise_charge(packet, made.total() - before);
  return bytes;
}

// Linux's ipv6_local_rxpmtu(): the newest stays.
void DatagramSocket::report_path_mtu(const SendPlan& plan, uint32_t mtu) {
  path_mtu_report_ = {Endpoint{.address = plan.destination, .port = 0, .scope_id = 0}, mtu};
  __atomic_store_n(&has_path_mtu_report_, 1u, __ATOMIC_RELEASE);
}

bool DatagramSocket::take_path_mtu(ReceiveRequest& request) {
  if (has_path_mtu_report_ == 0) return false;
  __atomic_store_n(&has_path_mtu_report_, 0u, __ATOMIC_RELAXED);
  request.path_mtu = path_mtu_report_.mtu;
  request.error_destination = path_mtu_report_.destination;
  return true;
}

void DatagramSocket::report_too_large(Entry&, const SendPlan& plan, uint32_t mtu) {
  if (!plan.destination.is_v4() && !plan.ip.may_fragment_locally && (ip_options->receive_flags & kReceivePathMtu) != 0) {
    report_path_mtu(plan, mtu);
  }
  if (!wants_errors(plan.destination.is_v4())) return;
  ExtendedError error;
  error.error = Errno::EMSGSIZE;
  error.origin = static_cast<uint8_t>(ErrorOrigin::Local);
  error.info = mtu;
  const Endpoint destination{.address = plan.destination, .port = plan.port, .scope_id = 0};
  if (errors_.push(nullptr, error, destination, room_for_errors())) wait_queue().wake_all(kPollError);
}

}  // namespace lxnet
