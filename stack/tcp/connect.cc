// connect(): Linux's inet_stream_connect and tcp_v4_connect, the active OPEN of RFC 9293 3.10.1.
#include <algorithm>
#include <bit>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/isn.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/tcp_socket.hh"
#include "stack/tcp/time_wait.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet {

// EINPROGRESS the first time, EALREADY while the handshake runs; then once 0 or the error, then EISCONN.
Result<> TcpSocket::connect(Entry& entry, const Endpoint& remote, uint32_t) {
  TaskOwnership ownership(lock_, entry);
  if (TRY(connect_by_state_owned(entry))) return ok();
  TRY(start_connect(entry, remote, Opening{.is_fast = tcp_options->fast_open_connect}));
  if (repair_.is_on) return ok();
  phase_ = Phase::Connecting;
  return fast_open_.is_deferred ? ok() : Result<>(Errno::EINPROGRESS);
}

Result<bool> TcpSocket::connect_by_state(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  return connect_by_state_owned(entry);
}

Result<bool> TcpSocket::connect_by_state_owned(Entry& entry) {
  switch (phase_) {
    case Phase::GivenUp:
      return Errno::EINVAL;
    case Phase::Connected:
      return Errno::EISCONN;
    case Phase::Unconnected:
      return state() == TcpState::Closed ? Result<bool>(false) : Errno::EISCONN;
    case Phase::Connecting:
      if (fast_open_.is_deferred) return Errno::EISCONN;
      if (in(TcpState::SynSent | TcpState::SynReceived)) return Errno::EALREADY;
      TRY(finish_connect(entry));
      return true;
  }
  return false;
}

// The handshake is over, one way or the other.
Result<> TcpSocket::finish_connect(Entry& entry) {
  if (state() != TcpState::Closed) {
    phase_ = Phase::Connected;
    return ok();
  }
  const Errno error = take_error();
  phase_ = Phase::Unconnected;
  count_disconnect();
  disconnect_owned(entry);
  return error == Errno{} ? Errno::ECONNABORTED : error;
}

namespace {

// "This host" and what may not be connected to.
Result<> normalise_destination(Endpoint& remote, const IpAddress& bound) {
  if (remote.address.is_unspecified()) {
    if (!bound.is_unspecified() && bound.is_v4() && remote.address.is_v4()) {
      remote.address = bound;
    } else {
      const bool is_v4 = remote.address.is_v4() || bound.is_v4();
      remote.address = is_v4 ? IpAddress(Ipv4Address::loopback()) : IpAddress(Ipv6Address::loopback());
    }
  }
  // IPv4 asks the route first.
  if (!remote.address.is_v4() && remote.address.is_multicast()) return Errno::ENETUNREACH;
  return ok();
}

}  // namespace

FlowKey TcpSocket::flow_key() const {
  FlowKey key;
  key.source = demux_.local;
  if (key.source.is_unspecified()) key.source = IpAddress::any(demux_.remote.family());
  key.destination = demux_.remote;
  if (const Ref<StickyHeaders> sticky = sticky_headers()) key.destination = sticky->first_hop(key.destination);
  key.output_interface = options.bound_interface;
  if (key.output_interface == 0 && remote_scope_ != 0) key.output_interface = remote_scope_;
  key.mark = options.mark;
  key.uid = demux_.uid;
  key.source_port = demux_.local_port;
  key.destination_port = demux_.remote_port;
  key.protocol = static_cast<uint8_t>(IpProtocol::Tcp);
  key.tos = demux_.remote.is_v4() ? ip_options->tos : ip_options->traffic_class;
  key.on_link_only = options->dont_route;
  key.may_use_foreign_source = ip_options->transparent;
  return key;
}

Result<> TcpSocket::look_up_route(Entry& entry) {
  const FlowKey key = flow_key();
  if (key.destination.is_unspecified() && !demux_.remote.is_unspecified()) return Errno::ENETUNREACH;  // of a routing header
  route_ = TRY(stack().routes().lookup(entry, key));
  return ok();
}

