// Fast Open, the client's side (RFC 7413, 4.1.3): data in the SYN, for a server whose cookie is known.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

// Of net.ipv4.tcp_fastopen.
constexpr int32_t kClientEnabled = 1, kClientWithoutCookie = 4;

}  // namespace

// Whether the SYN may carry data, and what it says of cookies (Linux's tcp_fastopen_cookie_check).
TcpSocket::FastOpenPlan TcpSocket::plan_fast_open(Entry& entry) {
  TcpShared::FastOpen& shared = stack().tcp().fast_open();
  const TunableValues& tunables = stack().tunables().values();
  const PeerCache::Server known = stack().tcp().peers().find_server(peer_pair(), route_metrics(), entry.now());
  FastOpenPlan plan{.mss = known.mss, .has_option = false, .may_carry_data = false, .cookie = known.cookie};
  if (shared.is_paused(entry.now(), Duration::seconds(tunables.tcp_fastopen_blackhole_seconds))) return plan;
  fast_open_.ends_pause = shared.has_been_paused();
  if ((tunables.tcp_fastopen & kClientWithoutCookie) != 0 || tcp_options->fast_open_no_cookie ||
      route_metrics().get(RouteMetric::FastOpenWithoutCookie) != 0) {
    plan.may_carry_data = true;
    return plan;
  }
  plan.has_option = true;
  plan.may_carry_data = known.cookie.size != 0;
  if (!plan.may_carry_data) fast_open_.failure = FastOpenState::kCookieUnavailable;
  return plan;
}

// RFC 7413, 4.1.3: what is known of the server's MSS bounds the data; forty bytes are left to options that others may add.
SendRecord* TcpSocket::fill_syn(IoSource& source, uint32_t known_mss) {
  const uint32_t headers = (demux_.remote.is_v4() ? 20u : 40u) + 20u;
  const uint32_t mss = std::min(known_mss, snd_.path_mtu > headers ? snd_.path_mtu - headers : 0);
  constexpr uint32_t kOptionSpace = TcpHeader::kMaxOptionsSize;
  const auto room = static_cast<uint32_t>(std::min<size_t>(mss > kOptionSpace ? mss - kOptionSpace : 0, source.remaining()));
  if (room == 0) return nullptr;
  SendRecord* text = send_queue_.append_record(snd_.end, kTcpPsh);
  if (text == nullptr) return nullptr;
  const SendQueue::Copied copied = send_queue_.append_bytes(*text, source, room);
  if (copied.size == 0) {
    send_queue_.remove(*text);
    return nullptr;
  }
  snd_.end += copied.size;
  snd_.pushed = snd_.end;
  fast_open_.copied = static_cast<uint16_t>(copied.size);  // less than a packet
  return text;
}

// `source`: null for a connect() that only asks for a cookie.
void TcpSocket::send_fast_syn(Entry& entry, IoSource* source) {
  FastOpenPlan plan = plan_fast_open(entry);
  // A peer that nothing is known of is taken for one like this host, also should its SYN,ACK not say what it is.
  snd_.peer_mss = plan.mss != 0 ? plan.mss : rcv_.advertised_mss;
  if (tcp_options->max_segment != 0) snd_.peer_mss = std::min(snd_.peer_mss, tcp_options->max_segment);
  if (plan.may_carry_data) update_mss(entry, snd_.path_mtu);
  SendRecord* text = plan.may_carry_data && source != nullptr ? fill_syn(*source, snd_.peer_mss) : nullptr;
  // Of data that could not be had none goes, and the cookie is asked for again.
  if (text == nullptr && source != nullptr && source->remaining() != 0) plan.cookie.size = 0;
  Outgoing out{.seq = snd_.iss, .flags = kTcpSyn};
  if (plan.has_option) {
    out.cookie = &plan.cookie;
    fast_open_.has_asked = true;
    fast_open_.is_experimental = plan.cookie.form == TcpFastOpenCookie::Form::Experimental;
  }
  if (text != nullptr) {
    out.record = text;
    out.size = text->size;
  }
  if (!transmit(entry, out) || text == nullptr) return;
  fast_open_.sent_data = true;
  text->segments = 1;
  text->segment_size = static_cast<uint16_t>(text->size);
  send_queue_.mark_sent(*text);
  stamp_sent(*text, entry.now());
  recovery_.out += 1;
  snd_.nxt = snd_.end;
  count(entry, Mib::TcpExtTCPOrigDataSent);
  statistics_.start(TcpStatistics::Limit::Busy, entry.now());
}

// TCP_FASTOPEN_CONNECT: connect() is over at once, and the SYN leaves with the first data. False: no cookie is known, and the SYN
// leaves now to ask for one.
bool TcpSocket::may_defer_connect(Entry& entry) {
  fast_open_.is_deferred = plan_fast_open(entry).may_carry_data;
  return fast_open_.is_deferred;
}

// Linux's tcp_sendmsg_fastopen(): connect and the first data in one. EAGAIN: the handshake is under way, and who may block waits.
Result<size_t> TcpSocket::send_fast_open(Entry& entry, SendRequest& request) {
  if (!fast_open_.is_waiting) {
    if ((stack().tunables().values().tcp_fastopen & kClientEnabled) == 0) return Errno::EOPNOTSUPP;
    TRY(begin_fast_open(entry, request));
  }
  if (in(TcpState::SynSent | TcpState::SynReceived)) {
    if ((request.flags & kMessageDontWait) == 0) return Errno::EAGAIN;
    const size_t copied = end_fast_open();
    return copied != 0 ? Result<size_t>(copied) : Result<size_t>(Errno::EINPROGRESS);
  }
  const size_t copied = end_fast_open();
  if (phase_ == Phase::Connecting) TRY(finish_connect(entry));
  if (request.source.remaining() == 0) return copied;
  auto more = send_owned(entry, request);
  if (more.is_ok()) return copied + more.take();
  return copied != 0 ? Result<size_t>(copied) : std::move(more);
}

