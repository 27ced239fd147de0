// The names of numbers, as strace prints them.
#pragma once

#include <span>

#include "compat/trace/trace_text.hh"

namespace lxnet {

struct TraceName {
  uint64_t value;
  const char* name;
};

// The name, or the number in hex with what it might have been: 0x63 /* AF_??? */.
void put_name(TraceText& out, std::span<const TraceName> names, uint64_t value, const char* unknown);
// A|B|0x40; "0" or `zero` when nothing is set.
void put_flags(TraceText& out, std::span<const TraceName> names, uint64_t value, const char* unknown, const char* zero = "0");
// Null when there is none.
const char* find_trace_name(std::span<const TraceName> names, uint64_t value);

// ECONNRESET (Connection reset by peer).
void put_error(TraceText& out, uint32_t error);

extern const std::span<const TraceName> kFamilyNames, kSocketTypeNames, kSocketFlagNames, kIpProtocolNames, kNetlinkProtocolNames,
    kMessageFlagNames, kShutdownNames, kLevelNames, kPollNames, kEpollEventNames, kEpollOperationNames, kEpollCreateNames,
    kInterfaceFlagNames, kHardwareNames, kFcntlCommandNames, kOpenFlagNames, kIoctlNames, kSocketControlNames, kIpControlNames,
    kOwnerTypeNames, kSpliceFlagNames, kReadWriteFlagNames;

}  // namespace lxnet