// For a connection that this socket only represents: a listener's request.
FlowKey TcpSocket::key_to(const SynRequest& request) const {
  FlowKey key = flow_key();
  key.source = request.local.address;
  key.destination = request.first_hop();
  key.source_port = request.local.port;
  key.destination_port = request.remote.port;
  if (key.output_interface == 0) key.output_interface = request.remote.scope_id;
  key.mark = request.mark;
  key.tos = request.remote.address.is_v4() ? ip_options->tos : ip_options->traffic_class;
  return key;
}

Result<Route> TcpSocket::route_to(Entry& entry, const SynRequest& request) const {
  return stack().routes().lookup(entry, key_to(request));
}

Result<> TcpSocket::refresh_route(Entry& entry) {
  if (route_.output && route_.generation == stack().routes().generation()) return ok();
  TRY(look_up_route(entry));
  if (route_.mtu != snd_.path_mtu && route_.mtu != 0 && !in(TcpState::SynSent | TcpState::SynReceived))
    update_mss(entry, route_.mtu);
  return ok();
}

Result<> TcpSocket::start_connect(Entry& entry, const Endpoint& remote, Opening opening) {
  Endpoint target = remote;
  if (family() == IpFamily::V6 && target.address.is_v4() && ip_options->v6_only) return Errno::ENETUNREACH;
  // Nobody sends from a group or a broadcast address: the route chooses then.
  IpAddress bound = demux_.local;
  const bool is_chosen = bound.is_v4() && !bound.is_unspecified();
  if (is_chosen && (bound.is_multicast() || is_broadcast_here(entry, bound))) bound = IpAddress::any(IpFamily::V4);
  if (target.address == IpAddress::any(IpFamily::V4)) {
    const Ref<StickyHeaders> sticky = attachments.options_v4();
    if (sticky && sticky->has_route()) return Errno::EINVAL;
  }
  TRY(normalise_destination(target, bound));
  const bool needs_scope = !target.address.is_v4() && target.address.v6().needs_scope_id();
  if (!needs_scope) target.scope_id = 0;
  if (needs_scope) {
    if (target.scope_id != 0) {
      if (options.bound_interface != 0 && options.bound_interface != target.scope_id) return Errno::EINVAL;
      __atomic_store_n(&options.bound_interface, target.scope_id, __ATOMIC_RELAXED);
    }
    if (options.bound_interface == 0) return Errno::EINVAL;
  }
  const Endpoint old_remote = remote_end();
  const IpAddress old_local = demux_.local;
  set_remote(target);
  set_local(bound);
  // No route leads from one family to the other, but where there is none at all that is said first.
  // ::ffff:0.0.0.0 is an address of IPv4's to Linux.
  const bool has_address = !(demux_.local == IpAddress::any(family()));
  const bool is_of_other_family = has_address && demux_.local.is_v4() != target.address.is_v4();
  if (is_of_other_family) set_local(IpAddress::any(target.address.family()));
  const auto fail = [&](Errno error) -> Result<> {
    set_remote(old_remote);
    set_local(old_local);
    route_ = Route();
    return error;
  };
  if (const auto routed = look_up_route(entry); !routed.is_ok()) return fail(routed.error());
  if (is_of_other_family) return fail(Errno::EAFNOSUPPORT);
  if (route_.kind == RouteKind::Broadcast || route_.kind == RouteKind::Multicast) return fail(Errno::ENETUNREACH);
  if (demux_.local.is_unspecified()) set_local(route_.source);
  ReusedFlow reused;
  if (const auto claimed = claim_flow(entry, reused); !claimed.is_ok()) return fail(claimed.error());
  prepare_to_connect(entry, reused);
  enter(entry, TcpState::SynSent);
  hold_self();
  if (repair_.is_on) {
    connect_for_repair(entry);
    return ok();
  }
  if (opening.is_fast && opening.source == nullptr && may_defer_connect(entry)) return ok();
  if (send_first_syn(entry, opening).is_ok()) return ok();
  enter(entry, TcpState::Closed);
  leave_tables();
  if (!is_bound_port_) {
    release_port();
    demux_.local_port = 0;
  }
  release_self();
  return fail(Errno::ENOBUFS);
}

