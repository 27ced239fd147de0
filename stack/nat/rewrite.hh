// Packets rewritten to other addresses and ports, sums included, in stack/nat/rewrite.cc. Linux's nf_nat_proto.c.
#pragma once

#include "stack/filter/filter_packet.hh"
#include "stack/nat/nat.hh"

namespace lxnet {

// The packet, its front at the IP header, gets the source or the destination of the target. False: no memory.
bool rewrite_packet(FilterPacket& seen, const FlowTuple& target, NatSide side);
// An ICMP error: the packet it cites gets that of `cited`, on the other side of what it gets itself. False: no memory, or broken.
bool rewrite_icmp_error(FilterPacket& seen, const FlowTuple& cited, const FlowTuple& target, NatSide side);

}  // namespace lxnet
