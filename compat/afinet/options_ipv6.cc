// IPPROTO_IPV6.
// lint: table
#include "compat/afinet/anycast_members.hh"
#include "compat/afinet/flow_labels.hh"
#include "compat/afinet/option_rows.hh"
#include "compat/afinet/options_headers.hh"
#include "compat/afinet/options_multicast.hh"
#include "compat/afinet/options_path.hh"
#include "compat/xtables/filter_options.hh"
#include "compat/xtables/original_destination.hh"
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
  return set_ip(file, &IpSocketOptions::v6_only, value != 0);
}

Result<int> get_hop_limit(SyscallContext& context, SocketFile& file) {
  const int16_t limit = socket_of(file).ip_options->hop_limit;
  return limit < 0 ? context.stack().tunables().values().ipv6_hop_limit : int{limit};
}

Result<> set_traffic_class(SyscallContext& context, SocketFile& file, int value) {
  Socket& socket = socket_of(file);
  auto traffic_class = static_cast<uint8_t>(value < 0 ? 0 : value);
  if (socket.type() == SocketType::Stream) {
    traffic_class = static_cast<uint8_t>((traffic_class & ~3) | (socket.ip_options->traffic_class & 3));
  }
  if (socket.ip_options->traffic_class == traffic_class) return ok();
  TRY(set_ip(file, &IpSocketOptions::traffic_class, traffic_class));
  socket.forget_route(context.entry());
  return ok();
}

constexpr OptionRow set_row(int name, const char* text, Result<> (*set)(const OptionInput& input)) {
  return {.level = kLevelIpv6, .name = name, .text = text, .set = set};
}
template <SourceOperation kOperation>
Result<> change_group6(const OptionInput& input) {
  return change_group_source(input, IpFamily::V6, kOperation);
}

Result<> set_multicast_hops(const OptionInput& input) {
  if (socket_of(input.socket).type() == SocketType::Stream) return Errno::ENOPROTOOPT;
  const int value = TRY(read_ipv6_int(input));
  if (value < -1 || value > 255) return Errno::EINVAL;
  return set_ip(input.socket, &IpSocketOptions::multicast_hops, static_cast<int16_t>(value));
}

Result<> set_largest_packet(SyscallContext&, SocketFile& file, int value) {
  constexpr int kLeast = 1280;
  if (value != 0 && value < kLeast) return Errno::EINVAL;
  return set_ip(file, &IpSocketOptions::largest_packet_v6, static_cast<uint32_t>(value));
}

// A raw socket's alone, and never ICMPv6's, whose checksum is its own.
Result<> set_checksum(const OptionInput& input) {
  const Socket& socket = socket_of(input.socket);
  if (socket.type() != SocketType::Raw) return Errno::ENOPROTOOPT;
  const int value = TRY(input.read<int>());
  if (socket.protocol() == kLevelIcmpv6) return Errno::EINVAL;
  return set_raw_checksum(input.context, input.socket, value);
}
Result<int> get_checksum(SyscallContext& context, SocketFile& file) {
  if (socket_of(file).type() != SocketType::Raw) return Errno::ENOPROTOOPT;
  return get_raw_checksum(context, file);
}
Result<> set_header_included(const OptionInput& input) {
  if (socket_of(input.socket).type() != SocketType::Raw) return Errno::ENOPROTOOPT;
  return set_raw_header_included(input.context, input.socket, TRY(input.read<int>()));
}
Result<int> get_header_included(SyscallContext& context, SocketFile& file) {
  if (socket_of(file).type() != SocketType::Raw) return Errno::ENOPROTOOPT;
  return get_raw_header_included(context, file);
}

Result<int> get_multicast_hops(SyscallContext&, SocketFile& file) {
  const int hops = group_sending_of(file).hops;
  return hops < 0 ? 1 : hops;
}

