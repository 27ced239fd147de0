// Addresses of our own that connections are mapped to, in stack/nat/nat_sources.cc. Linux's nf_nat_masquerade.c, _redirect.c.
#pragma once

#include "stack/nat/nat.hh"

namespace lxnet {

// At POSTROUTING: the address that what leaves by the packet's interface has. Of the range flags and parts count.
FilterVerdict masquerade(FilterPacket& packet, NatRange range);
// At PREROUTING the first address of the interface it came in by; at OUTPUT the loopback address.
FilterVerdict redirect(FilterPacket& packet, NatRange range);

}  // namespace lxnet
