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
      return socket.type() == SocketType::Raw ? raw_level_options() : std::span<const OptionRow>();
    case kLevelIcmpv6:
      return socket.type() == SocketType::Raw && is_v6 ? raw_level_options() : std::span<const OptionRow>();
    default:
      return {};
  }
}

// Linux's protocols hand an unknown level to the network layer, which knows no options there: ENOPROTOOPT, but from
// ip_getsockopt().
Errno unknown_level_to_get(const Socket& socket) {
  return socket.family() == IpFamily::V4 ? Errno::EOPNOTSUPP : Errno::ENOPROTOOPT;
}

// Linux asks one function for both, whichever of the two the socket is.
int row_level(int level) { return level == kLevelUdpLite ? kLevelUdp : level; }

}  // namespace

Result<> InetSocketFile::set_option(SyscallContext& context, int level, int name, UserAddress value, int length) {
  const std::span<const OptionRow> rows = level_options(*socket_, level);
  if (rows.empty()) return Errno::ENOPROTOOPT;
  return lxnet::set_option(rows, OptionInput{context, *this, value, length}, row_level(level), name);
}

Result<> InetSocketFile::get_option(SyscallContext& context, int level, int name, UserAddress value, UserAddress length_address) {
  const std::span<const OptionRow> rows = level_options(*socket_, level);
  if (rows.empty()) return unknown_level_to_get(*socket_);
  const int length = TRY(read_user<int>(context.hal(), length_address));
  if (length < 0) return Errno::EINVAL;
  return lxnet::get_option(rows, OptionOutput{context, *this, value, length_address, length}, row_level(level), name);
}

}  // namespace lxnet