// A value that is too short is a zero.
constexpr OptionRow lenient(OptionRow row) {
  row.length = IntLength::ShortIsZero;
  return row;
}
constexpr OptionRow kRows[] = {
    {.level = kLevelIpv6,
     .name = 1,
     .text = "IPV6_ADDRFORM",
     .rule = kRule,
     .set_int = &set_address_form,
     .get_int = &get_address_form},
    {.level = kLevelIpv6,
     .name = 6,
     .text = "IPV6_2292PKTOPTIONS",
     .support = Support::Partial,
     .set = &set_packet_options,
     .get = &get_packet_options,
     .note = "reading tells the settings, not what the stream's last packet said"},
    {.level = kLevelIpv6, .name = 7, .text = "IPV6_CHECKSUM", .rule = kRule, .get_int = &get_checksum, .set = &set_checksum},
    {.level = kLevelIpv6,
     .name = 17,
     .text = "IPV6_MULTICAST_IF",
     .rule = kRule,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(group_sending_of(file).interface_v6);
     },
     .set = &set_multicast_interface6},
    {.level = kLevelIpv6,
     .name = 18,
     .text = "IPV6_MULTICAST_HOPS",
     .rule = kRule,
     .get_int = &get_multicast_hops,
     .set = &set_multicast_hops},
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
    {.level = kLevelIpv6,
     .name = 22,
     .text = "IPV6_ROUTER_ALERT",
     .rule = kRule,
     .set_int = &set_router_alert6,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return int{socket_of(file).ip_options->router_alert_v6_told};
     }},
    {.level = kLevelIpv6,
     .name = 24,
     .text = "IPV6_MTU",
     .rule = kRule,
     .set_int = &set_largest_packet,
     .get_int = &get_path_mtu},
    {.level = kLevelIpv6,
     .name = 27,
     .text = "IPV6_JOIN_ANYCAST",
     .set = &join_anycast,
     .note = "a router does not join its subnets' own by itself"},
    {.level = kLevelIpv6, .name = 28, .text = "IPV6_LEAVE_ANYCAST", .set = &leave_anycast},
    flag<&IpSocketOptions::router_alert_isolate>(30, "IPV6_ROUTER_ALERT_ISOLATE"),
    {.level = kLevelIpv6,
     .name = 31,
     .text = "IPV6_RECVERR_RFC4884",
     .rule = kRule,
     .min = 0,
     .max = 1,
     .set_int = &set_ip_flag<&IpSocketOptions::rfc4884_v6>,
     .get_int = &get_ip_flag<&IpSocketOptions::rfc4884_v6>},
    {.level = kLevelIpv6,
     .name = 32,
     .text = "IPV6_FLOWLABEL_MGR",
     .support = Support::Partial,
     .set = &manage_flow_labels,
     .get = &get_flow_label,
     .note = "no headers leased with a label (ENOBUFS), and a stream's peer's label is not told"},
    flag<&IpSocketOptions::flow_info_send>(33, "IPV6_FLOWINFO_SEND"),
    {.level = kLevelIpv6,
     .name = 34,
     .text = "IPV6_IPSEC_POLICY",
     .set = [](const OptionInput& input) { return set_ipsec_policy(input, PolicyKind::Foreign); },
     .note = "as where no key manager is loaded"},
    {.level = kLevelIpv6,
     .name = 35,
     .text = "IPV6_XFRM_POLICY",
     .set = [](const OptionInput& input) { return set_ipsec_policy(input, PolicyKind::Own); },
     .note = "as where no key manager is loaded"},
    {.level = kLevelIpv6,
     .name = 36,
     .text = "IPV6_HDRINCL",
     .rule = kRule,
     .get_int = &get_header_included,
     .set = &set_header_included},
    set_row(42, "MCAST_JOIN_GROUP", [](const OptionInput& input) { return join_group(input, IpFamily::V6); }),
    set_row(43, "MCAST_BLOCK_SOURCE", &change_group6<SourceOperation::Block>),
    set_row(44, "MCAST_UNBLOCK_SOURCE", &change_group6<SourceOperation::Unblock>),
    set_row(45, "MCAST_LEAVE_GROUP", [](const OptionInput& input) { return leave_group(input, IpFamily::V6); }),
    set_row(46, "MCAST_JOIN_SOURCE_GROUP", &change_group6<SourceOperation::Join>),
    set_row(47, "MCAST_LEAVE_SOURCE_GROUP", &change_group6<SourceOperation::Leave>),
    {.level = kLevelIpv6,
     .name = 48,
     .text = "MCAST_MSFILTER",
     .set = [](const OptionInput& input) { return set_group_filter(input, IpFamily::V6); },
     .get = [](const OptionOutput& output) { return get_group_filter(output, IpFamily::V6); }},
    set_row(50, "IPV6_PKTINFO", &set_sticky_packet_info),
    sticky_row<StickyHeaders::HopByHop>(54, "IPV6_HOPOPTS"),
    sticky_row<StickyHeaders::BeforeRouting>(55, "IPV6_RTHDRDSTOPTS"),
    {.level = kLevelIpv6,
     .name = 57,
     .text = "IPV6_RTHDR",
     .support = Support::Partial,
     .set = [](const OptionInput& input) { return set_sticky_header(input, StickyHeaders::Routing); },
     .get = [](const OptionOutput& output) { return get_sticky_header(output, StickyHeaders::Routing); },
     .note = "by segments (RFC 8754) alone, without HMAC"},
    sticky_row<StickyHeaders::Destination>(59, "IPV6_DSTOPTS"),
    {.level = kLevelIpv6, .name = 61, .text = "IPV6_PATHMTU", .get = &get_path_mtu_info},
    {.level = kLevelIpv6,
     .name = 72,
     .text = "IPV6_ADDR_PREFERENCES",
     .rule = kRule,
     .set_int = &set_source_preferences,
     .get_int = &get_source_preferences},
    {.level = kLevelIpv6,
     .name = 76,
     .text = "IPV6_UNICAST_IF",
     .rule = kRule,
     .length = IntLength::ExactlyFour,
     .set_int = &set_unicast_interface6,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(Be32(socket_of(file).ip_options->unicast_interface_v6).raw());
     }},
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
       return set_ip(file, &IpSocketOptions::hop_limit, static_cast<int16_t>(value));
     },
     .get_int = &get_hop_limit},
    {.level = kLevelIpv6,
     .name = 23,
     .text = "IPV6_MTU_DISCOVER",
     .rule = kRule,
     .min = 0,
     .max = kMaxPathMtuMode,
     .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
       return set_ip(file, &IpSocketOptions::path_mtu_v6, static_cast<PathMtuMode>(value));
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(socket_of(file).ip_options->path_mtu_v6);
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
     .set_int = &set_ip_flag<&IpSocketOptions::multicast_all_v6>,
     .get_int = &get_ip_flag<&IpSocketOptions::multicast_all_v6>},
    receive_flag<kReceivePacketInfo6>(49, "IPV6_RECVPKTINFO"),
    receive_flag<kReceiveHopLimit>(51, "IPV6_RECVHOPLIMIT"),
    receive_flag<kReceiveHopOptions>(53, "IPV6_RECVHOPOPTS"),
    receive_flag<kReceiveRoutingHeader>(56, "IPV6_RECVRTHDR"),
    receive_flag<kReceiveDestinationOptions>(58, "IPV6_RECVDSTOPTS"),
    receive_flag<kReceivePathMtu>(60, "IPV6_RECVPATHMTU"),
    lenient(flag<&IpSocketOptions::dont_fragment_v6>(62, "IPV6_DONTFRAG")),
    {.level = kLevelIpv6,
     .name = 64,
     .text = "IP6T_SO_SET_REPLACE, IP6T_SO_GET_INFO",
     .support = Support::Partial,
     .set = [](const OptionInput& input) { return replace_filter_table(input, IpFamily::V6); },
     .get = [](const OptionOutput& output) { return get_filter_info(output, IpFamily::V6); },
     .note = "not all extensions: docs/packet_filter.md"},
    {.level = kLevelIpv6,
     .name = 65,
     .text = "IP6T_SO_SET_ADD_COUNTERS, IP6T_SO_GET_ENTRIES",
     .set = [](const OptionInput& input) { return add_filter_counters(input, IpFamily::V6); },
     .get = [](const OptionOutput& output) { return get_filter_entries(output, IpFamily::V6); }},
    receive_flag<kReceiveTrafficClass>(66, "IPV6_RECVTCLASS"),
    {.level = kLevelIpv6,
     .name = 67,
     .text = "IPV6_TCLASS",
     .rule = kRule,
     .min = -1,
     .max = 255,
     .set_int = &set_traffic_class,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{socket_of(file).ip_options->traffic_class}; }},
    {.level = kLevelIpv6,
     .name = 68,
     .text = "IP6T_SO_GET_REVISION_MATCH",
     .get = [](const OptionOutput& output) { return get_filter_revision(output, IpFamily::V6, ExtensionSort::Match); }},
    {.level = kLevelIpv6,
     .name = 69,
     .text = "IP6T_SO_GET_REVISION_TARGET",
     .get = [](const OptionOutput& output) { return get_filter_revision(output, IpFamily::V6, ExtensionSort::Target); }},
    lenient(flag<&IpSocketOptions::auto_flow_label>(70, "IPV6_AUTOFLOWLABEL")),
    {.level = kLevelIpv6,
     .name = 73,
     .text = "IPV6_MINHOPCOUNT",
     .rule = kRule,
     .min = 0,
     .max = 255,
     .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
       return set_ip(file, &IpSocketOptions::min_hop_limit, static_cast<uint8_t>(value));
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{socket_of(file).ip_options->min_hop_limit}; }},
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
    lenient(receive_flag<kReceiveFragmentSize6>(77, "IPV6_RECVFRAGSIZE")),
    flag<&IpSocketOptions::free_bind>(78, "IPV6_FREEBIND"),
    {.level = kLevelIpv6,
     .name = 80,
     .text = "IP6T_SO_ORIGINAL_DST",
     .get = [](const OptionOutput& output) { return get_original_destination(output, IpFamily::V6); }},
};

}  // namespace

const OptionTable& ipv6_level_options() {
  static constexpr OptionTable kTable(kRows);
  return kTable;
}

}  // namespace lxnet
