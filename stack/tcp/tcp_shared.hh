// TcpShared: what the TCP of a stack shares: counts that limits apply to, and what is remembered of peers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/sharing.hh"
#include "hal/mutex.hh"
#include "stack/tcp/fast_open/keys.hh"
#include "stack/tcp/peer_cache.hh"

namespace lxnet {

struct CongestionAlgorithm;

class TcpShared {
 public:
  explicit TcpShared(const Hal& hal) : peers_(hal), fast_open_(hal) {}

  // Buffers of all sockets, in pages of 4096 bytes: what net.ipv4.tcp_mem limits.
  static constexpr uint32_t kPage = 4096;
  int64_t change_memory(int64_t pages, Sharing sharing) { return fetch_add(memory_pages_, pages, sharing) + pages; }
  int64_t memory_pages() const { return __atomic_load_n(&memory_pages_, __ATOMIC_RELAXED); }
  // Entered above the second number, left below the first.
  bool is_under_pressure() const { return __atomic_load_n(&pressure_, __ATOMIC_RELAXED) != 0; }
  // True: it was not so before.
  bool set_pressure(bool is_on) { return __atomic_exchange_n(&pressure_, uint32_t{is_on}, __ATOMIC_RELAXED) != uint32_t{is_on}; }

  void add_time_wait(int change) { __atomic_fetch_add(&time_waits_, change, __ATOMIC_RELAXED); }
  int time_waits() const { return __atomic_load_n(&time_waits_, __ATOMIC_RELAXED); }
  void add_orphan(int change) { __atomic_fetch_add(&orphans_, change, __ATOMIC_RELAXED); }
  int orphans() const { return __atomic_load_n(&orphans_, __ATOMIC_RELAXED); }

  // RFC 5961, 7: challenge ACKs of the whole stack, at most about `limit` in each second; how many exactly nobody can foresee,
  // for who could count them would learn of others' connections by it.
  bool admit_challenge(const Hal& hal, Instant now, uint32_t limit) {
    const auto second = static_cast<uint32_t>(now.in_nanos() / 1'000'000'000);
    if (__atomic_exchange_n(&challenge_second_, second, __ATOMIC_RELAXED) != second) {
      const auto spread = static_cast<uint32_t>(uint64_t{hal.random<uint32_t>()} * limit >> 32);
      __atomic_store_n(&challenges_left_, (limit + 1) / 2 + spread, __ATOMIC_RELAXED);
    }
    uint32_t left = __atomic_load_n(&challenges_left_, __ATOMIC_RELAXED);
    while (left != 0) {
      if (__atomic_compare_exchange_n(&challenges_left_, &left, left - 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return true;
    }
    return false;
  }

  // What new sockets use; net.ipv4.tcp_congestion_control. Null: the default.
  const CongestionAlgorithm* congestion = nullptr;
  // What anybody may choose, a congestion_bit() each; net.ipv4.tcp_allowed_congestion_control.
  uint32_t allowed_congestion = ~0u;

  // PeerCache for all sockets.
  class Peers {
   public:
    explicit Peers(const Hal& hal) : mutex_(hal, LockRank::TcpPeers), cache_(hal) {}

    std::optional<PeerMetrics> find(const PeerCache::Pair& pair, const RouteMetrics& route, Instant now);
    void learn(const PeerCache::Pair& pair, const PeerReport& report, const RouteMetrics& route, Instant now);
    void doubt(const PeerCache::Pair& pair, const RouteMetrics& route, Instant now);
    PeerCache::Server find_server(const PeerCache::Pair& pair, const RouteMetrics& route, Instant now);
    void learn_server(const PeerCache::Pair& pair, const PeerCache::ServerNews& news, const RouteMetrics& route, Instant now);
    // visit(const PeerCache::Record&), under the lock.
    template <typename Visitor>
    void for_each(Visitor&& visit) {
      MutexLock lock(mutex_);
      cache_.for_each(visit);
    }
    size_t forget(const IpAddress& remote, const IpAddress* local);
    void forget_all();

   private:
    Mutex mutex_;
    PeerCache cache_ GUARDED_BY(mutex_);
  };
  Peers& peers() { return peers_; }

  // RFC 7413, for all sockets of the stack.
  class FastOpen {
   public:
    explicit FastOpen(const Hal& hal) : mutex_(hal, LockRank::FastOpen) {}

    FastOpenKeys keys();
    void set_keys(const FastOpenKeys& keys);
    // Draws one unless there is one: the first server needs it.
    void ensure_key();

    // RFC 7413, 7.1: a network that swallows what Fast Open sends makes the whole host do without for a while, longer each time.
    void note_black_hole(Instant now);
    bool is_paused(Instant now, Duration pause);
    bool has_been_paused() const { return __atomic_load_n(&black_holes_, __ATOMIC_RELAXED) != 0; }
    void forget_black_holes() { __atomic_store_n(&black_holes_, 0u, __ATOMIC_RELAXED); }

   private:
    Mutex mutex_;
    FastOpenKeys keys_ GUARDED_BY(mutex_);
    Instant black_hole_at_ GUARDED_BY(mutex_);
    uint32_t black_holes_ = 0;  // in a row
  };
  FastOpen& fast_open() { return fast_open_; }

 private:
  int time_waits_ = 0;
  int orphans_ = 0;
  int64_t memory_pages_ = 0;
  uint32_t pressure_ = 0;
  uint32_t challenge_second_ = 0, challenges_left_ = 0;
  Peers peers_;
  FastOpen fast_open_;
};

}  // namespace lxnet