Result<> TcpSocket::begin_fast_open(Entry& entry, SendRequest& request) {
  if (fast_open_.is_deferred) {
    TRY(open_deferred(entry, request.source));
  } else if (phase_ == Phase::GivenUp) {
    return Errno::EINVAL;
  } else if (phase_ == Phase::Connected) {
    return Errno::EISCONN;
  } else if (phase_ == Phase::Unconnected) {
    if (state() != TcpState::Closed) return Errno::EISCONN;
    if (request.destination == nullptr) return Errno::EINVAL;
    TRY(start_connect(entry, *request.destination, Opening{.source = &request.source, .is_fast = true}));
    phase_ = Phase::Connecting;
  } else if (in(TcpState::SynSent | TcpState::SynReceived) && (request.flags & kMessageDontWait) != 0) {
    return Errno::EALREADY;
  }
  fast_open_.is_waiting = true;
  return ok();
}

Result<> TcpSocket::open_deferred(Entry& entry, IoSource& source) {
  fast_open_.is_deferred = false;
  const auto opened = send_first_syn(entry, Opening{.source = &source, .is_fast = true});
  if (!opened.is_ok()) finish(entry);
  return opened.is_ok() ? ok() : Result<>(opened.error());
}

// Whoever waited for the handshake does so no more; what went with the SYN.
size_t TcpSocket::end_fast_open() {
  fast_open_.is_waiting = false;
  return std::exchange(fast_open_.copied, uint16_t{0});
}

std::optional<size_t> TcpSocket::end_fast_open(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (!fast_open_.is_waiting) return std::nullopt;
  return end_fast_open();
}

// The SYN,ACK came (Linux's tcp_rcv_fastopen_synack). False: it did not take the data, which leaves again at once.
bool TcpSocket::take_fast_open_answer(Entry& entry, TcpSegment& segment) {
  const bool lacks_data = fast_open_.sent_data && !send_queue_.sent.is_empty();
  const TcpFastOpenCookie* cookie = fast_open_.has_asked && segment.options.fast_open ? &*segment.options.fast_open : nullptr;
  PeerCache::ServerNews news{.mss = segment.options.maximum_segment_size.value_or(536), .cookie = cookie};
  // Where the SYN was sent again without its option, a missing cookie says nothing.
  if (fast_open_.has_asked && statistics_.total_retransmits == 0 && cookie == nullptr && !fast_open_.sent_data) {
    news.experiment = fast_open_.is_experimental ? PeerCache::Experiment::Failed : PeerCache::Experiment::Try;
  }
  stack().tcp().peers().learn_server(peer_pair(), news, route_metrics(), entry.now());
  if (lacks_data) {
    fast_open_.failure =
        statistics_.total_retransmits != 0 ? FastOpenState::kSynRetransmitted : FastOpenState::kDataNotAcknowledged;
    count(entry, Mib::TcpExtTCPFastOpenActiveFail);
    for (SendRecord& record : send_queue_.sent) mark_lost(entry, record);
    retransmit_without_reduction(entry);
    return false;
  }
  fast_open_.data_acknowledged = fast_open_.sent_data;
  if (fast_open_.sent_data) {
    count(entry, Mib::TcpExtTCPFastOpenActive);
    // SYN and data were one segment.
    if (congestion_.delivered > 1) --congestion_.delivered;
  }
  return true;
}

// A loss that says nothing of congestion (Linux's tcp_non_congestion_loss_retransmit): everything again, the window as it is.
void TcpSocket::retransmit_without_reduction(Entry& entry) {
  if (congestion_.loss_state != LossState::Loss) {
    recovery_.high_seq = snd_.nxt;
    congestion_.ssthresh = current_threshold();
    recovery_.prior_ssthresh = 0;
    recovery_.may_undo = false;
    set_loss_state(entry, LossState::Loss);
  }
  retransmit_lost(entry);
}

// RFC 7413, 7.1: the network may swallow SYNs with data, or all that follows them.
void TcpSocket::note_fast_open_timeout(Entry& entry, bool has_expired) {
  const bool was_fast = fast_open_.has_asked || fast_open_.sent_data || fast_open_.data_acknowledged;
  if (!was_fast || !(recovery_.retransmits == 2 || (recovery_.retransmits < 2 && has_expired))) return;
  pause_fast_open(entry);
  if (in(TcpState::SynSent)) return;
  count(entry, Mib::TcpExtTCPFastOpenActiveFail);
}

void TcpSocket::pause_fast_open(Entry& entry) {
  if (stack().tunables().values().tcp_fastopen_blackhole_seconds == 0) return;
  stack().tcp().fast_open().note_black_hole(entry.now());
  count(entry, Mib::TcpExtTCPFastOpenBlackhole);
}

// At the connection's end: nothing but a FIN out of order came, or data did and the network is well.
void TcpSocket::judge_fast_open(Entry& entry) {
  if (!fast_open_.has_asked) return;
  if (statistics_.data_segments_in == 0) {
    if (out_of_order_.holds_only_fin()) pause_fast_open(entry);
  } else if (fast_open_.ends_pause && !demux_.remote.is_loopback()) {
    stack().tcp().fast_open().forget_black_holes();
  }
}

}  // namespace lxnet
