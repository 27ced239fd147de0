// LISTEN (RFC 9293 3.10.7.2): SYNs become requests, the handshake's last segment turns a request into a socket.
#include "stack/tcp/listener.hh"

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/emit.hh"

namespace lxnet {

uint64_t Listener::hash_of(const Endpoint& remote) const {
  struct Key {
    IpAddress address;
    uint32_t port;
  };
  static_assert(sizeof(Key) == 20);
  return siphash_1_3(socket_.stack().sockets().key(), bytes_of(Key{remote.address, remote.port}));
}

SynRequest* Listener::find(const TcpSegment& segment) const {
  const uint64_t hash = hash_of(segment.source);
  for (SynRequest* request = requests_.first(hash); request != nullptr; request = requests_.next(*request)) {
    if (request->matches(segment)) return request;
  }
  return nullptr;
}

void Listener::remove(SynRequest& request) {
  if (!request.table_link.is_linked()) return;
  static_cast<void>(socket_.stack().timers().cancel(request.timer_));
  requests_.remove(request);
  static_cast<void>(Ref<SynRequest>::adopt(&request));  // the table's count
}

void Listener::receive(Entry& entry, TcpSegment& segment) {
  if (SynRequest* request = find(segment)) {
    const Ref<SynRequest> held = Ref<SynRequest>::share(*request);
    return receive_for_request(entry, *request, segment);
  }
  if (segment.flags.rst()) return socket_.stack().drops().count(DropReason::TcpReset);  // first
  if (segment.flags.ack()) {                                                            // second
    socket_.stack().drops().count(DropReason::TcpInvalidState);
    return answer_with_reset(entry, segment);
  }
  if (segment.flags.syn() && !segment.flags.fin()) return receive_syn(entry, segment);  // third
  socket_.stack().drops().count(DropReason::TcpInvalidState);
}

void Listener::receive_syn(Entry& entry, TcpSegment& segment) {
  Stack& stack = socket_.stack();
  const TunableValues& tunables = stack.tunables().values();
  if (is_full()) {
    count(entry, Mib::TcpExtListenOverflows);
    count(entry, Mib::TcpExtListenDrops);
    return stack.drops().count(DropReason::TcpListenQueueFull);
  }
  if (syn_count() >= std::max(backlog, static_cast<uint32_t>(tunables.tcp_max_syn_backlog))) {
    count(entry, Mib::TcpExtTCPReqQFullDrop);
    count(entry, Mib::TcpExtListenDrops);
    return stack.drops().count(DropReason::TcpListenQueueFull);
  }
  auto created = make_ref<SynRequest>(stack.hal(), socket_, segment);
  if (!created.is_ok()) return stack.drops().count(DropReason::NoMemory);
  Ref<SynRequest> request = created.take();
  socket_.fill_request(entry, *request, segment);
  if (!requests_.insert(*request, hash_of(request->remote)).is_ok()) return stack.drops().count(DropReason::NoMemory);
  SynRequest& linked = *request.leak();
  linked.send_syn_ack(entry);
  stack.timers().arm(linked.timer_, entry.now() + Duration::seconds(1));
}

// Linux's tcp_check_req(): a segment for a connection in SYN-RECEIVED.
void Listener::receive_for_request(Entry& entry, SynRequest& request, TcpSegment& segment) {
  DropCounters& drops = socket_.stack().drops();
  const bool has_stamp = request.negotiated.timestamps && segment.options.timestamps.has_value();
  const bool fails_paws = has_stamp && static_cast<int32_t>(segment.options.timestamps->value - request.ts_recent) < 0;
  const TcpFlags kind = segment.flags & (kTcpRst | kTcpSyn | kTcpAck);
  if (segment.seq == request.irs && kind == kTcpSyn && !fails_paws) {
    // The SYN again: so is the answer, but not more often than twice a second.
    if (entry.now() - request.answered_at >= Duration::millis(500)) {
      request.answered_at = entry.now();
      request.was_retransmitted = true;
      request.send_syn_ack(entry);
    }
    return drops.count(DropReason::TcpOldData);
  }
  const SeqNum first = request.irs + 1;
  const uint32_t window = std::max<uint32_t>(request.window, 1);
  const bool is_inside =
      segment.seq.is_in_window(first, window) || (segment.length() != 0 && (segment.end() - 1).is_in_window(first, window));
  if (fails_paws || !is_inside) {
    if (!segment.flags.rst() && entry.now() - request.answered_at >= Duration::millis(500)) {
      request.answered_at = entry.now();
      request.send_ack(entry);
    }
    return drops.count(fails_paws ? DropReason::TcpPaws : DropReason::TcpOutOfWindow);
  }
  if (segment.flags.rst() || segment.flags.syn()) {
    if (!segment.flags.rst()) answer_with_reset(entry, segment);
    count(entry, Mib::TcpExtEmbryonicRsts);
    count(entry, Mib::TcpAttemptFails);
    remove(request);
    return drops.count(DropReason::TcpReset);
  }
  if (!segment.flags.ack()) return drops.count(DropReason::TcpInvalidState);
  if (segment.ack != request.iss + 1) {
    answer_with_reset(entry, segment);
    return drops.count(DropReason::TcpInvalidState);
  }
  if (has_stamp && segment.seq.is_at_or_before(first)) request.ts_recent = segment.options.timestamps->value;
  // TCP_DEFER_ACCEPT: the connection is not told of before its first data, for so many SYN-ACKs.
  if (request.timeouts < socket_.tcp_options.defer_accept && segment.end() == first) {
    request.is_acked = true;
    count(entry, Mib::TcpExtTCPDeferAcceptDrop);
    return;
  }
  become_socket(entry, request, segment);
}

void Listener::become_socket(Entry& entry, SynRequest& request, TcpSegment& segment) {
  Stack& stack = socket_.stack();
  if (is_full()) {
    count(entry, Mib::TcpExtListenOverflows);
    if (stack.tunables().values().tcp_abort_on_overflow != 0) {
      answer_with_reset(entry, segment);
      remove(request);
    } else {
      request.is_acked = true;  // the SYN-ACK will be repeated, and then its answer
    }
    return stack.drops().count(DropReason::TcpListenQueueFull);
  }
  auto created = socket_.create_child(entry, request);
  if (!created.is_ok()) return stack.drops().count(DropReason::NoMemory);
  Ref<TcpSocket> child = created.take();
  remove(request);
  count(entry, Mib::TcpPassiveOpens);
  {
    PacketOwnership ownership(child->lock_, entry);
    ASSERT(ownership.is_owned());
    if (!child->open_passively(entry, socket_, segment).is_ok()) return stack.drops().count(DropReason::NoMemory);
    child->segment_arrives(entry, segment);
  }
  accept_queue_.push_back(*child.leak());
  ++accept_count_;
  socket_.wait_queue().wake(kPollIn | kPollReadNormal);
}

Ref<TcpSocket> Listener::take() {
  TcpSocket* child = accept_queue_.take_front();
  if (child == nullptr) return nullptr;
  --accept_count_;
  return Ref<TcpSocket>::adopt(child);
}

void Listener::clear(Entry& entry) {
  while (true) {
    SynRequest* first = nullptr;
    requests_.for_each([&](SynRequest& request) { first = &request; });
    if (first == nullptr) break;
    remove(*first);
  }
  while (Ref<TcpSocket> child = take()) {
    TaskOwnership ownership(child->lock_, entry);
    child->is_orphan_ = true;
    static_cast<void>(child->disconnect_owned(entry));
    child->release_port();
  }
}

// Linux's inet_csk_reqsk timer: so many SYN-ACKs, at doubling intervals.
void Listener::time_out(Entry& entry, SynRequest& request) {
  const int32_t limit =
      socket_.tcp_options.syn_count != 0 ? socket_.tcp_options.syn_count : socket_.stack().tunables().values().tcp_synack_retries;
  const uint8_t deferred = socket_.tcp_options.defer_accept;
  const bool is_expired = request.timeouts >= limit && (!request.is_acked || request.timeouts >= deferred);
  if (is_expired) {
    count(entry, Mib::TcpAttemptFails);
    return remove(request);
  }
  ++request.timeouts;
  // Who has acknowledged and is only waited for need not be told again, but for the last time.
  const bool resends = deferred == 0 || !request.is_acked || request.timeouts >= deferred - 1;
  if (resends) {
    request.was_retransmitted = true;
    count(entry, Mib::TcpRetransSegs);
    count(entry, Mib::TcpExtTCPSynRetrans);
    request.send_syn_ack(entry);
  }
  const Duration delay = Duration::seconds(int64_t{1} << std::min<uint8_t>(request.timeouts, 7));
  socket_.stack().timers().arm(request.timer_, entry.now() + std::min(delay, Duration::seconds(120)));
}

}  // namespace lxnet
