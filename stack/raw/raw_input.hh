// What IP calls when a packet for raw sockets has come in, or an error about one we sent. Rows of stack/ip/transport.cc.
#pragma once

#include "stack/ip/transport.hh"

namespace lxnet {

// Every packet for us passes here before its transport: front at the transport header, IpInfo in control(), network_header()
// marked (a raw IPv4 socket sees the IP header). Gives clones to the raw sockets that want it and says whether one of them is of
// this protocol: then nobody is told that the protocol is unknown.
bool raw_receive(Entry& entry, const Packet& packet);
void raw_receive_error(Entry& entry, const IpError& error);

// A packet about to be forwarded whose router-alert option asks routers to look at it (RFC 2113, RFC 2711), its front at the IP
// header. True: a socket with IP_ROUTER_ALERT or IPV6_ROUTER_ALERT has it, and it goes no further.
bool raw_receive_alert4(Entry& entry, const Packet& packet);
bool raw_receive_alert6(Entry& entry, const Packet& packet, uint16_t value);

}  // namespace lxnet
