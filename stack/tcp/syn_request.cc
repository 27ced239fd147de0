// SynRequest: a connection in SYN-RECEIVED in as little memory as possible.
#include <algorithm>

#include "stack/ip/options4.hh"
#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/emit.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/signature/keys.hh"
#include "stack/tcp/syn_cookie.hh"

namespace lxnet {

struct SynRequestTimer {
  static SynRequest& owner(Timer& timer) {
    alignas(SynRequest) static constexpr char kProbe[sizeof(SynRequest)] = {};
    const auto* probe = reinterpret_cast<const SynRequest*>(kProbe);
    const auto offset = reinterpret_cast<const char*>(&probe->timer_) - reinterpret_cast<const char*>(probe);
    return *reinterpret_cast<SynRequest*>(reinterpret_cast<char*>(&timer) - offset);
  }
  static bool hold(Timer& timer) { return owner(timer).ref_unless_zero(); }
  static void release(Timer& timer) { static_cast<void>(Ref<SynRequest>::adopt(&owner(timer))); }
  static constexpr TimerOwner kOwner = {&hold, &release};
};

SynRequest::SynRequest(TcpSocket& listener, const TcpSegment& segment)
    : SynRequest(listener, Handshake(segment, listener.mark_for(segment))) {
  turn_options(segment);
}

SynRequest::SynRequest(TcpSocket& listener, Handshake handshake)
    : MiniSocket(Kind::HalfOpen),
      Handshake(std::move(handshake)),
      listener_(Ref<TcpSocket>::share(listener)),
      timer_(&on_timer, &SynRequestTimer::kOwner) {
  demux.mini = this;
  demux.space = DemuxSpace::Tcp;
  demux.family = listener.family();
  demux.local = local.address;
  demux.remote = remote.address;
  demux.local_port = local.port;
  demux.remote_port = remote.port;
  demux.bound_interface = listener.options.bound_interface;
  demux.uid = listener.demux_.uid;
}

SynRequest::~SynRequest() {
  ASSERT(ticket == nullptr && !demux.is_added());
  static_cast<void>(listener_->stack().timers().cancel(timer_));
}

void SynRequest::destroy_self() {
  const Hal& hal = listener_->stack().hal();
  dispose(hal, this);
}

void SynRequest::end(Entry& entry) {
  TaskOwnership ownership(listener_->lock_, entry);
  if (listener_->listener_ != nullptr) listener_->listener_->remove(*this);
}

void SynRequest::on_timer(Entry& entry, Timer& timer) {
  SynRequest& request = SynRequestTimer::owner(timer);
  TcpSocket& socket = *request.listener_;
  PacketOwnership ownership(socket.lock_, entry);
  if (!ownership.is_owned()) {
    // Somebody is accepting; a millisecond later is as good.
    socket.stack().timers().arm(timer, entry.now() + Duration::millis(1));
    return;
  }
  if (!timer.claim() || socket.listener_ == nullptr || !request.listener_link.is_linked()) return;
  socket.listener_->time_out(entry, request);
}

uint32_t SynRequest::stamp_for(Instant now, TcpFlags flags) const {
  const auto millis = static_cast<uint32_t>(now.in_nanos() / 1'000'000);
  if (!is_cookie || !flags.syn()) return millis + ts_offset;
  return SynCookieOptions{.negotiated = negotiated, .peer_shift = peer_shift}.encode(millis) + ts_offset;
}

Duration SynRequest::timeout() const {
  const auto delay = Duration::seconds(int64_t{1} << std::min<uint8_t>(timeouts, 7));
  return std::min(delay, listener_->tcp_options->max_rto.get());
}

SynRequest::Progress SynRequest::progress(Entry& entry) const {
  TaskOwnership ownership(listener_->lock_, entry);
  const Duration left = timer_.is_armed() ? timer_.deadline() - entry.now() : Duration();
  return {.timeouts = timeouts, .retransmits = retransmits, .left = std::max(left, Duration())};
}

void SynRequest::turn_options(const TcpSegment& segment) {
  if (!segment.packet || !remote.address.is_v4()) return;
  const ByteSpan received = ip4_options_of(*segment.packet);
  if (received.empty()) return;
  auto turned = ip4_reply_options(received, remote.address.v4());
  if (!turned.is_ok()) return;
  const Ipv4Options options = turned.take().as_set_by_user();
  if (options.is_empty()) return;
  auto made = StickyHeaders::create_v4(listener_->stack().hal(), options.bytes());
  if (made.is_ok()) turned_options = made.take();
}

void SynRequest::emit(Entry& entry, Result<Route> route, TcpFlags flags, SeqNum seq, const TcpFastOpenCookie* cookie) {
  Stack& stack = listener_->stack();
  auto packet = Packet::create(stack.pool());
  if (!route.is_ok() || !packet.is_ok()) return;
  TcpEmission emission;
  emission.sticky = turned_options;
  if (turned_options && turned_options->has_route()) emission.final_destination = remote.address;
  if (listener_->md5_keys() != nullptr) emission.signing_key = listener_->md5_keys()->find(remote.address);
  emission.header.source_port = local.port;
  emission.header.destination_port = remote.port;
  emission.header.seq = seq;
  emission.header.ack = next;
  emission.header.flags = flags;
  emission.header.window = static_cast<uint16_t>(std::min<uint32_t>(window, 65535) >> (flags.syn() ? 0 : our_shift));
  if (flags.syn()) {
    emission.options.maximum_segment_size = advertised_mss;
    if (negotiated.window_scale) emission.options.window_scale = our_shift;
    emission.options.sack_permitted = negotiated.sack;
    if (negotiated.ecn) emission.header.flags |= kTcpEce;
    if (cookie != nullptr) emission.options.fast_open = *cookie;
  }
  if (negotiated.timestamps) {
    const uint32_t stamp = stamp_for(entry.now(), flags);
    emission.options.timestamps = {.value = stamp, .echo_reply = ts_recent};
    if (flags.syn()) {
      if (retransmits == 0) first_stamp = stamp;
      last_stamp = stamp;
    }
  }
  const IpSocketOptions& ip = *listener_->ip_options;
  emission.tos = remote.address.is_v4() ? ip.tos : ip.traffic_class;
  if (stack.tunables().values().tcp_reflect_tos != 0 && flags.syn())
    emission.tos = static_cast<uint8_t>((syn_tos & ~kEcnMask) | (emission.tos & kEcnMask));
  const int16_t ttl = remote.address.is_v4() ? ip.ttl : ip.hop_limit;
  emission.ttl = ttl < 0 ? uint8_t{0} : static_cast<uint8_t>(ttl);
  Ref<Packet> segment = packet.take();
  segment->mark = mark;
  segment->priority = listener_->options->priority;
  static_cast<void>(emit_segment(entry, std::move(segment), route.take(), emission));
}

void SynRequest::send_syn_ack(Entry& entry, Route way_back, const TcpFastOpenCookie* cookie) {
  if (retransmits == 0) sent_at = entry.now();
  Result<Route> route = way_back.output ? Result<Route>(std::move(way_back)) : listener_->route_to(entry, *this);
  emit(entry, std::move(route), kTcpSyn | kTcpAck, iss, cookie);
}

void SynRequest::repeat_syn_ack(Entry& entry) {
  if (retransmits < UINT8_MAX) ++retransmits;
  count(entry, Mib::TcpRetransSegs);
  count(entry, Mib::TcpExtTCPSynRetrans);
  send_syn_ack(entry, Route());
}

void SynRequest::send_ack(Entry& entry, SeqNum seq) { emit(entry, listener_->route_to(entry, *this), kTcpAck, seq, nullptr); }

// A reset too: only where nothing came for a minute does Linux let one pass that is older (tcp_paws_reject).
bool SynRequest::fails_paws(const TcpSegment& segment) const {
  const auto& stamps = segment.options.timestamps;
  return negotiated.timestamps && stamps && static_cast<int32_t>(stamps->value - ts_recent) < 0;
}

bool SynRequest::is_in_window(const TcpSegment& segment, SeqNum first) const {
  const SeqNum end = first + std::min<uint32_t>(window, 65535);
  return segment.seq == first || (segment.end().is_after(first) && segment.seq.is_before(end)) ||
         (segment.seq == end && segment.length() == 0);
}

bool SynRequest::was_answered_lately(Entry& entry, Mib skipped) {
  const auto least = Duration::millis(listener_->stack().tunables().values().tcp_invalid_ratelimit);
  if (entry.now() - answered_at < least) {
    count(entry, skipped);
    return true;
  }
  answered_at = entry.now();
  return false;
}

bool SynRequest::answers_too_soon(Entry& entry, const TcpSegment& segment) {
  // Data is not answered with an acknowledgment by the peer: no loop can come of it.
  if (segment.length() != 0 && !segment.flags.syn()) return false;
  return was_answered_lately(entry, Mib::TcpExtTCPACKSkippedSynRecv);
}

void SynRequest::challenge(Entry& entry, SeqNum seq) {
  if (was_answered_lately(entry, Mib::TcpExtTCPACKSkippedChallenge)) return;
  count(entry, Mib::TcpExtTCPChallengeACK);
  send_ack(entry, seq);
}

}  // namespace lxnet
