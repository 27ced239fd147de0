// The target LOG: a packet as a line in the host's log, in stack/filter/log_packet.cc. Linux's nf_log_syslog.c.
#pragma once

#include "stack/filter/extension.hh"

namespace lxnet {

struct LogSettings {  // struct xt_log_info
  uint8_t level, flags;
  char prefix[30];
};
static_assert(sizeof(LogSettings) == 32);

Result<> check_log(const RuleFacts& rule, ByteSpan data);
TargetKind::Step log_packet(FilterPacket& packet, ByteSpan data);
// A level of Linux's, and XT_LOG_* flags.
void write_log(const FilterPacket& packet, uint8_t level, uint8_t flags, const char* prefix);

}  // namespace lxnet
