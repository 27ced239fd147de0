// Targets that decide a connection's addresses, in stack/filter/targets_nat.cc: DNAT, MASQUERADE, NETMAP, REDIRECT, SNAT.
#pragma once

#include "stack/filter/extension.hh"

namespace lxnet {

struct NatSettings4 {  // struct nf_nat_ipv4_multi_range_compat
  uint32_t count;
  uint32_t flags;
  uint32_t first, last;            // as on the wire
  uint16_t first_part, last_part;  // likewise
};
static_assert(sizeof(NatSettings4) == 20);

struct NatSettings {  // struct nf_nat_range2; nf_nat_range is the same without the last part
  uint32_t flags;
  uint32_t first[4], last[4];
  uint16_t first_part, last_part, base_part;
};
static_assert(sizeof(NatSettings) == 44);
inline constexpr uint16_t kNatSettingsSize1 = 40;

Result<> check_nat4(const RuleFacts& rule, ByteSpan data);                  // one range
Result<> check_nat_without_address4(const RuleFacts& rule, ByteSpan data);  // and no address: MASQUERADE, REDIRECT
Result<> check_nat_without_address6(const RuleFacts& rule, ByteSpan data);
Result<> check_netmap4(const RuleFacts& rule, ByteSpan data);
Result<> check_netmap6(const RuleFacts& rule, ByteSpan data);

TargetKind::Step map_by_range4(FilterPacket& packet, ByteSpan data);  // SNAT and DNAT: the hook says which
TargetKind::Step map_by_range1(FilterPacket& packet, ByteSpan data);
TargetKind::Step map_by_range2(FilterPacket& packet, ByteSpan data);
TargetKind::Step masquerade4(FilterPacket& packet, ByteSpan data);
TargetKind::Step masquerade6(FilterPacket& packet, ByteSpan data);
TargetKind::Step redirect4(FilterPacket& packet, ByteSpan data);
TargetKind::Step redirect6(FilterPacket& packet, ByteSpan data);
TargetKind::Step netmap4(FilterPacket& packet, ByteSpan data);
TargetKind::Step netmap6(FilterPacket& packet, ByteSpan data);

}  // namespace lxnet
