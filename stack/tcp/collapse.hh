// Packing a queue of received packets: what costs more than twice what it carries is copied together, in pieces of 32 KiB at
// most.
#pragma once

#include "base/seqnum.hh"
#include "netdev/packet_pool.hh"

namespace lxnet {

// Of the receive queue, as Linux's tcp_collapse() does it: from the first packet that costs too much for what it carries, or of
// which a part has been read, everything is copied into pieces of a page. `ratio`: of memory that may be payload, in 256ths.
uint32_t collapse_received(PacketPool& pool, PacketQueue& packets, SeqNum copied, uint32_t ratio);

// Packets in sequence order, ReceivedSegment filled in. How many were packed; where memory runs out the rest stays as it is.
uint32_t collapse_packets(PacketPool& pool, PacketQueue& packets);

}  // namespace lxnet
