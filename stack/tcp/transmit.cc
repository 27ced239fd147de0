// One segment of a connection: its window, its options, its way to IP.
#include <algorithm>

#include "stack/ip/turn_around.hh"
#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/emit.hh"
#include "stack/tcp/tcp_socket.hh"
#include "stack/tcp/turned_segment.hh"
#include "stack/wire/ipv4.hh"

namespace lxnet {
namespace {

constexpr size_t kTimestampsSpace = 12, kSackHeaderSpace = 4, kSackBlockSpace = 8, kSignatureSpace = 20;

}  // namespace

TcpOptions TcpSocket::options_for(Entry& entry, const Outgoing& out, uint16_t& window) {
  TcpOptions options;
  const bool repeats_offer = out.flags.syn() && in(TcpState::SynReceived) && fast_open_request() == nullptr;
  const NegotiatedOptions wanted = repeats_offer ? offered_options() : negotiated_;
  if (wanted.timestamps) options.timestamps = {.value = timestamp_at(entry.now()), .echo_reply = rcv_.ts_recent};
  if (out.flags.syn()) {
    options.maximum_segment_size = rcv_.advertised_mss;
    options.sack_permitted = wanted.sack;
    if (wanted.window_scale) options.window_scale = rcv_.window_shift;
    if (out.cookie != nullptr) options.fast_open = *out.cookie;
    // RFC 7323, 2.2: the window of a SYN is never scaled.
    window = static_cast<uint16_t>(std::min<uint32_t>(rcv_.wnd, 65535));
    rcv_.wup = rcv_.nxt;
    return options;
  }
  window = select_window(entry);
  if (!negotiated_.sack || (sack_count_ == 0 && !has_dsack_)) return options;
  const size_t taken = (options.timestamps ? kTimestampsSpace : 0) + (signing_key() != nullptr ? kSignatureSpace : 0);
  const size_t room = TcpHeader::kMaxOptionsSize - taken - kSackHeaderSpace;
  const size_t limit = std::min<size_t>(room / kSackBlockSpace, TcpOptions::kMaxSackBlocks);
  // RFC 2883, 4: the duplicate comes first, and once.
  if (has_dsack_) {
    options.sack[options.sack_count++] = dsack_;
    has_dsack_ = false;
  }
  for (uint8_t i = 0; i < sack_count_ && options.sack_count < limit; ++i)
    options.sack[options.sack_count++] = out_of_order_.sacks()[i];
  return options;
}

// Nothing but text, an acknowledgment and time stamps, over IPv4: nearly every segment.
bool TcpSocket::is_plain(const Outgoing& out) const {
  return out.flags.without(kTcpPsh | kTcpFin) == kTcpAck && route_.destination.is_v4() && sack_count_ == 0 && !has_dsack_ &&
         !negotiated_.ecn && !snd_.is_urgent() && md5_keys() == nullptr && !attachments.has_options_v4();
}

TcpSegmentHeader TcpSocket::header_of(const Outgoing& out) const {
  TcpSegmentHeader header;
  header.source_port = demux_.local_port;
  header.destination_port = demux_.remote_port;
  header.seq = out.seq;
  if (out.flags.ack()) header.ack = rcv_.nxt;
  header.flags = out.flags;
  // As Linux: who reassembles the segments of one packet is told where it ends; the record itself is not marked.
  if (out.segments > 1 && !out.flags.syn()) header.flags |= kTcpPsh;
  return header;
}

Result<> TcpSocket::transmit_plain(Entry& entry, const Outgoing& out, Ref<Packet> packet) {
  PlainSegment segment;
  segment.header = header_of(out);
  segment.header.window = select_window(entry);
  segment.has_timestamps = negotiated_.timestamps;
  if (segment.has_timestamps) segment.timestamps = {.value = timestamp_at(entry.now()), .echo_reply = rcv_.ts_recent};
  segment.tos = ip_options->tos;
  segment.ttl = ip_options->ttl < 0 ? uint8_t{0} : static_cast<uint8_t>(ip_options->ttl);
  segment.path_mtu = ip_options->path_mtu_v4;
  note_transmitted(entry, out);
  return emit_plain_segment(entry, std::move(packet), route_, segment);
}

Result<> TcpSocket::transmit_any(Entry& entry, const Outgoing& out, Ref<Packet> packet) {
  TcpEmission emission;
  emission.header = header_of(out);
  emission.signing_key = signing_key();
  emission.options = options_for(entry, out, emission.header.window);
  if (snd_.is_urgent() && !out.flags.syn()) {
    const SeqNum up = snd_.up;
    if (up.is_after(out.seq) && up.bytes_since(out.seq) < 0x10000) {
      emission.header.flags |= kTcpUrg;
      emission.header.urgent_pointer = static_cast<uint16_t>(up.bytes_since(out.seq));
    } else if (up.is_after(out.seq) && (out.seq + 0xffff).is_after(snd_.nxt)) {
      emission.header.flags |= kTcpUrg;
      emission.header.urgent_pointer = 0xffff;
    }
  }
  emission.tos = route_.destination.is_v4() ? ip_options->tos : ip_options->traffic_class;
  // RFC 3168, 6.1.1: offered once; a network that dislikes the bits gets the next SYN without them (tcp_ecn_fallback).
  // An answer that speaks of it is believed all the same.
  if (negotiated_.ecn && in(TcpState::SynSent)) {
    const bool falls_back = recovery_.retransmits != 0 && stack().tunables().values().tcp_ecn_fallback != 0;
    if (!falls_back) emission.header.flags |= kTcpEce | kTcpCwr;
  }
  if (negotiated_.ecn && in(TcpState::SynReceived) && out.flags.syn()) emission.header.flags |= kTcpEce;
  if (negotiated_.ecn && !out.flags.syn()) {
    if (ecn_echo_) emission.header.flags |= kTcpEce;
    // RFC 3168, 6.1.5: retransmissions, pure acknowledgments and probes are not ECN-capable.
    if (out.size != 0 && out.seq.is_at_or_after(snd_.nxt) && !out.is_probe) {
      emission.tos = static_cast<uint8_t>((emission.tos & ~kEcnMask) | kEcnCapable0);
      if (ecn_cwr_pending_) {
        emission.header.flags |= kTcpCwr;
        ecn_cwr_pending_ = false;
      }
    }
  }
  const int16_t ttl = route_.destination.is_v4() ? ip_options->ttl : ip_options->hop_limit;
  emission.ttl = ttl < 0 ? uint8_t{0} : static_cast<uint8_t>(ttl);
  emission.path_mtu = route_.destination.is_v4() ? ip_options->path_mtu_v4 : ip_options->path_mtu_v6;
  emission.sticky = sticky_headers();
  if (emission.sticky && emission.sticky->has_route()) emission.final_destination = demux_.remote;
  emission.auto_flow_label = ip_options->auto_flow_label;
  note_transmitted(entry, out);
  return emit_segment(entry, std::move(packet), route_, emission);
}

void TcpSocket::note_transmitted(Entry& entry, const Outgoing& out) {
  last_left_at_ = entry.now();
  statistics_.segments_out += out.segments;
  if (out.size != 0) {
    statistics_.data_segments_out += out.segments;
    statistics_.bytes_sent += out.size;
  }
  if (out.flags.ack()) note_ack_sent(entry);
  if (out.size != 0 && !out.is_probe) note_data_sent(entry);
}

// The odd end of what was written in one go: while the full segment before it waits in this entry's input it is not a packet of
// its own. It is received, counted and acknowledged all the same.
bool TcpSocket::join_turned(Entry& entry, const Outgoing& out) {
  Packet* before = entry.last_input();
  if (before == nullptr || !before->is_turned_segment || before->segment_count != 1) return false;
  if (out.size >= snd_.mss || out.segments != 1 || out.flags.fin() || out.record->stamps != 0 || !is_plain(out)) return false;
  TurnedSegment& turned = TurnedSegment::of(*before);
  const size_t size_before = turned.payload_size(*before);
  TcpSegmentHeader header = header_of(out);
  const TcpTimestamps stamps{.value = timestamp_at(entry.now()), .echo_reply = rcv_.ts_recent};
  const bool goes_on = size_before == snd_.mss && turned.is_followed_by(header, stamps, route_, size_before);
  if (!goes_on || before->fragments().size() + out.record->fragment_count > Packet::kMaxFragments) return false;
  if (!SendQueue::cite(*out.record, out.seq.bytes_since(out.record->seq), out.size, *before).is_ok()) return false;
  header.window = select_window(entry);
  before->segment_size = static_cast<uint16_t>(size_before);
  turned.take_over(header, *before);
  const size_t size = sizeof(Ipv4Header) + turned.header.header_size + out.size;
  route_.output->count_turned(size);
  ip4_count_turned(entry, size, turned.ip.tos);
  count(entry, Mib::TcpOutSegs);
  count(entry, Mib::TcpInSegs);
  note_transmitted(entry, out);
  return true;
}

// False: nothing left (no memory, no route, a device's refusal); the record's fate is the caller's.
bool TcpSocket::transmit(Entry& entry, const Outgoing& out) {
  if (out.size != 0 && out.record != nullptr && join_turned(entry, out)) return true;
  auto created = Packet::create(stack().pool());
  if (!created.is_ok()) return false;
  Ref<Packet> packet = created.take();
  if (out.record != nullptr && out.size != 0) {
    const uint32_t offset = out.flags.syn() ? 0 : out.seq.bytes_since(out.record->seq);
    if (!SendQueue::cite(*out.record, offset, out.size, *packet).is_ok()) return false;
  }
  if (!refresh_route(entry).is_ok()) return false;
  if (route_.kind == RouteKind::Local) packet->receiver_hashes.flow = peer_flow_hash();
  packet->mark = options.mark;
  packet->priority = options->priority;
  packet->flow_hash = transmit_hash_;
  packet->segment_count = out.segments;
  if (out.segments > 1) {
    packet->segmentation = SegmentationKind::Tcp;
    packet->segment_size = out.record != nullptr && out.record->segment_size != 0 ? out.record->segment_size : snd_.mss;
  }
  const bool is_stamped = out.record != nullptr && out.record->stamps != 0;
  if (is_stamped) [[unlikely]]
    stamp_packet(*packet, out);
  const auto sent = is_plain(out) ? transmit_plain(entry, out, std::move(packet)) : transmit_any(entry, out, std::move(packet));
  if (sent.is_ok()) {
    if (is_stamped) [[unlikely]]
      report_stamps_sent(out);
    return true;
  }
  if (sent.is_error(Errno::EMSGSIZE)) update_mss(entry, route_.mtu);
  return false;
}

namespace {

// What carries no data has a number of the window that the peer told last, which may end before what was sent; but for what
// rounding takes off a window (tcp_acceptable_seq()).
SeqNum acceptable_seq(const SendState& snd, const ReceiveState& rcv, bool scales_windows) {
  const SeqNum end = snd.window_end();
  if (!end.is_before(snd.nxt)) return snd.nxt;
  const bool is_rounded = scales_windows && snd.nxt.bytes_since(end) < 1u << rcv.window_shift;
  return is_rounded ? snd.nxt : end;
}

}  // namespace

void TcpSocket::send_ack(Entry& entry) { send_ack_with(entry, acceptable_seq(snd_, rcv_, negotiated_.window_scale)); }

// An ACK that may repeat an old sequence number: probes and keepalives.
void TcpSocket::send_ack_with(Entry& entry, SeqNum seq) {
  if (in(TcpState::Closed)) return;
  if (transmit(entry, {.seq = seq, .flags = kTcpAck})) return;
  // Without memory the acknowledgment is owed, and tried again.
  ack_.is_scheduled = true;
  ack_.ato = Duration::millis(40);
  arm_ack_timer(entry, Duration::millis(200));
}

void TcpSocket::send_duplicate_ack(Entry& entry, SackBlock dsack) {
  if (negotiated_.sack && dsack.left != dsack.right && stack().tunables().values().tcp_dsack != 0) {
    dsack_ = dsack;
    has_dsack_ = true;
  }
  send_ack(entry);
}

// RFC 9293 3.10.5 (ABORT): <SEQ=SND.NXT><CTL=RST>, with ACK as Linux sends it.
void TcpSocket::send_reset(Entry& entry) {
  count(entry, Mib::TcpOutRsts);
  const SeqNum seq = acceptable_seq(snd_, rcv_, negotiated_.window_scale);
  static_cast<void>(transmit(entry, {.seq = seq, .flags = kTcpRst | kTcpAck}));
}

void TcpSocket::send_syn(Entry& entry) {
  TcpFlags flags = kTcpSyn;
  if (in(TcpState::SynReceived)) flags |= kTcpAck;
  static_cast<void>(transmit(entry, {.seq = snd_.iss, .flags = flags}));
}

bool TcpSocket::has_answered_within(Entry& entry, Duration interval) const {
  return !out_of_window_answered_at_.is_none() && out_of_window_answered_at_.age(entry.now()) < interval;
}

// RFC 5961, 7: one each half second for a connection, and of the whole stack so many a second (no limit by default, as on Linux).
void TcpSocket::challenge(Entry& entry) {
  const TunableValues& tunables = stack().tunables().values();
  const auto interval = Duration::millis(tunables.tcp_invalid_ratelimit);
  if (has_answered_within(entry, interval)) {
    count(entry, Mib::TcpExtTCPACKSkippedChallenge);
    return;
  }
  out_of_window_answered_at_ = entry.now();
  const int32_t limit = tunables.tcp_challenge_ack_limit;
  if (limit != INT32_MAX && !stack().tcp().admit_challenge(stack().hal(), entry.now(), static_cast<uint32_t>(std::max(limit, 0))))
    return;
  count(entry, Mib::TcpExtTCPChallengeACK);
  send_ack(entry);
}

// Segments with text are always answered: they may be retransmissions whose acknowledgment was lost.
bool TcpSocket::may_answer_out_of_window(Entry& entry, const TcpSegment& segment, const Verdict& verdict) {
  if (segment.length() != 0 && !segment.flags.syn()) return true;
  if (has_answered_within(entry, Duration::millis(stack().tunables().values().tcp_invalid_ratelimit))) {
    count(entry, verdict.reason == DropReason::TcpPaws ? Mib::TcpExtTCPACKSkippedPAWS : Mib::TcpExtTCPACKSkippedSeq);
    return false;
  }
  out_of_window_answered_at_ = entry.now();
  return true;
}

// Linux's tcp_send_dupack(): what came again says that an acknowledgment was lost, and the peer should know that it was not
// needed.
void TcpSocket::answer_old_segment(Entry& entry, const TcpSegment& segment) {
  const bool is_kept = in(TcpState::FinWait2) && is_orphan_;  // as a TIME-WAIT by Linux, which says nothing of what came twice
  if (!is_kept && segment.length() != 0 && segment.seq.is_before(rcv_.nxt)) {
    count(entry, Mib::TcpExtDelayedACKLost);
    enter_quick_ack_mode(16);
    if (negotiated_.sack && stack().tunables().values().tcp_dsack != 0) {
      count(entry, Mib::TcpExtTCPDSACKOldSent);
      dsack_ = {segment.seq, earlier_of(segment.end(), rcv_.nxt)};
      has_dsack_ = true;
    }
  }
  send_ack(entry);
}

}  // namespace lxnet
