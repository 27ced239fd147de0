// When to acknowledge (RFC 9293 3.8.6.3, RFC 5681 4.2): every second full segment at least, at once while a connection starts or
// data is missing, and with our own data where the exchange is interactive. The adaptive delay is Linux's.
#include <algorithm>
#include <utility>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

constexpr Duration kMinDelay = Duration::millis(40);
constexpr Duration kTick = Duration::millis(4);  // of a Linux that counts 250 a second

// The delay is a number of ticks, as Linux has it, and so is half of it.
constexpr Duration in_ticks(Duration delay) { return Duration::nanos(delay.in_nanos() / kTick.in_nanos() * kTick.in_nanos()); }

}  // namespace

uint8_t TcpSocket::interactive_threshold() const { return static_cast<uint8_t>(stack().tunables().values().tcp_pingpong_thresh); }

void TcpSocket::raise_quick_acks(uint8_t limit) {
  uint32_t quick = rcv_.wnd / (2u * std::max<uint32_t>(rcv_.mss, 1));
  if (quick == 0) quick = 2;
  quick = std::min<uint32_t>(quick, limit);
  if (quick > ack_.quick) ack_.quick = static_cast<uint8_t>(quick);
}

void TcpSocket::enter_quick_ack_mode(uint8_t limit) {
  raise_quick_acks(limit);
  ack_.pingpong = 0;
  ack_.ato = kMinDelay;
}

// RFC 3168, 6.1.3: a mark is echoed on every acknowledgment until the sender says CWR.
void TcpSocket::note_congestion_mark(const TcpSegment& segment) {
  const uint8_t mark = segment.tos & kEcnMask;
  const bool was_seen = ecn_ce_seen_;
  if (mark != kEcnNotCapable) ecn_ce_seen_ = true;  // for TCP_INFO, whatever was agreed
  if (!negotiated_.ecn) return;
  // Who marks what he sends does not mark what he sends again.
  if (mark == kEcnNotCapable && was_seen) enter_quick_ack_mode(2);
  if (mark == kEcnExperienced && !ecn_echo_) {
    // The sender should hear of it soon, and of what follows.
    enter_quick_ack_mode(2);
    ecn_echo_ = true;
  }
}

// New in-order or out-of-order data: adapts the delay to the time between segments.
void TcpSocket::note_data_event(Entry& entry, const TcpSegment& segment) {
  ack_.is_scheduled = true;
  measure_segment_size(segment);
  measure_receive_rtt(entry.now(), segment.end());
  if (ack_.ato.get() == Duration()) {
    // The first data: the sender is in slow start and needs acknowledgments.
    raise_quick_acks(16);
    ack_.ato = kMinDelay;
  } else {
    const Duration gap = rcv_.last_data_at.age(entry.now());
    if (gap <= kMinDelay / 2) {
      ack_.ato = in_ticks(ack_.ato.get() / 2) + kMinDelay / 2;
    } else if (gap < ack_.ato.get()) {
      ack_.ato = std::min(in_ticks(ack_.ato.get() / 2) + in_ticks(gap), rtt_.rto());
    } else if (gap > rtt_.rto()) {
      // Too long a gap: the sender restarts from a small window.
      raise_quick_acks(16);
    }
  }
  rcv_.last_data_at = entry.now();
  note_congestion_mark(segment);
}

void TcpSocket::consider_ack(Entry& entry, const TcpSegment& segment) {
  if (!ack_.is_scheduled && !ack_.is_wanted_now) return;
  const uint32_t owed = rcv_.nxt.bytes_since(rcv_.wup);
  // Of several segments that came as one the first would have been acknowledged before the others took room.
  if (segment.segments > 1 && in_quick_ack_mode() && owed >= 2u * rcv_.mss) return send_ack_for_all(entry);
  const bool owes_two = owed > rcv_.mss;
  const auto low_water = static_cast<uint32_t>(std::max(options->receive_low_water, 1));
  // With the window about to close, wait for the reader, who will send the update.
  const bool window_is_open = owes_two && (rcv_.nxt.bytes_since(rcv_.copied) < low_water || propose_window() >= rcv_.wnd);
  if (window_is_open || in_quick_ack_mode() || ack_.is_wanted_now) {
    send_ack_for_all(entry);
  } else if (out_of_order_.is_empty()) {
    delay_ack(entry);
  } else if (!may_compress_ack(entry)) {
    send_ack(entry);
  }
}

