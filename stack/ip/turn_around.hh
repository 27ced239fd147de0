// Turning around: a packet of ours to us over `lo` is handed to its transport without going through the device and IP's input.
//
// IP wrote its header a moment ago, and its sender's route said that it is for us: there is nothing to check, look up or put
// together. Its header stays in front of it, and all counters say what they would have said. Whoever would look at it on its way
// (taps, rules, raw sockets, a device that wraps `lo`) makes it take the long way; so do fragments, options and any protocol but
// TCP and UDP.
#pragma once

#include "stack/ip/output.hh"

namespace lxnet {

// Front at the IP header, whole, and counted as sent by IP.
bool may_turn_around(Entry& entry, const Packet& packet, const Route& route, IpFamily family);
void ip_turn_around(Entry& entry, Ref<Packet> packet, Interface& loopback);
// The other side, with no lock held.
void ip_receive_turned(Entry& entry, Ref<Packet> packet);

// The same, asked before IP has written a header: the front is the transport's, the route and the mode say that the packet is
// never cut and has no number.
bool may_turn_unsent4(Entry& entry, const Packet& packet, const Route& route, PathMtuMode mode);
// Writes the header, fills IpInfo and counts all that sending and receiving would count; the front stays where it is.
void ip4_turn_unsent(Entry& entry, Packet& packet, const Route& route, const IpSendOptions& options);
// Of a packet that became part of one that has turned already; the size is its own, IP header included.
void ip4_count_turned(Entry& entry, size_t size, uint8_t tos);

}  // namespace lxnet
