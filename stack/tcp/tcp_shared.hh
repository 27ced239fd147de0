// TcpShared: what the TCP of a stack shares: counts that limits apply to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lxnet {

struct CongestionAlgorithm;

class TcpShared {
 public:
  void add_time_wait(int change) { __atomic_fetch_add(&time_waits_, change, __ATOMIC_RELAXED); }
  int time_waits() const { return __atomic_load_n(&time_waits_, __ATOMIC_RELAXED); }
  void add_orphan(int change) { __atomic_fetch_add(&orphans_, change, __ATOMIC_RELAXED); }
  int orphans() const { return __atomic_load_n(&orphans_, __ATOMIC_RELAXED); }

  // What new sockets use; net.ipv4.tcp_congestion_control. Null: the default.
  const CongestionAlgorithm* congestion = nullptr;

 private:
  int time_waits_ = 0;
  int orphans_ = 0;
};

}  // namespace lxnet
