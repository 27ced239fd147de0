// The table of transitions (tcp_conntracks): by direction, segment and state.
#include "stack/conntrack/tcp_tracking.hh"

namespace lxnet {
namespace {

using enum TrackedTcpState;
constexpr TrackedTcpState kNo = None, kSs = SynSent, kSr = SynReceived, kEs = Established, kFw = FinWait, kCw = CloseWait,
                          kLa = LastAck, kTw = TimeWait, kCl = Close, kS2 = SynSent2, kIv = Invalid, kIg = Ignore;

constexpr size_t kSorts = 6;
// Columns: None, SynSent, SynReceived, Established, FinWait, CloseWait, LastAck, TimeWait, Close, SynSent2. Ignored are segments
// that may be valid or not, where the other end will tell by what it answers.
constexpr TrackedTcpState kTransitions[2][kSorts][kTrackedTcpStates] = {
    {
        /* SYN    */ {kSs, kSs, kIg, kIg, kIg, kIg, kIg, kSs, kSs, kS2},
        /* SYNACK */ {kIv, kIv, kSr, kIv, kIv, kIv, kIv, kIv, kIv, kSr},
        /* FIN    */ {kIv, kIv, kFw, kFw, kLa, kLa, kLa, kTw, kCl, kIv},
        /* ACK    */ {kEs, kIv, kEs, kEs, kCw, kCw, kTw, kTw, kCl, kIv},
        /* RST    */ {kIv, kCl, kCl, kCl, kCl, kCl, kCl, kCl, kCl, kCl},
        /* none   */ {kIv, kIv, kIv, kIv, kIv, kIv, kIv, kIv, kIv, kIv},
    },
    {
        /* SYN    */ {kIv, kS2, kIv, kIv, kIv, kIv, kIv, kSs, kIv, kS2},
        /* SYNACK */ {kIv, kSr, kIg, kIg, kIg, kIg, kIg, kIg, kIg, kSr},
        /* FIN    */ {kIv, kIv, kFw, kFw, kLa, kLa, kLa, kTw, kCl, kIv},
        /* ACK    */ {kIv, kIg, kSr, kEs, kCw, kCw, kTw, kTw, kCl, kIg},
        /* RST    */ {kIv, kCl, kCl, kCl, kCl, kCl, kCl, kCl, kCl, kCl},
        /* none   */ {kIv, kIv, kIv, kIv, kIv, kIv, kIv, kIv, kIv, kIv},
    },
};

constexpr const char* kNames[kTrackedTcpStates] = {"NONE",       "SYN_SENT", "SYN_RECV",  "ESTABLISHED", "FIN_WAIT",
                                                   "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",       "SYN_SENT2"};

}  // namespace

TcpSegmentSort sort_of(TcpFlags flags) {
  if (flags.rst()) return TcpSegmentSort::Rst;
  if (flags.syn()) return flags.ack() ? TcpSegmentSort::SynAck : TcpSegmentSort::Syn;
  if (flags.fin()) return TcpSegmentSort::Fin;
  return flags.ack() ? TcpSegmentSort::Ack : TcpSegmentSort::None;
}

TrackedTcpState next_state(size_t direction, TcpSegmentSort sort, TrackedTcpState state) {
  return kTransitions[direction][static_cast<size_t>(sort)][static_cast<size_t>(state)];
}

const char* tracked_state_name(TrackedTcpState state) {
  return static_cast<size_t>(state) < kTrackedTcpStates ? kNames[static_cast<size_t>(state)] : "";
}

}  // namespace lxnet
