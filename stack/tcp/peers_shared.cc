// PeerCache under its lock.
#include "stack/tcp/tcp_shared.hh"

namespace lxnet {

using Peers = TcpShared::Peers;

std::optional<PeerMetrics> Peers::find(const PeerCache::Pair& pair, const RouteMetrics& route, Instant now) {
  MutexLock lock(mutex_);
  return cache_.find(pair, route, now);
}

void Peers::learn(const PeerCache::Pair& pair, const PeerReport& report, const RouteMetrics& route, Instant now) {
  MutexLock lock(mutex_);
  cache_.learn(pair, report, route, now);
}

void Peers::doubt(const PeerCache::Pair& pair, const RouteMetrics& route, Instant now) {
  MutexLock lock(mutex_);
  cache_.doubt(pair, route, now);
}

PeerCache::Server Peers::find_server(const PeerCache::Pair& pair, const RouteMetrics& route, Instant now) {
  MutexLock lock(mutex_);
  return cache_.find_server(pair, route, now);
}

void Peers::learn_server(const PeerCache::Pair& pair, const PeerCache::ServerNews& news, const RouteMetrics& route, Instant now) {
  MutexLock lock(mutex_);
  cache_.learn_server(pair, news, route, now);
}

size_t Peers::forget(const IpAddress& remote, const IpAddress* local) {
  MutexLock lock(mutex_);
  return cache_.forget(remote, local);
}

void Peers::forget_all() {
  MutexLock lock(mutex_);
  cache_.forget_all();
}

}  // namespace lxnet
