// Whether packets are stamped as they come in: all are while there is a socket, of whichever kind, that wants to know when its
// packets came (net_enable_timestamp()).
#pragma once

#include <cstdint>

#include "base/assert.hh"

namespace lxnet {

struct SocketOptions;

class StampDemand {
 public:
  bool is_there() const { return __atomic_load_n(&sockets_, __ATOMIC_RELAXED) != 0; }

 private:
  friend class StampWish;
  uint32_t sockets_ = 0;
};

// One socket's part in it. Its options are changed under the lock of whoever sets them.
class StampWish {
 public:
  StampWish() = default;
  StampWish(const StampWish&) = delete;
  StampWish& operator=(const StampWish&) = delete;
  ~StampWish() { ASSERT(is_counted_ == 0); }

  // The options may have changed.
  void follow(StampDemand& demand, const SocketOptions& options);
  // The socket goes.
  void withdraw(StampDemand& demand);

 private:
  uint32_t is_counted_ = 0;  // four bytes, because not every machine exchanges one
};

// A packet is received that came at `stamp`, 0 if nobody noted when: what SIOCGSTAMP tells from now on (sock_recv_cmsgs()).
void keep_stamp(const SocketOptions& options, int64_t& last, int64_t stamp);
// Likewise of what the error queue tells (sock_recv_timestamp(), which is not asked first whether anybody wants it).
void keep_report_stamp(const SocketOptions& options, int64_t& last, int64_t stamp);

}  // namespace lxnet
