// IPPROTO_IP.
// lint: table
#include "compat/afinet/option_rows.hh"
#include "compat/afinet/options_headers.hh"
#include "compat/afinet/options_multicast.hh"
#include "compat/afinet/options_path.hh"
#include "compat/xtables/filter_options.hh"
#include "compat/xtables/original_destination.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

constexpr IntRule kRule = IntRule::IntOrChar;
constexpr int kMaxPathMtuMode = 5;  // IP_PMTUDISC_OMIT

template <bool IpSocketOptions::*Member>
constexpr OptionRow flag(int name, const char* text) {
  return ip_flag_row<Member>(kLevelIp, kRule, name, text);
}
// Of those that want at least a byte.
template <bool IpSocketOptions::*Member>
constexpr OptionRow late_flag(int name, const char* text) {
  OptionRow row = ip_flag_row<Member>(kLevelIp, kRule, name, text);
  row.length = IntLength::AtLeastOne;
  return row;
}
template <uint32_t kFlag>
constexpr OptionRow receive_flag(int name, const char* text) {
  return receive_flag_row<kFlag>(kLevelIp, kRule, name, text);
}

Result<> set_tos(SyscallContext& context, SocketFile& file, int value) {
  Socket& socket = socket_of(file);
  // Linux compares before it cuts: 256 is a change to 0, and the route is forgotten.
  // TCP decides about the two ECN bits itself.
  if (socket.type() == SocketType::Stream) value = (value & ~3) | (socket.ip_options->tos & 3);
  if (value == socket.ip_options->tos) return ok();
  const auto tos = static_cast<uint8_t>(value);
  TRY(socket.options.set(context.hal(), &SocketOptions::priority, priority_of_tos(tos)));
  TRY(set_ip(file, &IpSocketOptions::tos, tos));
  socket.forget_route(context.entry());
  return ok();
}

Result<> set_ttl(SyscallContext&, SocketFile& file, int value) {
  if (value != -1 && (value < 1 || value > 255)) return Errno::EINVAL;
  return set_ip(file, &IpSocketOptions::ttl, static_cast<int16_t>(value));
}

Result<int> get_ttl(SyscallContext& context, SocketFile& file) {
  const int16_t ttl = socket_of(file).ip_options->ttl;
  return ttl < 0 ? context.stack().tunables().values().ip_default_ttl : int{ttl};
}

