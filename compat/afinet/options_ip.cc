// IPPROTO_IP.
// lint: table
#include "compat/afinet/option_rows.hh"
#include "compat/afinet/options_multicast.hh"

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

constexpr OptionRow set_row(int name, const char* text, Result<> (*set)(const OptionInput& input)) {
  return {.level = kLevelIp, .name = name, .text = text, .set = set};
}
template <SourceOperation kOperation>
Result<> change_source4(const OptionInput& input) {
  return change_ipv4_source(input, kOperation);
}
template <SourceOperation kOperation>
Result<> change_group4(const OptionInput& input) {
  return change_group_source(input, IpFamily::V4, kOperation);
}

Result<> set_multicast_ttl(SyscallContext&, SocketFile& file, int value) {
  if (socket_of(file).type() == SocketType::Stream) return Errno::EINVAL;
  if (value == -1) value = 1;
  if (value < 0 || value > 255) return Errno::EINVAL;
  socket_of(file).ip_options.multicast_ttl = static_cast<uint8_t>(value);
  return ok();
}

constexpr OptionRow missing(int name, const char* text, const char* note) {
  return {.level = kLevelIp, .name = name, .text = text, .support = Support::Missing, .note = note};
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
    missing(4, "IP_OPTIONS", "options of a socket; those of one packet are served (IP_RETOPTS)"),
    missing(5, "IP_ROUTER_ALERT", ""),
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
    missing(14, "IP_MTU", ""),
    flag<&IpSocketOptions::free_bind>(15, "IP_FREEBIND"),
    missing(16, "IP_IPSEC_POLICY", "no IPsec"),
    missing(17, "IP_XFRM_POLICY", "no IPsec"),
    missing(18, "IP_PASSSEC", "no security module"),
    {.level = kLevelIp,
     .name = 19,
     .text = "IP_TRANSPARENT",
     .rule = kRule,
     .set_int = &set_transparent,
     .get_int = &get_ip_flag<&IpSocketOptions::transparent>},
    receive_flag<kReceiveOriginalDestination4>(20, "IP_RECVORIGDSTADDR"),
    missing(21, "IP_MINTTL", "no input path compares it"),
    missing(22, "IP_NODEFRAG", ""),
    missing(23, "IP_CHECKSUM", ""),
    flag<&IpSocketOptions::bind_address_no_port>(24, "IP_BIND_ADDRESS_NO_PORT"),
    missing(25, "IP_RECVFRAGSIZE", "reassembly does not keep the size"),
    missing(26, "IP_RECVERR_RFC4884", ""),
    {.level = kLevelIp,
     .name = 32,
     .text = "IP_MULTICAST_IF",
     .set = &set_multicast_interface4,
     .get = [](const OptionOutput& output) { return output.write(socket_of(output.socket).ip_options.multicast_source); }},
    {.level = kLevelIp,
     .name = 33,
     .text = "IP_MULTICAST_TTL",
     .rule = kRule,
     .set_int = &set_multicast_ttl,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{socket_of(file).ip_options.multicast_ttl}; }},
    flag<&IpSocketOptions::multicast_loop_v4>(34, "IP_MULTICAST_LOOP"),
    set_row(35, "IP_ADD_MEMBERSHIP", &join_ipv4),
    set_row(36, "IP_DROP_MEMBERSHIP", &leave_ipv4),
    set_row(37, "IP_UNBLOCK_SOURCE", &change_source4<SourceOperation::Unblock>),
    set_row(38, "IP_BLOCK_SOURCE", &change_source4<SourceOperation::Block>),
    set_row(39, "IP_ADD_SOURCE_MEMBERSHIP", &change_source4<SourceOperation::Join>),
    set_row(40, "IP_DROP_SOURCE_MEMBERSHIP", &change_source4<SourceOperation::Leave>),
    missing(41, "IP_MSFILTER", "the stack's filters can be set whole; the codec is not written"),
    set_row(42, "MCAST_JOIN_GROUP", [](const OptionInput& input) { return join_group(input, IpFamily::V4); }),
    set_row(43, "MCAST_BLOCK_SOURCE", &change_group4<SourceOperation::Block>),
    set_row(44, "MCAST_UNBLOCK_SOURCE", &change_group4<SourceOperation::Unblock>),
    set_row(45, "MCAST_LEAVE_GROUP", [](const OptionInput& input) { return leave_group(input, IpFamily::V4); }),
    set_row(46, "MCAST_JOIN_SOURCE_GROUP", &change_group4<SourceOperation::Join>),
    set_row(47, "MCAST_LEAVE_SOURCE_GROUP", &change_group4<SourceOperation::Leave>),
    missing(48, "MCAST_MSFILTER", "as IP_MSFILTER"),
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
