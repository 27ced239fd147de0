// The rows. Their order is that of /proc/net/ip_tables_matches and _targets.
#include "stack/filter/extension.hh"
#include "stack/filter/log_packet.hh"
#include "stack/filter/match_connection.hh"
#include "stack/filter/match_header.hh"
#include "stack/filter/match_packet.hh"
#include "stack/filter/match_transport.hh"
#include "stack/filter/targets.hh"
#include "stack/filter/targets_connection.hh"
#include "stack/filter/targets_nat.hh"

namespace lxnet {
namespace {

constexpr uint8_t kTcp = 6, kUdp = 17, kUdpLite = 136, kIcmp4 = 1, kIcmp6 = 58;

bool always(ByteSpan) { return true; }

constexpr MatchKind kMatches[] = {
    {.shape = {.name = "statistic",
               .list = ExtensionList::Any,
               .size = sizeof(StatisticSettings),
               .user_size = kStatisticUserSize,
               .check = &check_statistic},
     .matches = &matches_statistic,
     .prepare = &prepare_statistic},
    {.shape = {.name = "state", .list = ExtensionList::Any, .size = sizeof(StateSettings), .needs_connections = &always},
     .matches = &matches_state},
    {.shape = {.name = "pkttype", .list = ExtensionList::Any, .size = sizeof(PacketTypeSettings)},
     .matches = &matches_packet_type},
    {.shape = {.name = "limit",
               .list = ExtensionList::Any,
               .size = sizeof(LimitSettings),
               .compat_size = kLimitCompatSize,
               .user_size = kLimitUserSize,
               .widen = &widen_limit,
               .narrow = &narrow_limit,
               .check = &check_limit},
     .matches = &matches_limit,
     .prepare = &prepare_limit},
    {.shape = {.name = "conntrack",
               .revision = 3,
               .list = ExtensionList::Any,
               .size = sizeof(ConnectionMatchSettings),
               .needs_connections = &always},
     .matches = &matches_connection3},
    {.shape = {.name = "conntrack",
               .revision = 2,
               .list = ExtensionList::Any,
               .size = kConnectionMatchSize2,
               .needs_connections = &always},
     .matches = &matches_connection2},
    {.shape = {.name = "conntrack",
               .revision = 1,
               .list = ExtensionList::Any,
               .size = kConnectionMatchSize1,
               .needs_connections = &always},
     .matches = &matches_connection1},
    {.shape = {.name = "comment", .list = ExtensionList::Any, .size = kCommentSize}, .matches = &matches_comment},
    {.shape = {.name = "connmark",
               .revision = 1,
               .list = ExtensionList::Any,
               .size = sizeof(ConnectionMarkSettings),
               .needs_connections = &always},
     .matches = &matches_connection_mark},
    {.shape = {.name = "mark", .revision = 1, .list = ExtensionList::Any, .size = sizeof(MarkSettings)},
     .matches = &matches_mark},
    {.shape = {.name = "multiport", .revision = 1, .size = sizeof(MultiportSettings), .check = &check_multiport},
     .matches = &matches_multiport},
    {.shape = {.name = "length", .size = sizeof(LengthSettings)}, .matches = &matches_length},
    {.shape = {.name = "iprange", .revision = 1, .size = sizeof(AddressRangeSettings)}, .matches = &matches_address_range},
    {.shape = {.name = "ttl", .families = kFilterV4, .size = sizeof(HopSettings)}, .matches = &matches_hops},
    {.shape = {.name = "hl", .families = kFilterV6, .size = sizeof(HopSettings)}, .matches = &matches_hops},
    {.shape = {.name = "tos", .revision = 1, .size = sizeof(TosSettings)}, .matches = &matches_tos},
    {.shape = {.name = "dscp", .size = sizeof(DscpSettings), .check = &check_dscp}, .matches = &matches_dscp},
    {.shape = {.name = "addrtype", .revision = 1, .size = sizeof(AddressTypeSettings), .check = &check_address_type},
     .matches = &matches_address_type},
    {.shape = {.name = "addrtype", .families = kFilterV4, .size = sizeof(OldAddressTypeSettings)},
     .matches = &matches_address_type0},
    {.shape = {.name = "icmp",
               .families = kFilterV4,
               .size = sizeof(IcmpMatchSettings),
               .protocol = kIcmp4,
               .check = &check_icmp_match},
     .matches = &matches_icmp4},
    {.shape = {.name = "icmp6",
               .families = kFilterV6,
               .size = sizeof(IcmpMatchSettings),
               .protocol = kIcmp6,
               .check = &check_icmp_match},
     .matches = &matches_icmp6},
    {.shape = {.name = "udplite", .size = sizeof(UdpMatchSettings), .protocol = kUdpLite, .check = &check_udp_match},
     .matches = &matches_udp},
    {.shape = {.name = "udp", .size = sizeof(UdpMatchSettings), .protocol = kUdp, .check = &check_udp_match},
     .matches = &matches_udp},
    {.shape = {.name = "tcp", .size = sizeof(TcpMatchSettings), .protocol = kTcp, .check = &check_tcp_match},
     .matches = &matches_tcp},
};

// Only its name is told from the kind: FilterRule::Action::Error.
TargetKind::Step refuse(FilterPacket&, ByteSpan) { return TargetKind::Step::Drop; }

constexpr uint8_t kRejectHooks = hook_bit(FilterHook::LocalIn) | hook_bit(FilterHook::Forward) | hook_bit(FilterHook::LocalOut);
constexpr uint16_t kErrorNameSize = 30;  // XT_FUNCTION_MAXNAMELEN

constexpr uint8_t kDestinationHooks = hook_bit(FilterHook::PreRouting) | hook_bit(FilterHook::LocalOut);
constexpr uint8_t kSourceHooks = hook_bit(FilterHook::PostRouting) | hook_bit(FilterHook::LocalIn);

constexpr TargetKind kTargets[] = {
    {.shape = {.name = "DNAT",
               .revision = 2,
               .list = ExtensionList::Any,
               .size = sizeof(NatSettings),
               .hooks = kDestinationHooks,
               .table = "nat",
               .needs_connections = &always},
     .apply = &map_by_range2},
    {.shape = {.name = "SNAT",
               .revision = 2,
               .list = ExtensionList::Any,
               .size = sizeof(NatSettings),
               .hooks = kSourceHooks,
               .table = "nat",
               .needs_connections = &always},
     .apply = &map_by_range2},
    {.shape = {.name = "DNAT",
               .revision = 1,
               .list = ExtensionList::Any,
               .size = kNatSettingsSize1,
               .hooks = kDestinationHooks,
               .table = "nat",
               .needs_connections = &always},
     .apply = &map_by_range1},
    {.shape = {.name = "SNAT",
               .revision = 1,
               .list = ExtensionList::Any,
               .size = kNatSettingsSize1,
               .hooks = kSourceHooks,
               .table = "nat",
               .needs_connections = &always},
     .apply = &map_by_range1},
    {.shape =
         {.name = "REJECT", .size = sizeof(RejectSettings), .hooks = kRejectHooks, .table = "filter", .check = &check_reject},
     .apply = &reject},
    {.shape = {.name = kErrorTarget, .size = kErrorNameSize}, .apply = &refuse},
    {.shape = {.name = "MASQUERADE",
               .families = kFilterV4,
               .size = sizeof(NatSettings4),
               .hooks = hook_bit(FilterHook::PostRouting),
               .table = "nat",
               .needs_connections = &always,
               .check = &check_nat_without_address4},
     .apply = &masquerade4},
    {.shape = {.name = "REDIRECT",
               .families = kFilterV4,
               .size = sizeof(NatSettings4),
               .hooks = kDestinationHooks,
               .table = "nat",
               .needs_connections = &always,
               .check = &check_nat_without_address4},
     .apply = &redirect4},
    {.shape = {.name = "MASQUERADE",
               .families = kFilterV6,
               .size = kNatSettingsSize1,
               .hooks = hook_bit(FilterHook::PostRouting),
               .table = "nat",
               .needs_connections = &always,
               .check = &check_nat_without_address6},
     .apply = &masquerade6},
    {.shape = {.name = "REDIRECT",
               .families = kFilterV6,
               .size = kNatSettingsSize1,
               .hooks = kDestinationHooks,
               .table = "nat",
               .needs_connections = &always,
               .check = &check_nat_without_address6},
     .apply = &redirect6},
    {.shape = {.name = "NETMAP",
               .families = kFilterV4,
               .size = sizeof(NatSettings4),
               .hooks = kDestinationHooks | kSourceHooks,
               .table = "nat",
               .needs_connections = &always,
               .check = &check_netmap4},
     .apply = &netmap4},
    {.shape = {.name = "NETMAP",
               .families = kFilterV6,
               .size = kNatSettingsSize1,
               .hooks = kDestinationHooks | kSourceHooks,
               .table = "nat",
               .needs_connections = &always,
               .check = &check_netmap6},
     .apply = &netmap6},
    {.shape = {.name = "LOG", .size = sizeof(LogSettings), .check = &check_log}, .apply = &log_packet},
    {.shape =
         {.name = "TTL", .families = kFilterV4, .size = sizeof(SetHopsSettings), .table = "mangle", .check = &check_set_hops},
     .apply = &set_hops},
    {.shape = {.name = "HL", .families = kFilterV6, .size = sizeof(SetHopsSettings), .table = "mangle", .check = &check_set_hops},
     .apply = &set_hops},
    {.shape = {.name = "TOS", .revision = 1, .size = sizeof(SetTosSettings), .table = "mangle"}, .apply = &set_tos},
    {.shape = {.name = "DSCP", .size = sizeof(SetDscpSettings), .table = "mangle", .check = &check_set_dscp}, .apply = &set_dscp},
    {.shape = {.name = "CT",
               .revision = 2,
               .size = sizeof(TrackSettings),
               .user_size = kTrackUserSize,
               .table = "raw",
               .needs_connections = &tracks,
               .check = &check_track2},
     .apply = &track},
    {.shape = {.name = "CT",
               .revision = 1,
               .size = sizeof(TrackSettings),
               .user_size = kTrackUserSize,
               .table = "raw",
               .needs_connections = &tracks,
               .check = &check_track1},
     .apply = &track},
    {.shape = {.name = "CT",
               .revision = 0,
               .size = kTrackSize0,
               .user_size = kTrackUserSize,
               .table = "raw",
               .needs_connections = &tracks,
               .check = &check_track0},
     .apply = &track},
    {.shape = {.name = "NOTRACK", .table = "raw"}, .apply = &do_not_track},
    {.shape = {.name = "DNAT",
               .families = kFilterV4,
               .size = sizeof(NatSettings4),
               .hooks = kDestinationHooks,
               .table = "nat",
               .needs_connections = &always,
               .check = &check_nat4},
     .apply = &map_by_range4},
    {.shape = {.name = "SNAT",
               .families = kFilterV4,
               .size = sizeof(NatSettings4),
               .hooks = kSourceHooks,
               .table = "nat",
               .needs_connections = &always,
               .check = &check_nat4},
     .apply = &map_by_range4},
    {.shape = {.name = "CONNMARK",
               .revision = 2,
               .size = sizeof(SetConnectionMarkSettings),
               .needs_connections = &always,
               .check = &check_set_connection_mark2},
     .apply = &set_connection_mark2},
    {.shape = {.name = "CONNMARK", .revision = 1, .size = sizeof(SetConnectionMarkSettings), .needs_connections = &always},
     .apply = &set_connection_mark1},
    {.shape = {.name = "MARK", .revision = 2, .size = sizeof(SetMarkSettings)}, .apply = &set_mark},
    {.shape = {.name = kStandardTarget, .size = sizeof(int32_t)}, .apply = nullptr},
};

template <typename Kind>
Result<const Kind*> find(std::span<const Kind> kinds, IpFamily family, const char* name, uint8_t revision) {
  Errno error = Errno::ENOENT;
  for (const Kind& kind : kinds) {
    const ExtensionShape& shape = kind.shape;
    if ((shape.families & family_bit(family)) == 0 || !same_name(shape.name, name)) continue;
    if (shape.revision == revision) return &kind;
    if (shape.list == ExtensionList::Any) error = Errno::EPROTOTYPE;
  }
  return error;
}

}  // namespace

std::span<const MatchKind> match_kinds() { return kMatches; }
std::span<const TargetKind> target_kinds() { return kTargets; }

bool same_name(const char* left, const char* right) {
  while (*left != 0 && *left == *right) ++left, ++right;
  return *left == *right;
}

Result<const MatchKind*> find_match(IpFamily family, const char* name, uint8_t revision) {
  return find(match_kinds(), family, name, revision);
}

Result<const TargetKind*> find_target(IpFamily family, const char* name, uint8_t revision) {
  return find(target_kinds(), family, name, revision);
}

}  // namespace lxnet
