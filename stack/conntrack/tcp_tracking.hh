// TcpTracking: what is known of a TCP connection by who only sees its segments pass. Linux's nf_conntrack_proto_tcp.c.
//
// After van Rooij, 'Real Stateful TCP Packet Filtering in IP Filter': for each side the end of what it has sent, the end of what
// it may send, and the largest window it has offered. Not implemented: SYN proxies, sequence numbers that NAT helpers shift.
#pragma once

#include "base/seqnum.hh"
#include "stack/wire/tcp.hh"

namespace lxnet {

class Packet;

// TCP_CONNTRACK_*, in Linux's order.
enum class TrackedTcpState : uint8_t {
  None,
  SynSent,
  SynReceived,
  Established,
  FinWait,
  CloseWait,
  LastAck,
  TimeWait,
  Close,
  SynSent2,
  // Not states, but what the table of transitions says:
  Invalid,  // TCP_CONNTRACK_MAX
  Ignore,
};
inline constexpr size_t kTrackedTcpStates = 10;

// What a segment is to the table.
enum class TcpSegmentSort : uint8_t { Syn, SynAck, Fin, Ack, Rst, None };
TcpSegmentSort sort_of(TcpFlags flags);
TrackedTcpState next_state(size_t direction, TcpSegmentSort sort, TrackedTcpState state);
// "SYN_SENT": as /proc/net/nf_conntrack shows it.
const char* tracked_state_name(TrackedTcpState state);

// One side, as far as its segments told.
struct TcpSide {
  SeqNum end, max_end, max_ack;
  uint32_t max_window = 0;  // 0: nothing is known of it yet
  uint8_t scale = 0;
  bool scales = false;  // sent the option
  bool has_sack = false;
  bool has_closed_first = false;
  bool is_liberal = false;  // its windows are not believed
  bool has_unacknowledged = false;
  bool has_max_ack = false;

  // All but is_liberal, which was decided once.
  void forget() {
    const bool was_liberal = is_liberal;
    *this = TcpSide();
    is_liberal = was_liberal;
  }
};

struct TcpTracking {
  TcpSide sides[2];
  TrackedTcpState state = TrackedTcpState::None;
  // The last segment that counted, and of an ignored SYN what it offered.
  uint8_t last_direction = 0;
  TcpSegmentSort last_sort = TcpSegmentSort::Syn;
  uint8_t retransmissions = 0;
  uint8_t last_scale = 0;
  bool last_scales = false, last_has_sack = false;
  bool expects_challenge = false;  // RFC 5961: the answer to a SYN may look like the last acknowledgment
  bool is_simultaneous = false;
  SeqNum last_seq, last_ack, last_end;
  uint16_t last_window = 0;
};

// A segment as the tracker reads it.
struct TrackedSegment {
  TcpSegmentHeader header;
  SeqNum end;       // of what it says, SYN and FIN counted
  SeqNum sack_end;  // the highest right edge of a SACK block beyond the acknowledgment, or that
  bool has_options = false, scales = false, has_sack_permitted = false;
  uint8_t scale = 0;
};
// False: it is no TCP segment, or its flags cannot be (tcp_error(), but for the checksum).
bool read_segment(const Packet& packet, uint32_t at, TrackedSegment& segment);

enum class WindowVerdict : uint8_t { Accept, Ignore, Invalid };
// tcp_in_window(): whether the segment fits what is known, and learns from it.
WindowVerdict check_window(TcpTracking& tracking, size_t direction, TcpSegmentSort sort, const TrackedSegment& segment,
                           bool is_liberal);

}  // namespace lxnet
