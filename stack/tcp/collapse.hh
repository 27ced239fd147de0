// Packing a queue of received packets: what costs more than twice what it carries is copied together, in pieces of 32 KiB at
// most.
#pragma once

#include "netdev/packet_pool.hh"

namespace lxnet {

// Packets in sequence order, ReceivedSegment filled in. How many were packed; where memory runs out the rest stays as it is.
uint32_t collapse_packets(PacketPool& pool, PacketQueue& packets);

}  // namespace lxnet
