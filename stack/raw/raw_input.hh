// What IP calls when a packet for raw sockets has come in, or an error about one we sent. Rows of stack/ip/transport.cc.
#pragma once

#include "stack/ip/transport.hh"

namespace lxnet {

// Every packet for us passes here before its transport: front at the transport header, IpInfo in control(), network_header()
// marked (a raw IPv4 socket sees the IP header). Gives clones to the raw sockets that want it and says whether one of them is of
// this protocol: then nobody is told that the protocol is unknown.
bool raw_receive(Entry& entry, const Packet& packet);
void raw_receive_error(Entry& entry, const IpError& error);

}  // namespace lxnet
