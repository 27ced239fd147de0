// IPPROTO_IPV6.
// lint: table
#include "compat/afinet/option_rows.hh"
#include "compat/afinet/options_multicast.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

constexpr IntRule kRule = IntRule::Ipv6;
constexpr int kMaxPathMtuMode = 5;  // IPV6_PMTUDISC_OMIT

template <bool IpSocketOptions::*Member>
constexpr OptionRow flag(int name, const char* text) {
  return ip_flag_row<Member>(kLevelIpv6, kRule, name, text);
}
template <uint32_t kFlag>
constexpr OptionRow receive_flag(int name, const char* text) {
  return receive_flag_row<kFlag>(kLevelIpv6, kRule, name, text);
}

// Linux's inet_num: the port that is held, which need not be the one getsockname() shows, or a raw socket's protocol.
bool has_number(SyscallContext& context, Socket& socket) {
  if (socket.type() == SocketType::Raw) return true;
  if (socket.type() == SocketType::Stream) return static_cast<TcpSocket&>(socket).has_port(context.entry());
  auto local = socket.local_name(context.entry());
  return local.is_ok() && local.take().port != 0;
}

Result<> set_v6_only(SyscallContext& context, SocketFile& file, int value) {
  if (has_number(context, socket_of(file))) return Errno::EINVAL;
  socket_of(file).ip_options.v6_only = value != 0;
  return ok();
}

Result<int> get_hop_limit(SyscallContext& context, SocketFile& file) {
  const int16_t limit = socket_of(file).ip_options.hop_limit;
  return limit < 0 ? context.stack().tunables().values().ipv6_hop_limit : int{limit};
}

Result<> set_traffic_class(SyscallContext&, SocketFile& file, int value) {
  Socket& socket = socket_of(file);
  auto traffic_class = static_cast<uint8_t>(value < 0 ? 0 : value);
  if (socket.type() == SocketType::Stream) {
    traffic_class = static_cast<uint8_t>((traffic_class & ~3) | (socket.ip_options.traffic_class & 3));
  }
  socket.ip_options.traffic_class = traffic_class;
  return ok();
}

constexpr OptionRow set_row(int name, const char* text, Result<> (*set)(const OptionInput& input)) {
  return {.level = kLevelIpv6, .name = name, .text = text, .set = set};
}
template <SourceOperation kOperation>
Result<> change_group6(const OptionInput& input) {
  return change_group_source(input, IpFamily::V6, kOperation);
}

Result<> set_multicast_hops(SyscallContext&, SocketFile& file, int value) {
  if (socket_of(file).type() == SocketType::Stream) return Errno::ENOPROTOOPT;
  socket_of(file).ip_options.multicast_hops = static_cast<int16_t>(value);
  return ok();
}

Result<int> get_multicast_hops(SyscallContext&, SocketFile& file) {
  const int16_t hops = socket_of(file).ip_options.multicast_hops;
  return hops < 0 ? 1 : int{hops};
}

constexpr OptionRow missing(int name, const char* text, const char* note) {
  return {.level = kLevelIpv6, .name = name, .text = text, .support = Support::Missing, .note = note};
}

