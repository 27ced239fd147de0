// What this host does with the options of an IPv4 packet: it records itself in those it receives, forwards and sends.
#pragma once

#include "netdev/packet.hh"
#include "stack/ip_address.hh"
#include "stack/wire/ipv4_options.hh"

namespace lxnet {

class Entry;

// Checks the options of a packet that has just been routed, front at the IP header, and writes into them what we record: `own`,
// the address it came to, and the time. From then on the header is read with Ipv4Options::from_recorded(). EINVAL: they are
// wrong, at `bad_position`.
Result<Ipv4Options> ip4_receive_options(Entry& entry, Packet& packet, Ipv4Address own, uint8_t& bad_position);

// Fills what is reserved in options about to leave. A timestamp that asks for another host is passed on as it is.
void ip4_record(Entry& entry, Ipv4Options& options, Ipv4Address own);

// The options of a packet that has been received, as they were left by ip4_receive_options(); none of IPv6.
ByteSpan ip4_options_of(const Packet& packet);

// What an answer to them carries; nothing where they are wrong. EINVAL: they leave room for part of an entry; Linux gives no
// answer then.
Result<Ipv4Options> ip4_reply_options(ByteSpan options, Ipv4Address sender);

// Where a packet with these options goes first, on its way to `destination`.
inline IpAddress ip4_first_hop(const Ipv4Options& options, const IpAddress& destination) {
  return options.has_source_route() ? IpAddress(options.first_hop()) : destination;
}

}  // namespace lxnet
