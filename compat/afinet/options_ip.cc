// IPPROTO_IP.
// lint: table
#include "compat/afinet/option_rows.hh"

namespace lxnet {
namespace {

constexpr IntRule kRule = IntRule::IntOrChar;
constexpr int kMaxPathMtuMode = 5;  // IP_PMTUDISC_OMIT

template <bool IpSocketOptions::*Member>
constexpr OptionRow flag(int name, const char* text) {
  return ip_flag_row<Member>(kLevelIp, kRule, name, text);
}
template <uint32_t kFlag>
constexpr OptionRow receive_flag(int name, const char* text) {
  return receive_flag_row<kFlag>(kLevelIp, kRule, name, text);
}

// rt_tos2priority(): the queueing class that a type of service implies.
uint32_t priority_of_tos(uint8_t tos) {
  constexpr uint8_t kPriorities[16] = {0, 0, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4};
  return kPriorities[(tos & 0x1e) >> 1];
}

Result<> set_tos(SyscallContext&, SocketFile& file, int value) {
  Socket& socket = socket_of(file);
  auto tos = static_cast<uint8_t>(value);
  // TCP decides about the two ECN bits itself.
  if (socket.type() == SocketType::Stream) tos = static_cast<uint8_t>((tos & ~3) | (socket.ip_options.tos & 3));
  if (tos == socket.ip_options.tos) return ok();
  socket.ip_options.tos = tos;
  socket.options.priority = priority_of_tos(tos);
  return ok();
}

Result<> set_ttl(SyscallContext&, SocketFile& file, int value) {
  if (value != -1 && (value < 1 || value > 255)) return Errno::EINVAL;
  socket_of(file).ip_options.ttl = static_cast<int16_t>(value);
  return ok();
}

Result<int> get_ttl(SyscallContext& context, SocketFile& file) {
  const int16_t ttl = socket_of(file).ip_options.ttl;
  return ttl < 0 ? context.stack().tunables().values().ip_default_ttl : int{ttl};
}

Result<> set_transparent(SyscallContext& context, SocketFile& file, int value) {
  if (value != 0 && !context.hal().capable(LXNET_CAP_NET_RAW) && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  socket_of(file).ip_options.transparent = value != 0;
  return ok();
}

Result<> set_header_included(SyscallContext&, SocketFile& file, int value) {
  if (socket_of(file).type() != SocketType::Raw) return Errno::ENOPROTOOPT;
  socket_of(file).ip_options.header_included = value != 0;
  return ok();
}

Result<> set_port_range(SyscallContext&, SocketFile& file, int value) {
  const auto low = static_cast<uint16_t>(value), high = static_cast<uint16_t>(static_cast<uint32_t>(value) >> 16);
  if (low != 0 && high != 0 && low > high) return Errno::EINVAL;
  socket_of(file).ip_options.local_port_low = low;
  socket_of(file).ip_options.local_port_high = high;
  return ok();
}

Result<> set_unicast_interface(SyscallContext& context, SocketFile& file, int value) {
  Socket& socket = socket_of(file);
  // The index stands in network byte order, as inet's has always done.
  const uint32_t index = Be32(static_cast<uint32_t>(value)).raw();
  if (index != 0) {
    if (!context.stack().interfaces().find(index)) return Errno::EADDRNOTAVAIL;
    if (socket.options.bound_interface != 0 && socket.options.bound_interface != index) return Errno::EINVAL;
  }
  socket.ip_options.unicast_interface = index;
  return ok();
}

constexpr OptionRow kRows[] = {
    {.level = kLevelIp,
     .name = 1,
     .text = "IP_TOS",
     .rule = kRule,
     .set_int = &set_tos,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{socket_of(file).ip_options.tos}; }},
    {.level = kLevelIp, .name = 2, .text = "IP_TTL", .rule = kRule, .set_int = &set_ttl, .get_int = &get_ttl},
    {.level = kLevelIp,
     .name = 3,
     .text = "IP_HDRINCL",
     .rule = kRule,
     .set_int = &set_header_included,
     .get_int = &get_ip_flag<&IpSocketOptions::header_included>},
    receive_flag<kReceiveOptions>(6, "IP_RECVOPTS"),
    receive_flag<kReceiveReturnOptions>(7, "IP_RETOPTS"),
    receive_flag<kReceivePacketInfo4>(8, "IP_PKTINFO"),
    {.level = kLevelIp,
     .name = 10,
     .text = "IP_MTU_DISCOVER",
     .rule = kRule,
     .min = 0,
     .max = kMaxPathMtuMode,
     .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
       socket_of(file).ip_options.path_mtu_v4 = static_cast<PathMtuMode>(value);
       return ok();
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(socket_of(file).ip_options.path_mtu_v4);
     }},
    flag<&IpSocketOptions::receive_errors_v4>(11, "IP_RECVERR"),
    receive_flag<kReceiveTtl>(12, "IP_RECVTTL"),
    receive_flag<kReceiveTos>(13, "IP_RECVTOS"),
    flag<&IpSocketOptions::free_bind>(15, "IP_FREEBIND"),
    {.level = kLevelIp,
     .name = 19,
     .text = "IP_TRANSPARENT",
     .rule = kRule,
     .set_int = &set_transparent,
     .get_int = &get_ip_flag<&IpSocketOptions::transparent>},
    receive_flag<kReceiveOriginalDestination4>(20, "IP_RECVORIGDSTADDR"),
    {.level = kLevelIp,
     .name = 21,
     .text = "IP_MINTTL",
     .rule = kRule,
     .min = 0,
     .max = 255,
     .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
       socket_of(file).ip_options.min_ttl = static_cast<uint8_t>(value);
       return ok();
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{socket_of(file).ip_options.min_ttl}; }},
    flag<&IpSocketOptions::bind_address_no_port>(24, "IP_BIND_ADDRESS_NO_PORT"),
    {.level = kLevelIp,
     .name = 25,
     .text = "IP_RECVFRAGSIZE",
     .rule = kRule,
     .set_int = [](SyscallContext& context, SocketFile& file, int value) -> Result<> {
       if (socket_of(file).type() == SocketType::Stream) return Errno::EINVAL;
       return set_receive_flag<kReceiveFragmentSize4>(context, file, value);
     },
     .get_int = &get_receive_flag<kReceiveFragmentSize4>},
    {.level = kLevelIp,
     .name = 49,
     .text = "IP_MULTICAST_ALL",
     .rule = kRule,
     .min = 0,
     .max = 1,
     .set_int = &set_ip_flag<&IpSocketOptions::multicast_all_v4>,
     .get_int = &get_ip_flag<&IpSocketOptions::multicast_all_v4>},
    {.level = kLevelIp,
     .name = 50,
     .text = "IP_UNICAST_IF",
     .set_int = &set_unicast_interface,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(Be32(socket_of(file).ip_options.unicast_interface).raw());
     }},
    {.level = kLevelIp,
     .name = 51,
     .text = "IP_LOCAL_PORT_RANGE",
     .set_int = &set_port_range,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       const IpSocketOptions& options = socket_of(file).ip_options;
       return static_cast<int>(uint32_t{options.local_port_high} << 16 | options.local_port_low);
     }},
    {.level = kLevelIp,
     .name = 52,
     .text = "IP_PROTOCOL",
     .rule = kRule,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{socket_of(file).protocol()}; }},
};

}  // namespace

std::span<const OptionRow> ip_level_options() { return kRows; }

}  // namespace lxnet
