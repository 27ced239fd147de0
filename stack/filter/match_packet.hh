// Matches on what is known of a packet beside its transport header, in stack/filter/match_packet.cc: addrtype, comment, length,
// limit, mark, ttl, hl.
#pragma once

#include "stack/filter/extension.hh"

namespace lxnet {

struct AddressTypeSettings {  // struct xt_addrtype_info_v1
  uint16_t source, destination;
  uint32_t flags;
};
static_assert(sizeof(AddressTypeSettings) == 8);

struct OldAddressTypeSettings {  // struct xt_addrtype_info, revision 0
  uint16_t source, destination;
  uint32_t source_inverted, destination_inverted;
};
static_assert(sizeof(OldAddressTypeSettings) == 12);

struct LengthSettings {  // struct xt_length_info
  uint16_t least, most;
  uint8_t inverted;
};
static_assert(sizeof(LengthSettings) == 6);

struct LimitSettings {  // struct xt_rateinfo
  uint32_t average;     // between packets, in 1/10,000 s
  uint32_t burst;
  uint64_t previous;
  uint32_t credit, credit_cap, cost;
  uint64_t master;
};
static_assert(sizeof(LimitSettings) == 40);
inline constexpr uint16_t kLimitCompatSize = 28, kLimitUserSize = 8;

struct MarkSettings {  // struct xt_mark_mtinfo1
  uint32_t mark, mask;
  uint8_t inverted;
};
static_assert(sizeof(MarkSettings) == 12);

struct HopSettings {  // struct ipt_ttl_info, struct ip6t_hl_info
  uint8_t mode, value;
};
static_assert(sizeof(HopSettings) == 2);

inline constexpr uint16_t kCommentSize = 256;

Result<> check_address_type(const RuleFacts& rule, ByteSpan data);
bool matches_address_type(FilterPacket& packet, FilterMatch& match);
bool matches_address_type0(FilterPacket& packet, FilterMatch& match);
bool matches_comment(FilterPacket& packet, FilterMatch& match);
bool matches_length(FilterPacket& packet, FilterMatch& match);
Result<> check_limit(const RuleFacts& rule, ByteSpan data);
void prepare_limit(Entry& entry, FilterMatch& match, MutableByteSpan settings);
bool matches_limit(FilterPacket& packet, FilterMatch& match);
void widen_limit(MutableByteSpan to, ByteSpan from);
void narrow_limit(MutableByteSpan to, ByteSpan from);
bool matches_mark(FilterPacket& packet, FilterMatch& match);
bool matches_hops(FilterPacket& packet, FilterMatch& match);

}  // namespace lxnet
