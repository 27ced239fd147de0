// TcpState: one bit per state of RFC 9293, 3.3.2, so that a set of states is one test.
#pragma once

#include <cstdint>

namespace lxnet {

enum class TcpState : uint16_t {
  Closed = 1 << 0,
  Listen = 1 << 1,
  SynSent = 1 << 2,
  SynReceived = 1 << 3,
  Established = 1 << 4,
  FinWait1 = 1 << 5,
  FinWait2 = 1 << 6,
  CloseWait = 1 << 7,
  Closing = 1 << 8,
  LastAck = 1 << 9,
  TimeWait = 1 << 10,
};

class TcpStates {
 public:
  constexpr TcpStates(TcpState state) : bits_(static_cast<uint16_t>(state)) {}
  constexpr bool contain(TcpState state) const { return (bits_ & static_cast<uint16_t>(state)) != 0; }
  constexpr TcpStates operator|(TcpStates other) const { return TcpStates(static_cast<uint16_t>(bits_ | other.bits_)); }

 private:
  constexpr explicit TcpStates(uint16_t bits) : bits_(bits) {}
  uint16_t bits_;
};
constexpr TcpStates operator|(TcpState a, TcpState b) { return TcpStates(a) | TcpStates(b); }

// Both sequence numbers are known: the states that RFC 9293 calls synchronized.
inline constexpr TcpStates kSynchronized = TcpState::SynReceived | TcpState::Established | TcpState::FinWait1 |
                                           TcpState::FinWait2 | TcpState::CloseWait | TcpState::Closing | TcpState::LastAck |
                                           TcpState::TimeWait;
// The user may still hand over data.
inline constexpr TcpStates kMaySend = TcpState::Established | TcpState::CloseWait;
// The peer may still send data.
inline constexpr TcpStates kMayReceive = TcpState::Established | TcpState::FinWait1 | TcpState::FinWait2;

// What TCP_INFO and /proc/net/tcp show: Linux's numbers.
constexpr uint8_t linux_tcp_state(TcpState state) {
  switch (state) {
    case TcpState::Established:
      return 1;
    case TcpState::SynSent:
      return 2;
    case TcpState::SynReceived:
      return 3;
    case TcpState::FinWait1:
      return 4;
    case TcpState::FinWait2:
      return 5;
    case TcpState::TimeWait:
      return 6;
    case TcpState::Closed:
      return 7;
    case TcpState::CloseWait:
      return 8;
    case TcpState::LastAck:
      return 9;
    case TcpState::Listen:
      return 10;
    case TcpState::Closing:
      return 11;
  }
  return 0;
}

}  // namespace lxnet
