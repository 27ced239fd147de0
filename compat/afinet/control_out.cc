// recvmsg()'s control messages on Internet sockets: Linux's ip_cmsg_recv_offset() and ip6_datagram_recv_ctl(), in their order.
#include "compat/afinet/inet_options.hh"
#include "compat/syscalls/control_message.hh"
#include "compat/syscalls/generic_control.hh"
#include "stack/datagram/datagram_info.hh"
#include "stack/error_queue.hh"
#include "stack/ip/ip_info.hh"
#include "stack/timestamping.hh"
#include "stack/wire/ipv4_options.hh"
#include "stack/wire/udp.hh"

namespace lxnet {
namespace {

constexpr int kUdpGro = 104;
constexpr int kTcpInq = 36;
// IPPROTO_IP.
constexpr int kTos = 1, kTtl = 2, kReceiveOptionsType = 6, kReturnOptions = 7, kPacketInfo = 8, kRecvError = 11,
              kOriginalDestination = 20, kChecksumType = 23, kFragmentSize = 25;
// IPPROTO_IPV6.
constexpr int k2292PacketInfo = 2, k2292HopOptions = 3, k2292DestinationOptions = 4, k2292RoutingHeader = 5, k2292HopLimit = 8,
              kFlowInfo = 11, kRecvError6 = 25, kPacketInfo6 = 50, kHopLimit = 52, kHopOptions = 54, kRoutingHeader = 57,
              kDestinationOptions = 59, kPathMtu = 61, kTrafficClass = 67, kOriginalDestination6 = 74, kFragmentSize6 = 77;

struct UserPacketInfo {
  uint32_t interface_index;
  Ipv4Address local;
  Ipv4Address destination;
};
struct UserPacketInfo6 {
  Ipv6Address address;
  uint32_t interface_index;
};
// The offender's address stands behind the error.
struct UserError4 {
  UserExtendedError error;
  UserInetAddress offender;
};
struct UserError6 {
  UserExtendedError error;
  UserInet6Address offender;
};

struct Encoder {
  InetSocketFile& file;
  const ReceiveRequest& request;
  const Packet& packet;
  const IpInfo& info;
  ControlWriter& writer;
  bool has_packet_info;

