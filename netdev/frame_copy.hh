// A frame as a wire carries it from one stack to another: the bytes and what a receiver may know of them, nothing of the
// sender's.
#pragma once

#include "netdev/packet_pool.hh"

namespace lxnet {

// ENOBUFS.
Result<Ref<Packet>> copy_frame(PacketPool& pool, const Packet& packet);

}  // namespace lxnet
