// Matches that read transport headers, in stack/filter/match_transport.cc: tcp, udp, udplite, icmp, icmp6, multiport.
#pragma once

#include "stack/filter/extension.hh"

namespace lxnet {

struct TcpMatchSettings {  // struct xt_tcp
  uint16_t source_ports[2], destination_ports[2];
  uint8_t option, flag_mask, flags, inverted;
};
static_assert(sizeof(TcpMatchSettings) == 12);

struct UdpMatchSettings {  // struct xt_udp
  uint16_t source_ports[2], destination_ports[2];
  uint8_t inverted;
};
static_assert(sizeof(UdpMatchSettings) == 10);

struct IcmpMatchSettings {  // struct ipt_icmp, struct ip6t_icmp
  uint8_t type, first_code, last_code, inverted;
};
static_assert(sizeof(IcmpMatchSettings) == 4);

struct MultiportSettings {  // struct xt_multiport_v1
  static constexpr size_t kPorts = 15;
  uint8_t which, count;
  uint16_t ports[kPorts];
  uint8_t begins_range[kPorts];
  uint8_t inverted;
};
static_assert(sizeof(MultiportSettings) == 48);

Result<> check_tcp_match(const RuleFacts& rule, ByteSpan data);
Result<> check_udp_match(const RuleFacts& rule, ByteSpan data);
Result<> check_icmp_match(const RuleFacts& rule, ByteSpan data);
Result<> check_multiport(const RuleFacts& rule, ByteSpan data);
bool matches_tcp(FilterPacket& packet, FilterMatch& match);
bool matches_udp(FilterPacket& packet, FilterMatch& match);
bool matches_icmp4(FilterPacket& packet, FilterMatch& match);
bool matches_icmp6(FilterPacket& packet, FilterMatch& match);
bool matches_multiport(FilterPacket& packet, FilterMatch& match);

}  // namespace lxnet
