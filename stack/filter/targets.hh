// Targets that change a packet or refuse it, in stack/filter/targets.cc: DSCP, HL, MARK, REJECT, TOS, TTL.
#pragma once

#include "stack/filter/extension.hh"

namespace lxnet {

struct RejectSettings {  // struct ipt_reject_info, struct ip6t_reject_info
  uint32_t with;
};

struct SetMarkSettings {  // struct xt_mark_tginfo2
  uint32_t mark, mask;
};

struct SetHopsSettings {  // struct ipt_TTL_info, struct ip6t_HL_info
  uint8_t mode, value;
};

struct SetDscpSettings {  // struct xt_DSCP_info
  uint8_t dscp;
};

struct SetTosSettings {  // struct xt_tos_target_info
  uint8_t value, mask;
};

Result<> check_reject(const RuleFacts& rule, ByteSpan data);
TargetKind::Step reject(FilterPacket& packet, ByteSpan data);
TargetKind::Step set_mark(FilterPacket& packet, ByteSpan data);
Result<> check_set_hops(const RuleFacts& rule, ByteSpan data);
TargetKind::Step set_hops(FilterPacket& packet, ByteSpan data);
Result<> check_set_dscp(const RuleFacts& rule, ByteSpan data);
TargetKind::Step set_dscp(FilterPacket& packet, ByteSpan data);
TargetKind::Step set_tos(FilterPacket& packet, ByteSpan data);

}  // namespace lxnet