void TcpSocket::send_ack_for_all(Entry& entry) {
  ack_.waits_for_others = ack_.is_for_many;
  if (!ack_.is_for_many) send_ack(entry);
}

// While data is missing each segment is acknowledged at once (RFC 5681, 4.2) three times; of more, one acknowledgment with its
// SACK blocks says as much as many, a twentieth of a round trip later (Linux's tcp_comp_sack_*).
bool TcpSocket::may_compress_ack(Entry& entry) {
  constexpr uint8_t kAtOnce = 3;
  const TunableValues& tunables = stack().tunables().values();
  if (!negotiated_.sack || ack_.compressed >= tunables.tcp_comp_sack_nr) return false;
  if (ack_.duplicates_of != rcv_.nxt) {
    ack_.duplicates_of = rcv_.nxt;
    ack_.duplicates = 0;
  }
  if (ack_.duplicates < kAtOnce) {
    ++ack_.duplicates;
    return false;
  }
  if (ack_.compressed++ != 0) return true;
  uint32_t rtt = autotune_.rtt_8_micros;
  if (rtt_.has_sample()) rtt = std::min(rtt, rtt_.srtt_micros_times_8());
  const int64_t delay = std::min<int64_t>(tunables.tcp_comp_sack_delay_nanos, int64_t{rtt} * (1000 >> 3) / 20);
  arm_ack_timer(entry, Duration::nanos(delay));
  return true;
}

void TcpSocket::delay_ack(Entry& entry) {
  Duration delay =
      ack_.ato.get() == Duration() ? kTick : ack_.ato.get();  // where nothing but a FIN has come there is nothing to adapt to
  if (delay > kMinDelay) {
    Duration longest = is_interactive() || ack_.saw_push ? longest_ack_delay() : Duration::millis(500);
    if (rtt_.has_sample()) longest = std::min(longest, std::max(Duration::micros(rtt_.srtt_micros()), kMinDelay));
    delay = std::min(delay, longest);
  }
  delay = std::min(delay, longest_ack_delay());
  if (deadlines_.is_set(Deadlines::Kind::Ack)) {
    const Instant deadline = deadlines_.at(Deadlines::Kind::Ack);
    if (deadline <= entry.now() + delay / 4) {
      send_ack(entry);
      return;
    }
    if (deadline <= entry.now() + delay) return;
  }
  ack_.is_scheduled = true;
  arm_ack_timer(entry, delay);
}

void TcpSocket::note_ack_sent(Entry& entry) {
  // Only what acknowledges something new uses up a quick one.
  if (ack_.quick != 0 && ack_.is_scheduled && --ack_.quick == 0) ack_.ato = kMinDelay;
  if (ack_.compressed != 0) {
    count(entry, Mib::TcpExtTCPAckCompressed, ack_.compressed);
    ack_.compressed = 0;
  }
  ack_.is_scheduled = ack_.is_wanted_now = ack_.saw_push = ack_.saw_push_twice = ack_.has_no_memory = false;
  cancel(Deadlines::Kind::Ack);
}

// Data that leaves soon after data came is an answer: the exchange is interactive.
void TcpSocket::note_data_sent(Entry& entry) {
  snd_.last_data_at = entry.now();
  if (rcv_.last_data_at.age(entry.now()) < ack_.ato.get() && ack_.pingpong < UINT8_MAX) ++ack_.pingpong;
}

// The reader took data: the window may be worth announcing (RFC 9293 3.8.6.2.2).
void TcpSocket::ack_after_read(Entry& entry, size_t copied) {
  bool is_due = false;
  if (ack_.is_scheduled) {
    const bool is_drained =
        copied != 0 && (ack_.saw_push_twice || (ack_.saw_push && !is_interactive())) && receive_queue_.is_empty();
    is_due = rcv_.nxt.bytes_since(rcv_.wup) > rcv_.mss || is_drained;
  }
  if (!is_due && copied != 0 && (shutdown_ & kShutdownReceive) == 0) {
    const uint32_t left = rcv_.window_left();
    if (2 * uint64_t{left} <= rcv_.window_clamp) {
      const uint32_t proposed = propose_window();
      is_due = proposed != 0 && proposed >= 2 * left;
    }
  }
  if (is_due) send_ack(entry);
}

}  // namespace lxnet
