// OutgoingSegment: one segment to send, as those who send it describe it (transmit.cc).
#pragma once

#include "stack/tcp/send_record.hh"
#include "stack/wire/tcp_options.hh"

namespace lxnet {

struct OutgoingSegment {
  SeqNum seq;
  TcpFlags flags;
  const SendRecord* record = nullptr;
  uint32_t size = 0;
  uint16_t segments = 1;
  bool is_probe = false;
  const TcpFastOpenCookie* cookie = nullptr;
};

// Which window held back what is left to send.
struct SendLimits {
  bool cwnd = false, window = false;
};

}  // namespace lxnet
