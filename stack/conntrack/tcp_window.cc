// Reading a segment, and whether it is within the windows that both sides have shown.
//
//   I    seq <= sender.max_end                              no further than the receiver allowed
//   II   end >= sender.end - receiver.max_window            not so old that the receiver cannot want it
//   III  sack <= receiver.end                               acknowledges what was sent
//   IV   sack >= receiver.end - largest window of the sender
#include "netdev/packet.hh"
#include "stack/conntrack/tcp_tracking.hh"
#include "stack/wire/tcp_options.hh"

namespace lxnet {
namespace {

constexpr uint32_t kLeastAckWindow = 66000;  // MAXACKWINCONST
constexpr uint8_t kMaxScale = 14;

uint32_t ack_window(const TcpSide& sender) { return sender.max_window > kLeastAckWindow ? sender.max_window : kLeastAckWindow; }

constexpr bool is_possible(TcpFlags flags) {
  constexpr uint16_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16, kUrg = 32;
  switch (flags.bits() & (kFin | kSyn | kRst | kAck | kUrg)) {
    case kSyn:
    case kSyn | kUrg:
    case kSyn | kAck:
    case kRst:
    case kRst | kAck:
    case kFin | kAck:
    case kFin | kAck | kUrg:
    case kAck:
    case kAck | kUrg:
      return true;
    default:
      return false;
  }
}

// tcp_options() and tcp_sack(): an option that lies about its size ends the list.
void read_options(ByteSpan options, TrackedSegment& segment) {
  segment.has_options = !options.empty();
  bool has_blocks = false;
  while (!options.empty()) {
    const TcpOptionKind kind{options[0]};
    if (kind == TcpOptionKind::EndOfList) return;
    if (kind == TcpOptionKind::NoOperation) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return;
    const ByteSpan value = options.subspan(2, options[1] - 2u);
    if (kind == TcpOptionKind::SackPermitted && value.empty()) segment.has_sack_permitted = true;
    if (kind == TcpOptionKind::WindowScale && value.size() == 1) {
      segment.scales = true;
      segment.scale = value[0] < kMaxScale ? value[0] : kMaxScale;
    }
    if (kind == TcpOptionKind::Sack && !has_blocks && value.size() >= 8 && value.size() % 8 == 0) {
      has_blocks = true;  // only the first such option is believed
      for (size_t at = 4; at < value.size(); at += 8) {
        Be32 right;
        copy_bytes(mutable_bytes_of(right), value.subspan(at));
        segment.sack_end = later_of(segment.sack_end, SeqNum(right.get()));
      }
    }
    options = options.subspan(options[1]);
  }
}

// tcp_init_sender(): its first SYN.
void begin_side(TcpSide& sender, TcpSide& receiver, size_t direction, const TrackedSegment& segment) {
  sender.end = sender.max_end = segment.end;
  sender.max_window = segment.header.window == 0 ? 1 : segment.header.window;
  if (segment.has_options) {
    sender.forget();
    sender.end = sender.max_end = segment.end;
    sender.max_window = segment.header.window == 0 ? 1 : segment.header.window;
    sender.scale = segment.scale;
    sender.scales = segment.scales;
    sender.has_sack = segment.has_sack_permitted;
  }
  // RFC 7323, 1.3: both sides offer it, or nobody scales.
  if (direction == 1 && !(sender.scales && receiver.scales)) sender.scale = receiver.scale = 0;
}

// The first segment from a side in the middle of a connection.
void pick_up_side(TcpSide& sender, TcpSide& receiver, const TrackedSegment& segment, SeqNum sack) {
  const uint32_t window = uint32_t{segment.header.window} << sender.scale;
  sender.end = segment.end;
  sender.max_window = window == 0 ? 1 : window;
  sender.max_end = segment.end + sender.max_window;
  if (receiver.max_window == 0) {
    receiver.end = receiver.max_end = sack;
  } else if (sack == receiver.end + 1) {
    receiver.end += 1;  // most likely the answer to a keepalive
  }
}

void note_retransmission(TcpTracking& tracking, size_t direction, SeqNum ack, const TrackedSegment& segment) {
  if (tracking.last_direction == direction && tracking.last_seq == segment.header.seq && tracking.last_ack == ack &&
      tracking.last_end == segment.end && tracking.last_window == segment.header.window) {
    if (tracking.retransmissions < UINT8_MAX) ++tracking.retransmissions;
    return;
  }
  tracking.last_direction = static_cast<uint8_t>(direction);
  tracking.last_seq = segment.header.seq;
  tracking.last_ack = ack;
  tracking.last_end = segment.end;
  tracking.last_window = segment.header.window;
  tracking.retransmissions = 0;
}

struct Edges {
  SeqNum seq, end, ack, sack;
};

// Rules I to IV.
WindowVerdict check_edges(TcpSide& sender, const TcpSide& receiver, const Edges& at) {
  const SeqNum lowest_ack = receiver.end - ack_window(sender) - 1;
  const bool is_in_receive_window = receiver.max_window != 0 && at.end.is_after(sender.end - receiver.max_window - 1);
  if (!at.seq.is_before(sender.max_end + 1)) {
    // More than the window allows by no more than a window: the receiver may take it all the same.
    const uint32_t overshot = at.end.bytes_since(sender.max_end) + 1;
    if (!is_in_receive_window || !at.sack.is_after(lowest_ack) || overshot > receiver.max_window ||
        !at.sack.is_before(receiver.end + 1)) {
      return WindowVerdict::Invalid;
    }
    sender.end = at.end;
    sender.has_unacknowledged = true;
    return WindowVerdict::Ignore;
  }
  if (!at.sack.is_before(receiver.end + 1)) return WindowVerdict::Invalid;
  if (receiver.max_window != 0 && !is_in_receive_window) return WindowVerdict::Ignore;
  return at.sack.is_after(lowest_ack) ? WindowVerdict::Accept : WindowVerdict::Ignore;
}

void learn(TcpSide& sender, TcpSide& receiver, const Edges& at, const TcpSegmentHeader& header) {
  const uint32_t window = header.flags.syn() ? header.window : uint32_t{header.window} << sender.scale;
  const uint32_t reach = window + at.sack.bytes_since(at.ack);
  if (sender.max_window < reach) sender.max_window = reach;
  if (at.end.is_after(sender.end)) {
    sender.end = at.end;
    sender.has_unacknowledged = true;
  }
  if (header.flags.ack()) {
    sender.max_ack = sender.has_max_ack ? later_of(sender.max_ack, at.ack) : at.ack;
    sender.has_max_ack = true;
  }
  if (receiver.max_window != 0 && at.end.is_after(sender.max_end)) receiver.max_window += at.end.bytes_since(sender.max_end);
  if ((at.sack + window).is_after(receiver.max_end - 1)) {
    receiver.max_end = at.sack + window;
    if (window == 0) receiver.max_end += 1;
  }
  if (at.ack == receiver.end) receiver.has_unacknowledged = false;
}

}  // namespace

bool read_segment(const Packet& packet, uint32_t at, TrackedSegment& segment) {
  uint8_t bytes[TcpHeader::kMaxSize];
  const size_t got = packet.read(at, bytes);
  if (got < sizeof(TcpHeader)) return false;
  const auto& header = *reinterpret_cast<const TcpHeader*>(bytes);
  const size_t size = header.header_size();
  if (size < sizeof(TcpHeader) || size > got || !is_possible(header.flags())) return false;
  segment.header = TcpSegmentHeader::from(header);
  const uint32_t controls = uint32_t{header.flags().syn()} + uint32_t{header.flags().fin()};
  segment.end = segment.header.seq + static_cast<uint32_t>(packet.size() - at - size) + controls;
  segment.sack_end = segment.header.ack;
  read_options(ByteSpan(bytes, size).subspan(sizeof(TcpHeader)), segment);
  return true;
}

WindowVerdict check_window(TcpTracking& tracking, size_t direction, TcpSegmentSort sort, const TrackedSegment& segment,
                           bool is_liberal) {
  TcpSide &sender = tracking.sides[direction], &receiver = tracking.sides[1 - direction];
  const TcpFlags flags = segment.header.flags;
  Edges at{.seq = segment.header.seq,
           .end = segment.end,
           .ack = segment.header.ack,
           .sack = receiver.has_sack ? segment.sack_end : segment.header.ack};
  const bool is_opening = tracking.state == TrackedTcpState::SynSent || tracking.state == TrackedTcpState::SynReceived;
  if (sender.max_window == 0) {
    if (flags.syn()) {
      begin_side(sender, receiver, direction, segment);
      if (!flags.ack()) return WindowVerdict::Accept;  // a simultaneous open
    } else {
      pick_up_side(sender, receiver, segment, at.sack);
    }
  } else if (flags.syn() && at.end.is_after(sender.end) && is_opening) {
    // RFC 9293, 3.4.1: who begins anew takes sequence numbers beyond those it had.
    begin_side(sender, receiver, direction, segment);
    if (direction == 1 && !flags.ack()) return WindowVerdict::Accept;
  }
  // Without an acknowledgment, or with the zero that some resets have, it is taken for a good one.
  if (!flags.ack() || (flags.rst() && at.ack == SeqNum(0))) at.ack = at.sack = receiver.end;
  // A reset that answers a SYN.
  if (flags.rst() && at.seq == SeqNum(0) && tracking.state == TrackedTcpState::SynSent) at.seq = at.end = sender.end;
  const WindowVerdict verdict = check_edges(sender, receiver, at);
  if (verdict != WindowVerdict::Accept) return sender.is_liberal || is_liberal ? WindowVerdict::Accept : verdict;
  learn(sender, receiver, at, segment.header);
  if (sort == TcpSegmentSort::Ack) note_retransmission(tracking, direction, at.ack, segment);
  return WindowVerdict::Accept;
}

}  // namespace lxnet
