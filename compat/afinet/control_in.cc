// sendmsg()'s control messages on Internet sockets: Linux's udp_cmsg_send(), ip_cmsg_send() and ip6_datagram_send_ctl().
#include "compat/afinet/option_rows.hh"
#include "compat/syscalls/control_message.hh"
#include "compat/syscalls/generic_control.hh"
#include "stack/datagram/datagram_socket.hh"
#include "stack/wire/ipv4_options.hh"

namespace lxnet {
namespace {

constexpr int kSocketLevel = 1;
constexpr int kDeviceMemory = 79;  // SCM_DEVMEM_DMABUF
constexpr int kUdpSegment = 103;
// IPPROTO_IP.
constexpr int kTos = 1, kTtl = 2, kReturnOptions = 7, kPacketInfo = 8, kProtocol = 52;
// IPPROTO_IPV6.
constexpr int k2292PacketInfo = 2, k2292HopOptions = 3, k2292DestinationOptions = 4, k2292RoutingHeader = 5, k2292HopLimit = 8,
              kFlowInfo = 11, kPacketInfo6 = 50, kHopLimit = 52, kHopOptions = 54, kRoutingDestinationOptions = 55,
              kRoutingHeader = 57, kDestinationOptions = 59, kDontFragment = 62, kTrafficClass = 67;

struct UserPacketInfo {
  int32_t interface_index;
  Ipv4Address local;
  Ipv4Address destination;
};
struct UserPacketInfo6 {
  Ipv6Address address;
  uint32_t interface_index;
};

struct Decoder {
  SyscallContext& context;
  Socket& socket;
  SendControl& control;
  ExtensionChain& extensions;
  bool sends_v6;                  // the packet will be IPv6
  uint32_t output_interface = 0;  // what IPV6_PKTINFO may not contradict
};

bool is_udp(const Socket& socket) {
  constexpr uint8_t kUdp = 17, kUdpLite = 136;
  return socket.type() == SocketType::Datagram && (socket.protocol() == kUdp || socket.protocol() == kUdpLite);
}

Result<> decode_ip(Decoder& decoder, const ControlMessage& message) {
  SendControl& control = decoder.control;
  switch (message.type) {
    case kReturnOptions: {
      const auto privilege =
          decoder.context.hal().capable(LXNET_CAP_NET_RAW) ? Ipv4OptionsPrivilege::RawNetwork : Ipv4OptionsPrivilege::Ordinary;
      const ByteSpan bytes =
          message.data.size() > Ipv4Options::kMaxSize ? message.data.first(Ipv4Options::kMaxSize) : message.data;
      TRY(Ipv4Options::from_user(bytes, privilege));
      control.options = bytes;
      control.has_options = true;
      return ok();
    }
    case kPacketInfo: {
      const auto info = TRY(message.as<UserPacketInfo>());
      if (info.interface_index != 0) control.output_interface = static_cast<uint32_t>(info.interface_index);
      control.source = IpAddress(info.local);
      control.has_source = true;
      return ok();
    }
    case kTtl: {
      const int ttl = TRY(message.as<int>());
      if (ttl < 1 || ttl > 255) return Errno::EINVAL;
      control.ttl = static_cast<int16_t>(ttl);
      return ok();
    }
    case kTos: {
      const int tos = message.data.size() == 1 ? int{message.data[0]} : TRY(message.as<int>());
      if (tos < 0 || tos > 255) return Errno::EINVAL;
      control.tos = static_cast<int16_t>(tos);
      control.priority = priority_of_tos(static_cast<uint8_t>(tos));
      control.has_priority = true;
      return ok();
    }
    case kProtocol: {
      // It tells a route lookup what an IP_HDRINCL socket's header says, which no rule here asks for.
      const int protocol = TRY(message.as<int>());
      return protocol < 1 || protocol > 255 ? Result<>(Errno::EINVAL) : ok();
    }
    default:
      return Errno::EINVAL;
  }
}

// An extension header as the user wrote it: at least eight bytes, its own length within the message. One of each kind.
Result<> take_extension(Decoder& decoder, const ControlMessage& message, ByteSpan& slot) {
  if (!slot.empty() || message.data.size() < 2) return Errno::EINVAL;
  const size_t size = (size_t{message.data[1]} + 1) * 8;
  if (message.data.size() < size) return Errno::EINVAL;
  if (!decoder.context.hal().capable(LXNET_CAP_NET_RAW)) return Errno::EPERM;
  slot = message.data.first(size);
  return ok();
}

Result<> decode_packet_info6(Decoder& decoder, const ControlMessage& message) {
  const auto info = TRY(message.at_least<UserPacketInfo6>());
  SendControl& control = decoder.control;
  const InterfaceRegistry& interfaces = decoder.context.stack().interfaces();
  if (info.interface_index != 0) {
    if (decoder.output_interface != 0 && decoder.output_interface != info.interface_index) return Errno::EINVAL;
    control.output_interface = decoder.output_interface = info.interface_index;
  }
  const uint32_t on = decoder.output_interface;
  if (on != 0 && !interfaces.find(on)) return Errno::ENODEV;
  const bool is_of_link = info.address.is_link_local() || info.address.is_link_local_multicast();
  if (on == 0 && is_of_link) return Errno::EINVAL;
  if (info.address.is_unspecified()) return ok();
  const IpSocketOptions& options = *decoder.socket.ip_options;
  const bool may_be_foreign = options.free_bind || options.transparent;
  // An address of wider scope may be any interface's.
  const uint32_t where = is_of_link || info.address.is_loopback() ? on : 0;
  if (!may_be_foreign && (info.address.is_v4_mapped() || !interfaces.is_local_address(IpAddress(info.address), where)))
    return Errno::EINVAL;
  control.source = IpAddress(info.address);
  control.has_source = true;
  return ok();
}

constexpr int kLargestByte = 255;

// Linux puts it into 16 bits first, and looks at those.
Result<> decode_hop_limit(const ControlMessage& message, int16_t& out) {
  const auto value = static_cast<int16_t>(TRY(message.as<int>()));
  if (value < -1 || value > kLargestByte) return Errno::EINVAL;
  out = value;
  return ok();
}

// -1 is no default here: all its bits count.
Result<> decode_traffic_class(const ControlMessage& message, int16_t& out) {
  const int value = TRY(message.as<int>());
  if (value < -1 || value > kLargestByte) return Errno::EINVAL;
  out = static_cast<uint8_t>(value);
  return ok();
}

Result<> decode_ipv6(Decoder& decoder, const ControlMessage& message) {
  SendControl& control = decoder.control;
  switch (message.type) {
    case kPacketInfo6:
    case k2292PacketInfo:
      return decode_packet_info6(decoder, message);
    case kFlowInfo:
      control.flow_label = static_cast<int32_t>(TRY(message.at_least<Be32>()).get() & 0xfffff);
      return ok();
    case k2292HopOptions:
    case kHopOptions:
      return take_extension(decoder, message, decoder.extensions.hop_by_hop);
    case k2292DestinationOptions:
      return take_extension(decoder, message, decoder.extensions.destination);
    // Of these the last counts.
    case kDestinationOptions:
      decoder.extensions.destination = {};
      return take_extension(decoder, message, decoder.extensions.destination);
    case kRoutingDestinationOptions:
      decoder.extensions.before_routing = {};
      return take_extension(decoder, message, decoder.extensions.before_routing);
    case k2292RoutingHeader:
    case kRoutingHeader:
      return Errno::EINVAL;  // source routes, type 0 by RFC 5095 and the others for want of mobility and segment routing
    case k2292HopLimit:
    case kHopLimit:
      return decode_hop_limit(message, control.ttl);
    case kTrafficClass:
      return decode_traffic_class(message, control.tos);
    case kDontFragment: {
      const int value = TRY(message.as<int>());
      if (value < 0 || value > 1) return Errno::EINVAL;
      control.dont_fragment_v6 = static_cast<int8_t>(value);
      return ok();
    }
    default:
      return Errno::EINVAL;
  }
}

// An AF_INET6 socket that sends IPv4 takes its source from a v4-mapped IPV6_PKTINFO.
Result<> decode_mapped_packet_info(Decoder& decoder, const ControlMessage& message) {
  const auto info = TRY(message.at_least<UserPacketInfo6>());
  if (!info.address.is_v4_mapped()) return Errno::EINVAL;
  if (info.interface_index != 0) decoder.control.output_interface = info.interface_index;
  decoder.control.source = IpAddress(info.address);
  decoder.control.has_source = true;
  return ok();
}

Result<> decode_one(Decoder& decoder, const ControlMessage& message) {
  const bool is_stream = decoder.socket.type() == SocketType::Stream;
  if (message.level == kSocketLevel) {
    // A stream would send from that memory, which is none.
    if (is_stream && message.type == kDeviceMemory && TRY(message.as<uint32_t>()) != 0) return Errno::EINVAL;
    return decode_generic_control(decoder.context, decoder.socket.options, message, decoder.control);
  }
  if (is_stream) return ok();
  if (message.level == kLevelUdp && is_udp(decoder.socket)) return ok();  // decode_udp() has been here
  if (decoder.sends_v6) return message.level == kLevelIpv6 ? decode_ipv6(decoder, message) : ok();
  if (message.level == kLevelIp) return decode_ip(decoder, message);
  const bool is_packet_info6 = message.level == kLevelIpv6 && message.type == kPacketInfo6;
  if (is_packet_info6 && decoder.socket.family() == IpFamily::V6) return decode_mapped_packet_info(decoder, message);
  return ok();
}

// udp_cmsg_send(): UDP's own are looked at before the others, and so is the form of all.
Result<> decode_udp(ControlReader& reader, SendControl& control) {
  ControlMessage message;
  while (TRY(reader.next(message))) {
    if (message.level != kLevelUdp) continue;
    if (message.type != kUdpSegment) return Errno::EINVAL;
    control.segment_size = TRY(message.as<uint16_t>());
  }
  reader.rewind();
  return ok();
}

// What udpv6_sendmsg(), rawv6_sendmsg() and ping_v6_sendmsg() know of the way out before they read control messages.
uint32_t output_interface_of(const Socket& socket, const SendRequest& request) {
  const Endpoint* to = request.destination;
  if (to != nullptr && !to->address.is_v4() && to->address.v6().needs_scope_id() && to->scope_id != 0) return to->scope_id;
  if (socket.options.bound_interface != 0 || socket.type() == SocketType::Raw) return socket.options.bound_interface;
  return socket.ip_options->sticky_interface;
}

// Only UDP turns to IPv4, and not where the name was AF_UNSPEC.
bool will_send_v6(SyscallContext& context, Socket& socket, const SendRequest& request) {
  if (socket.family() == IpFamily::V4) return false;
  if (!is_udp(socket) || request.names_peer) return true;
  if (request.destination != nullptr) {
    if (!(request.destination->address == IpAddress::any(IpFamily::V6))) return !request.destination->address.is_v4();
    // This host is one of IPv4's to who is bound to an address of IPv4.
    auto name = socket.local_name(context.entry());
    return !name.is_ok() || !name.take().address.is_v4();
  }
  return !static_cast<DatagramSocket&>(socket).has_v4_peer(context.entry());
}

}  // namespace

// In the order of RFC 8200, 4.1; each names the next, and the IP layer fills in what follows the last.
Result<> ExtensionChain::assemble(const Hal& hal, SendControl& control) {
  struct Part {
    ByteSpan bytes;
    uint8_t number;
  };
  // What is meant to stand before a routing header is left out without one, and there never is one.
  const Part parts[] = {{hop_by_hop, 0}, {destination, 60}};
  size_t size = 0;
  for (const Part& part : parts) size += part.bytes.size();
  if (size == 0) {
    // But with it there are some, and the socket's own are not asked for.
    control.has_options = control.has_options || !before_routing.empty();
    return ok();
  }
  auto block = HeapArray<uint8_t>::create(hal, size);
  if (!block.is_ok()) return Errno::ENOBUFS;
  bytes_ = block.take();
  uint8_t* previous = &control.options_first_header;
  size_t at = 0;
  for (const Part& part : parts) {
    if (part.bytes.empty()) continue;
    *previous = part.number;
    copy_bytes(MutableByteSpan(bytes_.data() + at, part.bytes.size()), part.bytes);
    previous = bytes_.data() + at;
    at += part.bytes.size();
  }
  control.options = ByteSpan(bytes_.data(), size);
  control.has_options = true;
  return ok();
}

Result<> decode_packet_options(SyscallContext& context, Socket& socket, ControlReader& reader, ExtensionChain& extensions) {
  SendControl control;
  Decoder decoder{context, socket, control, extensions, true, socket.options.bound_interface};
  ControlMessage message;
  while (TRY(reader.next(message))) {
    if (message.level == kLevelIpv6) TRY(decode_ipv6(decoder, message));
  }
  return ok();
}

Result<> decode_control(SyscallContext& context, Socket& socket, ControlReader& reader, SendRequest& request,
                        ExtensionChain& extensions) {
  Decoder decoder{
      context, socket, request.control, extensions, will_send_v6(context, socket, request), output_interface_of(socket, request)};
  if (is_udp(socket)) TRY(decode_udp(reader, request.control));
  ControlMessage message;
  while (TRY(reader.next(message))) TRY(decode_one(decoder, message));
  return extensions.assemble(context.hal(), request.control);
}

}  // namespace lxnet
