// PacketPool: where packets and data blocks come from and return to, and the stack's bound on the memory they hold.
//
// Allocation on the packet path takes from a free list of the running processor and reaches the HAL only when that is empty.
#pragma once

#include "hal/memory.hh"
#include "hal/mutex.hh"
#include "netdev/packet.hh"

namespace lxnet {

class PacketPool {
 public:
  // `limit` bounds the bytes of live packets and blocks; past it create() gives ENOBUFS.
  PacketPool(const Hal& hal, size_t limit);
  ~PacketPool();  // every packet and block must have returned

  const Hal& hal() const { return hal_; }
  size_t bytes_live() const;
  size_t limit() const { return limit_; }
  // Gives cached free memory back to the HAL.
  void trim();

 private:
  friend class Packet;
  friend class DataBlock;

  const Hal& hal_;
  size_t limit_;
};

}  // namespace lxnet
