// What this host does with the options of an IPv4 packet: it records itself in those it receives, forwards and sends.
#pragma once

#include "netdev/packet.hh"
#include "stack/wire/ipv4_options.hh"

namespace lxnet {

class Entry;

// Checks the options of a packet that has just been routed, front at the IP header, and writes into them what we record: `own`,
// the address it came to, and the time. From then on the header is read with Ipv4Options::from_recorded(). EINVAL: they are
// wrong, at `bad_position`.
Result<Ipv4Options> ip4_receive_options(Entry& entry, Packet& packet, Ipv4Address own, uint8_t& bad_position);

// Fills what is reserved in options about to leave. A timestamp that asks for another host is passed on as it is.
void ip4_record(Entry& entry, Ipv4Options& options, Ipv4Address own);

// What an answer carries to a packet whose options were received with ip4_receive_options().
Ipv4Options ip4_reply_options(ByteSpan options, Ipv4Address sender);

}  // namespace lxnet