Result<> set_transparent(SyscallContext& context, SocketFile& file, int value) {
  if (value != 0 && !context.hal().capable(LXNET_CAP_NET_RAW) && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  return set_ip(file, &IpSocketOptions::transparent, value != 0);
}

Result<> set_header_included(SyscallContext&, SocketFile& file, int value) {
  if (socket_of(file).type() != SocketType::Raw) return Errno::ENOPROTOOPT;
  return set_ip(file, &IpSocketOptions::header_included, value != 0);
}

Result<> set_port_range(SyscallContext&, SocketFile& file, int value) {
  const auto low = static_cast<uint16_t>(value), high = static_cast<uint16_t>(static_cast<uint32_t>(value) >> 16);
  if (low != 0 && high != 0 && low > high) return Errno::EINVAL;
  TRY(set_ip(file, &IpSocketOptions::local_port_low, low));
  return set_ip(file, &IpSocketOptions::local_port_high, high);
}

Result<> set_no_defragment(SyscallContext&, SocketFile& file, int value) {
  if (socket_of(file).type() != SocketType::Raw) return Errno::ENOPROTOOPT;
  return set_ip(file, &IpSocketOptions::no_defragment, value != 0);
}

// Packets have fragments; a stream has none to tell of.
Result<> set_receive_fragment_size(SyscallContext& context, SocketFile& file, int value) {
  if (socket_of(file).type() == SocketType::Stream) return Errno::EINVAL;
  return set_receive_flag<kReceiveFragmentSize4>(context, file, value);
}

// inet_num: a raw socket's protocol, and the port of one that has ports.
Result<int> get_number(SyscallContext& context, SocketFile& file) {
  Socket& socket = socket_of(file);
  if (socket.type() == SocketType::Raw) return file.socket_protocol();
  // A stream that has given its port back still shows it in its name.
  if (socket.type() == SocketType::Stream && !static_cast<TcpSocket&>(socket).has_port(context.entry())) return 0;
  auto name = socket.local_name(context.entry());
  return name.is_ok() ? int{name.take().port} : 0;
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
  return set_ip(file, &IpSocketOptions::multicast_ttl, static_cast<uint8_t>(value));
}

constexpr OptionRow kRows[] = {
    {.level = kLevelIp,
     .name = 1,
     .text = "IP_TOS",
     .rule = kRule,
     .set_int = &set_tos,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{socket_of(file).ip_options->tos}; }},
    {.level = kLevelIp, .name = 2, .text = "IP_TTL", .rule = kRule, .set_int = &set_ttl, .get_int = &get_ttl},
    {.level = kLevelIp,
     .name = 3,
     .text = "IP_HDRINCL",
     .rule = kRule,
     .set_int = &set_header_included,
     .get_int = &get_ip_flag<&IpSocketOptions::header_included>},
    {.level = kLevelIp, .name = 4, .text = "IP_OPTIONS", .set = &set_ip_options, .get = &get_ip_options},
    {.level = kLevelIp,
     .name = 5,
     .text = "IP_ROUTER_ALERT",
     .rule = kRule,
     .set_int = &set_router_alert4,
     .get_int = &get_ip_flag<&IpSocketOptions::router_alert_v4>},
    receive_flag<kReceiveOptions>(6, "IP_RECVOPTS"),
    receive_flag<kReceiveReturnOptions>(7, "IP_RETOPTS"),
    receive_flag<kReceivePacketInfo4>(8, "IP_PKTINFO"),
    {.level = kLevelIp, .name = 9, .text = "IP_PKTOPTIONS", .get = &get_stream_packet_options},
    {.level = kLevelIp,
     .name = 10,
     .text = "IP_MTU_DISCOVER",
     .rule = kRule,
     .min = 0,
     .max = kMaxPathMtuMode,
     .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
       return set_ip(file, &IpSocketOptions::path_mtu_v4, static_cast<PathMtuMode>(value));
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(socket_of(file).ip_options->path_mtu_v4);
     }},
    flag<&IpSocketOptions::receive_errors_v4>(11, "IP_RECVERR"),
    receive_flag<kReceiveTtl>(12, "IP_RECVTTL"),
    receive_flag<kReceiveTos>(13, "IP_RECVTOS"),
    {.level = kLevelIp, .name = 14, .text = "IP_MTU", .rule = kRule, .get_int = &get_path_mtu},
    late_flag<&IpSocketOptions::free_bind>(15, "IP_FREEBIND"),
    {.level = kLevelIp,
     .name = 16,
     .text = "IP_IPSEC_POLICY",
     .set = [](const OptionInput& input) { return set_ipsec_policy(input, PolicyKind::Foreign); },
     .note = "as where no key manager is loaded"},
    {.level = kLevelIp,
     .name = 17,
     .text = "IP_XFRM_POLICY",
     .set =
         [](const OptionInput& input) {
           const bool is_v4 = socket_of(input.socket).family() == IpFamily::V4;
           return set_ipsec_policy(input, is_v4 ? PolicyKind::Own : PolicyKind::Foreign);
         },
     .note = "as where no key manager is loaded"},
    ip_flag_row<&IpSocketOptions::pass_security>(kLevelIp, kRule, 18, "IP_PASSSEC"),
    {.level = kLevelIp,
     .name = 19,
     .text = "IP_TRANSPARENT",
     .rule = kRule,
     .length = IntLength::AtLeastOne,
     .set_int = &set_transparent,
     .get_int = &get_ip_flag<&IpSocketOptions::transparent>},
    receive_flag<kReceiveOriginalDestination4>(20, "IP_RECVORIGDSTADDR"),
    {.level = kLevelIp,
     .name = 21,
     .text = "IP_MINTTL",
     .rule = kRule,
     .min = 0,
     .max = 255,
     .length = IntLength::AtLeastOne,
     .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
       return set_ip(file, &IpSocketOptions::min_ttl, static_cast<uint8_t>(value));
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{socket_of(file).ip_options->min_ttl}; }},
    {.level = kLevelIp,
     .name = 22,
     .text = "IP_NODEFRAG",
     .rule = kRule,
     .set_int = &set_no_defragment,
     .get_int = &get_ip_flag<&IpSocketOptions::no_defragment>,
     .note = "what goes out is never put together again here"},
    {.level = kLevelIp,
     .name = 23,
     .text = "IP_CHECKSUM",
     .rule = kRule,
     .set_int = &set_receive_flag<kReceiveChecksum>,
     .get_int = &get_receive_flag<kReceiveChecksum>,
     .note = "told where a device sums whole packets; none here does"},
    flag<&IpSocketOptions::bind_address_no_port>(24, "IP_BIND_ADDRESS_NO_PORT"),
    {.level = kLevelIp,
     .name = 25,
     .text = "IP_RECVFRAGSIZE",
     .rule = kRule,
     .set_int = &set_receive_fragment_size,
     .get_int = &get_receive_flag<kReceiveFragmentSize4>},
    {.level = kLevelIp,
     .name = 26,
     .text = "IP_RECVERR_RFC4884",
     .rule = kRule,
     .min = 0,
     .max = 1,
     .set_int = &set_ip_flag<&IpSocketOptions::rfc4884_v4>,
     .get_int = &get_ip_flag<&IpSocketOptions::rfc4884_v4>},
    {.level = kLevelIp,
     .name = 32,
     .text = "IP_MULTICAST_IF",
     .set = &set_multicast_interface4,
     .get = [](const OptionOutput& output) { return output.write(socket_of(output.socket).ip_options->multicast_source); }},
    {.level = kLevelIp,
     .name = 33,
     .text = "IP_MULTICAST_TTL",
     .rule = kRule,
     .length = IntLength::AtLeastOne,
     .set_int = &set_multicast_ttl,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return group_sending_of(file).ttl; }},
    late_flag<&IpSocketOptions::multicast_loop_v4>(34, "IP_MULTICAST_LOOP"),
    set_row(35, "IP_ADD_MEMBERSHIP", &join_ipv4),
    set_row(36, "IP_DROP_MEMBERSHIP", &leave_ipv4),
    set_row(37, "IP_UNBLOCK_SOURCE", &change_source4<SourceOperation::Unblock>),
    set_row(38, "IP_BLOCK_SOURCE", &change_source4<SourceOperation::Block>),
    set_row(39, "IP_ADD_SOURCE_MEMBERSHIP", &change_source4<SourceOperation::Join>),
    set_row(40, "IP_DROP_SOURCE_MEMBERSHIP", &change_source4<SourceOperation::Leave>),
    {.level = kLevelIp, .name = 41, .text = "IP_MSFILTER", .set = &set_ipv4_filter, .get = &get_ipv4_filter},
    set_row(42, "MCAST_JOIN_GROUP", [](const OptionInput& input) { return join_group(input, IpFamily::V4); }),
    set_row(43, "MCAST_BLOCK_SOURCE", &change_group4<SourceOperation::Block>),
    set_row(44, "MCAST_UNBLOCK_SOURCE", &change_group4<SourceOperation::Unblock>),
    set_row(45, "MCAST_LEAVE_GROUP", [](const OptionInput& input) { return leave_group(input, IpFamily::V4); }),
    set_row(46, "MCAST_JOIN_SOURCE_GROUP", &change_group4<SourceOperation::Join>),
    set_row(47, "MCAST_LEAVE_SOURCE_GROUP", &change_group4<SourceOperation::Leave>),
    {.level = kLevelIp,
     .name = 48,
     .text = "MCAST_MSFILTER",
     .set = [](const OptionInput& input) { return set_group_filter(input, IpFamily::V4); },
     .get = [](const OptionOutput& output) { return get_group_filter(output, IpFamily::V4); }},
    {.level = kLevelIp,
     .name = 49,
     .text = "IP_MULTICAST_ALL",
     .rule = kRule,
     .min = 0,
     .max = 1,
     .length = IntLength::AtLeastOne,
     .set_int = &set_ip_flag<&IpSocketOptions::multicast_all_v4>,
     .get_int = &get_ip_flag<&IpSocketOptions::multicast_all_v4>},
    {.level = kLevelIp,
     .name = 50,
     .text = "IP_UNICAST_IF",
     .rule = kRule,
     .length = IntLength::ExactlyFour,
     .set_int = &set_unicast_interface4,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(Be32(socket_of(file).ip_options->unicast_interface).raw());
     }},
    {.level = kLevelIp,
     .name = 51,
     .text = "IP_LOCAL_PORT_RANGE",
     .rule = kRule,
     .length = IntLength::ExactlyFour,
     .set_int = &set_port_range,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       const IpSocketOptions& options = *socket_of(file).ip_options;
       return static_cast<int>(uint32_t{options.local_port_high} << 16 | options.local_port_low);
     }},
    {.level = kLevelIp, .name = 52, .text = "IP_PROTOCOL", .rule = kRule, .get_int = &get_number},
    {.level = kLevelIp,
     .name = 64,
     .text = "IPT_SO_SET_REPLACE, IPT_SO_GET_INFO",
     .support = Support::Partial,
     .set = [](const OptionInput& input) { return replace_filter_table(input, IpFamily::V4); },
     .get = [](const OptionOutput& output) { return get_filter_info(output, IpFamily::V4); },
     .note = "not all extensions: docs/packet_filter.md"},
    {.level = kLevelIp,
     .name = 65,
     .text = "IPT_SO_SET_ADD_COUNTERS, IPT_SO_GET_ENTRIES",
     .set = [](const OptionInput& input) { return add_filter_counters(input, IpFamily::V4); },
     .get = [](const OptionOutput& output) { return get_filter_entries(output, IpFamily::V4); }},
    {.level = kLevelIp,
     .name = 66,
     .text = "IPT_SO_GET_REVISION_MATCH",
     .get = [](const OptionOutput& output) { return get_filter_revision(output, IpFamily::V4, ExtensionSort::Match); }},
    {.level = kLevelIp,
     .name = 67,
     .text = "IPT_SO_GET_REVISION_TARGET",
     .get = [](const OptionOutput& output) { return get_filter_revision(output, IpFamily::V4, ExtensionSort::Target); }},
    {.level = kLevelIp,
     .name = 80,
     .text = "SO_ORIGINAL_DST",
     .get = [](const OptionOutput& output) { return get_original_destination(output, IpFamily::V4); }},
};

}  // namespace

const OptionTable& ip_level_options() {
  static constexpr OptionTable kTable(kRows);
  return kTable;
}

}  // namespace lxnet
