// Which table a level of an Internet socket reads, and the errno of a level that the socket does not have.
#include "compat/afinet/inet_options.hh"

namespace lxnet {
namespace {

constexpr uint8_t kIcmpv6 = 58, kUdp = 17, kUdpLite = 136;

bool is_udp(const Socket& socket) {
  return socket.type() == SocketType::Datagram && (socket.protocol() == kUdp || socket.protocol() == kUdpLite);
}
bool is_raw(const Socket& socket) { return socket.type() == SocketType::Raw; }
bool is_inet6(const Socket& socket) { return socket.family() == IpFamily::V6; }

// Empty for a level this socket knows nothing of.
std::span<const OptionRow> level_options(const Socket& socket, int level) {
  switch (level) {
    case kLevelIp:
      // ipv6_setsockopt(): a raw IPv6 socket has no IPv4 side.
      return is_inet6(socket) && is_raw(socket) ? std::span<const OptionRow>() : ip_level_options();
    case kLevelIpv6:
      return is_inet6(socket) ? ipv6_level_options() : std::span<const OptionRow>();
    case kLevelTcp:
      return socket.type() == SocketType::Stream ? tcp_level_options() : std::span<const OptionRow>();
    case kLevelUdp:
    case kLevelUdpLite:
      return is_udp(socket) ? udp_level_options() : std::span<const OptionRow>();
    case kLevelRaw:
      return is_raw(socket) ? raw_level_options() : std::span<const OptionRow>();
    case kLevelIcmpv6:
      return is_raw(socket) && is_inet6(socket) ? raw_level_options() : std::span<const OptionRow>();
    default:
      return {};
  }
}

// rawv6_setsockopt(): a level of ICMPv6's alone.
bool is_refused_level(const Socket& socket, int level) {
  return level == kLevelIcmpv6 && is_raw(socket) && is_inet6(socket) && socket.protocol() != kIcmpv6;
}

// do_tcp_setsockopt(), udp_lib_setsockopt(), do_rawv6_setsockopt() and do_ipv6_setsockopt() read an int before they look at the
// option's number, so that also one that is unknown gives EINVAL for a short value and EFAULT for a bad pointer. Only TCP's
// options that are strings come before that.
Result<> read_ahead(const Socket& socket, const OptionInput& input, int level, int name) {
  constexpr int kCongestion = 13, kUpperProtocol = 31, kFastOpenKey = 33;
  switch (level) {
    case kLevelTcp:
      if (name == kCongestion || name == kUpperProtocol || name == kFastOpenKey) return ok();
      break;
    case kLevelUdp:
    case kLevelUdpLite:
      break;
    case kLevelRaw:
      if (!is_inet6(socket)) return ok();
      break;
    case kLevelIpv6:
      // A short value is each option's own business there, and no value at all is a zero.
      if (input.value.is_null() || static_cast<size_t>(input.length) < sizeof(int)) return ok();
      break;
    default:
      return ok();
  }
  TRY(input.read<int>());
  return ok();
}

// Linux asks one function for both, whichever of the two the socket is.
int row_level(int level) { return level == kLevelUdpLite ? kLevelUdp : level; }

}  // namespace

Result<> InetSocketFile::set_option(SyscallContext& context, int level, int name, UserAddress value, int length) {
  const std::span<const OptionRow> rows = level_options(*socket_, level);
  if (is_refused_level(*socket_, level)) return Errno::EOPNOTSUPP;
  if (rows.empty()) return Errno::ENOPROTOOPT;
  const OptionInput input{context, *this, value, length};
  TRY(read_ahead(*socket_, input, level, name));
  return lxnet::set_option(rows, input, row_level(level), name);
}

Result<> InetSocketFile::get_option(SyscallContext& context, int level, int name, UserAddress value, UserAddress length_address) {
  const std::span<const OptionRow> rows = level_options(*socket_, level);
  if (is_refused_level(*socket_, level)) return Errno::EOPNOTSUPP;
  // What no protocol above knows ends in do_ip_getsockopt() or ipv6_getsockopt(), which do not say the same.
  if (rows.empty()) return is_v6() ? Errno::ENOPROTOOPT : Errno::EOPNOTSUPP;
  int length = TRY(read_user<int>(context.hal(), length_address));
  // do_ipv6_getsockopt() takes it for unsigned.
  if (length < 0 && level == kLevelIpv6) length = INT32_MAX;
  if (length < 0) return Errno::EINVAL;
  return lxnet::get_option(rows, OptionOutput{context, *this, value, length_address, length}, row_level(level), name);
}

}  // namespace lxnet
