// Taking headers in, one by one, and giving them back.
//
// Not implemented: routing headers but by segments, as no other type is enabled, and the packet that Linux keeps of a stream for
// IPV6_2292PKTOPTIONS: the socket's own settings are what is told.
#include "compat/afinet/options_headers.hh"

#include "compat/afinet/option_rows.hh"
#include "compat/afinet/options_multicast.hh"
#include "compat/syscalls/control_message.hh"
#include "stack/wire/ipv4_options.hh"
#include "stack/wire/segment_routing.hh"

namespace lxnet {
namespace {

// How many bytes a header says it has.
size_t size_of_header(ByteSpan header) { return (size_t{header[1]} + 1) * 8; }

Ipv4OptionsPrivilege privilege(SyscallContext& context) {
  return context.hal().capable(LXNET_CAP_NET_RAW) ? Ipv4OptionsPrivilege::RawNetwork : Ipv4OptionsPrivilege::Ordinary;
}

Result<> replace_headers(const OptionInput& input, const StickyHeaders::Parts& parts) {
  SocketAttachments& attachments = socket_of(input.socket).attachments;
  bool is_empty = true;
  for (const ByteSpan& part : parts.bytes) is_empty = is_empty && part.empty();
  TRY(attachments.set_extensions_v6(input.context.hal(),
                                    is_empty ? nullptr : TRY(StickyHeaders::create_v6(input.context.hal(), parts))));
  socket_of(input.socket).headers_changed(input.context.entry());
  socket_of(input.socket).forget_route(input.context.entry());
  return ok();
}

struct UserPacketInfo6 {
  Ipv6Address address;
  uint32_t interface_index;
};

}  // namespace

Result<> set_ip_options(const OptionInput& input) {
  const auto size = static_cast<size_t>(input.length);
  if (size > Ipv4Options::kMaxSize) return Errno::EINVAL;
  uint8_t bytes[Ipv4Options::kMaxSize] = {};
  const MutableByteSpan given(bytes, size);
  TRY(copy_in(input.context.hal(), given, input.value));
  TRY(Ipv4Options::from_user(given, privilege(input.context)));
  SocketAttachments& attachments = socket_of(input.socket).attachments;
  // Also none are options, which IP_HDRINCL does not go with.
  TRY(attachments.set_options_v4(input.context.hal(), TRY(StickyHeaders::create_v4(input.context.hal(), given))));
  socket_of(input.socket).headers_changed(input.context.entry());
  return ok();
}

Result<> get_ip_options(const OptionOutput& output) {
  const Ref<StickyHeaders> options = socket_of(output.socket).attachments.options_v4();
  if (!options) return output.write(ByteSpan());
  // They were taken, so they can be taken again.
  const Ipv4Options parsed = TRY(Ipv4Options::from_user(options->options_v4(), Ipv4OptionsPrivilege::RawNetwork));
  const Ipv4Options shown = parsed.as_set_by_user();
  return output.write(shown.bytes());
}

Result<> set_sticky_header(const OptionInput& input, StickyHeaders::Kind kind) {
  constexpr size_t kLongest = 8 * 255;
  if (kind != StickyHeaders::Routing && !input.context.hal().capable(LXNET_CAP_NET_RAW)) return Errno::EPERM;
  const Ref<StickyHeaders> old = socket_of(input.socket).attachments.extensions_v6();
  StickyHeaders::Parts parts = old ? old->parts() : StickyHeaders::Parts{};
  HeapArray<uint8_t> copy;
  parts.bytes[kind] = {};
  if (input.length != 0) {
    const auto size = static_cast<size_t>(input.length);
    if (input.value.is_null() || size % 8 != 0 || size > kLongest) return Errno::EINVAL;
    copy = TRY(HeapArray<uint8_t>::create(input.context.hal(), size));
    const MutableByteSpan bytes(copy.data(), size);
    TRY(copy_in(input.context.hal(), bytes, input.value));
    if (size_of_header(bytes) > size) return Errno::EINVAL;
    if (kind == StickyHeaders::Routing && !is_segment_routing_header(bytes)) return Errno::EINVAL;
    parts.bytes[kind] = bytes.first(size_of_header(bytes));
  }
  return replace_headers(input, parts);
}

Result<> get_sticky_header(const OptionOutput& output, StickyHeaders::Kind kind) {
  const Ref<StickyHeaders> headers = socket_of(output.socket).attachments.extensions_v6();
  return output.write(headers ? headers->part(kind) : ByteSpan());
}

Result<> set_sticky_packet_info(const OptionInput& input) {
  if (input.value.is_null()) return Errno::EINVAL;
  const auto info = TRY(input.read<UserPacketInfo6>());
  Socket& socket = socket_of(input.socket);
  const uint32_t bound = socket.options.bound_interface;
  if (bound != 0 && info.interface_index != bound) return Errno::EINVAL;
  return set_ip(input.socket, &IpSocketOptions::sticky_interface, info.interface_index);
}

Result<> set_packet_options(const OptionInput& input) {
  constexpr int kLongest = 64 * 1024;
  if (input.length > kLongest) return Errno::EINVAL;
  ControlReader reader;
  TRY(reader.read(input.context, input.value, static_cast<uint64_t>(input.length)));
  ExtensionChain chain;
  TRY(decode_packet_options(input.context, socket_of(input.socket), reader, chain));
  StickyHeaders::Parts parts;
  parts.bytes[StickyHeaders::HopByHop] = chain.hop_by_hop;
  parts.bytes[StickyHeaders::BeforeRouting] = chain.before_routing;
  parts.bytes[StickyHeaders::Destination] = chain.destination;
  return replace_headers(input, parts);
}

namespace {

constexpr int kPacketInfo6 = 50, k2292PacketInfo = 2, kHopLimit = 52, k2292HopLimit = 8, kTrafficClass = 67, kFlowInfo = 11;
constexpr int kPacketInfo = 8, kTtl = 2, kTos = 1;

Result<> finish(const OptionOutput& output, const ControlWriter& writer) {
  return write_user(output.context.hal(), output.length_address, static_cast<int>(writer.used()));
}

}  // namespace

Result<> get_packet_options(const OptionOutput& output) {
  Socket& socket = socket_of(output.socket);
  if (socket.type() != SocketType::Stream) return Errno::ENOPROTOOPT;
  const IpSocketOptions& options = *socket.ip_options;
  const auto wants = [&](uint32_t flag) { return (options.receive_flags & flag) != 0; };
  ControlWriter writer(output.context, output.value, static_cast<uint64_t>(output.length), 0);
  UserPacketInfo6 info{Ipv6Address(), options.sticky_interface};
  const GroupSending groups = group_sending_of(output.socket);
  if (groups.interface_v6 != 0) {
    info.interface_index = groups.interface_v6;
    auto peer = socket.remote_name(output.context.entry());
    if (peer.is_ok()) info.address = peer.take().address.v6();
  }
  const int hops = groups.hops;
  if (wants(kReceivePacketInfo6)) writer.put(kLevelIpv6, kPacketInfo6, info);
  if (wants(kReceiveHopLimit)) writer.put(kLevelIpv6, kHopLimit, hops);
  if (wants(kReceiveTrafficClass)) writer.put(kLevelIpv6, kTrafficClass, 0);
  if (wants(kReceive2292PacketInfo)) writer.put(kLevelIpv6, k2292PacketInfo, info);
  if (wants(kReceive2292HopLimit)) writer.put(kLevelIpv6, k2292HopLimit, hops);
  if (wants(kReceiveFlowInfo)) writer.put(kLevelIpv6, kFlowInfo, uint32_t{0});
  return finish(output, writer);
}

Result<> get_stream_packet_options(const OptionOutput& output) {
  struct UserPacketInfo {
    uint32_t interface_index;
    Ipv4Address local, destination;
  };
  Socket& socket = socket_of(output.socket);
  if (socket.type() != SocketType::Stream) return Errno::ENOPROTOOPT;
  const IpSocketOptions& options = *socket.ip_options;
  const auto wants = [&](uint32_t flag) { return (options.receive_flags & flag) != 0; };
  ControlWriter writer(output.context, output.value, static_cast<uint64_t>(output.length), 0);
  auto name = socket.local_name(output.context.entry());
  const IpAddress local = name.is_ok() ? name.take().address : IpAddress();
  // Linux's LOOPBACK4_IPV6 stands for an address that is none of IPv4's.
  const Ipv4Address own = local.is_v4() ? local.v4() : local.is_unspecified() ? Ipv4Address() : Ipv4Address(127, 0, 0, 6);
  const GroupSending groups = group_sending_of(output.socket);
  if (wants(kReceivePacketInfo4)) writer.put(kLevelIp, kPacketInfo, UserPacketInfo{groups.interface_v4, own, own});
  if (wants(kReceiveTtl)) writer.put(kLevelIp, kTtl, groups.ttl);
  if (wants(kReceiveTos)) writer.put(kLevelIp, kTos, 0);
  return finish(output, writer);
}

}  // namespace lxnet
