// TcpSocketTerms: the small types that TcpSocket's data and calls are told in, a base without data so that they need no prefix.
#pragma once

#include <cstdint>

#include "stack/wire/tcp_options.hh"

namespace lxnet {

class IoSource;

struct TcpSocketTerms {
  // Of connect(), as the user sees it: Linux's socket->state. Given up: shut down before anybody asked how the attempt ended.
  enum class Phase : uint8_t { Unconnected, Connecting, Connected, GivenUp };
  enum class ProbeTimer : uint8_t { None, Retransmit, LossProbe, Reordering, ZeroWindow };
  // What the packet path leaves to the lock's owner.
  static constexpr uint32_t kDeferredTimer = 1, kDeferredMtu = 2;
  enum ShutdownBits : uint8_t { kShutdownReceive = 1, kShutdownSend = 2, kShutdownBoth = 3 };
  enum class Nagle : uint8_t { Default, Push, Cork };
  // How a connect() begins.
  struct Opening {
    IoSource* source = nullptr;  // data that may go with the SYN
    bool is_fast = false;
  };
  // What is known of a server that is to get data with the SYN.
  struct FastOpenPlan {
    uint16_t mss;  // 0: unknown
    bool has_option, may_carry_data;
    TcpFastOpenCookie cookie;
  };
  enum class UnmarkLost : uint8_t { No, Yes };
  enum class ReorderingBy : uint8_t { Sack, Timestamp };
  enum class TimeoutFrom : uint8_t { Head, Now };  // the retransmission timeout that a probe must come before
  // As it was predicted, and it fits into memory that was taken for others: Linux's fast path asks for no more.
  enum class Prediction : uint8_t { Missed, Hit };
  enum class MtuProbe : uint8_t { NotNow, Wait, Sent };
};

}  // namespace lxnet
