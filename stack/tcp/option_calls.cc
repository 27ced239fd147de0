// Linux's do_tcp_setsockopt and do_tcp_getsockopt, as far as they are more than a field.
#include "stack/tcp/option_calls.hh"

#include <algorithm>

#include "stack/stack.hh"

namespace lxnet {
namespace {

template <typename V>
Result<> set(TcpSocket& socket, V TcpSocketOptions::*member, std::type_identity_t<V> value) {
  return socket.tcp_options.set(socket.stack().hal(), member, value);
}

}  // namespace

// Switched on, what waits goes: but a cork holds all the same.
Result<> TcpOptionCalls::set_no_delay(Entry& entry, TcpSocket& socket, int value) {
  TaskOwnership ownership(socket.lock_, entry);
  TRY(set(socket, &TcpSocketOptions::no_delay, value != 0));
  // A cork holds what is written from now on (Linux: "an explicit push, which overrides even TCP_CORK").
  if (value != 0) socket.push_pending(entry, TcpSocket::Nagle::Push);
  return ok();
}

Result<> TcpOptionCalls::set_cork(Entry& entry, TcpSocket& socket, int value) {
  TaskOwnership ownership(socket.lock_, entry);
  TRY(set(socket, &TcpSocketOptions::cork, value != 0));
  if (value == 0) socket.push_pending(entry, socket.tcp_options->no_delay ? TcpSocket::Nagle::Push : TcpSocket::Nagle::Default);
  return ok();
}

// Not a state but an event, as on Linux: it acknowledges what is owed and leaves interactive mode until the traffic says
// otherwise.
Result<> TcpOptionCalls::set_quick_ack(Entry& entry, TcpSocket& socket, int value) {
  TaskOwnership ownership(socket.lock_, entry);
  if (value == 0) {
    socket.become_interactive();
    return ok();
  }
  socket.ack_.pingpong = 0;
  if (socket.in(kMaySend) && socket.ack_.is_scheduled) {
    socket.ack_.saw_push = true;
    socket.ack_after_read(entry, 1);
    if ((value & 1) == 0) socket.become_interactive();
  }
  return ok();
}

Result<int> TcpOptionCalls::quick_ack(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  return socket.is_interactive() ? 0 : 1;
}

Result<> TcpOptionCalls::set_max_segment(Entry& entry, TcpSocket& socket, int value) {
  if (value != 0 && (value < 88 || value > 32767)) return Errno::EINVAL;
  TaskOwnership ownership(socket.lock_, entry);
  return set(socket, &TcpSocketOptions::max_segment, static_cast<uint16_t>(value));
}

Result<int> TcpOptionCalls::max_segment(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  if (socket.in(TcpState::Closed | TcpState::Listen) && socket.tcp_options->max_segment != 0)
    return socket.tcp_options->max_segment;
  return socket.snd_.mss;
}

Result<> TcpOptionCalls::set_keep_idle(Entry& entry, TcpSocket& socket, int seconds) {
  TaskOwnership ownership(socket.lock_, entry);
  TRY(set(socket, &TcpSocketOptions::keep_idle, Duration::seconds(seconds)));
  // Time that passed idle counts.
  if (socket.options->keep_alive && !socket.in(TcpState::Closed | TcpState::Listen)) {
    const Duration idle = socket.rcv_.silence(entry.now());
    socket.arm_keep_alive(entry, std::max(Duration::seconds(seconds) - idle, Duration()));
  }
  return ok();
}

Result<> TcpOptionCalls::set_window_clamp(Entry& entry, TcpSocket& socket, int value) {
  TaskOwnership ownership(socket.lock_, entry);
  if (value == 0) {
    if (!socket.in(TcpState::Closed)) return Errno::EINVAL;
    TRY(set(socket, &TcpSocketOptions::window_clamp, 0));
    socket.rcv_.window_clamp = 0;
    return ok();
  }
  TcpSocketOptions* own = TRY(socket.tcp_options.change(socket.stack().hal()));
  socket.clamp_window(static_cast<uint32_t>(std::max(value, 0)));
  own->window_clamp = socket.rcv_.window_clamp;
  return ok();
}

Result<int> TcpOptionCalls::window_clamp(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  // A listener's own window is where requests' are worked out.
  return static_cast<int>(socket.in(TcpState::Listen) ? socket.tcp_options->window_clamp : socket.rcv_.window_clamp);
}

// Seconds become SYN-ACKs, one second and doubling, up to two minutes apart; and back.
Result<> TcpOptionCalls::set_defer_accept(Entry& entry, TcpSocket& socket, int seconds) {
  uint8_t retransmits = 0;
  int period = 1, timeout = 1;
  if (seconds > 0) {
    retransmits = 1;
    while (seconds > period && retransmits < 255) {
      ++retransmits;
      timeout = std::min(timeout * 2, 120);
      period += timeout;
    }
  }
  TaskOwnership ownership(socket.lock_, entry);
  return set(socket, &TcpSocketOptions::defer_accept, retransmits);
}

Result<int> TcpOptionCalls::defer_accept(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  int period = 0, timeout = 1;
  for (uint8_t i = 0; i < socket.tcp_options->defer_accept; ++i) {
    period += timeout;
    timeout = std::min(timeout * 2, 120);
  }
  return period;
}

Result<> TcpOptionCalls::set_not_sent_low_water(Entry& entry, TcpSocket& socket, int value) {
  TaskOwnership ownership(socket.lock_, entry);
  TRY(set(socket, &TcpSocketOptions::not_sent_low_water, static_cast<uint32_t>(value)));
  socket.announce_space(entry);
  return ok();
}

// tcp_enable_tx_delay(): a queueing discipline would hold segments back, and none is here. What every Linux does is to count the
// round trip of a live connection longer by it at once.
Result<> TcpOptionCalls::set_transmit_delay(Entry& entry, TcpSocket& socket, int micros) {
  TaskOwnership ownership(socket.lock_, entry);
  const int change = micros - socket.tcp_options->transmit_delay_micros;
  TRY(set(socket, &TcpSocketOptions::transmit_delay_micros, micros));
  if (change != 0 && socket.in(TcpState::Established)) socket.rtt_.lengthen(change);
  return ok();
}

bool TcpOptionCalls::has_seen_end(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  return socket.saw_fin_;
}

// tcp_set_rcvlowat().
void TcpOptionCalls::make_room_for_low_water(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  const auto wanted = static_cast<uint32_t>(socket.options->receive_low_water);
  if (!socket.in(TcpState::Listen) && socket.is_readable(socket.options->receive_low_water))
    socket.wake(kPollIn | kPollPriority | kPollReadNormal | kPollReadBand);
  if (socket.options.receive_buffer_locked) return;
  const auto space = static_cast<uint32_t>((uint64_t{wanted} << 8) / socket.rcv_.scaling_ratio);
  if (space <= socket.options.receive_buffer) return;
  socket.options.receive_buffer = space;
  if (socket.rcv_.window_clamp != 0 && socket.rcv_.window_clamp < wanted) socket.rcv_.window_clamp = wanted;
}

Result<> TcpOptionCalls::set_rto_bounds(Entry& entry, TcpSocket& socket, Duration least, Duration most) {
  TaskOwnership ownership(socket.lock_, entry);
  TRY(set(socket, &TcpSocketOptions::min_rto, least));
  TRY(set(socket, &TcpSocketOptions::max_rto, most));
  socket.set_rto_bounds();
  return ok();
}

// The lowest bit says of what unit the clock is: Linux's default is milliseconds.
Result<int> TcpOptionCalls::timestamp(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  return static_cast<int>(socket.timestamp_at(entry.now()) & ~1u);
}

Result<> TcpOptionCalls::take_saved_syn(Entry& entry, TcpSocket& socket, size_t room, SavedSyn& out, size_t& size) {
  TaskOwnership ownership(socket.lock_, entry);
  RareParts* rare = socket.rare();
  size = rare == nullptr ? 0 : rare->saved_syn.bytes().size();
  if (size == 0) return ok();
  if (room < size) return Errno::EINVAL;
  out = std::move(rare->saved_syn);
  return ok();
}

Result<> TcpOptionCalls::set_congestion(Entry& entry, TcpSocket& socket, std::span<const char> name) {
  const CongestionAlgorithm* algorithm = find_congestion_algorithm(name);
  if (algorithm == nullptr) return Errno::ENOENT;
  TaskOwnership ownership(socket.lock_, entry);
  const bool is_under_way = !socket.in(TcpState::Closed | TcpState::Listen);
  if (is_under_way) {
    const RouteMetrics metrics = socket.route_metrics();
    if (metrics.congestion != nullptr && metrics.is_locked(RouteMetric::CongestionControl)) return Errno::EPERM;
  }
  if (algorithm == socket.congestion_.algorithm) return ok();
  const bool is_for_all =
      (__atomic_load_n(&socket.stack().tcp().allowed_congestion, __ATOMIC_RELAXED) & congestion_bit(*algorithm)) != 0;
  if (!is_for_all && !socket.stack().hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  const Hal& hal = socket.stack().hal();
  if (is_under_way) return socket.congestion_.start(hal, *algorithm, socket.congestion_facts(entry.now())) ? ok() : Errno::ENOMEM;
  socket.congestion_.choose(hal, *algorithm);
  return ok();
}

const char* TcpOptionCalls::congestion(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  return socket.congestion_.algorithm->name;
}

size_t TcpOptionCalls::congestion_info(Entry& entry, TcpSocket& socket, std::span<uint8_t, CongestionAlgorithm::kMaxInfo> out) {
  TaskOwnership ownership(socket.lock_, entry);
  const CongestionAlgorithm* algorithm = socket.congestion_.algorithm;
  return algorithm == nullptr || algorithm->info == nullptr
             ? 0
             : algorithm->info(socket.congestion_, socket.congestion_facts(entry.now()), out);
}

// ------------------------------------------------------------------------------------------------------------- TCP_INFO

TcpInfo TcpOptionCalls::info(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  return info_owned(socket, entry.now());
}

TcpInfo TcpOptionCalls::info_owned(const TcpSocket& socket, Instant now) {
  TcpInfo info{};
  fill_state(info, socket, now);
  if (!socket.in(TcpState::Listen)) fill_counters(info, socket, now);
  return info;
}

void TcpOptionCalls::fill_state(TcpInfo& info, const TcpSocket& socket, Instant now) {
  info.state = linux_tcp_state(socket.state());
  info.snd_cwnd = socket.congestion_.cwnd;
  info.reordering = socket.recovery_.reordering;
  info.pacing_rate = std::min(socket.congestion_.pacing_rate, socket.options->max_pacing_rate);
  info.max_pacing_rate = socket.options->max_pacing_rate;
  if (socket.in(TcpState::Listen)) return socket.describe_listener(info);
  const NegotiatedOptions& agreed = socket.negotiated_;
  // What was agreed is told when all is over too. Without a window of the peer's, or its acknowledgment, nothing was.
  const bool is_synchronized =
      kSynchronized.contain(socket.state()) || socket.snd_.max_wnd != 0 || socket.snd_.una != socket.snd_.iss;
  const bool has_path = socket.snd_.path_mtu != 0;  // connected, or it tried
  info.ca_state = static_cast<uint8_t>(socket.congestion_.loss_state);
  info.retransmits = socket.recovery_.retransmits;
  info.probes = socket.recovery_.probes_out;
  info.backoff = socket.recovery_.backoff;
  if (is_synchronized) {
    info.options = static_cast<uint8_t>(
        (socket.fast_open_.data_acknowledged ? kInfoSynData : 0) | (socket.fast_open_.is_child ? kInfoFastOpenChild : 0) |
        (agreed.timestamps ? kInfoTimestamps : 0) | (agreed.sack ? kInfoSack : 0) | (agreed.window_scale ? kInfoWindowScale : 0) |
        (agreed.ecn ? kInfoEcn : 0) | (socket.ecn_ce_seen_ ? kInfoEcnSeen : 0));
    if (agreed.window_scale) info.window_scales = static_cast<uint8_t>(socket.snd_.window_shift | socket.rcv_.window_shift << 4);
  } else if (agreed.ecn) {
    info.options = kInfoEcn;  // said by the SYN
  }
  info.flags = static_cast<uint8_t>((socket.statistics_.rate_app_limited ? 1 : 0) | socket.fast_open_.failure << 1);
  info.rto = static_cast<uint32_t>(socket.current_rto().in_micros());
  info.ato = static_cast<uint32_t>(std::min(socket.ack_.ato.get(), socket.longest_ack_delay()).in_micros());
  info.snd_mss = socket.snd_.mss;
  info.rcv_mss = has_path ? socket.rcv_.mss : 0u;
  info.unacked = socket.recovery_.out;
  info.sacked = socket.recovery_.sacked;
  info.lost = socket.recovery_.lost;
  info.retrans = socket.recovery_.retransmitted;
  const auto ago = [now](InstantInMillis when) { return static_cast<uint32_t>(when.age(now).in_millis()); };
  info.last_data_sent = ago(socket.snd_.last_data_at);
  info.last_data_recv = ago(socket.rcv_.last_data_at);
  info.last_ack_recv = ago(socket.rcv_.last_segment_at);
  info.pmtu = socket.snd_.path_mtu;
  info.rcv_ssthresh = socket.rcv_.window_goal;
  info.rtt = socket.rtt_.srtt_micros();
  constexpr uint32_t kUnknownDeviation = 1'000'000;  // a first timeout, before there is a sample
  const uint32_t deviation = socket.rtt_.mdev_micros();
  info.rttvar = (deviation == 0 && !socket.rtt_.has_sample() ? kUnknownDeviation : deviation) >> 2;
  info.snd_ssthresh = socket.congestion_.ssthresh;
  info.advmss = has_path ? socket.rcv_.advertised_mss : 0u;
  info.rcv_rtt = socket.autotune_.rtt_8_micros >> 3;
  info.rcv_space = socket.autotune_.space;
}

void TcpOptionCalls::fill_counters(TcpInfo& info, const TcpSocket& socket, Instant now) {
  TcpStatistics statistics = socket.statistics_;
  // What goes on still counts.
  statistics.account(TcpStatistics::Limit::None, now);
  statistics.end_timeouts(now);
  info.total_retrans = statistics.total_retransmits;
  info.bytes_acked = statistics.bytes_acked;
  info.bytes_received = statistics.bytes_received;
  info.segs_out = statistics.segments_out;
  info.segs_in = statistics.segments_in;
  info.notsent_bytes = socket.snd_.end.bytes_since(socket.snd_.nxt);
  info.min_rtt = socket.rtt_.min_micros();
  info.data_segs_in = statistics.data_segments_in;
  info.data_segs_out = statistics.data_segments_out;
  if (statistics.rate_interval_micros != 0) {
    info.delivery_rate = uint64_t{statistics.rate_delivered} * socket.snd_.mss * 1'000'000 / statistics.rate_interval_micros;
  }
  info.busy_time = uint64_t{statistics.busy_millis} * 1000;
  info.rwnd_limited = uint64_t{statistics.window_limited_millis} * 1000;
  info.sndbuf_limited = uint64_t{statistics.buffer_limited_millis} * 1000;
  info.delivered = socket.congestion_.delivered;
  info.delivered_ce = statistics.delivered_ce;
  info.bytes_sent = statistics.bytes_sent;
  info.bytes_retrans = statistics.bytes_retransmitted;
  info.dsack_dups = socket.recovery_.dsack_duplicates;
  info.reord_seen = socket.recovery_.reordering_seen;
  info.rcv_ooopack = statistics.out_of_order_packets;
  info.snd_wnd = socket.snd_.wnd;
  info.rcv_wnd = socket.rcv_.wnd;
  info.rehash = statistics.timeout_rehashes;
  info.total_rto = statistics.total_rto;
  info.total_rto_recoveries = statistics.total_rto_recoveries;
  info.total_rto_time = statistics.total_rto_millis;
}

}  // namespace lxnet