Result<> TcpSocket::send_first_syn(Entry& entry, Opening opening) {
  SendRecord* syn = send_queue_.append_record(snd_.iss, kTcpSyn);
  if (syn == nullptr) return Errno::ENOBUFS;
  count(entry, Mib::TcpActiveOpens);
  syn->segments = 1;
  send_queue_.mark_sent(*syn);
  stamp_sent(*syn, entry.now());
  recovery_.out = 1;
  snd_.nxt = snd_.end = snd_.iss + 1;
  first_syn_at_ = entry.now();
  if (opening.is_fast) {
    send_fast_syn(entry, opening.source);
  } else {
    send_syn(entry);
  }
  arm_probe_timer(entry, ProbeTimer::Retransmit, rtt_.rto());
  return ok();
}

// The port if there is none, and the 4-tuple, which must be free: a TIME_WAIT gives it up when its timestamps allow. A port that
// we chose may be taken with the same 4-tuple by another processor before it is ours: then another is chosen.
Result<> TcpSocket::claim_flow(Entry& entry, ReusedFlow& reused) {
  constexpr int kTries = 16;
  const PortHooks& hooks = stack().ports();
  const bool chooses_port = !holds_port();
  if (chooses_port) demux_.local_port = 0;
  if (chooses_port && hooks.claim_for_connect == nullptr) return Errno::EOPNOTSUPP;
  for (int tries = 1;; ++tries) {
    if (chooses_port) {
      fill_claim();
      claim_.is_connected = true;
      TRY(hooks.claim_for_connect(hooks.table, entry, claim_, remote_end()));
      demux_.local_port = claim_.port;
    } else if (!claim_.is_claimed && !claim_port(entry, demux_.local_port).is_ok()) {
      return Errno::EADDRINUSE;  // a TIME_WAIT took the port over, and another has it now
    }
    fill_demux();
    reused = ReusedFlow();
    Flow occupant;
    const auto added = stack().sockets().add_flow(demux_, FlowSharing::Unique, &occupant);
    if (added.is_ok()) return ok();
    if (occupant.mini && occupant.mini->kind() == MiniSocket::Kind::TimeWait) {
      auto& old = static_cast<TcpTimeWait&>(*occupant.mini);
      if (old.may_be_reused(entry, chooses_port ? TcpTimeWait::Port::Chosen : TcpTimeWait::Port::Bound, reused)) {
        old.end(entry);
        if (stack().sockets().add_flow(demux_, FlowSharing::Unique, nullptr).is_ok()) return ok();
      }
    }
    if (chooses_port) {
      release_port();
      demux_.local_port = 0;
    }
    if (added.is_error(Errno::ENOMEM)) return Errno::ENOBUFS;
    if (!chooses_port || tries == kTries) return added.error();
  }
}

// What the tables tell sockets apart by, beside their names.
void TcpSocket::fill_demux() {
  demux_.socket = this;
  demux_.space = DemuxSpace::Tcp;
  demux_.family = family();
  demux_.v6_only = ip_options->v6_only;
  demux_.reuse_port = options->reuse_port;
  peer_flow_hash_ = 0;
}

uint64_t TcpSocket::peer_flow_hash() {
  if (peer_flow_hash_ == 0) {
    peer_flow_hash_ = stack().sockets().hash_flow({.space = DemuxSpace::Tcp,
                                                   .local = demux_.remote,
                                                   .remote = demux_.local,
                                                   .local_port = demux_.remote_port,
                                                   .remote_port = demux_.local_port});
  }
  return peer_flow_hash_;
}

// What our SYN says, also when it is sent again as a SYN-ACK because the peer's crossed it.
NegotiatedOptions TcpSocket::offered_options() const {
  const TunableValues& tunables = stack().tunables().values();
  return {.timestamps = tunables.tcp_timestamps != 0 && signing_key() == nullptr,  // a signature takes their place in the SYN
          .sack = tunables.tcp_sack != 0,
          .window_scale = tunables.tcp_window_scaling != 0,
          .ecn = tunables.tcp_ecn == 1 || route_metrics().wants_ecn()};
}

