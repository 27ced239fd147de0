// listen() and accept(), and how a listener's request becomes a connection.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/info.hh"
#include "stack/tcp/isn.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/option_calls.hh"
#include "stack/tcp/signature/keys.hh"

namespace lxnet {

Result<> TcpSocket::listen(Entry& entry, int backlog) {
  TaskOwnership ownership(lock_, entry);
  if (phase_ != Phase::Unconnected || !in(TcpState::Closed | TcpState::Listen)) return Errno::EINVAL;
  const auto most = static_cast<uint32_t>(stack().tunables().values().somaxconn);
  // Linux reads the argument as unsigned: a negative backlog is the largest.
  const uint32_t limit = std::min(static_cast<uint32_t>(backlog), most);
  if (in(TcpState::Closed)) TRY(start_listening(entry));
  listener_->backlog = limit;
  // Linux's TFO_SERVER_WO_SOCKOPT1: every listener of the host offers Fast Open.
  const int32_t fast_open = stack().tunables().values().tcp_fastopen;
  if ((fast_open & 0x402) == 0x402 && !TcpOptionCalls::fast_open_limit_owned(*this)) {
    TRY(TcpOptionCalls::set_fast_open_limit_owned(*this, limit));
  }
  return ok();
}

Result<> TcpSocket::start_listening(Entry& entry) {
  const bool chose_port = !holds_port();
  if (chose_port) {
    if (!claim_port(entry, 0).is_ok()) return Errno::EADDRINUSE;
  }
  const auto undo = [&](Errno error) -> Result<> {
    claim_.is_listening = false;
    if (chose_port) {
      release_port();
      demux_.local_port = 0;
    }
    return error;
  };
  claim_.reuse_address = options->reuse_address;
  claim_.reuse_port = options->reuse_port;
  Listener* listener = construct<Listener>(stack().hal(), *this);
  if (listener == nullptr) return undo(Errno::ENOBUFS);
  set_remote(nobody());
  fill_demux();
  // The port must still be ours alone once it listens: others may share it with SO_REUSEADDR until then.
  claim_.is_listening = true;
  const PortHooks& hooks = stack().ports();
  const auto claimed = hooks.claim(hooks.table, entry, claim_);
  if (!claimed.is_ok() || !stack().sockets().add_bound(demux_).is_ok()) {
    dispose(stack().hal(), listener);
    return undo(claimed.is_ok() ? Errno::ENOBUFS : Errno::EADDRINUSE);
  }
  listener_ = listener;
  ack_ = AckState();
  enter(entry, TcpState::Listen);
  return ok();
}

// No more connections; those not accepted go to who listens on in the group, if net.ipv4.tcp_migrate_req says so, or are reset.
void TcpSocket::stop_listening(Entry& entry) {
  const bool migrates = stack().tunables().values().tcp_migrate_req != 0 && demux_.is_in_group();
  leave_tables();
  Listener* listener = std::exchange(listener_, nullptr);
  if (migrates) listener->migrate(entry);
  listener->clear(entry, migrates ? Listener::Heirs::None : Listener::Heirs::NotAsked);
  dispose(stack().hal(), listener);
  claim_.is_listening = false;
}

// A listener shows its queue: how long it is, and how long it may be.
void TcpSocket::describe_listener(TcpInfo& info) const {
  info.unacked = listener_->accept_count();
  info.sacked = listener_->backlog;
}

Result<Ref<Socket>> TcpSocket::accept(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (!in(TcpState::Listen)) return Errno::EINVAL;
  Ref<TcpSocket> child = listener_->take();
  if (!child) return Errno::EAGAIN;
  if (rare() != nullptr && rare()->fast_open_queue) {
    TaskOwnership of_child(child->lock_, entry);
    if (SynRequest* request = child->fast_open_request()) request->is_accepted = true;
  }
  return Ref<Socket>(std::move(child));
}

// net.ipv4.tcp_fwmark_accept: where the listener has no mark of its own, the SYN's.
uint32_t TcpSocket::mark_for(const TcpSegment& segment) const {
  const bool takes_over = options.mark == 0 && stack().tunables().values().tcp_fwmark_accept != 0 && segment.packet;
  return takes_over ? segment.packet->mark : options.mark;
}

// Of the way to whom a listener answers.
RouteMetrics TcpSocket::metrics_to(const SynRequest& request) const {
  return stack().routes().has_metrics() ? stack().routes().metrics_of(key_to(request)) : RouteMetrics();
}

// What the SYN agreed to, and how the answer is to look. The way back: none, if its route has no output.
Route TcpSocket::fill_request(Entry& entry, SynRequest& request, const TcpSegment& segment) {
  const TunableValues& tunables = stack().tunables().values();
  const TcpOptions& offered = segment.options;
  request.negotiated.timestamps = offered.timestamps.has_value() && tunables.tcp_timestamps != 0;
  request.negotiated.sack = offered.sack_permitted && tunables.tcp_sack != 0;
  request.negotiated.window_scale = offered.window_scale.has_value() && tunables.tcp_window_scaling != 0;
  request.negotiated.ecn = segment.flags.has_all(kTcpEce | kTcpCwr) && (segment.tos & kEcnMask) == 0 &&
                           (tunables.tcp_ecn != 0 || metrics_to(request).wants_ecn());
  request.peer_shift = offered.window_scale.value_or(0);
  request.peer_mss = offered.maximum_segment_size.value_or(536);
  if (tcp_options->max_segment != 0) request.peer_mss = std::min(request.peer_mss, tcp_options->max_segment);
  request.ts_recent = request.negotiated.timestamps ? offered.timestamps->value : 0;
  // SACK, timestamps and a signature do not fit into the header together.
  if (md5_keys() != nullptr && md5_keys()->find(request.remote.address) != nullptr && request.negotiated.sack &&
      !request.is_cookie)
    request.negotiated.timestamps = false;
  if (!request.is_cookie && segment.packet)
    request.saved_syn.save(stack().hal(), *segment.packet, static_cast<SavedSyn::From>(tcp_options->save_syn));
  const IsnSource isn(stack().sockets().key(), request.local, request.remote);
  request.iss = segment.answer_iss.value_or(isn.initial_sequence(entry.now()));
  request.ts_offset = isn.timestamp_offset();
  return choose_request_window(entry, request, 0);
}

// The same choice a connect() makes, from the listener's buffers. `segment`: the size that fills the window; 0: what we announce.
Route TcpSocket::choose_request_window(Entry& entry, SynRequest& request, uint32_t segment) {
  auto found = route_to(entry, request);
  if (!found.is_ok()) return Route();
  const NegotiatedOptions mine = std::exchange(negotiated_, request.negotiated);
  Route route = found.take();
  // Whose timestamps are agreed on already sends segments shorter by them.
  prepare_sizes(route, metrics_to(request), segment, request.negotiated.timestamps);
  request.advertised_mss = rcv_.advertised_mss;
  request.window = rcv_.wnd;
  request.window_clamp = rcv_.window_clamp;
  request.our_shift = rcv_.window_shift;
  negotiated_ = mine;
  return route;
}

Result<> TcpSocket::inherit_options(const TcpSocket& listener) {
  const Hal& hal = stack().hal();
  TRY(options.inherit(hal, listener.options));
  TRY(ip_options.inherit(hal, listener.ip_options));
  TRY(tcp_options.inherit(hal, listener.tcp_options));
  // What the connection will change when nothing may fail is its own from the beginning.
  if (options->peek_offset >= 0) TRY(options.change(hal));
  if (tcp_options->window_clamp != 0) TRY(tcp_options.change(hal));
  // It was the listener's business, and would delay the connection's acknowledgments.
  if (tcp_options->defer_accept != 0) TRY(tcp_options.change(hal))->defer_accept = 0;
  stamp_wish.follow(stack().stamps(), *options);
  return ok();
}

// Not yet where packets find it: open_passively() puts it there.
Result<Ref<TcpSocket>> TcpSocket::create_child(Entry& entry, SynRequest& request, const TcpSegment& segment) {
  Ref<TcpSocket> child = TRY(make_ref<TcpSocket>(stack().hal(), stack(), family()));
  TRY(child->inherit_options(*this));
  child->note_processor();
  child->options.mark = request.mark;
  TRY(child->attachments.inherit(stack().hal(), attachments));
  TRY(child->attachments.set_options_v4(stack().hal(), request.turned_options));
  if (error_queue() != nullptr) TRY(child->prepare_error_queue());
  child->demux_.uid = demux_.uid;
  child->set_local(request.local.address);
  child->demux_.local_port = request.local.port;
  child->set_remote(request.remote);
  child->is_bound_address_ = is_bound_address_;
  child->shutdown_ = shutdown_;  // of before it listened
  child->negotiated_ = request.negotiated;
  child->timestamp_offset_ = request.ts_offset;
  TRY(child->look_up_route(entry));
  const CongestionAlgorithm* by_route = child->route_metrics().congestion;
  child->congestion_.choose(stack().hal(), by_route != nullptr ? *by_route : *congestion_.algorithm);
  TRY(child->inherit_signing_key(*this));
  child->prepare_sizes(child->route_, child->route_metrics());
  child->draw_transmit_hash();
  child->apply_rto_bounds();
  child->recovery_.reordering = static_cast<uint32_t>(stack().tunables().values().tcp_reordering);
  child->snd_.iss = request.iss;
  child->snd_.una = child->snd_.nxt = child->snd_.end = child->snd_.up = child->snd_.small_end = child->snd_.pushed =
      request.iss + 1;
  child->snd_.peer_mss = request.peer_mss;
  child->snd_.window_shift = request.negotiated.window_scale ? request.peer_shift : uint8_t{0};
  ReceiveState& rcv = child->rcv_;
  rcv.irs = request.irs;
  rcv.nxt = rcv.copied = rcv.wup = request.irs + 1;
  rcv.wnd = request.window;
  rcv.window_goal = request.window;
  rcv.window_clamp = request.negotiated.window_scale ? request.window_clamp : std::min<uint32_t>(request.window_clamp, 65535);
  rcv.window_shift = request.negotiated.window_scale ? request.our_shift : uint8_t{0};
  rcv.advertised_mss = request.advertised_mss;
  rcv.ts_recent = request.ts_recent;
  // Of the segment that ends the handshake, and of none that came before it.
  if (request.negotiated.timestamps && segment.options.timestamps && segment.seq.is_at_or_before(rcv.nxt))
    rcv.ts_recent = segment.options.timestamps->value;
  rcv.ts_recent_at = entry.now();
  rcv.last_segment_at = rcv.last_data_at = entry.now();
  if (stack().tunables().values().tcp_reflect_tos != 0) {
    const auto tos = static_cast<uint8_t>(request.syn_tos & ~kEcnMask);
    const auto member = request.remote.address.is_v4() ? &IpSocketOptions::tos : &IpSocketOptions::traffic_class;
    TRY(child->ip_options.set(stack().hal(), member, tos));
  }
  child->inherit_handshake(entry, request, segment);
  if (segment.packet) {
    const IpInfo& info = ip_info(*segment.packet);
    child->arrival_ = {.interface_index = info.interface_index, .ttl = info.ttl, .is_known = true, .is_v4 = info.source.is_v4()};
  }
  // Nothing is saved where there is no memory, as on Linux.
  RareParts* rare = request.saved_syn.bytes().empty() ? nullptr : child->make_rare();
  if (rare != nullptr) rare->saved_syn = std::move(request.saved_syn);
  return child;
}

// What the handshake told of the path: a round-trip time, and losses.
void TcpSocket::inherit_handshake(Entry& entry, const SynRequest& request, const TcpSegment& segment) {
  const uint32_t echo = request.negotiated.timestamps && segment.options.timestamps ? segment.options.timestamps->echo_reply : 0;
  int64_t rtt = -1;
  if (request.retransmits == 0 && !request.is_cookie && request.sent_at != Instant()) {
    rtt = std::max<int64_t>((entry.now() - request.sent_at).in_micros(), 1);
  } else if (echo != 0) {
    rtt = int64_t{std::max(timestamp_at(entry.now()) - echo, 1u)} * 1000;
  }
  if (rtt >= 0) {
    rtt_.add_sample(rtt, snd_.una, snd_.nxt);
    rtt_.add_min_sample(rtt, entry.now(), Duration::seconds(300));
  }
  statistics_.segments_in = 1;  // the SYN
  statistics_.total_retransmits = request.retransmits;
  if (request.timeouts == 0) return;
  statistics_.total_rto = request.timeouts;
  statistics_.total_rto_recoveries = 1;
  statistics_.total_rto_millis = static_cast<uint32_t>((entry.now() - request.sent_at).in_millis());
  // RFC 5681, 3.1: after lost SYN-ACKs the window starts at one segment; RFC 6298 makes one loss no sign yet, and an echo of the
  // first SYN-ACK says that none was lost.
  if (request.retransmits > 1 && (echo == 0 || echo != request.first_stamp)) congestion_.cwnd = 1;
}

// A request that is in the tables gives its place there to the connection.
Result<> TcpSocket::join_tables(TcpSocket& listener, SynRequest& request) {
  fill_demux();
  if (request.demux.is_added()) {
    stack().sockets().replace_flow(request.demux, demux_);
  } else {
    TRY(stack().sockets().add_flow(demux_, FlowSharing::Unique));
  }
  const PortHooks& hooks = stack().ports();
  if (listener.claim_.is_claimed) {
    fill_claim();
    hooks.inherit(hooks.table, listener.claim_, claim_);
  }
  hold_self();
  phase_ = Phase::Connected;
  return ok();
}

// The child's lock is owned. It joins the tables and is ESTABLISHED; the segment that made it so is processed next.
Result<> TcpSocket::open_passively(Entry& entry, TcpSocket& listener, SynRequest& request, const TcpSegment& segment) {
  TRY(join_tables(listener, request));
  ++congestion_.delivered;  // the SYN-ACK, of which there is no record
  snd_.wl1 = segment.seq;
  snd_.wnd = snd_.max_wnd = uint32_t{segment.window} << snd_.window_shift;
  enter(entry, TcpState::SynReceived);
  Verdict verdict;
  become_established(entry, verdict);
  send_early_fin(entry);
  return ok();
}

}  // namespace lxnet
