// PeerCache: what past connections taught of a pair of addresses, for those to come (RFC 9040): round-trip times, windows,
// reordering, and what Fast Open remembers of servers (RFC 7413, 4.1.3.1): their cookies and MSS.
//
// Linux's tcp_metrics. Invariants: a chain holds at most kDepth pairs, of which a new one takes the place of the oldest; what was
// learnt more than an hour ago is forgotten when it is asked for, but for Fast Open's part.
#pragma once

#include <optional>

#include "base/list.hh"
#include "base/siphash.hh"
#include "base/time.hh"
#include "hal/memory.hh"
#include "stack/ip_address.hh"
#include "stack/route/route_metrics.hh"
#include "stack/wire/tcp_options.hh"

namespace lxnet {

struct PeerMetrics {
  uint32_t rtt_8 = 0;                                  // smoothed, microseconds times 8
  uint32_t rttvar_4 = 0;                               // microseconds times 4
  uint32_t threshold = 0, window = 0, reordering = 0;  // segments; 0: not known
  // What the route does not let be learnt.
  bool locks_rtt = false, locks_rttvar = false, locks_threshold = false, locks_window = false, locks_reordering = false;

  static PeerMetrics from(const RouteMetrics& route);
};

// A connection's end.
struct PeerReport {
  enum class Window : uint8_t {
    InSlowStart,  // the first, which nothing ended
    Settled,      // avoiding congestion, and nothing lost
    Disturbed,    // it says little
  };
  uint32_t rtt_8 = 0, mdev_4 = 0;
  uint32_t window = 0, threshold = 0;
  uint32_t reordering = 0;  // 0: as it was at first
  Window kind = Window::InSlowStart;
  bool saves_threshold = false;
};

class PeerCache {
 public:
  struct Pair {
    IpAddress local, remote;
    uint64_t hash;
    static Pair of(const SipKey& key, const IpAddress& local, const IpAddress& remote) {
      return {local, remote, siphash_1_3(key, remote)};
    }
  };
  struct Server {
    uint16_t mss = 0;  // 0: unknown
    TcpFastOpenCookie cookie;
  };
  // Linux's try_exp: of a server that gave no cookie, the experimental option is tried once.
  enum class Experiment : uint8_t { None, Try, Failed };
  struct ServerNews {
    uint16_t mss = 0;
    const TcpFastOpenCookie* cookie = nullptr;
    Experiment experiment = Experiment::None;
  };

  explicit PeerCache(const Hal& hal) : hal_(hal) {}
  PeerCache(const PeerCache&) = delete;
  PeerCache& operator=(const PeerCache&) = delete;
  ~PeerCache();

  // `route`: what the way there says of itself, for what begins anew.
  std::optional<PeerMetrics> find(const Pair& pair, const RouteMetrics& route, Instant now);
  // Forgets silently where there is no memory, as those below.
  void learn(const Pair& pair, const PeerReport& report, const RouteMetrics& route, Instant now);
  // The connection had no round trip, or its last one has failed.
  void doubt(const Pair& pair, const RouteMetrics& route, Instant now);

  Server find_server(const Pair& pair, const RouteMetrics& route, Instant now);
  void learn_server(const Pair& pair, const ServerNews& news, const RouteMetrics& route, Instant now);

  // What is known of a pair, as it is told to who asks.
  struct Record {
    IpAddress local, remote;
    Instant learnt_at;
    PeerMetrics metrics;
    Server server;
  };
  // visit(const Record&), chain after chain, the newest of each first.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (size_t i = 0; chains_ != nullptr && i < kChains; ++i) {
      for (const Peer& peer : chains_[i]) {
        visit(Record{peer.local, peer.remote, peer.learnt_at, peer.metrics, peer.server});
      }
    }
  }
  // Of pairs with this remote end, and this local one where it is given. How many there were.
  size_t forget(const IpAddress& remote, const IpAddress* local);
  void forget_all();

  size_t size() const { return size_; }

  static constexpr size_t kChains = 1024, kDepth = 6;
  static constexpr Duration kLife = Duration::seconds(3600);

 private:
  struct Peer {
    ListLink chain_link;
    IpAddress local, remote;
    Instant learnt_at;
    PeerMetrics metrics;
    Server server;
    Experiment experiment = Experiment::None;
  };
  using Chain = List<Peer, &Peer::chain_link>;

  Peer* find_fresh(const Pair& pair, const RouteMetrics& route, Instant now);
  Peer* find_or_add(const Pair& pair, const RouteMetrics& route, Instant now);
  Peer* take_place(Chain& chain);

  const Hal& hal_;
  Chain* chains_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lxnet