// Everything of the control block that a new connection starts from.
void TcpSocket::prepare_to_connect(Entry& entry, const ReusedFlow& reused) {
  replace_error(Errno{});  // of what was before
  negotiated_ = offered_options();
  const IsnSource isn(stack().sockets().key(), local_end(), remote_end());
  const SeqNum repaired_send = snd_.end, repaired_receive = rcv_.nxt;
  timestamp_offset_ = isn.timestamp_offset();
  snd_ = SendState();
  last_left_at_ = Instant();
  snd_.iss = isn.initial_sequence(entry.now());
  // A 4-tuple taken from a TIME_WAIT begins beyond everything the old connection sent.
  if (reused.is_valid) snd_.iss = reused.next_iss;
  snd_.una = snd_.nxt = snd_.end = snd_.up = snd_.small_end = snd_.pushed = snd_.iss;
  const ReceiveState fresh;
  rcv_ = fresh;
  if (repair_.is_on) {
    negotiated_ = {.timestamps = false, .sack = false, .window_scale = negotiated_.window_scale, .ecn = false};
    snd_.iss = repaired_send - 1;
    snd_.una = snd_.nxt = snd_.end = snd_.up = snd_.small_end = snd_.pushed = repaired_send;
    rcv_.nxt = rcv_.copied = rcv_.wup = repaired_receive;
  }
  // The peer's clock went on from there, and its segments will have stamps: PAWS tells the old connection's from the new one's.
  rcv_.ts_recent = reused.ts_recent;
  rcv_.ts_recent_at = reused.ts_recent_at;
  prepare_sizes(route_, route_metrics(), 0, reused.is_valid);
  draw_transmit_hash();
  // Until the peer says what it takes.
  snd_.peer_mss = tcp_options->max_segment != 0 ? tcp_options->max_segment : demux_.remote.is_v4() ? 536 : 1220;
  begin_mtu_search(entry);
  update_mss(entry, snd_.path_mtu);
  rtt_.reset();
  apply_rto_bounds();
  recovery_ = RecoveryState();
  const TunableValues& tunables = stack().tunables().values();
  recovery_.reordering = static_cast<uint32_t>(tunables.tcp_reordering);
  const CongestionAlgorithm* by_route = route_metrics().congestion;
  congestion_.choose(stack().hal(), by_route != nullptr ? *by_route : *congestion_.algorithm);
  congestion_.cwnd = initial_window_;
  congestion_.ssthresh = CongestionState::kNoThreshold;
  congestion_.max_in_flight = 0;
  congestion_.is_cwnd_limited = false;
  statistics_ = TcpStatistics();
  fast_open_ = FastOpenState();
}

// What the route and the options say of segment and window sizes, before the peer has spoken.
// `filled_by`: the segments that will fill the window; 0: as large as we announce, or less where they have stamps.
void TcpSocket::prepare_sizes(const Route& route, const RouteMetrics& metrics, uint32_t filled_by, bool have_stamps) {
  const bool is_v4 = route.destination.is_v4();
  const uint32_t mtu = std::min<uint32_t>(route.mtu == 0 ? route.output->mtu() : route.mtu, is_v4 ? 65535 : 65575);
  snd_.path_mtu = mtu;
  uint32_t advertised = largest_segment(mtu, route.destination);
  if (metrics.get(RouteMetric::AdvertisedSegment) != 0) advertised = metrics.get(RouteMetric::AdvertisedSegment);
  if (tcp_options->max_segment != 0) advertised = std::min<uint32_t>(advertised, tcp_options->max_segment);
  rcv_.advertised_mss = static_cast<uint16_t>(advertised);
  rcv_.window_clamp = tcp_options->window_clamp != 0 ? tcp_options->window_clamp : metrics.get(RouteMetric::Window);
  acks_at_once_ = metrics.get(RouteMetric::QuickAck) != 0;
  const uint32_t initial = metrics.get(RouteMetric::InitialCongestionWindow);
  initial_window_ = static_cast<uint16_t>(std::min(initial == 0 ? CongestionState::kInitialWindow : initial, 65535u));
  congestion_.cwnd = initial_window_;
  // A receive buffer that the user chose bounds the window for good.
  if (options.receive_buffer_locked && (rcv_.window_clamp == 0 || rcv_.window_clamp > full_window()))
    rcv_.window_clamp = full_window();
  rcv_.wnd = 0;
  guess_segment_size();
  choose_initial_window(metrics, filled_by != 0 ? filled_by : segment_with_stamps(rcv_.advertised_mss, have_stamps));
}

