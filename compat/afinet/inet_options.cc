// Which table a level of an Internet socket reads, what the level reads before it looks at the option, and the errno of a level
// that the socket does not have. Linux's protocols differ in all three, and programs see it.
#include "compat/afinet/inet_options.hh"

namespace lxnet {
namespace {

constexpr uint8_t kTcp = 6, kUdp = 17, kUdpLite = 136, kIcmp4 = 1, kIcmp6 = 58;
constexpr int kIcmpFilter = 1;

struct Level {
  const OptionTable* table = nullptr;
  // Where there is no table: for set and for get.
  Errno unknown_set = Errno::ENOPROTOOPT, unknown_get = Errno::ENOPROTOOPT;
  bool reads_int_first = false;        // EINVAL or EFAULT before ENOPROTOOPT
  bool takes_negative_length = false;  // the room of a get is unsigned
  bool asks_name_first = false;        // an unknown option is ENOPROTOOPT whatever the pointers
};

bool is_udp(const Socket& socket) {
  return socket.type() == SocketType::Datagram && (socket.protocol() == kUdp || socket.protocol() == kUdpLite);
}

// An AF_INET socket hands what it does not know to ip_setsockopt() and ip_getsockopt(), which differ.
Level unknown_level(const Socket& socket) {
  if (socket.family() == IpFamily::V4) return {.unknown_get = Errno::EOPNOTSUPP};
  return {};
}

Level raw_level(const Socket& socket, int level) {
  const bool is_v6 = socket.family() == IpFamily::V6;
  if (level == kLevelIcmpv6) {
    if (!is_v6) return unknown_level(socket);
    if (socket.protocol() != kIcmp6) return {.unknown_set = Errno::EOPNOTSUPP, .unknown_get = Errno::EOPNOTSUPP};
    return {.table = &icmp6_level_options(), .asks_name_first = true};
  }
  if (is_v6) return {.table = &raw6_level_options(), .reads_int_first = true, .takes_negative_length = true};
  return {.table = &raw4_level_options(), .asks_name_first = true};
}

Level find_level(const Socket& socket, int level) {
  const bool is_v6 = socket.family() == IpFamily::V6;
  const bool is_raw = socket.type() == SocketType::Raw;
  switch (level) {
    case kLevelIp:
      return is_v6 && is_raw ? Level{} : Level{.table = &ip_level_options()};
    case kLevelIpv6:
      return is_v6 ? Level{.table = &ipv6_level_options(), .takes_negative_length = true} : unknown_level(socket);
    case kLevelTcp:
      if (socket.protocol() != kTcp || socket.type() != SocketType::Stream) return unknown_level(socket);
      return {.table = &tcp_level_options(), .reads_int_first = true};
    case kLevelUdp:
    case kLevelUdpLite:
      // A UDP socket answers at UDP-Lite's level too.
      if (!is_udp(socket)) return unknown_level(socket);
      return {.table = &udp_level_options(), .reads_int_first = true};
    case kLevelRaw:
    case kLevelIcmpv6:
      return is_raw ? raw_level(socket, level) : unknown_level(socket);
    default:
      return unknown_level(socket);
  }
}

int row_level(int level) { return level == kLevelUdpLite ? kLevelUdp : level; }

// TCP_CONGESTION, TCP_ULP, TCP_FASTOPEN_KEY: names and keys, of any length.
bool is_text(int name) { return name == 13 || name == 31 || name == 33; }

// raw_setsockopt(): the filter belongs to ICMP's sockets, and that is asked before anything is read.
Result<> check_raw4(const Socket& socket, const Level& found, int level, int name) {
  if (!found.asks_name_first) return ok();
  if (found.table->find(level, name) == nullptr) return Errno::ENOPROTOOPT;
  if (level == kLevelRaw && name == kIcmpFilter && socket.protocol() != kIcmp4) return Errno::EOPNOTSUPP;
  return ok();
}

}  // namespace

Result<> InetSocketFile::set_option(SyscallContext& context, int level, int name, UserAddress value, int length) {
  const Level found = find_level(*socket_, level);
  if (found.table == nullptr) return found.unknown_set;
  TRY(check_raw4(*socket_, found, level, name));
  const OptionInput input{context, *this, value, length};
  if (found.reads_int_first && !(level == kLevelTcp && is_text(name))) TRY(input.read<int>());
  // The first int is fetched for every IPv6 option, also for those that mean something else by their bytes.
  if (level == kLevelIpv6 && !value.is_null() && static_cast<size_t>(length) >= sizeof(int)) TRY(input.read<int>());
  return lxnet::set_option(*found.table, input, row_level(level), name);
}

Result<> InetSocketFile::get_option(SyscallContext& context, int level, int name, UserAddress value, UserAddress length_address) {
  const Level found = find_level(*socket_, level);
  if (found.table == nullptr) return found.unknown_get;
  TRY(check_raw4(*socket_, found, level, name));
  const int length = TRY(read_user<int>(context.hal(), length_address));
  if (length < 0 && !found.takes_negative_length) return Errno::EINVAL;
  return lxnet::get_option(*found.table, OptionOutput{context, *this, value, length_address, length}, row_level(level), name);
}

}  // namespace lxnet
