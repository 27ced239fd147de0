// Fast Open, the server's side (RFC 7413, 4.1.2 and 4.2): a SYN with a good cookie makes a connection that may already talk; its
// handshake's last segment only confirms it.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/emit.hh"
#include "stack/tcp/listener.hh"

namespace lxnet {
namespace {

// Of net.ipv4.tcp_fastopen.
constexpr int32_t kServerEnabled = 2, kServerWithoutCookie = 0x200;

}  // namespace

// Linux's tcp_try_fastopen(). `answer` is what the SYN,ACK says of cookies, if anything.
bool Listener::try_fast_open(Entry& entry, Ref<SynRequest>& request, TcpSegment& segment,
                             std::optional<TcpFastOpenCookie>& answer) {
  const std::optional<TcpFastOpenCookie> offered = segment.options.fast_open;
  if (offered && offered->is_request()) count(entry, Mib::TcpExtTCPFastOpenCookieReqd);
  const int32_t mode = socket_.stack().tunables().values().tcp_fastopen;
  FastOpenQueue* queue = socket_.fast_open_queue();
  if ((mode & kServerEnabled) == 0 || (segment.size == 0 && !offered) || queue == nullptr || queue->limit() == 0) return false;
  if (!queue->has_room(entry.now())) {
    count(entry, Mib::TcpExtTCPFastOpenListenOverflow);
    return false;
  }
  const bool needs_cookie = (mode & kServerWithoutCookie) == 0 && !socket_.tcp_options->fast_open_no_cookie &&
                            socket_.metrics_to(*request).get(RouteMetric::FastOpenWithoutCookie) == 0;
  size_t key = 1;
  FastOpenKeys keys;
  if (needs_cookie) {
    if (!offered) return false;
    keys = queue->keys();
    if (keys.count == 0) keys = socket_.stack().tcp().fast_open().keys();
    if (keys.count == 0) return false;
    key = offered->is_request() ? 0 : keys.find(*offered, request->remote.address, request->local.address);
    // Who asks, or has an old or a false one, is told the right one.
    if (key != 1) {
      answer = keys.cookie(0, request->remote.address, request->local.address);
      answer->form = offered->form;
    }
    if (offered->is_request()) return false;
  }
  if (key == 0 || !open_fast(entry, request, segment, answer ? &*answer : nullptr)) {
    count(entry, Mib::TcpExtTCPFastOpenPassiveFail);
    return false;
  }
  count(entry, Mib::TcpExtTCPFastOpenPassive);
  if (key == 2) count(entry, Mib::TcpExtTCPFastOpenPassiveAltKey);
  return true;
}

// The connection is in the tables and will be in the accept queue; nobody else has its lock yet.
bool Listener::open_fast(Entry& entry, Ref<SynRequest>& request, TcpSegment& segment, const TcpFastOpenCookie* answer) {
  auto created = socket_.create_child(entry, *request, segment);
  if (!created.is_ok()) return false;
  FastOpenTicket* ticket = socket_.fast_open_queue()->join();
  if (ticket == nullptr) return false;
  Ref<TcpSocket> child = created.take();
  request->fast_open_queue = socket_.rare()->fast_open_queue;
  request->ticket = ticket;
  PacketOwnership ownership(child->lock_, entry);
  ASSERT(ownership.is_owned());
  if (!child->open_by_syn(entry, socket_, request, segment).is_ok()) {
    request->leave_fast_open(FastOpenQueue::Left::Well, entry.now());
    return false;
  }
  count(entry, Mib::TcpPassiveOpens);
  request->send_syn_ack(entry, Route(), answer);
  enqueue(std::move(child));
  return true;
}

void SynRequest::leave_fast_open(FastOpenQueue::Left how, Instant now) {
  if (ticket == nullptr) return;
  // Nobody has seen one that was reset in the queue: it costs the user nothing.
  if (!is_accepted) how = FastOpenQueue::Left::Well;
  fast_open_queue->leave(std::exchange(ticket, nullptr), how, now);
}

// As open_passively(), from a SYN. Its text is the first to be read.
Result<> TcpSocket::open_by_syn(Entry& entry, TcpSocket& listener, const Ref<SynRequest>& request, TcpSegment& segment) {
  RareParts* rare = make_rare();
  if (rare == nullptr) return Errno::ENOMEM;
  TRY(join_tables(listener, *request));
  rare->fast_open_request = request;
  fast_open_.is_child = true;
  snd_.wl1 = segment.seq;
  enter(entry, TcpState::SynReceived);
  initialise_transfer(entry);
  // The window of a SYN is not scaled, and says nothing of how large a segment may be.
  snd_.wnd = snd_.max_wnd = segment.window;
  take_syn_text(segment);
  rcv_.wup = rcv_.nxt;
  request->next = rcv_.nxt;
  arm_probe_timer(entry, ProbeTimer::Retransmit, request->timeout());
  return ok();
}

// Linux's tcp_check_req() for a connection opened by its SYN: what belongs to the handshake is dealt with here.
Step TcpSocket::check_fast_open(Entry& entry, TcpSegment& segment, Verdict& verdict) {
  SynRequest& request = *fast_open_request();
  const bool fails_paws = request.fails_paws(segment);
  const TcpFlags kind = segment.flags & (kTcpRst | kTcpSyn | kTcpAck);
  if (segment.seq == request.irs && kind == kTcpSyn && !fails_paws) {
    if (!request.answers_too_soon(entry, segment)) {
      request.repeat_syn_ack(entry);
      ++statistics_.total_retransmits;
    }
    return verdict.drop_for(DropReason::TcpOldData);
  }
  const SeqNum first = request.next;
  const bool is_inside = request.is_in_window(segment, first);
  if (fails_paws || !is_inside) {
    // The request answers and not the connection, which does not count it.
    if (!segment.flags.rst() && !request.answers_too_soon(entry, segment)) request.send_ack(entry, snd_.nxt);
    if (fails_paws) count(entry, Mib::TcpExtPAWSEstab);
    return verdict.drop_for(fails_paws ? DropReason::TcpPaws : DropReason::TcpOutOfWindow);
  }
  if (segment.flags.rst() && segment.seq != first) {
    request.challenge(entry, snd_.nxt);
    return verdict.drop_for(DropReason::TcpReset);
  }
  if (segment.flags.rst()) {
    count(entry, Mib::TcpAttemptFails);
    request.leave_fast_open(FastOpenQueue::Left::Reset, entry.now());
    rare()->fast_open_request = nullptr;
    reset_by_peer(entry, verdict);
    return verdict.drop_for(DropReason::TcpReset);
  }
  if (segment.flags.syn() && segment.seq != request.irs) {
    count(entry, Mib::TcpAttemptFails);
    verdict.reset_peer = true;
    return verdict.drop_for(DropReason::TcpInvalidState);
  }
  return segment.flags.ack() ? Step::Continue : verdict.drop_for(DropReason::TcpInvalidState);
}

// The handshake's last segment came (Linux's tcp_rcv_synrecv_state_fastopen).
void TcpSocket::confirm_fast_open(Entry& entry) {
  SynRequest& request = *fast_open_request();
  int64_t rtt = -1;
  if (request.retransmits == 0) {
    rtt = std::max<int64_t>((entry.now() - request.sent_at).in_micros(), 1);
  } else if (negotiated_.timestamps && rcv_.ts_echo != 0) {
    rtt = int64_t{std::max(timestamp_at(entry.now()) - rcv_.ts_echo, 1u)} * 1000;
  }
  if (!rtt_.has_sample() && rtt >= 0) {
    rtt_.add_sample(rtt, snd_.una, snd_.nxt);
    rtt_.add_min_sample(rtt, entry.now(), Duration::seconds(stack().tunables().values().tcp_min_rtt_wlen));
  }
  // That the SYN,ACK was repeated says nothing of what is sent from now on.
  if (congestion_.loss_state == LossState::Loss && recovery_.out == 0) static_cast<void>(undo_recovery(entry));
  statistics_.end_timeouts(entry.now());
  recovery_.retransmits = 0;
  forget_retransmit_time();
  leave_fast_open(entry);
  // The timer served the SYN,ACK so far.
  if (recovery_.out == 0) {
    cancel(Deadlines::Kind::Probe);
  } else {
    arm_probe_timer(entry, ProbeTimer::Retransmit, current_rto());
  }
}

void TcpSocket::leave_fast_open(Entry& entry) {
  if (fast_open_request() == nullptr) return;
  fast_open_request()->leave_fast_open(FastOpenQueue::Left::Well, entry.now());
  rare()->fast_open_request = nullptr;
}

// Linux's tcp_fastopen_synack_timer(): one more than a plain SYN,ACK gets.
void TcpSocket::repeat_fast_syn_ack(Entry& entry) {
  SynRequest& request = *fast_open_request();
  const int32_t limit = tcp_options->syn_count != 0 ? tcp_options->syn_count : stack().tunables().values().tcp_synack_retries + 1;
  count(entry, Mib::TcpExtTCPTimeouts);
  if (request.timeouts >= limit) {
    count(entry, Mib::TcpExtTCPAbortOnTimeout);
    return abort_with(entry, soft_error_ != Errno{} ? soft_error_ : Errno::ETIMEDOUT);
  }
  if (recovery_.retransmits == 1) enter_loss(entry);
  request.repeat_syn_ack(entry);
  ++statistics_.total_retransmits;
  ++request.timeouts;
  count_retransmission(entry);
  if (recovery_.first_retransmit_at.is_none()) recovery_.first_retransmit_at = entry.now();
  arm_probe_timer(entry, ProbeTimer::Retransmit, request.timeout());
}

}  // namespace lxnet
