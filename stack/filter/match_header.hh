// Matches on the IP header's other fields and on chance, in stack/filter/match_header.cc: dscp, iprange, pkttype, statistic, tos.
#pragma once

#include "stack/filter/extension.hh"

namespace lxnet {

struct DscpSettings {  // struct xt_dscp_info
  uint8_t dscp, inverted;
};

struct TosSettings {  // struct xt_tos_match_info
  uint8_t mask, value, inverted;
};
static_assert(sizeof(TosSettings) == 3);

struct AddressRangeSettings {                 // struct xt_iprange_mtinfo
  uint8_t source[2][16], destination[2][16];  // the first and the last, as on the wire
  uint32_t flags;
};
static_assert(sizeof(AddressRangeSettings) == 68);

struct PacketTypeSettings {  // struct xt_pkttype_info
  int32_t type, inverted;
};

struct StatisticSettings {  // struct xt_statistic_info
  uint16_t mode, flags;
  uint32_t every;  // or, of 2^31, the probability
  uint32_t packet, count;
  uint64_t master;
};
static_assert(sizeof(StatisticSettings) == 24);
inline constexpr uint16_t kStatisticUserSize = 16;

Result<> check_dscp(const RuleFacts& rule, ByteSpan data);
Result<> check_statistic(const RuleFacts& rule, ByteSpan data);
bool matches_dscp(FilterPacket& packet, FilterMatch& match);
bool matches_tos(FilterPacket& packet, FilterMatch& match);
bool matches_address_range(FilterPacket& packet, FilterMatch& match);
bool matches_packet_type(FilterPacket& packet, FilterMatch& match);
void prepare_statistic(Entry& entry, FilterMatch& match, MutableByteSpan settings);
bool matches_statistic(FilterPacket& packet, FilterMatch& match);

}  // namespace lxnet
