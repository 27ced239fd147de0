#include "stack/tcp/peer_cache.hh"

#include <algorithm>
#include <new>

namespace lxnet {
namespace {

// Overestimated is better than underestimated: more is taken at once, less by an eighth of the difference.
uint32_t smoothed_rtt(uint32_t known, uint32_t measured) { return measured >= known ? measured : known - (known - measured) / 8; }

uint32_t smoothed_variance(uint32_t known, uint32_t measured) {
  return measured >= known ? measured : known - (known - measured) / 4;
}

void learn_window(PeerMetrics& metrics, const PeerReport& report) {
  if (metrics.locks_window) return;
  switch (report.kind) {
    case PeerReport::Window::InSlowStart:
      metrics.window = std::max(metrics.window, report.window);
      break;
    case PeerReport::Window::Settled:
      metrics.window = (metrics.window + report.window) / 2;
      break;
    case PeerReport::Window::Disturbed:
      metrics.window = (metrics.window + report.threshold) / 2;
  }
}

void learn_threshold(PeerMetrics& metrics, const PeerReport& report) {
  if (metrics.locks_threshold || !report.saves_threshold) return;
  switch (report.kind) {
    case PeerReport::Window::InSlowStart:
      if (metrics.threshold != 0) metrics.threshold = std::max(metrics.threshold, report.window / 2);
      break;
    case PeerReport::Window::Settled:
      metrics.threshold = std::max(report.window / 2, report.threshold);
      break;
    case PeerReport::Window::Disturbed:
      if (metrics.threshold != 0) metrics.threshold = std::max(metrics.threshold, report.threshold);
  }
}

}  // namespace

// A route's round-trip times are in milliseconds, scaled as ours.
PeerMetrics PeerMetrics::from(const RouteMetrics& route) {
  return {.rtt_8 = route.get(RouteMetric::Rtt) * 1000,
          .rttvar_4 = route.get(RouteMetric::RttVariance) * 1000,
          .threshold = route.get(RouteMetric::SlowStartThreshold),
          .window = route.get(RouteMetric::CongestionWindow),
          .reordering = route.get(RouteMetric::Reordering),
          .locks_rtt = route.is_locked(RouteMetric::Rtt),
          .locks_rttvar = route.is_locked(RouteMetric::RttVariance),
          .locks_threshold = route.is_locked(RouteMetric::SlowStartThreshold),
          .locks_window = route.is_locked(RouteMetric::CongestionWindow),
          .locks_reordering = route.is_locked(RouteMetric::Reordering)};
}

PeerCache::~PeerCache() {
  if (chains_ == nullptr) return;
  forget_all();
  for (size_t i = 0; i < kChains; ++i) chains_[i].~Chain();
  hal_.free(chains_, kChains * sizeof(Chain));
}

size_t PeerCache::forget(const IpAddress& remote, const IpAddress* local) {
  size_t count = 0;
  for (size_t i = 0; chains_ != nullptr && i < kChains; ++i) {
    Peer* next = nullptr;
    for (Peer* peer = chains_[i].front(); peer != nullptr; peer = next) {
      next = chains_[i].next(*peer);
      if (peer->remote != remote || (local != nullptr && peer->local != *local)) continue;
      chains_[i].remove(*peer);
      dispose(hal_, peer);
      ++count;
    }
  }
  size_ -= count;
  return count;
}

void PeerCache::forget_all() {
  for (size_t i = 0; chains_ != nullptr && i < kChains; ++i) {
    while (Peer* peer = chains_[i].take_front()) dispose(hal_, peer);
  }
  size_ = 0;
}

PeerCache::Peer* PeerCache::find_fresh(const Pair& pair, const RouteMetrics& route, Instant now) {
  if (chains_ == nullptr) return nullptr;
  Chain& chain = chains_[pair.hash % kChains];
  for (Peer* peer = chain.front(); peer != nullptr; peer = chain.next(*peer)) {
    if (peer->local != pair.local || peer->remote != pair.remote) continue;
    if (now > peer->learnt_at + kLife) {
      peer->metrics = PeerMetrics::from(route);
      peer->learnt_at = now;
    }
    return peer;
  }
  return nullptr;
}

// The oldest's, where there are enough. In no chain; null: no memory.
PeerCache::Peer* PeerCache::take_place(Chain& chain) {
  size_t depth = 0;
  Peer* oldest = nullptr;
  for (Peer* peer = chain.front(); peer != nullptr; peer = chain.next(*peer), ++depth) {
    if (oldest == nullptr || peer->learnt_at < oldest->learnt_at) oldest = peer;
  }
  if (depth < kDepth) {
    Peer* peer = construct<Peer>(hal_);
    if (peer != nullptr) ++size_;
    return peer;
  }
  chain.remove(*oldest);
  oldest->server = Server();
  oldest->experiment = Experiment::None;
  return oldest;
}

PeerCache::Peer* PeerCache::find_or_add(const Pair& pair, const RouteMetrics& route, Instant now) {
  if (Peer* known = find_fresh(pair, route, now)) return known;
  if (chains_ == nullptr) {
    chains_ = static_cast<Chain*>(hal_.alloc(kChains * sizeof(Chain), alignof(Chain)));
    if (chains_ == nullptr) return nullptr;
    for (size_t i = 0; i < kChains; ++i) new (&chains_[i]) Chain();
  }
  Chain& chain = chains_[pair.hash % kChains];
  Peer* peer = take_place(chain);
  if (peer == nullptr) return nullptr;
  peer->local = pair.local;
  peer->remote = pair.remote;
  peer->learnt_at = now;
  peer->metrics = PeerMetrics::from(route);
  chain.push_front(*peer);
  return peer;
}

std::optional<PeerMetrics> PeerCache::find(const Pair& pair, const RouteMetrics& route, Instant now) {
  const Peer* peer = find_fresh(pair, route, now);
  return peer == nullptr ? std::nullopt : std::optional(peer->metrics);
}

void PeerCache::learn(const Pair& pair, const PeerReport& report, const RouteMetrics& route, Instant now) {
  Peer* peer = find_or_add(pair, route, now);
  if (peer == nullptr) return;
  PeerMetrics& metrics = peer->metrics;
  // How far the times are from each other is a deviation too, of which a half is in its unit.
  const uint32_t distance = std::max(metrics.rtt_8, report.rtt_8) - std::min(metrics.rtt_8, report.rtt_8);
  if (!metrics.locks_rtt) metrics.rtt_8 = smoothed_rtt(metrics.rtt_8, report.rtt_8);
  if (!metrics.locks_rttvar) metrics.rttvar_4 = smoothed_variance(metrics.rttvar_4, std::max(distance / 2, report.mdev_4));
  learn_window(metrics, report);
  learn_threshold(metrics, report);
  if (report.kind == PeerReport::Window::Disturbed && !metrics.locks_reordering)
    metrics.reordering = std::max(metrics.reordering, report.reordering);
  peer->learnt_at = now;
}

void PeerCache::doubt(const Pair& pair, const RouteMetrics& route, Instant now) {
  Peer* peer = find_fresh(pair, route, now);
  if (peer != nullptr && !peer->metrics.locks_rtt) peer->metrics.rtt_8 = 0;
}

PeerCache::Server PeerCache::find_server(const Pair& pair, const RouteMetrics& route, Instant now) {
  const Peer* peer = find_fresh(pair, route, now);
  if (peer == nullptr) return {};
  Server server = peer->server;
  if (server.cookie.size == 0 && peer->experiment == Experiment::Try) server.cookie.form = TcpFastOpenCookie::Form::Experimental;
  return server;
}

void PeerCache::learn_server(const Pair& pair, const ServerNews& news, const RouteMetrics& route, Instant now) {
  Peer* peer = find_or_add(pair, route, now);
  if (peer == nullptr) return;
  Server& server = peer->server;
  if (news.mss != 0) server.mss = news.mss;
  if (news.cookie != nullptr && news.cookie->size != 0) {
    server.cookie = *news.cookie;
  } else if (news.experiment > peer->experiment && server.cookie.size == 0 &&
             server.cookie.form == TcpFastOpenCookie::Form::Assigned) {
    peer->experiment = news.experiment;
  }
}

}  // namespace lxnet
