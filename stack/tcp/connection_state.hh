// The transmission control block's two halves, with the RFC's names (RFC 9293, 3.3.1), and what the handshake agreed.
#pragma once

#include <algorithm>

#include "base/seqnum.hh"
#include "base/time.hh"
#include "stack/wire/tcp_options.hh"

namespace lxnet {

// What both ends announced in their SYNs.
struct NegotiatedOptions {
  bool timestamps : 1 = false;
  bool sack : 1 = false;
  bool window_scale : 1 = false;
  bool ecn : 1 = false;
};

struct SendState {
  SeqNum una, nxt;
  SeqNum end;  // one past the last byte the user wrote, or our FIN
  SeqNum up;   // urgent mode while after una
  SeqNum wl1;  // segment that last updated the window
  SeqNum iss;
  SeqNum pushed;     // one past the last byte with PSH
  SeqNum small_end;  // one past the last segment smaller than MSS (Minshall's Nagle)
  uint32_t wnd = 0;  // bytes, scaled
  uint32_t max_wnd = 0;
  uint16_t mss = 536;       // payload of a full segment now: path, options and peer considered
  uint16_t peer_mss = 536;  // the peer's option, or the default
  uint32_t path_mtu = 0;
  uint8_t window_shift = 0;      // for the peer's window field
  uint32_t disconnect_gap = 0;   // what a disconnect left between the numbers, which SIOCOUTQ counts
  InstantInMillis last_data_at;  // when data last left

  bool is_urgent() const { return up.is_after(una); }
  SeqNum window_end() const { return una + wnd; }
};

// What a segment carries where time stamps take their part of it.
constexpr uint16_t segment_with_stamps(uint16_t segment, bool has_stamps) {
  constexpr uint16_t kStamps = 12;
  return has_stamps && segment > kStamps ? static_cast<uint16_t>(segment - kStamps) : segment;
}

struct ReceiveState {
  SeqNum nxt;
  SeqNum wup;  // nxt when the window was last announced
  SeqNum irs;
  SeqNum copied;  // one past the last byte the user has taken
  uint32_t wnd = 0;
  uint32_t window_clamp = 0;    // never announce more
  uint32_t window_goal = 0;     // Linux's rcv_ssthresh: what the window may grow to now
  uint8_t window_shift = 0;     // of the window we announce
  uint8_t scaling_ratio = 128;  // of buffer memory that is payload, in 256ths
  uint16_t mss = 536;           // Linux's rcv_mss: the peer's segment size, estimated
  uint16_t last_size = 0;       // of the last segment smaller than that
  uint16_t advertised_mss = 536;
  uint32_t fin_charge = 0;  // of a FIN that came alone and has not been read
  uint32_t ts_echo = 0;     // the echo of our own time stamps in the last acknowledgment; 0: none
  // RFC 7323, 4: TS.Recent and when it was set.
  uint32_t ts_recent = 0;
  Instant ts_recent_at;
  InstantInMillis last_data_at;  // when data last came
  InstantInMillis last_segment_at;
  // Since when nothing has come.
  Duration silence(Instant now) const { return std::min(last_segment_at.age(now), last_data_at.age(now)); }
  // Announced and not used up.
  uint32_t window_left() const {
    const SeqNum edge = wup + wnd;
    return edge.is_after(nxt) ? edge.bytes_since(nxt) : 0;
  }
};

// Linux's interpretation: the urgent pointer points to the byte after the urgent one (RFC 793), and only the last one counts.
struct UrgentState {
  enum class Kind : uint8_t { None, NotYet, Valid, Read };
  Kind kind = Kind::None;
  uint8_t byte = 0;
  SeqNum seq;  // of the urgent byte
};

// TCP Fast Open (RFC 7413), as far as this connection has to do with it.
struct FastOpenState {
  // tcpi_fastopen_client_fail.
  enum Failure : uint8_t { kNone, kCookieUnavailable, kDataNotAcknowledged, kSynRetransmitted };
  bool is_deferred : 1 = false;        // TCP_FASTOPEN_CONNECT: the SYN waits for the first data
  bool has_asked : 1 = false;          // our SYN had the option
  bool is_experimental : 1 = false;    // in its old form
  bool sent_data : 1 = false;          // with our SYN
  bool data_acknowledged : 1 = false;  // by the SYN,ACK; or the peer's came with its SYN
  bool ends_pause : 1 = false;         // this one's success says that the network swallows nothing
  bool is_waiting : 1 = false;         // a sender, for the handshake
  bool is_child : 1 = false;           // opened by a SYN with a cookie
  Failure failure = kNone;
  uint16_t copied = 0;  // what that sender's bytes the SYN took
};

// When an acknowledgment leaves (RFC 9293 3.8.6.3, in Linux's adaptive form).
struct AckState {
  bool is_scheduled : 1 = false;
  bool is_wanted_now : 1 = false;
  bool saw_push : 1 = false, saw_push_twice : 1 = false;
  bool has_no_memory : 1 = false;  // for what came last: the window is told to be shut
  // Of segments that waited for the socket's owner, one acknowledgment is for all (tcp_backlog_ack_defer).
  bool is_for_many : 1 = false, waits_for_others : 1 = false;
  uint8_t quick = 0;     // so many segments are acknowledged at once
  uint8_t pingpong = 0;  // interactive: our data carries the acknowledgments
  // Duplicate acknowledgments while data is missing: the first few leave at once, the others share a short delay.
  uint8_t duplicates = 0;  // that left at once, for duplicates_of
  uint8_t compressed = 0;  // that wait
  SeqNum duplicates_of;    // rcv.nxt
  BriefMicros ato;         // the delay, adapted to the peer; 0: nothing has come yet
};

// TCP_REPAIR: a connection is taken apart and put together without a word on the wire.
struct RepairState {
  enum class Queue : uint8_t { None, Receive, Send };  // Linux's numbers
  bool is_on = false;
  Queue queue = Queue::None;
};

// Dynamic right-sizing of the receive buffer.
struct ReceiveAutotune {
  SeqNum copied_seq;   // of the current round
  uint32_t space = 0;  // bytes the application took in the last one
  InstantInMicros round_start;
  uint32_t rtt_8_micros = 0;  // the receiver's estimate, times 8
  SeqNum rtt_seq;
  InstantInMicros rtt_start;
  uint32_t last_echo = 0;   // that a sample was taken from
  uint32_t heard_echo = 0;  // of our own time stamps: the last there was
};

}  // namespace lxnet
