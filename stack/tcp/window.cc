// The window we announce: from buffer memory to bytes, never shrunk, without silliness (RFC 9293 3.8.6.2), and autotuned.
#include <algorithm>
#include <bit>
#include <utility>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

// Linux's TCP_MSS_DEFAULT and TCP_MIN_MSS.
constexpr uint32_t kDefaultSegment = 536, kLeastSegment = 88;

constexpr uint32_t round_up(uint32_t value, uint32_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

// Part of the memory a packet costs is not payload; how much is measured as packets come.
uint32_t TcpSocket::buffer_to_window(uint64_t space) const {
  return static_cast<uint32_t>(std::min<uint64_t>(space * rcv_.scaling_ratio >> 8, 1u << 30));
}

uint32_t TcpSocket::receive_charge() const {
  return receive_charge_ + static_cast<uint32_t>(out_of_order_.charge()) + lock_.backlog_bytes();
}

uint32_t TcpSocket::free_window() const {
  const uint32_t used = receive_charge();
  return used >= options.receive_buffer ? 0 : buffer_to_window(options.receive_buffer - used);
}

uint32_t TcpSocket::full_window() const { return buffer_to_window(options.receive_buffer); }

// What the window would be if it might shrink.
uint32_t TcpSocket::propose_window() {
  const uint32_t allowed = full_window();
  const uint32_t full = std::min(rcv_.window_clamp, allowed);
  uint32_t mss = rcv_.mss;
  uint32_t free = free_window();
  if (mss > full) {
    mss = full;
    if (mss == 0) return 0;
  }
  if (may_shrink_window()) return propose_any_window(free, full, mss);
  if (free < full / 2) {
    ack_.quick = 0;
    if (is_under_pressure()) rcv_.window_goal = std::min(rcv_.window_goal, 4u * rcv_.advertised_mss);
    // Rounding up to the scale must not make a window of what is nearly nothing.
    free = free >> rcv_.window_shift << rcv_.window_shift;
    if (free < allowed / 16 || free < mss) return 0;
  }
  free = std::min(free, rcv_.window_goal);
  if (rcv_.window_shift != 0) return round_up(free, 1u << rcv_.window_shift);
  // Unscaled: keep the edge unless it may move by a segment.
  uint32_t window = rcv_.wnd;
  if (window + mss <= free || window > free) {
    window = free / mss * mss;
  } else if (mss == full && free > window + full / 2) {
    window = free;
  }
  return window;
}

// tcp_shrink_window, where there is a scale to shrink by.
bool TcpSocket::may_shrink_window() const { return rcv_.window_shift != 0 && stack().tunables().values().tcp_shrink_window != 0; }

// What there is room for, whatever was announced before.
uint32_t TcpSocket::propose_any_window(uint32_t free, uint32_t full, uint32_t mss) {
  const uint32_t unit = 1u << rcv_.window_shift;
  free = free / unit * unit;
  if (free < full / 2) {
    ack_.quick = 0;
    if (is_under_pressure()) rcv_.window_goal = std::min(rcv_.window_goal, 4u * rcv_.advertised_mss);
    if (free < full_window() / 16 || free < mss || free < unit) return 0;
  }
  return free > rcv_.window_goal ? round_up(rcv_.window_goal, unit) : free;
}

// The header's field. RFC 9293 3.8.6: "a receiver SHOULD NOT shrink the window".
uint16_t TcpSocket::select_window(Entry& entry) {
  const uint32_t before = rcv_.wnd;
  if (ack_.has_no_memory) [[unlikely]] {
    // Linux's ICSK_ACK_NOMEM: what came could not be kept.
    rcv_.wnd = 0;
    rcv_.wup = rcv_.nxt;
    return 0;
  }
  const uint32_t left = rcv_.window_left();
  uint32_t window = propose_window();
  if (window < left && !may_shrink_window()) {
    if (window == 0) count(entry, Mib::TcpExtTCPWantZeroWindowAdv);
    window = round_up(left, 1u << rcv_.window_shift);
  }
  // As Linux: without a scale more may be taken than the field can say.
  rcv_.wnd = window;
  rcv_.wup = rcv_.nxt;
  const bool is_signed = rcv_.window_shift == 0 && stack().tunables().values().tcp_workaround_signed_windows != 0;
  window = std::min<uint32_t>(window, is_signed ? 32767u : 65535u << rcv_.window_shift) >> rcv_.window_shift;
  if (window == 0 && before != 0) count(entry, Mib::TcpExtTCPToZeroWindowAdv);
  if (window != 0 && before == 0) count(entry, Mib::TcpExtTCPFromZeroWindowAdv);
  return static_cast<uint16_t>(window);
}

// Before the SYN: the largest window the buffer could ever justify decides the scale (RFC 7323, 2.3).
// The window is a multiple of the segments that will fill it.
void TcpSocket::choose_initial_window(const RouteMetrics& metrics, uint32_t segment) {
  const TunableValues& tunables = stack().tunables().values();
  const uint32_t clamp = rcv_.window_clamp == 0 ? 65535u << TcpOptions::kMaxWindowScale : rcv_.window_clamp;
  uint32_t space = std::min(clamp, full_window());
  if (space > segment) space = space / segment * segment;
  // Some read the field as a signed number.
  if (tunables.tcp_workaround_signed_windows != 0) space = std::min(space, 32767u);
  if (const uint32_t segments = metrics.get(RouteMetric::InitialReceiveWindow); segments != 0) {
    rcv_.wnd = static_cast<uint32_t>(std::min<uint64_t>(space, uint64_t{segments} * segment));
  } else {
    rcv_.wnd = space;
  }
  rcv_.window_shift = 0;
  if (negotiated_.window_scale) {
    uint32_t largest = std::max({space, static_cast<uint32_t>(tunables.tcp_rmem[2]), static_cast<uint32_t>(tunables.rmem_max)});
    largest = std::min(largest, clamp);
    const int bits = static_cast<int>(std::bit_width(largest)) - 1 - 15;
    rcv_.window_shift = static_cast<uint8_t>(std::clamp(bits, 0, int{TcpOptions::kMaxWindowScale}));
  }
  rcv_.window_clamp = std::min<uint32_t>(65535u << rcv_.window_shift, clamp);
  rcv_.window_goal = rcv_.wnd;
}

// The peer's segment size decides when an acknowledgment is due and how much of the buffer is payload (tcp_measure_rcv_mss).
void TcpSocket::measure_segment_size(const TcpSegment& arrived) {
  const Packet& packet = *arrived.packet;
  const bool is_offloaded = packet.segmentation == SegmentationKind::Tcp || packet.segment_count > 1;
  const uint32_t whole_size = arrived.size + arrived.known;
  const uint32_t size = is_offloaded ? std::max<uint32_t>(packet.segment_size, 1) : whole_size;
  const uint32_t last_size = std::exchange(rcv_.last_size, uint16_t{0});
  if (size >= rcv_.mss) {
    if (size != rcv_.mss) {
      const uint64_t ratio = (uint64_t{whole_size} << 8) / std::max<uint32_t>(packet.true_size(), 1);
      const uint8_t old_ratio = std::exchange(rcv_.scaling_ratio, static_cast<uint8_t>(std::clamp<uint64_t>(ratio, 1, 255)));
      if (old_ratio != rcv_.scaling_ratio) {
        clamp_window(full_window());
        autotune_.space = std::min(autotune_.space, rcv_.window_clamp);
      }
    }
    rcv_.mss = static_cast<uint16_t>(std::min<uint32_t>(size, rcv_.advertised_mss));
    // The end of a write: when the reader has it all, the sender, who may be waiting, is told.
    if (arrived.flags.psh()) ack_.saw_push = true;
    return;
  }
  // Two equal ones in a row, of a size that some network may have for its largest, are full segments. Options count, so that
  // SACK blocks make no difference.
  const uint32_t whole = size + arrived.header_size;
  const bool may_be_full = !arrived.flags.has_any(kTcpFin | kTcpUrg | kTcpSyn | kTcpPsh);
  if (whole >= kDefaultSegment + sizeof(TcpHeader) || (may_be_full && whole >= kLeastSegment + sizeof(TcpHeader))) {
    const uint32_t usual_header = sizeof(TcpHeader) + (negotiated_.timestamps ? 12 : 0);
    rcv_.last_size = static_cast<uint16_t>(whole - std::min(whole, usual_header));
    if (rcv_.last_size == last_size) {
      rcv_.mss = rcv_.last_size;
      return;
    }
  }
  if (ack_.saw_push) ack_.saw_push_twice = true;
  ack_.saw_push = true;
}

// A new bound of the window: what it may grow to follows (tcp_set_window_clamp).
void TcpSocket::clamp_window(uint32_t clamp) {
  constexpr uint32_t kLeast = 1152;
  clamp = std::max(clamp, kLeast);
  const uint32_t old = std::exchange(rcv_.window_clamp, clamp);
  if (clamp < old) rcv_.window_goal = std::min(rcv_.window_goal, clamp);
  if (clamp > old) rcv_.window_goal = std::max(rcv_.window_goal, std::min(rcv_.wnd, clamp));
}

// As data comes in segments worth their memory, the window may open towards the whole buffer (tcp_grow_window). Segments that
// cost more than they carry open it as long as so many of them would fit. What comes in order is charged by now, as it was
// joined to what is there, and what does not is not yet.
void TcpSocket::grow_window_goal(uint32_t cost, uint32_t size) {
  const uint32_t limit = std::min(rcv_.window_clamp, free_window());
  if (rcv_.window_goal >= limit) return;
  if (is_under_pressure()) {
    rcv_.window_goal = std::min(rcv_.window_goal, 4u * rcv_.advertised_mss);
    return;
  }
  uint32_t step = 0;
  if (buffer_to_window(cost) <= size) {
    step = 2u * rcv_.advertised_mss;
  } else {
    uint32_t scaled = buffer_to_window(cost) / 2;
    uint32_t window = buffer_to_window(static_cast<uint64_t>(stack().tunables().values().tcp_rmem[2])) / 2;
    for (; rcv_.window_goal <= window && step == 0; scaled /= 2, window /= 2) {
      if (scaled <= size) step = 2u * rcv_.mss;
    }
  }
  if (step == 0) return;
  rcv_.window_goal += std::min(limit - rcv_.window_goal, std::max(step, 2 * size));
  ack_.quick |= 1;
}

// Dynamic right-sizing: twice what the application reads in a round trip, and room for the sender's slow start.
void TcpSocket::adapt_receive_buffer(Entry& entry) {
  const Duration elapsed = autotune_.round_start.age(entry.now());
  const Duration rtt = Duration::micros(autotune_.rtt_8_micros >> 3);
  if (autotune_.rtt_8_micros == 0 || elapsed < rtt) return;
  // What was read, without what waits still.
  const auto copied = static_cast<int64_t>(rcv_.copied.bytes_since(autotune_.copied_seq)) - rcv_.nxt.bytes_since(rcv_.copied);
  if (copied > int64_t{autotune_.space}) grow_receive_buffer(static_cast<uint32_t>(copied));
  autotune_.copied_seq = rcv_.copied;
  autotune_.round_start = entry.now();
}

// `space`: what the application takes in a round trip now. The buffer is a round trip behind, so twice that must fit (Linux's
// tcp_rcvbuf_grow); where the path is short, slow start is given its room little by little.
void TcpSocket::grow_receive_buffer(uint32_t space) {
  const TunableValues& tunables = stack().tunables().values();
  const uint32_t before = std::exchange(autotune_.space, space);
  if (tunables.tcp_moderate_rcvbuf == 0 || options.receive_buffer_locked) return;
  uint64_t window = 2 * uint64_t{space};
  const uint64_t rtt = autotune_.rtt_8_micros >> 3;
  const auto short_path = static_cast<uint64_t>(tunables.tcp_rcvbuf_low_rtt_micros);
  if (rtt < short_path) {
    window += window * rtt / short_path;
  } else {
    window += 2 * window * (space - before) / std::max<uint32_t>(before, 1);
  }
  if (!out_of_order_.is_empty()) window += out_of_order_.last_end().bytes_since(rcv_.nxt);
  const uint64_t most = static_cast<uint64_t>(tunables.tcp_rmem[2]);
  const auto memory = static_cast<uint32_t>(std::min((window << 8) / rcv_.scaling_ratio, most));
  if (memory <= options.receive_buffer) return;
  options.receive_buffer = memory;
  rcv_.window_clamp = buffer_to_window(memory);
}

namespace {

// The receiver's estimate takes the minimum quickly and rises slowly.
void add_receive_rtt(uint32_t& rtt_8, int64_t sample_micros, bool may_rise) {
  const uint32_t sample = static_cast<uint32_t>(std::clamp<int64_t>(sample_micros, 1, 60'000'000));
  if (rtt_8 == 0 || sample << 3 < rtt_8) {
    rtt_8 = sample << 3;
  } else if (may_rise) {
    rtt_8 = rtt_8 - (rtt_8 >> 3) + sample;
  }
}

}  // namespace

// Without timestamps: how long one window's worth takes to arrive. `next`: what is expected after what has come now.
void TcpSocket::measure_receive_rtt(Instant now, SeqNum next) {
  if (!autotune_.rtt_start.is_none()) {
    if (next.is_before(autotune_.rtt_seq)) return;
    add_receive_rtt(autotune_.rtt_8_micros, autotune_.rtt_start.age(now).in_micros(), false);
  }
  autotune_.rtt_seq = next + rcv_.wnd;
  autotune_.rtt_start = now;
}

// From timestamps: a full segment that echoes something we sent, the first with that echo. While data waits for the reader its
// time may be part of the sample, so that only a smaller one counts. The handshake's last segment does not count. A segment
// without stamps goes by the echo that was heard last, as in Linux.
void TcpSocket::measure_receive_rtt_by_timestamp(const TcpSegment& segment, Instant now) {
  if (segment.ends_handshake) return;
  const uint32_t echo = autotune_.heard_echo;
  if (std::exchange(autotune_.last_echo, echo) == echo || echo == 0 || segment.length() < rcv_.mss) return;
  const uint32_t delta = timestamp_at(now) - echo;
  if (delta == 0 || delta > INT32_MAX / 1000) return;
  add_receive_rtt(autotune_.rtt_8_micros, int64_t{delta} * 1000, rcv_.nxt == rcv_.copied);
}

}  // namespace lxnet
