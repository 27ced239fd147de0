// The little program that ss sends with a filter (INET_DIAG_REQ_BYTECODE): ports, addresses, interfaces and marks
// compared, and jumps forward. Of its instructions INET_DIAG_BC_CGROUP_COND is not known, as in a kernel without control groups.
#pragma once

#include "base/bytes.hh"
#include "base/result.hh"

namespace lxnet {

struct DiagSubject {
  uint8_t family;
  uint16_t local_port, remote_port;
  ByteSpan local, remote;  // four bytes count of AF_INET
  uint32_t interface, mark;
  bool is_port_bound;  // bind() named it
};

// EINVAL: an instruction that is not known, or a jump that leads neither to one nor to the end. EPERM: marks are asked about,
// which are the administrator's business.
Result<> check_diag_filter(ByteSpan program, bool is_administrator);
// Of a program that check_diag_filter() has accepted.
bool diag_filter_accepts(ByteSpan program, const DiagSubject& subject);

}  // namespace lxnet
