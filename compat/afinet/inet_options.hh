// The option tables of the Internet levels, one file each.
#pragma once

#include "compat/afinet/inet_socket.hh"
#include "compat/syscalls/option_table.hh"

namespace lxnet {

// SOL_* of the levels.
inline constexpr int kLevelIp = 0, kLevelTcp = 6, kLevelUdp = 17, kLevelIpv6 = 41, kLevelIcmpv6 = 58, kLevelUdpLite = 136,
                     kLevelRaw = 255;

std::span<const OptionRow> ip_level_options();    // options_ip.cc
std::span<const OptionRow> ipv6_level_options();  // options_ipv6.cc
std::span<const OptionRow> tcp_level_options();   // options_tcp.cc
std::span<const OptionRow> udp_level_options();   // options_udp.cc
std::span<const OptionRow> raw_level_options();   // options_raw.cc: SOL_RAW's ICMP_FILTER and SOL_ICMPV6's

inline Socket& socket_of(SocketFile& file) { return static_cast<InetSocketFile&>(file).socket(); }

}  // namespace lxnet
