// Fragments put together for somebody who only looks at what passes.
#pragma once

#include "netdev/packet.hh"
#include "stack/entry.hh"

namespace lxnet {

// A copy of an IPv4 packet that passes, its front at its header, nothing of which was checked (Linux's ip_check_defrag): a
// fragment is kept, and null comes back, until the packet is whole. Anything else goes through. These are other queues than the
// stack's own, and each device's are its own: a whole frame has the link header of its first fragment.
Ref<Packet> ip4_gather_seen(Entry& entry, Ref<Packet> packet);

}  // namespace lxnet
