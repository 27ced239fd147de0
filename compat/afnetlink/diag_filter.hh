// The little program that ss sends with a filter (INET_DIAG_REQ_BYTECODE): ports and addresses compared, and jumps forward.
#pragma once

#include "base/bytes.hh"

namespace lxnet {

struct DiagSubject {
  uint8_t family;
  uint16_t local_port, remote_port;
  ByteSpan local, remote;  // four bytes count of AF_INET
};

// Whether every instruction is known and every jump leads to one or to the end.
bool is_diag_filter(ByteSpan program);
// Of a program that is_diag_filter() has accepted.
bool diag_filter_accepts(ByteSpan program, const DiagSubject& subject);

}  // namespace lxnet
