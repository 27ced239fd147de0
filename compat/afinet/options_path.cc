// What they do.
#include "compat/afinet/options_path.hh"

#include <bit>

#include "compat/afinet/option_rows.hh"
#include "stack/raw/raw_socket.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

Result<int> get_path_mtu(SyscallContext& context, SocketFile& file) {
  return static_cast<int>(TRY(socket_of(file).path_mtu(context.entry())));
}

Result<> get_path_mtu_info(const OptionOutput& output) {
  struct {
    UserInet6Address destination;
    uint32_t mtu;
  } info{};
  static_assert(sizeof info == 32);
  if (static_cast<size_t>(output.length) < sizeof info) return Errno::EINVAL;
  info.mtu = TRY(socket_of(output.socket).path_mtu(output.context.entry()));
  return output.write(info);
}

// ip_ra_control(): sockets that hear of a protocol, once each.
Result<> set_router_alert4(SyscallContext&, SocketFile& file, int value) {
  Socket& socket = socket_of(file);
  if (socket.type() != SocketType::Raw || socket.protocol() == RawSocket::kRaw) return Errno::EINVAL;
  const bool alert = socket.ip_options->router_alert_v4;
  if (value != 0 && alert) return Errno::EADDRINUSE;
  if (value == 0 && !alert) return Errno::ENOBUFS;
  return set_ip(file, &IpSocketOptions::router_alert_v4, value != 0);
}

// ip6_ra_control(): the value is which kind of alert, and a negative one ends it.
Result<> set_router_alert6(SyscallContext&, SocketFile& file, int value) {
  Socket& socket = socket_of(file);
  if (socket.type() != SocketType::Raw || socket.protocol() != RawSocket::kRaw) return Errno::ENOPROTOOPT;
  const int32_t alert = socket.ip_options->router_alert_v6;
  if (value >= 0 && alert >= 0) return Errno::EADDRINUSE;
  if (value < 0 && alert < 0) return Errno::ENOBUFS;
  TRY(set_ip(file, &IpSocketOptions::router_alert_v6, value < 0 ? -1 : value));
  // What is read back is not whether it is on.
  return set_ip(file, &IpSocketOptions::router_alert_v6_told, value != 0);
}

Result<> set_ipsec_policy(const OptionInput& input, PolicyKind kind) {
  constexpr int kLongest = 4096;
  if (!input.context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  if (input.value.is_null() && input.length == 0) return ok();
  if (input.length <= 0 || input.length > kLongest) return Errno::EMSGSIZE;
  auto copy = TRY(HeapArray<uint8_t>::create(input.context.hal(), static_cast<size_t>(input.length)));
  TRY(copy_in(input.context.hal(), MutableByteSpan(copy.data(), copy.size()), input.value));
  return kind == PolicyKind::Foreign ? Errno::EOPNOTSUPP : Errno::EINVAL;
}

namespace {

// IPV6_PREFER_SRC_*.
constexpr int kTemporary = 1, kPublic = 2, kDefault = 0x100, kCareOf = 4, kHome = 0x400, kGenerated = 8, kNotGenerated = 0x800;

}  // namespace

// What is not named goes back to its default.
Result<> set_source_preferences(SyscallContext&, SocketFile& file, int value) {
  const auto has_many = [value](int mask) { return std::popcount(static_cast<uint32_t>(value & mask)) > 1; };
  if (has_many(kTemporary | kPublic | kDefault) || has_many(kHome | kCareOf) || has_many(kGenerated | kNotGenerated)) {
    return Errno::EINVAL;
  }
  return set_ip(file, &IpSocketOptions::source_preferences, static_cast<uint8_t>(value & (kTemporary | kPublic | kCareOf)));
}

Result<int> get_source_preferences(SyscallContext&, SocketFile& file) {
  const uint8_t stored = socket_of(file).ip_options->source_preferences;
  const int first = (stored & kPreferTemporary) != 0 ? kTemporary : (stored & kPreferPublic) != 0 ? kPublic : kDefault;
  return first | ((stored & kPreferCareOf) != 0 ? kCareOf : kHome);
}

Result<> set_unicast_interface4(SyscallContext& context, SocketFile& file, int value) {
  Socket& socket = socket_of(file);
  // The index stands in network byte order, as inet's has always done.
  const uint32_t index = Be32(static_cast<uint32_t>(value)).raw();
  if (index != 0) {
    if (!context.stack().interfaces().find(index)) return Errno::EADDRNOTAVAIL;
    // Linux asks for the master of that one, which lo and its like do not have.
    if (socket.options.bound_interface != 0) return Errno::EINVAL;
  }
  return set_ip(file, &IpSocketOptions::unicast_interface, index);
}

Result<> set_unicast_interface6(SyscallContext& context, SocketFile& file, int value) {
  Socket& socket = socket_of(file);
  const uint32_t index = Be32(static_cast<uint32_t>(value)).raw();
  if (index != 0) {
    if (!context.stack().interfaces().find(index)) return Errno::EADDRNOTAVAIL;
    if (socket.options.bound_interface != 0) return Errno::EINVAL;
  }
  return set_ip(file, &IpSocketOptions::unicast_interface_v6, index);
}

namespace {

bool has_ports(const Socket& socket) {
  constexpr uint8_t kTcp = 6, kUdp = 17, kUdpLite = 136;
  const uint8_t protocol = socket.protocol();
  return socket.type() != SocketType::Raw && (protocol == kTcp || protocol == kUdp || protocol == kUdpLite);
}

}  // namespace

Result<> set_address_form(SyscallContext& context, SocketFile& file, int value) {
  if (value != kFamilyInet) return Errno::EINVAL;
  Socket& socket = socket_of(file);
  if (!has_ports(socket)) return Errno::ENOPROTOOPT;
  TRY(socket.become_v4(context.entry()));
  static_cast<InetSocketFile&>(file).set_family(kFamilyInet);
  return ok();
}

Result<int> get_address_form(SyscallContext&, SocketFile& file) {
  Socket& socket = socket_of(file);
  if (!has_ports(socket)) return Errno::ENOPROTOOPT;
  // A datagram socket is connected also to port 0, which getpeername() does not show.
  const bool is_connected = socket.type() == SocketType::Stream ? static_cast<TcpSocket&>(socket).state() == TcpState::Established
                                                                : static_cast<DatagramSocket&>(socket).is_connected();
  if (!is_connected) return Errno::ENOTCONN;
  return int{file.address_family()};
}

}  // namespace lxnet
