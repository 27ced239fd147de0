// The rows. Their order is that of /proc/net/ip_tables_matches and _targets.
#include "stack/filter/extension.hh"
#include "stack/filter/match_packet.hh"
#include "stack/filter/match_transport.hh"

namespace lxnet {
namespace {

constexpr uint8_t kTcp = 6, kUdp = 17, kUdpLite = 136, kIcmp4 = 1, kIcmp6 = 58;

constexpr MatchKind kMatches[] = {
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
    {.shape = {.name = "comment", .list = ExtensionList::Any, .size = kCommentSize}, .matches = &matches_comment},
    {.shape = {.name = "mark", .revision = 1, .list = ExtensionList::Any, .size = sizeof(MarkSettings)},
     .matches = &matches_mark},
    {.shape = {.name = "multiport", .revision = 1, .size = sizeof(MultiportSettings), .check = &check_multiport},
     .matches = &matches_multiport},
    {.shape = {.name = "length", .size = sizeof(LengthSettings)}, .matches = &matches_length},
    {.shape = {.name = "ttl", .families = kFilterV4, .size = sizeof(HopSettings)}, .matches = &matches_hops},
    {.shape = {.name = "hl", .families = kFilterV6, .size = sizeof(HopSettings)}, .matches = &matches_hops},
    {.shape = {.name = "addrtype",
               .revision = 1,
               .families = kFilterV4,
               .size = sizeof(AddressTypeSettings),
               .check = &check_address_type},
     .matches = &matches_address_type},
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

struct RejectSettings {  // struct ipt_reject_info, struct ip6t_reject_info
  uint32_t with;
};
constexpr uint32_t kEchoReply4 = 4, kEchoReply6 = 5, kTcpReset4 = 7, kTcpReset6 = 6;

// A reset answers TCP alone; echo replies are no longer made.
Result<> check_reject(const RuleFacts& rule, ByteSpan data) {
  const uint32_t with = settings_of<RejectSettings>(data).with;
  const bool is_v4 = rule.family == IpFamily::V4;
  if (with == (is_v4 ? kEchoReply4 : kEchoReply6)) return Errno::EINVAL;
  const bool is_for_tcp = rule.asks_protocol && rule.protocol == kTcp && !rule.inverts_protocol;
  if (with == (is_v4 ? kTcpReset4 : kTcpReset6) && !is_for_tcp) return Errno::EINVAL;
  return ok();
}

TargetKind::Step reject(FilterPacket& packet, ByteSpan data) {
  const uint32_t with = settings_of<RejectSettings>(data).with;
  if (with <= INT32_MAX) packet.answer = static_cast<int>(with);
  return TargetKind::Step::Drop;
}

struct SetMarkSettings {  // struct xt_mark_tginfo2
  uint32_t mark, mask;
};

TargetKind::Step set_mark(FilterPacket& packet, ByteSpan data) {
  const auto settings = settings_of<SetMarkSettings>(data);
  packet.packet.mark = (packet.packet.mark & ~settings.mask) ^ settings.mark;
  return TargetKind::Step::Continue;
}

// Only its name is told from the kind: FilterRule::Action::Error.
TargetKind::Step refuse(FilterPacket&, ByteSpan) { return TargetKind::Step::Drop; }

constexpr uint8_t kRejectHooks = hook_bit(FilterHook::LocalIn) | hook_bit(FilterHook::Forward) | hook_bit(FilterHook::LocalOut);
constexpr uint16_t kErrorNameSize = 30;  // XT_FUNCTION_MAXNAMELEN

constexpr TargetKind kTargets[] = {
    {.shape = {.name = "REJECT",
               .size = sizeof(RejectSettings),
               .hooks = kRejectHooks,
               .only_in_filter = true,
               .check = &check_reject},
     .apply = &reject},
    {.shape = {.name = kErrorTarget, .size = kErrorNameSize}, .apply = &refuse},
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
