// Which table a level of an Internet socket reads, and the errno of a level that the socket does not have.
#include "compat/afinet/inet_options.hh"

namespace lxnet {
namespace {

constexpr uint8_t kTcp = 6, kUdp = 17, kUdpLite = 136;

// Empty for a level this socket knows nothing of.
std::span<const OptionRow> level_options(const Socket& socket, int level) {
  const bool is_udp = socket.protocol() == kUdp || socket.protocol() == kUdpLite;
  const bool is_v6 = socket.family() == IpFamily::V6;
  switch (level) {
    case kLevelIp:
      return ip_level_options();
    case kLevelIpv6:
      return is_v6 ? ipv6_level_options() : std::span<const OptionRow>();
    case kLevelTcp:
      return socket.protocol() == kTcp && socket.type() == SocketType::Stream ? tcp_level_options()
                                                                              : std::span<const OptionRow>();
    case kLevelUdp:
    case kLevelUdpLite:
      return is_udp && socket.type() == SocketType::Datagram ? udp_level_options() : std::span<const OptionRow>();
    case kLevelRaw:
    case kLevelIcmpv6:
      return socket.type() == SocketType::Raw ? raw_level_options() : std::span<const OptionRow>();
    default:
      return {};
  }
}

// Linux's protocols hand an unknown level to the network layer, which knows no options there: ENOPROTOOPT, except for datagram
// and raw sockets' SOL_RAW, which raw_setsockopt() keeps to itself.
Errno unknown_level(const Socket&, int) { return Errno::ENOPROTOOPT; }

}  // namespace

Result<> InetSocketFile::set_option(SyscallContext& context, int level, int name, UserAddress value, int length) {
  const std::span<const OptionRow> rows = level_options(*socket_, level);
  if (rows.empty()) return unknown_level(*socket_, level);
  return lxnet::set_option(rows, OptionInput{context, *this, value, length}, level, name);
}

Result<> InetSocketFile::get_option(SyscallContext& context, int level, int name, UserAddress value, UserAddress length_address) {
  const std::span<const OptionRow> rows = level_options(*socket_, level);
  if (rows.empty()) return unknown_level(*socket_, level);
  const int length = TRY(read_user<int>(context.hal(), length_address));
  if (length < 0) return Errno::EINVAL;
  return lxnet::get_option(rows, OptionOutput{context, *this, value, length_address, length}, level, name);
}

}  // namespace lxnet
