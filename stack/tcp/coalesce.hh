// Receive coalescing (GRO): segments of one stream that arrive together pass TCP as one.
//
// While more frames wait in the entry, a segment is held back; the next one joins it when the two are what segmentation would
// have made of one: the same connection, acknowledgment, options, TTL and ECN mark, one behind the other, all but the last of one
// length. Everything else lets the held one go first. Nothing is held once the entry has no more input.
#pragma once

#include "stack/entry.hh"

namespace lxnet {

// A packet whose header and checksum are good, its front at the TCP header. Delivers it, or holds it.
void tcp_coalesce(Entry& entry, Ref<Packet> packet);
void tcp_deliver_held(Entry& entry);
// tcp_input.cc: to whoever the packet is for.
void tcp_deliver(Entry& entry, Ref<Packet> packet);

}  // namespace lxnet