constexpr OptionRow kRows[] = {
    missing(1, "IPV6_ADDRFORM", ""),
    missing(6, "IPV6_2292PKTOPTIONS", ""),
    missing(7, "IPV6_CHECKSUM", "a raw socket's; see SOL_RAW"),
    {.level = kLevelIpv6,
     .name = 17,
     .text = "IPV6_MULTICAST_IF",
     .rule = kRule,
     .set_int = &set_multicast_interface6,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(socket_of(file).ip_options.multicast_interface_v6);
     }},
    {.level = kLevelIpv6,
     .name = 18,
     .text = "IPV6_MULTICAST_HOPS",
     .rule = kRule,
     .min = -1,
     .max = 255,
     .set_int = &set_multicast_hops,
     .get_int = &get_multicast_hops},
    {.level = kLevelIpv6,
     .name = 19,
     .text = "IPV6_MULTICAST_LOOP",
     .rule = kRule,
     .min = 0,
     .max = 1,
     .set_int = &set_ip_flag<&IpSocketOptions::multicast_loop_v6>,
     .get_int = &get_ip_flag<&IpSocketOptions::multicast_loop_v6>},
    set_row(20, "IPV6_ADD_MEMBERSHIP", &join_ipv6),
    set_row(21, "IPV6_DROP_MEMBERSHIP", &leave_ipv6),
    missing(22, "IPV6_ROUTER_ALERT", ""),
    missing(24, "IPV6_MTU", ""),
    missing(27, "IPV6_JOIN_ANYCAST", ""),
    missing(28, "IPV6_LEAVE_ANYCAST", ""),
    missing(30, "IPV6_ROUTER_ALERT_ISOLATE", ""),
    missing(31, "IPV6_RECVERR_RFC4884", ""),
    missing(32, "IPV6_FLOWLABEL_MGR", ""),
    missing(33, "IPV6_FLOWINFO_SEND", ""),
    missing(34, "IPV6_IPSEC_POLICY", "no IPsec"),
    missing(35, "IPV6_XFRM_POLICY", "no IPsec"),
    set_row(42, "MCAST_JOIN_GROUP", [](const OptionInput& input) { return join_group(input, IpFamily::V6); }),
    set_row(43, "MCAST_BLOCK_SOURCE", &change_group6<SourceOperation::Block>),
    set_row(44, "MCAST_UNBLOCK_SOURCE", &change_group6<SourceOperation::Unblock>),
    set_row(45, "MCAST_LEAVE_GROUP", [](const OptionInput& input) { return leave_group(input, IpFamily::V6); }),
    set_row(46, "MCAST_JOIN_SOURCE_GROUP", &change_group6<SourceOperation::Join>),
    set_row(47, "MCAST_LEAVE_SOURCE_GROUP", &change_group6<SourceOperation::Leave>),
    missing(48, "MCAST_MSFILTER", "the stack's filters can be set whole; the codec is not written"),
    missing(50, "IPV6_PKTINFO", "of a socket; of one packet it is served"),
    missing(54, "IPV6_HOPOPTS", "of a socket; of one packet it is served"),
    missing(55, "IPV6_RTHDRDSTOPTS", "of a socket; of one packet it is served"),
    missing(57, "IPV6_RTHDR", "no routing header is enabled"),
    missing(59, "IPV6_DSTOPTS", "of a socket; of one packet it is served"),
    missing(61, "IPV6_PATHMTU", ""),
    missing(72, "IPV6_ADDR_PREFERENCES", ""),
    missing(76, "IPV6_UNICAST_IF", ""),
    receive_flag<kReceive2292PacketInfo>(2, "IPV6_2292PKTINFO"),
    receive_flag<kReceive2292HopOptions>(3, "IPV6_2292HOPOPTS"),
    receive_flag<kReceive2292DestinationOptions>(4, "IPV6_2292DSTOPTS"),
    receive_flag<kReceive2292RoutingHeader>(5, "IPV6_2292RTHDR"),
    receive_flag<kReceive2292HopLimit>(8, "IPV6_2292HOPLIMIT"),
    receive_flag<kReceiveFlowInfo>(11, "IPV6_FLOWINFO"),
    {.level = kLevelIpv6,
     .name = 16,
     .text = "IPV6_UNICAST_HOPS",
     .rule = kRule,
     .min = -1,
     .max = 255,
     .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
       socket_of(file).ip_options.hop_limit = static_cast<int16_t>(value);
       return ok();
     },
     .get_int = &get_hop_limit},
    {.level = kLevelIpv6,
     .name = 23,
     .text = "IPV6_MTU_DISCOVER",
     .rule = kRule,
     .min = 0,
     .max = kMaxPathMtuMode,
     .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
       socket_of(file).ip_options.path_mtu_v6 = static_cast<PathMtuMode>(value);
       return ok();
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(socket_of(file).ip_options.path_mtu_v6);
     }},
    flag<&IpSocketOptions::receive_errors_v6>(25, "IPV6_RECVERR"),
    {.level = kLevelIpv6,
     .name = 26,
     .text = "IPV6_V6ONLY",
     .rule = kRule,
     .set_int = &set_v6_only,
     .get_int = &get_ip_flag<&IpSocketOptions::v6_only>},
    {.level = kLevelIpv6,
     .name = 29,
     .text = "IPV6_MULTICAST_ALL",
     .rule = kRule,
     .min = 0,
     .max = 1,
     .set_int = &set_ip_flag<&IpSocketOptions::multicast_all_v6>,
     .get_int = &get_ip_flag<&IpSocketOptions::multicast_all_v6>},
    receive_flag<kReceivePacketInfo6>(49, "IPV6_RECVPKTINFO"),
    receive_flag<kReceiveHopLimit>(51, "IPV6_RECVHOPLIMIT"),
    receive_flag<kReceiveHopOptions>(53, "IPV6_RECVHOPOPTS"),
    receive_flag<kReceiveRoutingHeader>(56, "IPV6_RECVRTHDR"),
    receive_flag<kReceiveDestinationOptions>(58, "IPV6_RECVDSTOPTS"),
    missing(60, "IPV6_RECVPATHMTU", ""),
    flag<&IpSocketOptions::dont_fragment_v6>(62, "IPV6_DONTFRAG"),
    receive_flag<kReceiveTrafficClass>(66, "IPV6_RECVTCLASS"),
    {.level = kLevelIpv6,
     .name = 67,
     .text = "IPV6_TCLASS",
     .rule = kRule,
     .min = -1,
     .max = 255,
     .set_int = &set_traffic_class,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{socket_of(file).ip_options.traffic_class}; }},
    flag<&IpSocketOptions::auto_flow_label>(70, "IPV6_AUTOFLOWLABEL"),
    missing(73, "IPV6_MINHOPCOUNT", "no input path compares it"),
    receive_flag<kReceiveOriginalDestination6>(74, "IPV6_RECVORIGDSTADDR"),
    {.level = kLevelIpv6,
     .name = 75,
     .text = "IPV6_TRANSPARENT",
     .rule = kRule,
     .set_int = [](SyscallContext& context, SocketFile& file, int value) -> Result<> {
       if (value != 0 && !context.hal().capable(LXNET_CAP_NET_ADMIN) && !context.hal().capable(LXNET_CAP_NET_RAW))
         return Errno::EPERM;
       return set_ip_flag<&IpSocketOptions::transparent>(context, file, value);
     },
     .get_int = &get_ip_flag<&IpSocketOptions::transparent>},
    missing(77, "IPV6_RECVFRAGSIZE", "reassembly does not keep the size"),
    flag<&IpSocketOptions::free_bind>(78, "IPV6_FREEBIND"),
};

}  // namespace

std::span<const OptionRow> ipv6_level_options() { return kRows; }

}  // namespace lxnet
