// The option tables of the Internet levels, one file each.
#pragma once

#include "compat/afinet/inet_socket.hh"
#include "compat/syscalls/option_table.hh"

namespace lxnet {

// SOL_* of the levels.
inline constexpr int kLevelIp = 0, kLevelTcp = 6, kLevelUdp = 17, kLevelIpv6 = 41, kLevelIcmpv6 = 58, kLevelUdpLite = 136,
                     kLevelRaw = 255;

const OptionTable& ip_level_options();    // options_ip.cc
const OptionTable& ipv6_level_options();  // options_ipv6.cc
const OptionTable& tcp_level_options();   // options_tcp.cc
const OptionTable& udp_level_options();   // options_udp.cc
// options_raw.cc: SOL_RAW of AF_INET and of AF_INET6 sockets, and SOL_ICMPV6.
const OptionTable& raw4_level_options();
const OptionTable& raw6_level_options();
const OptionTable& icmp6_level_options();

// A raw AF_INET6 socket's, at SOL_RAW and at IPPROTO_IPV6 (options_raw.cc).
Result<> set_raw_checksum(SyscallContext& context, SocketFile& file, int value);
Result<int> get_raw_checksum(SyscallContext& context, SocketFile& file);
Result<> set_raw_header_included(SyscallContext& context, SocketFile& file, int value);
Result<int> get_raw_header_included(SyscallContext& context, SocketFile& file);

inline Socket& socket_of(SocketFile& file) { return static_cast<InetSocketFile&>(file).socket(); }

}  // namespace lxnet