RouteMetrics TcpSocket::route_metrics() const {
  if (!stack().routes().has_metrics()) return RouteMetrics();
  FlowKey key = flow_key();
  if (key.source.is_unspecified()) key.source = route_.source;
  return stack().routes().metrics_of(key);
}

// The route's least timeout comes before the user's, where it is locked (tcp_rto_min).
void TcpSocket::set_rto_bounds() {
  const RouteMetrics metrics = route_metrics();
  const bool by_route = metrics.is_locked(RouteMetric::LeastRto);
  rtt_.set_rto_bounds(by_route ? Duration::millis(metrics.get(RouteMetric::LeastRto)) : tcp_options->min_rto.get(),
                      tcp_options->max_rto);
}

void TcpSocket::apply_rto_bounds() {
  set_rto_bounds();
  rtt_.set_initial_rto(RttEstimator::kInitialRto);
}

// Linux's tcp_init_buffer_space: the send buffer holds two windows, the receive buffer is measured from here. A part of it, and
// one segment's room at least, is kept from the window for the application (tcp_app_win).
void TcpSocket::initialise_buffers() {
  expand_send_buffer();
  const uint32_t most = full_window(), segment = rcv_.advertised_mss;
  const auto share = static_cast<uint32_t>(stack().tunables().values().tcp_app_win);
  uint32_t clamp = rcv_.window_clamp;
  if (clamp >= most) {
    clamp = most;
    if (share != 0 && most > 4 * segment) clamp = std::max(most - (most >> share), 4 * segment);
  }
  if (share != 0 && clamp > 2 * segment && clamp + segment > most) clamp = std::max(2 * segment, most - std::min(most, segment));
  rcv_.window_clamp = clamp;
  rcv_.window_goal = std::min(rcv_.window_goal, clamp);
  autotune_.copied_seq = rcv_.copied;
  autotune_.space = std::min({rcv_.window_goal, rcv_.wnd, CongestionState::kInitialWindow * segment});
}

void TcpSocket::expand_send_buffer() {
  if (options.send_buffer_locked || is_under_pressure()) return;
  constexpr uint32_t kOverhead = 320 + 320;
  const uint32_t segment = std::bit_ceil(std::max<uint32_t>(snd_.mss, snd_.peer_mss) + kOverhead) + 256;
  const uint32_t segments = std::max({CongestionState::kInitialWindow, congestion_.cwnd, recovery_.reordering + 1});
  const uint64_t wanted = uint64_t{congestion_.algorithm->send_buffer_factor} * segments * segment;
  const auto most = static_cast<uint64_t>(stack().tunables().values().tcp_wmem[2]);
  if (wanted > options.send_buffer)
    options.send_buffer = static_cast<uint32_t>(std::max<uint64_t>(options.send_buffer, std::min(wanted, most)));
}

Result<> TcpSocket::disconnect(Entry& entry) {
  {
    TaskOwnership ownership(lock_, entry);
    phase_ = Phase::Unconnected;
    count_disconnect();
    end_connection(entry);
  }
  // Across loopback the reset arrives within the call: the peer's waiters hear of it before our own do.
  entry.flush();
  wake_for_state(kPollError);
  return ok();
}

}  // namespace lxnet
