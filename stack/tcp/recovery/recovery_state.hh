// What loss recovery remembers: counters in segments, and the state of each of its algorithms.
//
// Invariants: sacked + lost <= out; in_flight() = out - sacked - lost + retransmitted (RFC 6675's pipe). As Linux counts, what a
// timeout finds in flight again without having been lost, after an undo, counts as retransmitted twice until nothing is out.
#pragma once

#include "base/seqnum.hh"
#include "base/time.hh"
#include "stack/tcp/congestion/congestion_control.hh"

namespace lxnet {

struct RackState {
  Instant sent_at;  // of the record sent last among those delivered
  SeqNum end;       // its end
  uint32_t rtt_micros = 0;
  bool has_advanced = false;
  bool dsack_seen = false;
  uint8_t window_steps = 1;           // reordering window in quarters of min RTT
  uint8_t window_persist = 0;         // recoveries for which the enlarged window stays
  uint32_t adapted_at_delivered = 0;  // `delivered` when the window was last enlarged
};

struct RecoveryState {
  uint32_t out = 0, sacked = 0, lost = 0, retransmitted = 0;
  SeqNum max_out_end;        // of the window whose largest `out` is congestion_.max_in_flight
  SeqNum highest_sacked;     // end of the highest SACKed record; means something while sacked != 0
  uint32_t window_used = 0;  // largest `out` while the window was not the limit, since window_used_at
  InstantInMillis window_used_at;

  SeqNum high_seq;     // snd.nxt when this episode began
  SeqNum undo_marker;  // snd.una when it began
  int32_t undo_retransmits = 0;
  uint32_t prior_ssthresh = 0;
  InstantInMillis first_retransmit_at;  // of what is unacknowledged now
  bool may_undo = false;
  bool frto : 1 = false;         // RFC 5682: whether the timeout was spurious is being found out
  bool has_reneged : 1 = false;  // the peer, of what it had SACKed; until the recovery from it is over
  // Tail loss probe in flight: its end; it was a retransmission or new data.
  bool probe_in_flight = false;
  bool probe_retransmitted = false;
  SeqNum probe_end;

  uint32_t reordering = 3;
  uint32_t reordering_seen = 0;
  uint32_t dsack_duplicates = 0;
  // Proportional rate reduction (RFC 6937).
  uint32_t prr_delivered = 0, prr_out = 0;

  uint8_t retransmits = 0;      // timeouts in a row
  uint8_t backoff = 0;          // of them, or of probes of a closed window
  uint8_t doublings = 0;        // of the timeout: by timeouts alone
  uint8_t probes_out = 0;       // zero-window probes unanswered
  InstantInMillis probe_start;  // of the first since the window closed, answered or not

  RackState rack;

  uint32_t in_flight() const { return out - sacked - lost + retransmitted; }
};

// One acknowledgment's effects, as its processing finds them (Linux's FLAG_*).
struct AckEffects {
  bool has_data = false;  // the segment, beside its acknowledgment
  bool una_advanced = false;
  bool window_updated = false;
  bool data_acked = false;
  bool syn_acked = false;
  bool retransmitted_acked = false;
  bool original_sacked = false;  // F-RTO: data never retransmitted was delivered
  bool data_sacked = false;
  bool dsack = false;
  bool lost_retransmission = false;
  bool ece = false;
  bool set_timer = false;
  bool reneged = false;
  SeqNum prior_una, una;        // before this acknowledgment and after it
  SeqNum prior_highest_sacked;  // before this acknowledgment's blocks; snd.una when nothing was SACKed
  uint32_t prior_in_flight = 0;
  uint32_t prior_delivered = 0;
  uint32_t prior_lost = 0;
  bool is_reneging = false;  // the recovery from it goes on
  uint32_t duplicate_acks = 0;
  uint32_t sack_delivered = 0;  // segments, by what was SACKed or came twice
  uint32_t segments_acked = 0;
  SeqNum reordered_from;  // lowest sequence number delivered after a higher one
  bool is_reordered = false;
  int64_t sequence_rtt = -1, congestion_rtt = -1, sack_rtt = -1;  // microseconds
  Instant first_sacked_at, last_sacked_at;
  bool has_sacked_time = false;
  bool dsack_of_probe = false;
  RateSample sample;
};

// Whether a SACK block is a DSACK: what it names came twice.
enum class Duplicate : uint8_t { No, Yes };

// What is to be sent once an acknowledgment has been digested.
enum class Resend : uint8_t { Nothing, NewDataOnly, Lost };

}  // namespace lxnet
