// What a connection tells those after it, and learns from those before it (RFC 9040; Linux's tcp_update_metrics() and
// tcp_init_metrics()).
#include <algorithm>

#include "stack/stack.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

PeerCache::Pair TcpSocket::peer_pair() const { return PeerCache::Pair::of(stack().sockets().key(), demux_.local, demux_.remote); }

// Of an end in good order: one with a TIME-WAIT, or from LAST-ACK.
void TcpSocket::tell_peer_metrics(Entry& entry) {
  const TunableValues& tunables = stack().tunables().values();
  if (tunables.tcp_no_metrics_save != 0) return;
  TcpShared::Peers& peers = stack().tcp().peers();
  if (recovery_.backoff != 0 || !rtt_.has_sample()) return peers.doubt(peer_pair(), route_metrics(), entry.now());
  PeerReport report{.rtt_8 = rtt_.srtt_micros_times_8(),
                    .mdev_4 = rtt_.mdev_micros(),
                    .window = congestion_.cwnd,
                    .threshold = congestion_.ssthresh,
                    .saves_threshold = tunables.tcp_no_ssthresh_metrics_save == 0};
  if (congestion_.ssthresh < CongestionState::kNoThreshold) {
    const bool is_settled = !congestion_.in_slow_start() && congestion_.loss_state == LossState::Open;
    report.kind = is_settled ? PeerReport::Window::Settled : PeerReport::Window::Disturbed;
  }
  if (recovery_.reordering != static_cast<uint32_t>(tunables.tcp_reordering)) report.reordering = recovery_.reordering;
  peers.learn(peer_pair(), report, route_metrics(), entry.now());
}

// The handshake is over. The round-trip time of before makes the first timeout, and no more. What a route says of itself counts,
// as on Linux, from the second connection on, when it has become a part of what is remembered.
void TcpSocket::use_peer_metrics(Entry& entry) {
  congestion_.ssthresh = CongestionState::kNoThreshold;  // a SYN that was lost said nothing of data
  const std::optional<PeerMetrics> known = stack().tcp().peers().find(peer_pair(), route_metrics(), entry.now());
  if (known) {
    if (known->locks_window) congestion_.cwnd_clamp = known->window;
    const bool uses_threshold = stack().tunables().values().tcp_no_ssthresh_metrics_save == 0;
    if (uses_threshold && known->threshold != 0) congestion_.ssthresh = std::min(known->threshold, congestion_.cwnd_clamp);
    if (known->reordering != 0) recovery_.reordering = known->reordering;
  }
  if (known && known->rtt_8 > rtt_.srtt_micros_times_8()) {
    rtt_.expect(known->rtt_8);
  } else if (!rtt_.has_sample()) {
    rtt_.assume_slow_path();
  }
  congestion_.cwnd = std::min(congestion_.cwnd, congestion_.cwnd_clamp);
}

// Somebody has answered from there (Linux's tcp_peer_is_proven()).
bool TcpSocket::has_proven_peer(Entry& entry, const SynRequest& request) const {
  const PeerCache::Pair pair = PeerCache::Pair::of(stack().sockets().key(), request.local.address, request.remote.address);
  const std::optional<PeerMetrics> known = stack().tcp().peers().find(pair, metrics_to(request), entry.now());
  return known && known->rtt_8 != 0;
}

}  // namespace lxnet