  bool wants(uint32_t flag) const { return (file.socket().ip_options->receive_flags & flag) != 0; }
};

bool is_icmp_error(const ReceiveRequest& request) {
  return request.is_error && ErrorOrigin{request.error.origin} == ErrorOrigin::Icmp;
}

// Whose packet is looped back with it: its sender is named, over IPv4 if SOF_TIMESTAMPING_OPT_CMSG asks for it.
bool is_stamp_of_packet(const ReceiveRequest& request) {
  const bool is_stamp = request.error.origin == static_cast<uint8_t>(ErrorOrigin::Timestamping);
  return is_stamp && request.packet && request.error.has_packet;
}

// The address an answer would come from: the packet's own destination, unless many hear that one.
Ipv4Address reply_source(const Encoder& encoder) {
  const IpInfo& info = encoder.info;
  // It is from where we sent, which AF_INET6 sockets are not told of (ipv4_datagram_support_cmsg, ipv6_datagram_support_cmsg).
  if (encoder.request.is_error && is_stamp_of_packet(encoder.request))
    return encoder.file.is_v6() ? Ipv4Address() : info.source.v4();
  // ping_recvmsg() does not work it out, nor does who queues an error.
  if (is_echo_socket(encoder.file.socket()) || is_icmp_error(encoder.request)) return Ipv4Address();
  if (!info.is_broadcast && !info.is_multicast) return info.destination.v4();
  Stack& stack = encoder.file.stack();
  const Ref<Interface> interface = stack.interfaces().find(info.interface_index);
  if (!interface) return Ipv4Address();
  auto source = stack.routes().select_source(*interface, info.source.v4(), AddressScope::Universe);
  return source.is_ok() ? source.take() : Ipv4Address();
}

ByteSpan network_options(const Encoder& encoder, size_t fixed_header) {
  return ByteSpan(encoder.packet.network_header() + fixed_header, encoder.info.options_size);
}

// The ports are read behind the network header, whatever is there; a raw packet may be too short for them.
bool has_ports(const Packet& packet) {
  const uint8_t* ports = packet.transport_header();
  if (ports == nullptr) return false;
  const ByteSpan linear = packet.linear();
  return packet.size() != linear.size() || linear.data() + linear.size() >= ports + 4;
}

// IP_CHECKSUM tells the sum that was made of a packet, if one was (CHECKSUM_COMPLETE): of an echo always.
bool has_sum(const Encoder& encoder) {
  if (encoder.request.is_error) return false;
  if (is_echo_socket(encoder.file.socket())) return true;
  if (encoder.file.socket().type() != SocketType::Datagram) return false;
  const PayloadSum sum = datagram_info(*encoder.request.packet).sum;
  const bool is_cut = (encoder.request.flags & kMessagePeek) == 0 && encoder.request.copied_size < encoder.request.full_size;
  return sum == PayloadSum::Known || (sum == PayloadSum::WhenCut && is_cut);
}

// Unfolded, in the machine's byte order.
uint32_t whole_sum(const Packet& packet) {
  uint64_t sum = 0;
  size_t at = 0;
  packet.for_each_run(0, packet.size(), [&](ByteSpan run) {
    for (const uint8_t byte : run) sum += uint64_t{byte} << at++ % 4 * 8;
  });
  while (sum >> 32 != 0) sum = (sum & 0xffff'ffff) + (sum >> 32);
  return static_cast<uint32_t>(sum);
}

void put_return_options(const Encoder& encoder) {
  uint8_t bad = 0;
  auto options = Ipv4Options::from_packet(network_options(encoder, 20), bad);
  if (!options.is_ok()) return;
  auto reply = options.take().make_reply(encoder.info.destination.v4());
  if (!reply.is_ok()) return;
  const Ipv4Options turned = reply.take();
  encoder.writer.put(kLevelIp, kReturnOptions, turned.as_set_by_user().bytes());
}

void encode_ip(const Encoder& encoder) {
  const IpInfo& info = encoder.info;
  ControlWriter& writer = encoder.writer;
  if (encoder.wants(kReceivePacketInfo4)) {
    const UserPacketInfo unknown{0, Ipv4Address(), info.destination.v4()};
    const bool is_known = encoder.has_packet_info || is_echo_socket(encoder.file.socket());
    writer.put(kLevelIp, kPacketInfo,
               is_known ? UserPacketInfo{info.interface_index, reply_source(encoder), info.destination.v4()} : unknown);
  }
  if (encoder.wants(kReceiveTtl)) writer.put(kLevelIp, kTtl, int{info.ttl});
  if (encoder.wants(kReceiveTos)) writer.put(kLevelIp, kTos, info.tos);
  if (encoder.wants(kReceiveOptions) && info.options_size != 0)
    writer.put(kLevelIp, kReceiveOptionsType, network_options(encoder, 20));
  if (encoder.wants(kReceiveReturnOptions) && info.options_size != 0) put_return_options(encoder);
  if (encoder.wants(kReceiveOriginalDestination4) && has_ports(encoder.packet)) {
    UserInetAddress original{};
    original.family = kFamilyInet;
    original.port = reinterpret_cast<const UdpHeader*>(encoder.packet.transport_header())->destination_port;
    original.address = info.destination.v4();
    writer.put(kLevelIp, kOriginalDestination, original);
  }
  if (encoder.wants(kReceiveChecksum) && has_sum(encoder)) {
    const uint32_t sum = whole_sum(encoder.packet);
    // Where the header's part was taken from a whole's sum, nothing is left as the other zero.
    const bool is_rest =
        !is_echo_socket(encoder.file.socket()) && datagram_info(*encoder.request.packet).sum == PayloadSum::Known;
    writer.put(kLevelIp, kChecksumType, sum == 0 && is_rest ? UINT32_MAX : sum);
  }
  if (encoder.wants(kReceiveFragmentSize4) && info.fragment_size != 0)
    writer.put(kLevelIp, kFragmentSize, int{info.fragment_size});
}

void encode_ipv6_2292(const Encoder& encoder) {
  ControlWriter& writer = encoder.writer;
  if (encoder.wants(kReceive2292PacketInfo)) {
    writer.put(kLevelIpv6, k2292PacketInfo, UserPacketInfo6{encoder.info.destination.v6(), encoder.info.interface_index});
  }
  if (encoder.wants(kReceive2292HopLimit)) writer.put(kLevelIpv6, k2292HopLimit, int{encoder.info.ttl});
}

struct ExtensionKind {
  uint8_t number;
  uint32_t flag;
  int type;
};
constexpr ExtensionKind kExtensions[] = {{0, kReceiveHopOptions, kHopOptions},
                                         {60, kReceiveDestinationOptions, kDestinationOptions},
                                         {43, kReceiveRoutingHeader, kRoutingHeader}};
constexpr ExtensionKind k2292Extensions[] = {{0, kReceive2292HopOptions, k2292HopOptions},
                                             {60, kReceive2292DestinationOptions, k2292DestinationOptions},
                                             {43, kReceive2292RoutingHeader, k2292RoutingHeader}};

// The extension headers of the packet, each by its kind. They passed the input's checks, so their lengths hold.
void put_extensions(const Encoder& encoder, const ExtensionKind (&kinds)[3]) {
  constexpr size_t kNextHeaderAt = 6, kFixedHeader = 40;
  uint8_t number = encoder.packet.network_header()[kNextHeaderAt];
  ByteSpan rest = network_options(encoder, kFixedHeader);
  while (rest.size() >= 8) {
    const size_t size = (size_t{rest[1]} + 1) * 8;
    if (size > rest.size()) return;
    for (const ExtensionKind& kind : kinds) {
      if (kind.number == number && encoder.wants(kind.flag)) encoder.writer.put(kLevelIpv6, kind.type, rest.first(size));
    }
    number = rest[0];
    rest = rest.subspan(size);
  }
}

void encode_ipv6(const Encoder& encoder) {
  const IpInfo& info = encoder.info;
  ControlWriter& writer = encoder.writer;
  if (encoder.wants(kReceiveHopLimit)) writer.put(kLevelIpv6, kHopLimit, int{info.ttl});
  if (encoder.wants(kReceiveTrafficClass)) writer.put(kLevelIpv6, kTrafficClass, int{info.tos});
  if (encoder.wants(kReceiveFlowInfo)) {
    const Be32 flow_info((uint32_t{info.tos} << 20) | info.flow_label);
    if (flow_info.get() != 0) writer.put(kLevelIpv6, kFlowInfo, flow_info);
  }
  put_extensions(encoder, kExtensions);
  encode_ipv6_2292(encoder);
  put_extensions(encoder, k2292Extensions);
  if (encoder.wants(kReceiveOriginalDestination6) && has_ports(encoder.packet)) {
    UserInet6Address original{};
    original.family = kFamilyInet6;
    original.port = reinterpret_cast<const UdpHeader*>(encoder.packet.transport_header())->destination_port;
    original.address = info.destination.v6();
    original.scope_id = info.destination.v6().needs_scope_id() ? info.interface_index : 0;
    writer.put(kLevelIpv6, kOriginalDestination6, original);
  }
  if (encoder.wants(kReceiveFragmentSize6) && info.fragment_size != 0)
    writer.put(kLevelIpv6, kFragmentSize6, int{info.fragment_size});
}

void encode_packet(InetSocketFile& file, const ReceiveRequest& request, ControlWriter& writer) {
  const Packet& packet = *request.packet;
  const IpInfo& info = ip_info(packet);
  const bool is_v4 = info.destination.is_v4();
  const bool has_packet_info = request.is_error || !is_v4 || datagram_info(*request.packet).has_packet_info;
  const Encoder encoder{file, request, packet, info, writer, has_packet_info};
  // On an AF_INET6 socket the destination comes in IPv6's form for both families (ip6_datagram_recv_common_ctl).
  if (file.is_v6() && encoder.wants(kReceivePacketInfo6)) {
    writer.put(kLevelIpv6, kPacketInfo6, UserPacketInfo6{info.destination.v6(), has_packet_info ? info.interface_index : 0});
  }
  if (is_v4) {
    encode_ip(encoder);
  } else {
    encode_ipv6(encoder);
  }
}

// ip_recv_error() and ipv6_recv_error(): the error and who sent it.
void encode_error(InetSocketFile& file, const ReceiveRequest& request, ControlWriter& writer) {
  const ExtendedError& error = request.error;
  const UserExtendedError user = UserExtendedError::of(error);
  if (file.is_v6()) {
    UserError6 message{user, {}};
    if (!error.offender.address.is_unspecified()) {
      message.offender.family = kFamilyInet6;
      message.offender.address = error.offender.address.v6();
      message.offender.scope_id = error.offender.scope_id;
    } else if (is_stamp_of_packet(request)) {
      message.offender.family = kFamilyInet6;
      message.offender.address = ip_info(*request.packet).source.v6();
    }
    writer.put(kLevelIpv6, kRecvError6, message);
    return;
  }
  UserError4 message{user, {}};
  if (!error.offender.address.is_unspecified()) {
    message.offender.family = kFamilyInet;
    message.offender.address = error.offender.address.v4();
  } else if (is_stamp_of_packet(request) && (file.socket().options->timestamping_flags & kTimestampControl) != 0) {
    message.offender.family = kFamilyInet;
    message.offender.address = ip_info(*request.packet).source.v4();
  }
  writer.put(kLevelIp, kRecvError, message);
}

}  // namespace

namespace {

// IPV6_PATHMTU: struct ip6_mtuinfo.
void encode_path_mtu(const ReceiveRequest& request, ControlWriter& writer) {
  struct {
    UserInet6Address destination;
    uint32_t mtu;
  } info{};
  info.destination.family = kFamilyInet6;
  info.destination.address = request.error_destination.address.v6();
  info.destination.scope_id = request.error_destination.scope_id;
  info.mtu = request.path_mtu;
  writer.put(kLevelIpv6, kPathMtu, info);
}

// ip_recv_error() shows what is known of the packet for ICMP errors always, and for stamps if SOF_TIMESTAMPING_OPT_CMSG says so;
// ipv6_recv_error() does not ask for that.
bool shows_packet(const InetSocketFile& file, const ReceiveRequest& request) {
  if (!request.packet || file.socket().ip_options->receive_flags == 0) return false;
  if (!request.is_error) return true;
  if (!request.error.has_packet) return false;
  const bool is_stamp = request.error.origin == static_cast<uint8_t>(ErrorOrigin::Timestamping);
  return !is_stamp || file.is_v6() || (file.socket().options->timestamping_flags & kTimestampControl) != 0;
}

}  // namespace

void encode_control(InetSocketFile& file, const ReceiveRequest& request, ControlWriter& writer) {
  if (request.path_mtu != 0) return encode_path_mtu(request, writer);
  // ping_recvmsg() knows of SOL_SOCKET's only the stamps.
  if (is_echo_socket(file.socket()) && !request.is_error) {
    encode_timestamp_control(file.options(), request, writer);
  } else {
    encode_generic_control(file.options(), request, writer);
  }
  if (file.is_stream()) {
    if (request.inq >= 0) writer.put(kLevelTcp, kTcpInq, request.inq);
    if (!request.is_error) return;
    if (shows_packet(file, request)) encode_packet(file, request, writer);
    encode_error(file, request, writer);
    return;
  }
  if (request.segment_size != 0 && !request.is_error) writer.put(kLevelUdp, kUdpGro, int{request.segment_size});
  if (shows_packet(file, request)) encode_packet(file, request, writer);
  if (request.is_error) encode_error(file, request, writer);
}

}  // namespace lxnet
