// LISTEN (RFC 9293 3.10.7.2): SYNs become requests, the handshake's last segment turns a request into a socket. What happens when
// a queue is full is Linux's: tcp_conn_request, tcp_check_req.
#include "stack/tcp/listener.hh"

#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/emit.hh"

namespace lxnet {
namespace {

PacketTuple tuple_of(const TcpSegment& segment) {
  return {.space = DemuxSpace::Tcp,
          .local = segment.destination.address,
          .remote = segment.source.address,
          .local_port = segment.destination.port,
          .remote_port = segment.source.port,
          .interface_index = segment.interface_index,
          .hashes = segment.packet ? segment.packet->receiver_hashes : ReceiverHashes()};
}

}  // namespace

Ref<SynRequest> Listener::find(const PacketTuple& tuple) const {
  Flow flow = socket_.stack().sockets().find_flow(tuple);
  if (!flow.mini || flow.mini->kind() != MiniSocket::Kind::HalfOpen) return nullptr;
  Ref<SynRequest> request = Ref<SynRequest>::share(static_cast<SynRequest&>(*flow.mini));
  return &request->listener() == &socket_ ? std::move(request) : nullptr;
}

Result<> Listener::add(Ref<SynRequest> request) {
  TRY(socket_.stack().sockets().add_flow(request->demux, FlowSharing::Unique));
  link(std::move(request));
  return ok();
}

void Listener::link(Ref<SynRequest> request) {
  ++syn_count_;
  if (request->timeouts == 0) ++young_count_;
  requests_.push_back(*request.leak());
}

void Listener::remove(SynRequest& request) {
  if (!request.listener_link.is_linked()) return;
  static_cast<void>(socket_.stack().timers().cancel(request.timer_));
  socket_.stack().sockets().remove(request.demux);  // not where a connection has taken its place
  if (request.timeouts == 0) --young_count_;
  --syn_count_;
  requests_.remove(request);
  static_cast<void>(Ref<SynRequest>::adopt(&request));  // the queue's count
}

void Listener::receive(Entry& entry, TcpSegment& segment) {
  if (const Ref<SynRequest> request = find(tuple_of(segment))) return receive_for_request(entry, *request, segment);
  if (segment.flags.rst()) return socket_.stack().drops().count(DropReason::TcpReset);  // first
  if (segment.flags.ack()) {                                                            // second
    if (!segment.flags.syn() && receive_cookie(entry, segment) == CookieAck::Taken) return;
    socket_.stack().drops().count(DropReason::TcpInvalidState);
    return answer_with_reset(entry, segment, socket_.md5_keys());
  }
  if (segment.flags.syn() && !segment.flags.fin()) return receive_syn(entry, segment);  // third
  socket_.stack().drops().count(DropReason::TcpInvalidState);
}

void Listener::drop_syn(Entry& entry, DropReason reason) {
  count(entry, Mib::TcpExtListenDrops);
  socket_.stack().drops().count(reason);
}

// Without cookies the last quarter of net.ipv4.tcp_max_syn_backlog is kept for peers known to be alive.
bool Listener::has_room_without_cookies(Entry& entry, const SynRequest& request) const {
  const TunableValues& tunables = socket_.stack().tunables().values();
  if (tunables.tcp_syncookies != 0) return true;
  const int32_t left = tunables.tcp_max_syn_backlog - static_cast<int32_t>(syn_count());
  return left >= tunables.tcp_max_syn_backlog >> 2 || socket_.has_proven_peer(entry, request);
}

void Listener::receive_syn(Entry& entry, TcpSegment& segment) {
  // No connection is made with an address that several hosts have (tcp_v6_conn_request).
  const IpAddress& own = segment.destination.address;
  if (!own.is_v4() && socket_.stack().routes().address_type(own) == RouteType::Anycast)
    return drop_syn(entry, DropReason::TcpInvalidState);
  Stack& stack = socket_.stack();
  const TunableValues& tunables = stack.tunables().values();
  // Who had a connection just now is real, and takes no more memory than what is left of that.
  const bool is_proven = segment.answer_iss.has_value();
  const bool uses_cookie = !is_proven && (tunables.tcp_syncookies == 2 || syn_count() > backlog);
  if (uses_cookie) {
    count(entry, tunables.tcp_syncookies != 0 ? Mib::TcpExtTCPReqQFullDoCookies : Mib::TcpExtTCPReqQFullDrop);
    if (tunables.tcp_syncookies == 0) return drop_syn(entry, DropReason::TcpListenQueueFull);
  }
  if (is_full()) {
    count(entry, Mib::TcpExtListenOverflows);
    return drop_syn(entry, DropReason::TcpListenQueueFull);
  }
  // Only a timestamp can bring options back to who keeps none.
  if (uses_cookie && (!segment.options.timestamps || tunables.tcp_timestamps == 0)) {
    segment.options.sack_permitted = false;
    segment.options.window_scale.reset();
    segment.flags = segment.flags.without(kTcpEce | kTcpCwr);
  }
  auto created = make_ref<SynRequest>(stack.hal(), socket_, segment);
  if (!created.is_ok()) return drop_syn(entry, DropReason::NoMemory);
  Ref<SynRequest> request = created.take();
  request->is_cookie = uses_cookie;
  Route way_back = socket_.fill_request(entry, *request, segment);
  if (uses_cookie) return answer_with_cookie(entry, *request, std::move(way_back));
  if (!is_proven && !has_room_without_cookies(entry, *request)) return drop_syn(entry, DropReason::TcpListenQueueFull);
  std::optional<TcpFastOpenCookie> cookie;
  if (try_fast_open(entry, request, segment, cookie)) return;
  if (!add(request).is_ok()) return drop_syn(entry, DropReason::NoMemory);
  request->send_syn_ack(entry, std::move(way_back), cookie ? &*cookie : nullptr);
  stack.timers().arm(request->timer_, entry.now() + Duration::seconds(1));
}

// Linux's tcp_check_req(): a segment for a connection in SYN-RECEIVED.
void Listener::receive_for_request(Entry& entry, SynRequest& request, TcpSegment& segment) {
  DropCounters& drops = socket_.stack().drops();
  const auto& stamps = segment.options.timestamps;
  const bool fails_paws = request.fails_paws(segment);
  const bool has_bad_echo = request.negotiated.timestamps && stamps && stamps->echo_reply != 0 &&
                            stamps->echo_reply - request.first_stamp > request.last_stamp - request.first_stamp;
  const TcpFlags kind = segment.flags & (kTcpRst | kTcpSyn | kTcpAck);
  if (segment.seq == request.irs && kind == kTcpSyn && !fails_paws) {
    // The SYN again: so is the answer, and its timer starts anew.
    if (!request.answers_too_soon(entry, segment)) {
      request.repeat_syn_ack(entry);
      socket_.stack().timers().arm(request.timer_, entry.now() + request.timeout());
    }
    return drops.count(DropReason::TcpOldData);
  }
  if (segment.flags.ack() && segment.ack != request.iss + 1) {
    answer_with_reset(entry, segment, socket_.md5_keys());
    return drops.count(DropReason::TcpInvalidState);
  }
  const SeqNum first = request.irs + 1;
  const bool is_inside = request.is_in_window(segment, first);
  if (fails_paws || has_bad_echo || !is_inside) {
    if (!segment.flags.rst() && !request.answers_too_soon(entry, segment)) request.send_ack(entry, request.iss + 1);
    if (fails_paws) {
      count(entry, Mib::TcpExtPAWSEstab);
    } else if (has_bad_echo) {
      count(entry, Mib::TcpExtTSEcrRejected);
    }
    return drops.count(fails_paws ? DropReason::TcpPaws : DropReason::TcpOutOfWindow);
  }
  if (segment.flags.rst() && segment.seq != first) {
    request.challenge(entry, request.iss + 1);
    return drops.count(DropReason::TcpReset);
  }
  // A SYN at its own place is cut off; one inside the window is a fault.
  const bool has_syn = segment.flags.syn() && segment.seq != request.irs;
  if (segment.flags.rst() || has_syn) {
    if (!segment.flags.rst()) answer_with_reset(entry, segment, socket_.md5_keys());
    count(entry, Mib::TcpAttemptFails);
    count(entry, Mib::TcpExtEmbryonicRsts);
    remove(request);
    return drops.count(DropReason::TcpReset);
  }
  if (!segment.flags.ack()) return drops.count(DropReason::TcpInvalidState);
  // TCP_DEFER_ACCEPT: the connection is not told of before its first data, for so many SYN-ACKs.
  if (request.timeouts < socket_.tcp_options->defer_accept && segment.end() == first) {
    request.is_acked = true;
    count(entry, Mib::TcpExtTCPDeferAcceptDrop);
    return;
  }
  if (become_socket(entry, request, segment) == Outcome::Opened) return remove(request);
  if (socket_.stack().tunables().values().tcp_abort_on_overflow == 0) {
    request.is_acked = true;  // the SYN-ACK will be repeated, and then its answer
    return;
  }
  answer_with_reset(entry, segment, socket_.md5_keys());
  count(entry, Mib::TcpExtEmbryonicRsts);
  remove(request);
}

// The request stays where it is: whoever calls removes it when it has become a socket.
Listener::Outcome Listener::become_socket(Entry& entry, SynRequest& request, TcpSegment& segment) {
  if (is_full()) {
    count(entry, Mib::TcpExtListenOverflows);
    if (request.is_migrating) count(entry, Mib::TcpExtTCPMigrateReqFailure);
    drop_syn(entry, DropReason::TcpListenQueueFull);
    return Outcome::Refused;
  }
  auto created = socket_.create_child(entry, request, segment);
  if (!created.is_ok()) {
    drop_syn(entry, DropReason::NoMemory);
    return Outcome::Refused;
  }
  Ref<TcpSocket> child = created.take();
  {
    PacketOwnership ownership(child->lock_, entry);
    ASSERT(ownership.is_owned());
    if (!child->open_passively(entry, socket_, request, segment).is_ok()) {
      drop_syn(entry, DropReason::NoMemory);
      return Outcome::Refused;
    }
    count(entry, Mib::TcpPassiveOpens);
    segment.ends_handshake = true;
    child->segment_arrives(entry, segment);
  }
  enqueue(std::move(child));
  has_migrated(entry, request);
  return Outcome::Opened;
}

// Linux gives a half-open connection to another listener when its next segment makes it whole, or when its timer runs.
void Listener::has_migrated(Entry& entry, SynRequest& request) {
  if (std::exchange(request.is_migrating, false)) count(entry, Mib::TcpExtTCPMigrateReqSuccess);
}

void Listener::enqueue(Ref<TcpSocket> child) {
  accept_queue_.push_back(*child.leak());
  ++accept_count_;
  socket_.wait_queue().wake(kPollIn | kPollPriority | kPollReadNormal | kPollReadBand);
}

void Listener::receive_error(Entry& entry, const PacketTuple& tuple, SeqNum seq) {
  const Ref<SynRequest> request = find(tuple);
  if (!request) return;
  if (seq != request->iss) {
    count(entry, Mib::TcpExtOutOfWindowIcmps);
    return;
  }
  remove(*request);
  drop_syn(entry, DropReason::SocketClosed);
}

Ref<TcpSocket> Listener::take() {
  TcpSocket* child = accept_queue_.take_front();
  if (child == nullptr) return nullptr;
  --accept_count_;
  return Ref<TcpSocket>::adopt(child);
}

// The heir's lock is waited for with our own owned. No two listeners wait for each other so: who migrates has left the group, and
// waits for those alone that leave it later. An heir that has left it meanwhile is not chosen again.
void Listener::migrate(Entry& entry) {
  SocketSet& sockets = socket_.stack().sockets();
  for (;;) {
    SynRequest* request = requests_.front();
    TcpSocket* child = accept_queue_.front();
    if (request == nullptr && child == nullptr) return;
    const Ref<Socket> heir =
        sockets.select_heir(socket_.demux_, (request != nullptr ? request->demux : child->demux_).flow_hash());
    if (!heir) return;
    auto& to = static_cast<TcpSocket&>(*heir);
    TaskOwnership ownership(to.lock_, entry);
    if (to.listener_ == nullptr) continue;
    if (request != nullptr) {
      to.listener_->adopt(entry, *request);
      remove(*request);
    } else {
      to.listener_->enqueue(take());
      count(entry, Mib::TcpExtTCPMigrateReqSuccess);
    }
  }
}

// Without memory the handshake is forgotten.
void Listener::adopt(Entry& entry, SynRequest& request) {
  Stack& stack = socket_.stack();
  const Instant deadline = request.timer_.is_armed() ? request.timer_.deadline() : entry.now() + request.timeout();
  auto created = make_ref<SynRequest>(stack.hal(), socket_, static_cast<Handshake&&>(request));
  if (!created.is_ok()) return;
  Ref<SynRequest> adopted = created.take();
  adopted->is_migrating = true;
  stack.sockets().replace_flow(request.demux, adopted->demux);
  stack.timers().arm(adopted->timer_, deadline);
  link(std::move(adopted));
}

void Listener::clear(Entry& entry, Heirs heirs) {
  while (SynRequest* first = requests_.front()) remove(*first);
  while (Ref<TcpSocket> child = take()) {
    if (heirs == Heirs::None) count(entry, Mib::TcpExtTCPMigrateReqFailure);
    TaskOwnership ownership(child->lock_, entry);
    child->is_orphan_ = true;
    child->disconnect_owned(entry);
    child->release_port();
  }
}

// How many SYN-ACKs a request may cost. When the queue is more than half full of old requests, they make room for young ones.
int32_t Listener::retransmit_limit() const {
  const TunableValues& tunables = socket_.stack().tunables().values();
  int32_t limit = socket_.tcp_options->syn_count != 0 ? socket_.tcp_options->syn_count : tunables.tcp_synack_retries;
  if (syn_count() * 2 <= std::max(8u, backlog)) return limit;
  for (uint64_t young = uint64_t{young_count_} * 2; limit > 2 && syn_count() >= young; young *= 2) --limit;
  return limit;
}

// Linux's reqsk timer: so many SYN-ACKs, at doubling intervals.
void Listener::time_out(Entry& entry, SynRequest& request) {
  const uint8_t deferred = socket_.tcp_options->defer_accept;
  const bool is_expired =
      request.timeouts >= retransmit_limit() && (deferred == 0 || !request.is_acked || request.timeouts >= deferred);
  count(entry, Mib::TcpExtTCPTimeouts);
  if (is_expired) return remove(request);
  // Who has acknowledged and is only waited for need not be told again, but for the last time.
  if (deferred == 0 || !request.is_acked || request.timeouts >= deferred - 1) request.repeat_syn_ack(entry);
  if (request.timeouts++ == 0) --young_count_;
  has_migrated(entry, request);
  socket_.stack().timers().arm(request.timer_, entry.now() + request.timeout());
}

}  // namespace lxnet
